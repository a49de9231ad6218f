import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkOneOf, checkPath, checkSignal, readOptions } from "../checks.js";
import type { AdapterType } from "../checkpoint/adapter-output.js";
import { convertPeft, peftWeightsName } from "../checkpoint/peft-adapter.js";
import { peftConfigName, rankNotes, readPeftConfig } from "../checkpoint/peft-config.js";
import { abortReason, isAborted, watchSignal } from "../engine/abort-signals.js";
import { RastError } from "../errors.js";
import { refuseSameFile } from "../machine/same-file.js";
import { refuseModel } from "./adapter-place.js";
import { checkModelFile } from "../models/files.js";
import type { NativeAdapterFacts } from "../native/addon-types.js";
import { loadNative } from "../native/binding.js";

/** What to convert. */
export interface ConvertAdapterOptions {
    /** The PEFT folder: adapter_config.json with adapter_model.safetensors. */
    adapter: string;
    /** Path of the model it is for (GGUF). */
    model: string;
    /** Path of the adapter (GGUF). It appears when it is whole, in place of what is there; never in place of a model. */
    out: string;
    /** How its numbers are kept. @default "f32" */
    type?: AdapterType | undefined;
    /** Ends the conversion: ERR_ABORTED with the signal's reason as cause, and no file. */
    signal?: AbortSignal | undefined;
}

/** What came of a conversion. */
export interface ConvertedAdapter {
    /** Absolute path of the adapter. */
    readonly path: string;
    /** Size of the file. */
    readonly bytes: number;
    /** The largest rank of its pairs. */
    readonly rank: number;
    /** A pair counts alpha / its rank times. */
    readonly alpha: number;
    /** Tensors of the model that it changes. */
    readonly targets: readonly string[];
    /** What is worth knowing, a sentence each. */
    readonly notes: readonly string[];
}

/**
 * Writes a PEFT adapter as a GGUF adapter for a model. `loadRast` takes PEFT folders as they are and converts them into the user's
 * cache folder; this is for those who want the file.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION; ERR_ADAPTER_INVALID, ERR_ADAPTER_UNSUPPORTED, ERR_ADAPTER_MISMATCH, ERR_SAFETENSORS
 *     naming file and tensor; ERR_INVALID_ARGUMENT for `out` that is an input or another model; ERR_FILE_NOT_FOUND and its kin, ERR_FILE_UNWRITABLE, ERR_ABORTED. Nothing is written then.
 * @example
 * ```ts no-run
 * import { convertAdapter } from "rast-llama";
 *
 * const { rank } = await convertAdapter({ adapter: "my-peft", model: "small.gguf", out: "my-lora.gguf" });
 * console.log(rank);
 * ```
 */
export async function convertAdapter(options: ConvertAdapterOptions): Promise<ConvertedAdapter> {
    const names = ["adapter", "model", "out", "type", "signal"] as const;
    const given = readOptions("convertAdapter", "the options of convertAdapter", options, names);
    const path = (name: "adapter" | "model" | "out"): string => resolve(checkPath(name, given[name]));
    const [adapter, model, out] = [path("adapter"), path("model"), path("out")];
    const type = given.type === undefined ? "f32" : checkOneOf("type", given.type, ["f16", "f32"]);
    const signal = given.signal === undefined ? undefined : checkSignal("signal", given.signal);
    const controller = new AbortController();
    const forget = watchSignal(signal, () => controller.abort());
    try {
        if (isAborted(signal)) controller.abort();
        controller.signal.throwIfAborted();
        await checkModelFile(model, { what: "the model" });
        const { addon } = await loadNative();
        const facts = await addon.inspectModel(model);
        const inputs = [peftConfigName, peftWeightsName].map((name) => join(adapter, name));
        await refuseSameFile(out, [model, ...facts.files, ...inputs]);
        await refuseModel(addon, out);
        let found: NativeAdapterFacts | undefined;
        const inspect = async (path: string): Promise<void> => {
            found = await addon.inspectAdapter(path, model);
        };
        await convertPeft(adapter, facts, out, { type, signal: controller.signal, inspect });
        const { rank, alpha, targets } = found!;
        const notes = rankNotes(await readPeftConfig(adapter), rank);
        return { path: out, bytes: (await stat(out)).size, rank, alpha, targets, notes };
    } catch (error) {
        if (!isAborted(signal)) throw error;
        throw new RastError("ERR_ABORTED", "The conversion was aborted.", { cause: abortReason(signal!) });
    } finally {
        forget();
    }
}
