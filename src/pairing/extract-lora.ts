// An expert as its antiexpert with an adapter: what that keeps of it.
import { resolve } from "node:path";
import {
    checkBoolean,
    checkNumber,
    checkOneOf,
    checkSignal,
    checkPath,
    checkString,
    invalidOption,
    isArray,
    readArray,
    readOptions
} from "../checks.js";
import type { AdapterType } from "../checkpoint/adapter-output.js";
import { extractAdapter, type ExtractedTensor, type LostTensor } from "../checkpoint/lora-extract.js";
import { abortReason, isAborted, watchSignal } from "../engine/abort-signals.js";
import { RastError } from "../errors.js";
import { limits } from "../limits.js";
import { abortingProgress } from "../machine/progress-callback.js";
import { refuseSameFile } from "../machine/same-file.js";
import { refuseModel } from "./adapter-place.js";
import { defaultThreads } from "../machine/threads.js";
import { checkModelFile } from "../models/files.js";
import { loadNative } from "../native/binding.js";
import { measureEffect, type LoraEffect } from "./lora-effect.js";

/** What to make an adapter of, and how. */
export interface ExtractLoraOptions {
    /** Path of the fine-tuned model (GGUF). */
    expert: string;
    /** Path of the model it was made from: the adapter is for this file. */
    antiexpert: string;
    /** Path of the adapter (GGUF). It appears when it is whole, in place of what is there; never in place of a model. */
    out: string;
    /** Singular values per matrix, 1 to 65,536; no more than a matrix has rows or columns. @default 32 */
    rank?: number | undefined;
    /** How its numbers are kept. @default "f16" */
    type?: AdapterType | undefined;
    /** Matrices worked on at a time, each on a processor, 1 to 512. @default the physical cores that this process may use */
    threads?: number | undefined;
    /**
     * Run expert, antiexpert and antiexpert with the adapter over a few texts, and say how near they are. false: do not; an array:
     * over these beginnings of texts, at most 64, each of which the expert continues.
     * @default true: beginnings of its own
     */
    measure?: boolean | readonly string[] | undefined;
    /** Called with what is being done, and how much of all is done, 0 to 1. An exception in it is the cause of an ERR_ABORTED. */
    onProgress?: ((progress: ExtractLoraProgress) => void) | undefined;
    /**
     * Ends the extraction: ERR_ABORTED with the signal's reason as cause. While matrices are taken apart nothing is left at `out`;
     * once measuring has begun the adapter is whole, and stays.
     */
    signal?: AbortSignal | undefined;
}

/** How far an extraction is. */
export interface ExtractLoraProgress {
    /** "matrices" are taken apart, then "measure": models run over texts. */
    readonly step: "matrices" | "measure";
    /** The matrix that is done; null while measuring. */
    readonly tensor: string | null;
    /** Of this step, 0 to 1. */
    readonly fraction: number;
}

/** What came of an extraction. */
export interface ExtractedLora {
    /** Absolute path of the adapter. */
    readonly path: string;
    /** Size of the file. */
    readonly bytes: number;
    /** The largest of its matrices: what was asked for, where they are as wide and high. */
    readonly rank: number;
    /** How its numbers are kept. */
    readonly type: AdapterType;
    /** Of the squared norm of all differences together, lost ones too, what the adapter holds; 0 to 1. */
    readonly keptShare: number;
    /** The matrices in it. */
    readonly tensors: readonly ExtractedTensor[];
    /** What differs and is not in it: norms, biases, and what llama.cpp has no adapters for; most different first. */
    readonly lost: readonly LostTensor[];
    /** What it does to texts; null unless measured. */
    readonly effect: LoraEffect | null;
}

const optionNames = [
    "expert",
    "antiexpert",
    "out",
    "rank",
    "type",
    "threads",
    "measure",
    "onProgress",
    "signal"
] as const satisfies readonly (keyof ExtractLoraOptions)[];

const mostTexts = 64;

