// What adapter_config.json says of a PEFT adapter, as far as a GGUF adapter can say it too.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { shortenMiddle } from "../checks.js";
import { RastError, type ErrorCode } from "../errors.js";
import { fileSize } from "../models/files.js";
import { JsonProblem, readBoundedJson, type JsonValue } from "../safetensors/bounded-json.js";

/** How much the modules of a PEFT adapter count. */
export interface PeftConfig {
    /** Absolute path of the file. */
    readonly file: string;
    /** Of modules that no pattern names. */
    readonly alpha: number;
    /** By names of modules, or their ends. */
    readonly alphaPatterns: ReadonlyMap<string, number>;
    /** What it says of ranks: `r`, and those of single modules. */
    readonly ranks: readonly number[];
    /** A pair counts alpha / sqrt(rank) times, not alpha / rank. */
    readonly rankStabilized: boolean;
}

/** The file in a PEFT folder. */
export const peftConfigName = "adapter_config.json";
const mostBytes = 4 * 1_048_576;

/** Keys that ask for what llama.cpp's adapters cannot do, unless they have one of these values. */
const plainValues: readonly (readonly [key: string, plain: readonly JsonValue[], what: string])[] = [
    ["use_dora", [false], "it is a DoRA, whose magnitudes a LoRA does not have"],
    ["bias", ["none"], "it changes biases"],
    ["lora_bias", [false], "its factors have biases"],
    ["fan_in_fan_out", [false], "its weights are transposed"],
    ["use_qalora", [false], "it is a QA-LoRA"],
    ["modules_to_save", [], "it has whole modules beside the factors"],
    ["layer_replication", [], "it repeats layers"],
    ["alora_invocation_tokens", [], "it is an activated LoRA (aLoRA), which begins to count in the middle of a text"],
    ["trainable_token_indices", [], "it has tokens trained anew"],
    ["target_parameters", [], "it changes parameters that are no modules"],
    [
        "init_lora_weights",
        [true, false, "gaussian", "orthogonal", "eva"],
        "it begins by changing the model's own weights, so it is for another base: save it with PEFT as a plain LoRA, `save_pretrained(..., path_initial_model_for_weight_conversion=...)`"
    ]
];

/**
 * Reads and checks it.
 * @param folder of the adapter
 * @throws ERR_ADAPTER_INVALID, ERR_ADAPTER_UNSUPPORTED naming file and key; ERR_FILE_NOT_FOUND and its kin
 */
export async function readPeftConfig(folder: string): Promise<PeftConfig> {
    const file = join(folder, peftConfigName);
    const bytes = await fileSize(file, { what: "the PEFT adapter", details: { path: file } });
    if (bytes > mostBytes) throw adapterError("ERR_ADAPTER_INVALID", file, `it has ${bytes} bytes`);
    const handle = await open(file);
    const content = await handle.readFile().finally(() => handle.close());
    const value = await readBoundedJson(content).catch((error: unknown) => {
        if (!(error instanceof JsonProblem)) throw error;
        throw adapterError("ERR_ADAPTER_INVALID", file, `it is not JSON: ${error.message}`);
    });
    if (!(value instanceof Map)) throw adapterError("ERR_ADAPTER_INVALID", file, "it is no object");
    return checkPeftConfig(value as ReadonlyMap<string, JsonValue>, file);
}

/** The checks of `readPeftConfig`; pure. */
export function checkPeftConfig(config: ReadonlyMap<string, JsonValue>, file: string): PeftConfig {
    const type = config.get("peft_type");
    if (type !== "LORA") {
        throw adapterError("ERR_ADAPTER_UNSUPPORTED", file, `peft_type is ${shown(type)}, and not "LORA"`);
    }
    for (const [key, plain, what] of plainValues) {
        const value = config.get(key);
        if (value === undefined || value === null || isEmpty(value) || plain.includes(value)) continue;
        throw adapterError("ERR_ADAPTER_UNSUPPORTED", file, `${what} (${key} is ${shown(value)})`);
    }
    return {
        file,
        alpha: checkAlpha(config.get("lora_alpha"), "lora_alpha", file),
        alphaPatterns: checkPatterns(config.get("alpha_pattern"), file),
        ranks: ranksOf(config),
        rankStabilized: config.get("use_rslora") === true
    };
}

