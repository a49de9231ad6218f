import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { checkNumber, checkString, invalidOption, readArray, readOptions } from "../checks.js";
import { RastError } from "../errors.js";
import { checkQuantization, quantizeInto } from "../gguf/quantize.js";
import { limits } from "../limits.js";
import { OutputFile } from "../machine/output-file.js";
import { abortingProgress } from "../machine/progress-callback.js";
import { refuseSameFile } from "../machine/same-file.js";
import { defaultThreads } from "../machine/threads.js";
import { loadNative } from "../native/binding.js";
import type { NativeAddon } from "../native/addon-types.js";
import { Safetensors } from "../safetensors/reader.js";
import { compareConfig } from "./config-check.js";
import { graftedHead, type GraftedHead, type NewValue } from "./gguf-head.js";
import { planGraft, type GraftPlan } from "./plan.js";
import { readJsonBeside } from "./side-files.js";
import { readTemplate, valueOf, type Template } from "./template.js";
import { TensorTypes } from "./tensor-types.js";
import { compareTokenizer } from "./tokenizer-check.js";
import { writeTensors } from "./write-tensors.js";

/** Options of {@link graftModel}. */
export interface GraftOptions {
    /** GGUF file of the model that the checkpoint was trained from: its metadata and tokenizer are the new file's. */
    readonly template: string;
    /**
     * The checkpoint: a folder with safetensors files, one such file, an index (`*.safetensors.index.json`), or all of the
     * files. Weights are in F32, F16 or BF16. config.json and tokenizer.json beside them are compared with the template.
     */
    readonly weights: string | readonly string[];
    /** Path of the file to write. It appears when it is whole, in place of what is there. */
    readonly output: string;
    /**
     * Quantization, as `rast quantize` takes it ("Q8_0", "Q4_K_M", "F16" ...), in any case.
     * @default each tensor gets the type that it has in the template
     */
    readonly type?: string;
    /** `general.name` of the new file. @default the name of the folder of the weights */
    readonly name?: string;
    /** Conversions at a time, 1 to 512; each takes some 16 MiB. @default physical cores */
    readonly threads?: number;
    /** Called after every piece that is written. What it throws ends the graft, as the cause of an ERR_ABORTED. */
    readonly onProgress?: (progress: GraftProgress) => void;
    /** Ends it: nothing remains. */
    readonly signal?: AbortSignal;
}

/** How far a graft is. */
export interface GraftProgress {
    /** "graft" while tensors are written; "quantize" after that, where the type wants it. */
    readonly step: "graft" | "quantize";
    /** Name of the tensor that was last worked on. */
    readonly tensor: string;
    /** Of the step, 0 to 1. */
    readonly fraction: number;
}

/** What {@link graftModel} made. */
export interface GraftResult {
    /** Absolute path. */
    readonly output: string;
    /** Size of the file. */
    readonly bytes: number;
    /** Tensors in it. */
    readonly tensors: number;
    /** The quantization that the file says it has, e.g. "Q8_0"; null where the template does not say. */
    readonly quantization: string | null;
    /** What differs between the checkpoint and the template and was done about it, and what could not be compared: a sentence each. */
    readonly notes: readonly string[];
}

const optionNames = ["template", "weights", "output", "type", "name", "threads", "onProgress", "signal"] as const;

/**
 * Makes a GGUF file of a checkpoint (safetensors) that was trained from a model whose GGUF file is there: the expert of
 * a checkpoint after reinforcement learning, and the antiexpert. Every tensor's name and shape is checked before anything is written; a
 * few slices of tensors are in memory at a time. Architectures: llama (and mistral), qwen2, qwen3, qwen3moe, gemma2, gemma3, phi3.
 * The file is what llama.cpp's own converter makes, with the template's metadata.
 * @throws ERR_GRAFT for a checkpoint that does not fit, naming file and tensor; ERR_SAFETENSORS for a damaged or incomplete
 *     one; ERR_FILE_UNWRITABLE; ERR_QUANTIZE; ERR_ABORTED; ERR_INVALID_OPTION;
 *     ERR_INVALID_ARGUMENT for an output that is an input; what a damaged or missing template gives
 * @example
 * ```ts no-run
 * import { graftModel } from "rast-llama";
 *
 * const { output, notes } = await graftModel({
 *     template: "qwen2.5-1.5b-q8_0.gguf",
 *     weights: "Qwen-2.5-1.5B-SimpleRL-Zoo",
 *     output: "expert-q8_0.gguf",
 *     onProgress: ({ fraction }) => console.log(`${Math.round(100 * fraction)}%`)
 * });
 * console.log(output, ...notes);
 * ```
 */
