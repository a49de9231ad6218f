import { stat } from "node:fs/promises";
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
        const files: AdapterFile[] = [];
        for (const { path: source, scale } of model.adapters) {
            const path = await adapterFile(source, model, facts.get(model.path)!);
            files.push({ source, path, scale, facts: await inspectAdapter(addon, path, model) });
        }
        if (files.length > 0) found.set(model, files);
    }
    return found;
}

/** What native code is told of a model's adapters. */
export function nativeAdapters(files: readonly AdapterFile[] | undefined): NativeAdapterConfig[] {
    return (files ?? []).map(({ path, scale, facts }) => ({ path, scale, fingerprint: facts.fingerprint }));
}

/** What adapters of a role leave as it is, in sentences. */
export function adapterNotes(adapters: AdaptersByModel): string[] {
    return [...adapters].flatMap(([model, files]) =>
        files
            .filter(({ facts }) => facts.leftOut.length > 0)
            .map(({ facts, source }) => {
                const [first] = facts.leftOut;
                const count = facts.leftOut.length === 1 ? "a norm" : `${facts.leftOut.length} norms`;
                return `The adapter ${source} of ${describeRole(model)} changes ${count} (${first}), which llama.cpp leaves as they are.`;
            })
    );
}

async function adapterFile(path: string, model: ModelChoice, facts: NativeModelFacts): Promise<string> {
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

async function inspectAdapter(addon: EngineHost, path: string, model: ModelChoice): Promise<NativeAdapterFacts> {
    return addon.inspectAdapter(path, model.path).catch((error: unknown) => {
        if (!(error instanceof RastError)) throw error;
        const message = `The adapter for ${describeRole(model)} cannot be used: ${error.message}`;
        const details = { role: model.role, pair: model.pair, ...error.details };
        throw new RastError(error.code, message, { details, cause: error });
    });
}
