import type { ChildProcess } from "node:child_process";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import {
    checkNumber,
    checkObject,
    checkString,
    invalidOption,
    readArray,
    readOptions,
    shortenMiddle
} from "../checks.js";
import { isErrorCode, RastError } from "../errors.js";
import { limits } from "../limits.js";
import { OutputFile } from "../machine/output-file.js";
import { abortingProgress } from "../machine/progress-callback.js";
import { refuseSameFile } from "../machine/same-file.js";
import { defaultThreads } from "../machine/threads.js";
import { loadNative } from "../native/binding.js";
import { spawnChild } from "../native/child-process.js";
import type { QuantizeEnd, QuantizeJob } from "./quantize-child.js";

/** Options of {@link quantizeModel}. */
export interface QuantizeOptions {
    /** GGUF file to read; of a split model the first part. */
    readonly input: string;
    /** Path of the file to write. It appears when it is whole, in place of what is there. */
    readonly output: string;
    /** As llama.cpp's tools name it, in any case: "Q8_0", "Q4_K_M", "IQ4_NL", "F16" ... */
    readonly type: string;
    /** Importance matrix that llama.cpp's tools made, in GGUF or in the older format. The smallest types need one. */
    readonly imatrix?: string;
    /** Other types for some tensors; the first pattern that fits a tensor's name counts. */
    readonly tensorTypes?: readonly TensorTypeRule[];
    /** 1 to 512. @default physical cores */
    readonly threads?: number;
    /** Called with every tensor. What it throws ends the work, as the cause of an ERR_ABORTED. */
    readonly onProgress?: (progress: QuantizeProgress) => void;
    /** Ends it at once: nothing remains. */
    readonly signal?: AbortSignal;
}

/** Another type for tensors of some names, as `--tensor-type` of llama.cpp. */
export interface TensorTypeRule {
    /** Regular expression (ECMAScript), looked for in the lower-case name: "ffn_down", "blk\\.[0-3]\\.attn_v". */
    readonly pattern: string;
    /** A type of ggml, in any case: "q8_0", "q6_K", "f16" ... */
    readonly type: string;
}

/** How far a quantization is. */
export interface QuantizeProgress {
    /** The tensor that is worked on. */
    readonly tensor: string;
    /** Tensors that are done, of all: 0 to 1. */
    readonly fraction: number;
}

/** What {@link quantizeModel} made. */
export interface QuantizeResult {
    /** Absolute path. */
    readonly output: string;
    /** Size of the file. */
    readonly bytes: number;
    /** The quantization that the file says it has. */
    readonly quantization: string | null;
    /** What is worth knowing: tensors of another type than was asked for, patterns that fit none; a sentence each. */
    readonly notes: readonly string[];
}

/**
 * The name of a quantization as llama.cpp writes it, "Q4_K_M" for "q4_k_m".
 * @throws ERR_INVALID_OPTION for one that is not known, or that needs an importance matrix where there is none
 */
export async function checkQuantization(type: string, hasMatrix = false): Promise<string> {
    const { addon } = await loadNative();
    const all = addon.quantizations();
    const found = all.find(({ name }) => name === type.toUpperCase());
    if (found !== undefined && (hasMatrix || !found.needsImportanceMatrix)) return found.name;
    const usable = all.filter((one) => hasMatrix || !one.needsImportanceMatrix).map(({ name }) => name.toLowerCase());
    const wrong =
        found === undefined ? `received "${shortenMiddle(type)}"` : `and "${type}" needs an importance matrix`;
    throw new RastError("ERR_INVALID_OPTION", `Expected one of ${usable.join(", ")}; ${wrong}.`, {
        details: { option: "type", type: shortenMiddle(type) }
    });
}

const optionNames = [
    "input",
    "output",
    "type",
    "imatrix",
    "tensorTypes",
    "threads",
    "onProgress",
    "signal"
] as const satisfies readonly (keyof QuantizeOptions)[];

/**
 * Writes a model in another quantization, by llama.cpp's own quantizer, in a process of its own. Its memory does not grow
 * with the model. What is quantized already is widened first, which loses a little more than quantizing the original. Tensors whose
 * rows are no multiple of a type's block (256 for the K types) get the nearest type that fits.
 * @throws ERR_INVALID_OPTION, ERR_INVALID_ARGUMENT (input and output are one file), ERR_FILE_UNWRITABLE, ERR_QUANTIZE, ERR_ABORTED,
 *     and what a damaged or missing input gives
 * @example
 * ```ts no-run
 * import { quantizeModel } from "rast-llama";
 *
 * await quantizeModel({
 *     input: "expert-f16.gguf",
 *     output: "expert-q4_k_m.gguf",
 *     type: "Q4_K_M",
 *     tensorTypes: [{ pattern: "attn_v", type: "q6_K" }],
 *     onProgress: ({ tensor, fraction }) => console.log(tensor, fraction)
 * });
 * ```
 */