export async function graftModel(options: GraftOptions): Promise<GraftResult> {
    const checked = readGraftOptions(options);
    const { signal } = checked;
    try {
        signal?.throwIfAborted();
        return await graft(checked);
    } catch (error) {
        if (signal?.aborted !== true) throw error;
        throw new RastError("ERR_ABORTED", "Grafting was aborted.", { cause: signal.reason });
    }
}

type Checked = Omit<GraftOptions, "weights"> & { readonly weights: string | readonly string[] };

function readGraftOptions(value: GraftOptions): Checked {
    const options = readOptions("graftModel", "the options of graftModel", value, optionNames);
    const text = (name: "template" | "output"): string => checkString(name, options[name]);
    const optional = (name: "type" | "name"): Partial<Record<typeof name, string>> =>
        options[name] === undefined ? {} : { [name]: checkString(name, options[name]) };
    const { weights, threads, onProgress, signal } = options;
    if (onProgress !== undefined && typeof onProgress !== "function")
        throw invalidOption("onProgress", "a function", onProgress);
    if (signal !== undefined && !(signal instanceof AbortSignal))
        throw invalidOption("signal", "an AbortSignal", signal);
    return {
        template: text("template"),
        output: text("output"),
        weights:
            typeof weights === "string"
                ? checkString("weights", weights)
                : readArray("weights", "a path or a list of paths", weights, 4096).map((path) =>
                      checkString("weights", path)
                  ),
        ...optional("type"),
        ...optional("name"),
        ...(threads === undefined ? {} : { threads: checkNumber("threads", threads, limits.threads) }),
        onProgress: abortingProgress("Grafting", onProgress as GraftOptions["onProgress"]),
        ...(signal === undefined ? {} : { signal })
    };
}

async function graft(options: Checked): Promise<GraftResult> {
    const { addon } = await loadNative();
    const type = options.type === undefined ? undefined : await checkQuantization(options.type);
    const template = await readTemplate(addon, resolve(options.template));
    const weights = await Safetensors.open(options.weights, options);
    try {
        const given = typeof options.weights === "string" ? [options.weights] : options.weights; // an index, for instance
        await refuseSameFile(options.output, [...template.files, ...weights.files, ...given, ...besides(weights)]);
        const types = new TensorTypes(addon.tensorTypes(), type, widestOf(weights));
        const plan = await planGraft(template, weights, (tensor) => types.choose(tensor, template.path));
        const { values, notes } = await metadataOf(addon, template, weights, plan, types, options);
        const dropped = (key: string): boolean => key.startsWith("split.") || key.startsWith("quantize.imatrix.");
        const head = await graftedHead(template, plan.tensors, values, dropped);
        const { output, notes: ofTypes } = await write({ addon, template, weights, plan, head, types, options });
        const facts = await addon.inspectModel(output);
        return {
            output,
            bytes: (await stat(output)).size,
            tensors: plan.tensors.length,
            quantization: facts.quantization,
            notes: [...notes, ...plan.notes, ...ofTypes]
        };
    } finally {
        await weights.close();
    }
}

// What is read with the weights.
function besides({ files }: Safetensors): readonly string[] {
    const names = ["model.safetensors.index.json", "config.json", "tokenizer.json", "tokenizer_config.json"];
    return names.map((name) => join(dirname(files[0]!), name));
}