/**
 * Makes a LoRA adapter of what a fine-tuned model has over the model it was made from: a truncated singular value decomposition
 * of every matrix's difference. An expert that is its antiexpert with this adapter needs no weights of its own. The same models
 * give the same file on every machine. Quantization of either model is part of the difference: take files in F16, BF16 or
 * F32 where there are any.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION; ERR_INVALID_ARGUMENT for `out` that is an input or another model; ERR_EXTRACT for models of
 *     different kinds, or without a difference; ERR_ADAPTER_INVALID for factors that f16 cannot hold; for files
 *     ERR_FILE_NOT_FOUND and its kin, ERR_NOT_GGUF, ERR_MODEL_TRUNCATED, ERR_MODEL_INVALID, ERR_FILE_UNWRITABLE, ERR_IS_DIRECTORY;
 *     ERR_ABORTED; with `measure` what `loadRast` throws, when the adapter is written already
 * @example
 * ```ts no-run
 * import { extractLora } from "rast-llama";
 *
 * const { keptShare, bytes } = await extractLora({
 *     expert: "small-rl.gguf",
 *     antiexpert: "small.gguf",
 *     out: "small-rl-r32.gguf",
 *     rank: 32
 * });
 * console.log(`${bytes} bytes hold ${keptShare} of the difference`);
 * ```
 */
export async function extractLora(options: ExtractLoraOptions): Promise<ExtractedLora> {
    const given = readOptions("extractLora", "the options of extractLora", options, optionNames);
    const path = (name: "expert" | "antiexpert" | "out"): string => resolve(checkPath(name, given[name]));
    const [expert, antiexpert, out] = [path("expert"), path("antiexpert"), path("out")];
    const rank = given.rank === undefined ? 32 : checkNumber("rank", given.rank, { ...limits.loraRank, min: 1 });
    const type = given.type === undefined ? "f16" : checkOneOf("type", given.type, ["f16", "f32"]);
    const threads =
        given.threads === undefined ? await defaultThreads() : checkNumber("threads", given.threads, limits.threads);
    const texts = readMeasure(given.measure);
    const onProgress = abortingProgress("The extraction", readCallback(given.onProgress));
    const signal = given.signal === undefined ? undefined : checkSignal("signal", given.signal);

    const controller = new AbortController();
    const forget = watchSignal(signal, () => controller.abort());
    try {
        if (isAborted(signal)) controller.abort();
        controller.signal.throwIfAborted();
        for (const [role, file] of [
            ["expert", expert],
            ["antiexpert", antiexpert]
        ] as const) {
            await checkModelFile(file, { what: `the ${role}`, details: { role } });
        }
        const { addon } = await loadNative();
        const parts = await Promise.all([expert, antiexpert].map((file) => addon.inspectModel(file)));
        await refuseSameFile(
            out,
            parts.flatMap(({ files }) => files)
        );
        await refuseModel(addon, out);
        const tell = (tensor: string, fraction: number): void => onProgress({ step: "matrices", tensor, fraction });
        const made = await extractAdapter({
            ...{ addon, expert, antiexpert, out, rank, type, threads },
            onProgress: tell,
            signal: controller.signal
        });
        controller.signal.throwIfAborted();
        const effect =
            texts === undefined
                ? null
                : await measureEffect({ expert, antiexpert, adapter: out, texts }, controller.signal, (fraction) =>
                      onProgress({ step: "measure", tensor: null, fraction })
                  );
        const largest = Math.max(...made.tensors.map((tensor) => tensor.rank));
        return { path: out, rank: largest, type, ...made, effect };
    } catch (error) {
        if (!isAborted(signal)) throw error;
        const message = "The extraction was aborted.";
        throw new RastError("ERR_ABORTED", message, { cause: abortReason(signal!) });
    } finally {
        forget();
    }
}

// undefined: nothing is measured; an empty list stands for beginnings of its own.
function readMeasure(value: unknown): readonly string[] | undefined {
    if (value === undefined) return [];
    if (!isArray(value)) return checkBoolean("measure", value) ? [] : undefined;
    const expected = `a boolean or an array of 1 to ${mostTexts} texts`;
    const texts = readArray("measure", expected, value, mostTexts);
    if (texts.length === 0) throw invalidOption("measure", expected, value);
    return texts.map((text, index) => checkString(`measure[${index}]`, text));
}

function readCallback(value: unknown): (progress: ExtractLoraProgress) => void {
    if (value === undefined) return () => {};
    if (typeof value !== "function") throw invalidOption("onProgress", "a function", value);
    return value as (progress: ExtractLoraProgress) => void;
}