/** A note where the tensors have other ranks than the file says. @param rank the largest of them */
export function rankNotes({ file, ranks }: PeftConfig, rank: number): string[] {
    const said = Math.max(...ranks);
    if (ranks.length === 0 || said === rank) return [];
    return [
        `${shortenMiddle(file)} says that the rank is ${said}, and the tensors have ${rank}: a pair counts alpha / its tensors' rank times.`
    ];
}

function ranksOf(config: ReadonlyMap<string, JsonValue>): number[] {
    const patterns = config.get("rank_pattern");
    const own = patterns instanceof Map ? [...(patterns as ReadonlyMap<string, JsonValue>).values()] : [];
    return [config.get("r"), ...own].filter((rank): rank is number => typeof rank === "number");
}

/** The alpha of a module: that of the first pattern that names it or its end. */
export function alphaOf({ alpha, alphaPatterns }: PeftConfig, module: string): number {
    for (const [pattern, own] of alphaPatterns) {
        const anchored = pattern.startsWith("^");
        const name = anchored ? pattern.slice(1) : pattern;
        if (module === name || (!anchored && module.endsWith(`.${name}`))) return own;
    }
    return alpha;
}

/** The error for an adapter that cannot be converted. */
export function adapterError(code: ErrorCode, file: string, what: string, tensor?: string): RastError {
    const named = tensor === undefined ? "" : `, tensor ${shortenMiddle(tensor)}`;
    return new RastError(code, `The adapter ${shortenMiddle(file)}${named}: ${what}.`, {
        details: { path: file, ...(tensor === undefined ? {} : { tensor: shortenMiddle(tensor) }) }
    });
}

function checkAlpha(value: JsonValue | undefined, key: string, file: string): number {
    if (typeof value !== "number" || !Number.isFinite(value)) {
        throw adapterError("ERR_ADAPTER_INVALID", file, `${key} is ${shown(value)}, and no number`);
    }
    // 0 means "as it is" in a GGUF adapter
    const kept = Math.fround(value);
    if (kept === 0) {
        const what = value === 0 ? "is 0" : `is ${value}, 0 in single precision`;
        throw adapterError("ERR_ADAPTER_INVALID", file, `${key} ${what}: the adapter changes nothing`);
    }
    if (!Number.isFinite(kept)) {
        throw adapterError("ERR_ADAPTER_INVALID", file, `${key} is ${value}, more than single precision holds`);
    }
    return value;
}

// They are regular expressions; those that PEFT itself writes are names.
function checkPatterns(value: JsonValue | undefined, file: string): ReadonlyMap<string, number> {
    if (value === undefined || value === null) return new Map();
    if (!(value instanceof Map)) {
        throw adapterError("ERR_ADAPTER_INVALID", file, `alpha_pattern is ${shown(value)}, and no object`);
    }
    const patterns = new Map<string, number>();
    for (const [pattern, alpha] of value as ReadonlyMap<string, JsonValue>) {
        if (!/^\^?[\w.-]+$/.test(pattern)) {
            const what = `alpha_pattern has the regular expression "${shortenMiddle(pattern)}"; expected names of modules`;
            throw adapterError("ERR_ADAPTER_UNSUPPORTED", file, what);
        }
        patterns.set(pattern, checkAlpha(alpha, `alpha_pattern.${shortenMiddle(pattern)}`, file));
    }
    return patterns;
}

function isEmpty(value: JsonValue): boolean {
    return (Array.isArray(value) && value.length === 0) || (value instanceof Map && value.size === 0);
}

function shown(value: JsonValue | undefined): string {
    if (value === undefined) return "missing";
    return value instanceof Map ? "an object" : shortenMiddle(JSON.stringify(value));
}
