// Which files models are loaded from: an output must not take the place of any.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { LoadOptions, ModelOptions } from "../loading/load-options.js";
import type { Adapter, LoraOptions } from "../trio/adapters.js";

/** Every file that a load reads: the trio's, models with all their parts, adapters with what their folders hold. */
export async function filesOfModels(load: LoadOptions): Promise<string[]> {
    const { base, expert, antiexpert, pairs = [] } = load;
    const ofPairs = pairs.flatMap((pair) => [pair.expert, pair.antiexpert]);
    const models = [base, expert, antiexpert, ...ofPairs];
    const paths = [...models.flatMap(pathsOf), ...(load.trio === undefined ? [] : await filesOfTrio(load.trio))];
    return (await Promise.all(paths.map(withParts))).flat();
}

function pathsOf(model: string | ModelOptions | undefined): string[] {
    if (model === undefined) return [];
    if (typeof model === "string") return [model];
    const path = model.path ?? model.model;
    const adapters = [model.lora ?? []].flat<(string | LoraOptions | readonly (string | LoraOptions)[])[]>();
    return [
        ...(path === undefined ? [] : [path]),
        ...adapters.map((adapter) => (typeof adapter === "string" ? adapter : adapter.path))
    ];
}

async function filesOfTrio(trio: string): Promise<string[]> {
    const { resolveTrio } = await import("../trio/trio.js");
    // What is wrong with it is said by who loads it.
    const found = await resolveTrio(trio).catch(() => undefined);
    if (found === undefined) return [trio];
    const { file, base, baseAdapters, pairs } = found;
    const adapterPaths = (adapters: readonly Adapter[]): string[] => adapters.map(({ path }) => path);
    const ofPairs = pairs.flatMap(({ expert, expertAdapters, antiexpert, antiexpertAdapters }) => [
        ...[expert, antiexpert],
        ...adapterPaths([...expertAdapters, ...antiexpertAdapters])
    ]);
    return [file, base, ...adapterPaths(baseAdapters), ...ofPairs];
}

// Of a folder what lies in it; of a split model its other parts.
async function withParts(path: string): Promise<string[]> {
    const inside = await readdir(path).catch(() => undefined);
    if (inside !== undefined) return inside.map((name) => join(path, name));
    const [, stem, parts] = /^(.*-)\d{5}-of-(\d{5})\.gguf$/is.exec(path) ?? [];
    if (stem === undefined) return [path];
    const part = (index: number): string => `${stem}${String(index + 1).padStart(5, "0")}-of-${parts}.gguf`;
    return [path, ...Array.from({ length: Number(parts) }, (_, index) => part(index))];
}