export async function quantizeModel(options: QuantizeOptions): Promise<QuantizeResult> {
    const checked = await readQuantizeOptions(options);
    const { addon } = await loadNative();
    const { files } = await addon.inspectModel(checked.input);
    await refuseSameFile(checked.output, [...files, ...(checked.imatrix === undefined ? [] : [checked.imatrix])]);
    const file = await OutputFile.open(checked.output, { what: "the quantized model" });
    try {
        const notes = await quantizeInto(file, checked);
        await file.commit();
        const { quantization } = await addon.inspectModel(file.path);
        return { output: file.path, bytes: (await stat(file.path)).size, quantization, notes };
    } finally {
        await file.abort();
    }
}

async function readQuantizeOptions(value: QuantizeOptions): Promise<QuantizeOptions> {
    const options = readOptions("quantizeModel", "the options of quantizeModel", value, optionNames);
    const { imatrix, tensorTypes, threads, onProgress, signal } = options;
    if (threads !== undefined) checkNumber("threads", threads, limits.threads);
    if (onProgress !== undefined && typeof onProgress !== "function")
        throw invalidOption("onProgress", "a function", onProgress);
    if (signal !== undefined && !(signal instanceof AbortSignal))
        throw invalidOption("signal", "an AbortSignal", signal);
    const input = resolve(checkString("input", options.input));
    const output = checkString("output", options.output);
    const type = await checkQuantization(checkString("type", options.type), imatrix !== undefined);
    return {
        input,
        output,
        type,
        ...(imatrix === undefined ? {} : { imatrix: resolve(checkString("imatrix", imatrix)) }),
        ...(tensorTypes === undefined ? {} : { tensorTypes: await readRules(tensorTypes) }),
        ...(threads === undefined ? {} : { threads: threads as number }),
        onProgress: abortingProgress("Quantizing", onProgress as QuantizeOptions["onProgress"]),
        ...(signal === undefined ? {} : { signal })
    };
}

async function readRules(value: unknown): Promise<TensorTypeRule[]> {
    const { addon } = await loadNative();
    const known = addon.tensorTypes().map(({ name }) => name);
    return readArray("tensorTypes", "a list of patterns and types", value, 1024).map((entry, index) => {
        const name = `tensorTypes[${index}]`;
        const rule = checkObject(name, entry);
        const pattern = checkString(`${name}.pattern`, rule["pattern"]);
        const type = checkString(`${name}.type`, rule["type"]);
        const found = known.find((one) => one.toLowerCase() === type.toLowerCase());
        if (found === undefined) throw invalidOption(`${name}.type`, `one of ${known.join(", ")}`, type);
        return { pattern: pattern.toLowerCase(), type: found };
    });
}

/**
 * Quantizes into a file that its owner commits when this has resolved.
 * @returns what is worth knowing, a sentence each
 * @throws as `quantizeModel`
 */
export async function quantizeInto(
    file: OutputFile,
    options: Omit<QuantizeOptions, "output">
): Promise<readonly string[]> {
    const { input, type, imatrix = "", tensorTypes = [], onProgress, signal } = options;
    const threads = options.threads ?? (await defaultThreads());
    const job: QuantizeJob = {
        input,
        output: file.unfinishedPath,
        options: { type, threads, importanceMatrix: imatrix, tensorTypes }
    };
    const aborted = (): RastError => new RastError("ERR_ABORTED", "Quantizing was aborted.", { cause: signal?.reason });
    const isAborted = (): boolean => signal?.aborted === true;
    if (isAborted()) throw aborted();
    const env = { RAST_BACKEND: "cpu", RAST_LOG: "1", GGML_NO_BACKTRACE: "1" };
    const child = spawnChild(new URL("./quantize-child.js", import.meta.url), [JSON.stringify(job)], {
        env,
        ownGroup: true
    });
    const kill = (): void => void child.kill("SIGKILL");
    signal?.addEventListener("abort", kill);
    process.once("exit", kill);
    try {
        const { idleRules, otherTypes } = await watchChild(child, job, onProgress);
        return [...withoutMatrix(type, imatrix), ...ofOtherTypes(otherTypes), ...ofIdleRules(idleRules, tensorTypes)];
    } catch (error) {
        throw isAborted() ? aborted() : file.underItsName(error);
    } finally {
        signal?.removeEventListener("abort", kill);
        process.off("exit", kill);
        kill();
    }
}