// What the expert says of itself otherwise than the template does, and why.
async function metadataOf(
    addon: NativeAddon,
    template: Template,
    weights: Safetensors,
    plan: GraftPlan,
    types: TensorTypes,
    options: Checked
): Promise<{ values: Map<string, NewValue>; notes: string[] }> {
    const folder = dirname(weights.files[0]!);
    const name = options.name ?? basename(folder);
    const values = new Map<string, NewValue>([["general.name", name]]);
    const notes = [
        `general.name is ${JSON.stringify(name)}, the template's ${JSON.stringify(valueOf(template, "general.name") ?? "")}.`
    ];
    if (types.fileType !== undefined && valueOf(template, "general.file_type") !== types.fileType) {
        values.set("general.file_type", types.fileType);
    }
    // of the file that there will be, not of one in between
    if (types.name !== undefined && template.quantization !== types.name) {
        notes.push(
            `general.file_type says ${types.name}, the template's ${template.quantization ?? "nothing that is known"}.`
        );
    }
    const isQuantized = plan.tensors.some(({ type }) => type.blockSize > 1);
    if (isQuantized && valueOf(template, "general.quantization_version") === undefined) {
        values.set("general.quantization_version", 2);
    }
    if (template.keys.some(({ name: key }) => key.startsWith("quantize.imatrix."))) {
        notes.push("The template was quantized with an importance matrix; the expert is not, and does not say so.");
    }
    const config = await readJsonBeside(folder, "config.json");
    if (config === undefined) notes.push("There is no config.json beside the weights: sizes alone were compared.");
    else {
        const found = compareConfig(config.plain(), template, config.path);
        for (const [key, value] of found.changes) values.set(key, value);
        notes.push(...found.notes);
    }
    const tokenizer = await readJsonBeside(folder, "tokenizer.json");
    if (tokenizer === undefined)
        notes.push("There is no tokenizer.json beside the weights: tokenizers were not compared.");
    else notes.push(...(await compareTokenizer(addon, tokenizer.value, template, tokenizer.path)));
    const settings = (await readJsonBeside(folder, "tokenizer_config.json"))?.plain()["chat_template"];
    if (typeof settings === "string" && template.chatTemplate !== null && settings !== template.chatTemplate) {
        notes.push("The checkpoint's chat template differs from the template's, which is kept.");
    }
    return { values, notes };
}

// What holds all of the weights' numbers exactly, in the fewest bytes.
function widestOf(weights: Safetensors): "F32" | "F16" | "BF16" {
    const dtypes = new Set<string>();
    for (const { dtype } of weights.tensors.values()) dtypes.add(dtype);
    const [only] = dtypes;
    return dtypes.size === 1 && (only === "F16" || only === "BF16") ? only : "F32";
}

interface Work {
    readonly addon: NativeAddon;
    readonly template: Template;
    readonly weights: Safetensors;
    readonly plan: GraftPlan;
    readonly head: GraftedHead;
    readonly types: TensorTypes;
    readonly options: Checked;
}

interface Written {
    /** Its path. */
    readonly output: string;
    readonly notes: readonly string[];
}

async function write({ addon, weights, plan, head, types, options }: Work): Promise<Written> {
    const threads = options.threads ?? (await defaultThreads());
    const { onProgress, signal } = options;
    const what = "the grafted model";
    const opened = { what, expectedBytes: head.fileBytes };
    if (types.quantizeTo === undefined) {
        const file = await OutputFile.open(options.output, opened);
        try {
            await writeTensors(addon, weights, plan, head, file, { threads, onProgress, signal });
            await file.commit();
            return { output: file.path, notes: [] };
        } finally {
            await file.abort();
        }
    }
    // llama.cpp's own mixtures: it makes them of a whole file, which is never seen under a name
    const whole = await OutputFile.open(`${options.output}.unquantized`, opened);
    try {
        await writeTensors(addon, weights, plan, head, whole, { threads, onProgress, signal });
        const file = await OutputFile.open(options.output, { what });
        try {
            const notes = await quantizeInto(file, {
                input: whole.unfinishedPath,
                type: types.quantizeTo,
                threads,
                ...(signal === undefined ? {} : { signal }),
                onProgress: ({ tensor, fraction }) => onProgress?.({ step: "quantize", tensor, fraction })
            });
            await file.commit();
            return { output: file.path, notes };
        } finally {
            await file.abort();
        }
    } finally {
        await whole.abort();
    }
}
