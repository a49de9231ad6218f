import { stat } from "node:fs/promises";
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { checkModelFile } from "../models/files.js";
import type { NativeAdapterConfig, NativeAdapterFacts, NativeModelFacts } from "../native/addon-types.js";
import type { EngineHost } from "../native/engine-host.js";
import { allModels, describeRole, type ModelChoice, type ModelSet } from "./model-set.js";

/** An adapter of one model, as a file that llama.cpp reads. */
export interface AdapterFile {
    /** As it was given: a file, or a PEFT folder. */
    readonly source: string;
    /** The GGUF file. */
    readonly path: string;
    readonly scale: number;
    readonly facts: NativeAdapterFacts;
    /** What is worth knowing of a PEFT folder. */
    readonly notes: readonly string[];
}

/** Of every model that has any. */
export type AdaptersByModel = ReadonlyMap<ModelChoice, readonly AdapterFile[]>;

/**
 * Looks at all adapters before anything is loaded, and proves that each fits its model.
 * @throws ERR_ADAPTER_INVALID, ERR_ADAPTER_MISMATCH, ERR_ADAPTER_UNSUPPORTED, and what a file that cannot be read gives
 */
export async function inspectAdapters(
    addon: EngineHost,
    models: ModelSet,
    facts: ReadonlyMap<string, NativeModelFacts>
): Promise<AdaptersByModel> {
    const found = new Map<ModelChoice, readonly AdapterFile[]>();
    for (const model of allModels(models)) {
        const files = await inspectAdaptersOf(addon, model, facts.get(model.path)!);
        if (files.length > 0) found.set(model, files);
    }
    return found;
}

/** A model with adapters on it, as far as they are concerned. */
export type AdaptedModel = Pick<ModelChoice, "role" | "pair" | "path" | "adapters">;

/** The same for one model. @throws likewise */
export async function inspectAdaptersOf(
    addon: Pick<EngineHost, "inspectAdapter">,
    model: AdaptedModel,
    facts: NativeModelFacts
): Promise<AdapterFile[]> {
    const files: AdapterFile[] = [];
    for (const { path: source, scale } of model.adapters) {
        const path = await adapterFile(source, model, facts);
        const found = await inspectAdapter(addon, path, model);
        files.push({ source, path, scale, facts: found, notes: path === source ? [] : await peftNotes(source, found) });
    }
    return files;
}

async function peftNotes(folder: string, { rank }: NativeAdapterFacts): Promise<string[]> {
    const { rankNotes, readPeftConfig } = await import("../checkpoint/peft-config.js");
    return rankNotes(await readPeftConfig(folder), rank);
}

/**
 * Brings back converted adapters that were removed from the cache since: an engine that is started anew wants them.
 * @throws ERR_MODEL_LOAD where a PEFT folder holds another adapter by now; what its conversion throws
 */
export async function restoreAdapters(
    adapters: AdaptersByModel,
    facts: ReadonlyMap<string, NativeModelFacts>
): Promise<void> {
    for (const [model, files] of adapters) {
        for (const { source, path } of files) {
            if (source === path) continue;
            const { restoreConverted } = await import("../checkpoint/adapter-cache.js");
            if (await restoreConverted(source, facts.get(model.path)!, path)) continue;
            const message =
                `The adapter ${shortenMiddle(source)} of ${describeRole(model)} is not the one that the engine was loaded with: it has been replaced. ` +
                "Dispose of the engine and load it again.";
            throw new RastError("ERR_MODEL_LOAD", message, {
                details: { role: model.role, pair: model.pair, path: source }
            });
        }
    }
}

/** What native code is told of a model's adapters. */
export function nativeAdapters(files: readonly AdapterFile[] | undefined): NativeAdapterConfig[] {
    return (files ?? []).map(({ path, scale, facts }) => ({ path, scale, fingerprint: facts.fingerprint }));
}

/** What adapters of a role leave as it is, in sentences. */
export function adapterNotes(adapters: AdaptersByModel): string[] {
    return [...adapters].flatMap(([model, files]) => [
        ...files.flatMap(({ notes }) => notes),
        ...files
            .filter(({ facts }) => facts.leftOut.length > 0)
            .map(({ facts, source }) => {
                const [first] = facts.leftOut;
                const count = facts.leftOut.length === 1 ? "a norm" : `${facts.leftOut.length} norms`;
                return `The adapter ${source} of ${describeRole(model)} changes ${count} (${first}), which llama.cpp leaves as they are.`;
            })
    ]);
}

async function adapterFile(path: string, model: AdaptedModel, facts: NativeModelFacts): Promise<string> {
    const isFolder = await stat(path).then(
        (found) => found.isDirectory(),
        () => false
    );
    if (isFolder) {
        const { convertedAdapter } = await import("../checkpoint/adapter-cache.js");
        return convertedAdapter(path, facts);
    }
    const details = { role: model.role, pair: model.pair };
    await checkModelFile(path, { what: `the adapter of ${describeRole(model)}`, details });
    return path;
}

async function inspectAdapter(
    addon: Pick<EngineHost, "inspectAdapter">,
    path: string,
    model: AdaptedModel
): Promise<NativeAdapterFacts> {
    return addon.inspectAdapter(path, model.path).catch((error: unknown) => {
        if (!(error instanceof RastError)) throw error;
        const message = `The adapter for ${describeRole(model)} cannot be used: ${error.message}`;
        const details = { role: model.role, pair: model.pair, ...error.details };
        throw new RastError(error.code, message, { details, cause: error });
    });
}