const lastWordsBytes = 16_384;

/** What came of it. */
interface Watched {
    readonly idleRules: readonly number[];
    /** Types that tensors got as theirs did not fit, by name. */
    readonly otherTypes: ReadonlyMap<string, string>;
}

function withoutMatrix(type: string, imatrix: string): string[] {
    if (imatrix !== "" || !type.startsWith("IQ")) return [];
    return [`${type} loses less with an importance matrix (imatrix), which llama.cpp's llama-imatrix makes.`];
}

function ofOtherTypes(types: ReadonlyMap<string, string>): string[] {
    if (types.size === 0) return [];
    const counts = new Map<string, number>();
    for (const type of types.values()) counts.set(type, (counts.get(type) ?? 0) + 1);
    const shown = [...counts].map(([type, count]) => `${type.toUpperCase()} (${count})`).join(", ");
    const which = types.size === 1 ? "One tensor has rows that are" : `${types.size} tensors have rows that are`;
    const [first] = types.keys();
    return [
        `${which} no multiple of the block of its type, so that another one that fits was taken: ${shown}. The first is ${first}.`
    ];
}

function ofIdleRules(rules: readonly number[], all: readonly TensorTypeRule[]): string[] {
    return rules.map((index) => {
        const { pattern, type } = all[index]!;
        return `No tensor has the type ${type} by "${shortenMiddle(pattern)}": it fits no matrix of the model, or those alone that an earlier pattern fits.`;
    });
}

function watchChild(
    child: ChildProcess,
    { input, options }: QuantizeJob,
    onProgress: QuantizeOptions["onProgress"]
): Promise<Watched> {
    return new Promise((settle, reject) => {
        let said = "";
        let words = "";
        let line = "";
        let last = 0;
        let thrown: { readonly error: unknown } | undefined;
        const otherTypes = new Map<string, string>();
        const look = (one: string): void => {
            const [, name, type] = /warning: (\S+) +- ncols.*falling back to +(\w+)/.exec(one) ?? [];
            if (name !== undefined) otherTypes.set(name, type!);
        };
        child.stdin?.on("error", () => {}); // it may be gone
        child.stdout?.setEncoding("utf8").on("data", (text: string) => {
            said = (said + text).slice(-1 << 20);
        });
        child.stderr?.setEncoding("utf8").on("data", (text: string) => {
            words = (words + text).slice(-lastWordsBytes);
            const lines = (line + text).split(/\n|(?=\[ *\d+\/ *\d+\])/);
            line = lines.at(-1)!.slice(-lastWordsBytes);
            lines.slice(0, -1).forEach(look);
            for (const one of lines) {
                // "[   3/  57] blk.0.attn_k.weight - [...": it stands there in parts, and may come twice
                const match = /^\[ *(\d+)\/ *(\d+)\] +(\S+) +- /.exec(one);
                const [number, count] = [Number(match?.[1]), Number(match?.[2])];
                if (match === null || thrown !== undefined || onProgress === undefined || number <= last) continue;
                last = number;
                try {
                    onProgress({ tensor: match[3]!, fraction: (number - 1) / count });
                } catch (error) {
                    thrown = { error };
                    child.kill("SIGKILL");
                }
            }
        });
        child.once("error", (error) => {
            reject(quantizeError(`no process could be started: ${error.message}`, input, options.type, error));
        });
        child.once("close", (code, signal) => {
            // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
            if (thrown !== undefined) return reject(thrown.error);
            look(line);
            const end = parseEnd(said);
            if (end?.done === true) return settle({ idleRules: end.idleRules, otherTypes });
            if (end !== undefined) {
                const known = isErrorCode(end.code) ? end.code : "ERR_INTERNAL";
                return reject(new RastError(known, end.message, { details: end.details }));
            }
            const last = words
                .split("\n")
                .filter((one) => one.trim() !== "")
                .slice(-2)
                .join(" ");
            const how = `llama.cpp ended its process (${signal ?? `exit code ${code}`}): ${shortenMiddle(last, 400)}`;
            reject(quantizeError(how, input, options.type));
        });
    });
}

function parseEnd(said: string): QuantizeEnd | undefined {
    try {
        return JSON.parse(said.trim().split("\n").at(-1)!) as QuantizeEnd;
    } catch {
        return undefined;
    }
}

function quantizeError(why: string, input: string, type: string, cause?: unknown): RastError {
    return new RastError("ERR_QUANTIZE", `${shortenMiddle(input)} could not be quantized to ${type}: ${why}`, {
        details: { path: input, type },
        ...(cause === undefined ? {} : { cause })
    });
}
