import {
    checkBoolean,
    checkNumber,
    checkPath,
    checkOneOf,
    checkSignal,
    checkString,
    invalidOption,
    isArray,
    isObject,
    readArray,
    readOptions,
    type NumberRange
} from "../checks.js";
import { RastError } from "../errors.js";
import { readIsolation, type IsolationOptions, type ResolvedIsolation } from "../isolate/isolation-options.js";
import type { NativeKvType, NativeRole } from "../native/addon-types.js";
import { limits } from "../limits.js";
import { checkAdapters, type Adapter, type LoraOptions } from "../trio/adapters.js";
import { checkSpecialTokens, type SpecialTokens } from "../trio/special-tokens.js";
import { childVariable } from "../native/child-process.js";
import { readEndpoints, type WorkerEndpoint } from "../workers/endpoints.js";
import {
    assertDraftFits,
    checkSpeculation,
    type ResolvedSpeculation,
    type Speculation
} from "../engine/speculation-options.js";

/** One model of a trio, with what is to differ from the rest of the engine. */
export interface ModelOptions {
    /** Path of the GGUF file. Needed unless `trio` names it. */
    path?: string | undefined;
    /** The same as `path`, by the name that trio files have for it. */
    model?: string | undefined;
    /**
     * A LoRA adapter on the model, or several that are added up: a GGUF file or a PEFT folder each. Roles with the same file in
     * the same place share its weights; an adapter is of its role alone.
     * @default what the trio says, if the path is its own
     */
    lora?: string | LoraOptions | readonly (string | LoraOptions)[] | undefined;
    /** The scale of adapters that are given as paths, in [-100, 100]. @default 1 */
    scale?: number | undefined;
    /** Names of devices as `rast devices` lists them; "cpu" for none. @default the engine's `device` */
    device?: string | readonly string[] | undefined;
    /** Layers on the devices, counted from the end, the output layer as one more. @default the engine's `gpuLayers` */
    gpuLayers?: "auto" | number | undefined;
    /** CPU threads, 1 to 512; then those of all models stay as they are. @default the engine's `threads` */
    threads?: number | undefined;
}

/** An expert with its antiexpert: the same small model after and before reinforcement learning. */
export interface PairOptions {
    /** The small model after reinforcement learning: its path, or more. */
    expert: string | ModelOptions;
    /** The same small model before it. */
    antiexpert: string | ModelOptions;
    /** In [-10, 10]. @default 1 */
    lambda?: number | undefined;
}

/** What a worker was sent so far. */
export interface WorkerProgress {
    /** "host:port". */
    readonly worker: string;
    /** Bytes that went there. */
    readonly sentBytes: number;
    /** Bytes of weights that it had in its cache, and that were not sent. */
    readonly cachedBytes: number;
}

/** What is loaded at the moment. */
export interface LoadProgress {
    /** The model being loaded. */
    readonly role: NativeRole;
    /** Which pair it belongs to, 0 to 2; 0 for the base. */
    readonly pair: number;
    /** Of this model, 0 to 1. */
    readonly fraction: number;
    /** Of all models by their size, 0 to 1; never goes back. */
    readonly overall: number;
    /** Of an engine with workers: what each has got. */
    readonly workers?: readonly WorkerProgress[];
}

/**
 * Options of `loadRast`: the models by path or by trio, and where and how they are to run.
 * Without a pair the base runs alone, as a plain engine for comparison.
 */
export interface LoadOptions {
    /**
     * Name of a trio, or path of a trio file or of its folder. Names are those of trios that come with the package, then those
     * of files in `~/.config/rast/trios` (`$XDG_CONFIG_HOME/rast/trios`, `%APPDATA%\rast\trios` on Windows). Roles given
     * beside it change parts of it.
     */
    trio?: string | undefined;
    /** The large model. */
    base?: string | ModelOptions | undefined;
    /** The small model after reinforcement learning. */
    expert?: string | ModelOptions | undefined;
    /** The same small model before it. */
    antiexpert?: string | ModelOptions | undefined;
    /** One to three pairs, instead of `expert` and `antiexpert`. */
    pairs?: readonly PairOptions[] | undefined;
    /** Default strength, in [-10, 10]; an array has one per pair. @default what the pairs or the trio say, else 1 */
    lambda?: number | readonly number[] | undefined;
    /**
     * How special tokens (control tokens and added ones) that are not the same in all models fall together with the base's;
     * `info.notes` and each model's `specialTokens` say what was found. Ordinary tokens must be the same.
     * @default what the trio says, else "by-role"
     */
    specialTokens?: SpecialTokens | undefined;
    /** Layers on the devices, counted from the end, the output layer as one more. @default "auto": as many as fit */
    gpuLayers?: "auto" | number | undefined;
    /**
     * Of models that are mixtures of experts: layers, counted from the first, whose experts stay in main memory while the rest of them is
     * on the devices, 0 to 1,000,000 (llama.cpp's `--n-cpu-moe`). A token reads few of the experts, so that this costs less than
     * whole layers in main memory. @default "auto": those of as many layers as do not fit otherwise; none with a number for `gpuLayers`
     */
    cpuMoeLayers?: "auto" | number | undefined;
    /** Names of devices as `rast devices` lists them; "cpu" for none. @default every GPU */
    device?: string | readonly string[] | undefined;
    /**
     * Workers, other machines that run `rast worker`: "host:port", several between commas or in an array, at most 16. Their devices are
     * RPC0, RPC1 and so on, as `rast devices --rpc` lists them: `device` and `gpuLayers` place models on them, and what is left open places
     * the base there as far as this machine's own devices do not hold it. Output layers, and so all rows of logits, stay on this
     * machine. An engine with workers runs in a process of its own unless `isolate` is false: losing a worker ends that process.
     */
    rpc?: string | readonly string[] | undefined;
    /** So long without a sign of life, a worker is lost, in milliseconds: 1,000 to 3,600,000. @default 15,000 */
    workerTimeoutMs?: number | undefined;
    /**
     * CPU threads, 1 to 512; no more are used than there are processors for this process, and `info.notes` says so.
     * @default the physical cores that this process may use, and fewer while others work on them
     */
    threads?: number | undefined;
    /** Tokens of context per sequence, 1 to 16,777,216; cut to what the models were made for. @default 4096 */
    contextSize?: number | undefined;
    /** Tokens per prefill step, 1 to 16,384. @default 512 */
    batchSize?: number | undefined;
    /** Generations that run together, 1 to 64; more wait. @default 1 */
    parallel?: number | undefined;
    /** Generations that may wait, 0 to 1,000,000: beyond it ERR_QUEUE_FULL. @default 1024 */
    maxQueue?: number | undefined;
    /**
     * Tokens that the caches hold for all sequences together, `contextSize` and more. With less than the default long
     * generations give way to older ones when room runs out, and go on later. @default contextSize * parallel
     */
    cacheSize?: number | undefined;
    /**
     * Tokens of others' prompts that one step may decode while somebody generates, 1 and more: fewer mean a steadier
     * stream, more a quicker first token. "off" decodes `batchSize` at once. @default "auto": as many as take 0.2 s
     */
    prefillChunk?: number | "auto" | "off" | undefined;
    /** Keep what a generation had decoded, for later prompts with the same beginning. @default true */
    reusePrefixes?: boolean | undefined;
    /** Type of the KV cache. @default "f16" */
    kvType?: NativeKvType | undefined;
    /** Type of its keys. @default `kvType` */
    kvTypeK?: NativeKvType | undefined;
    /** Type of its values. @default `kvType` */
    kvTypeV?: NativeKvType | undefined;
    /** Whether attention is computed in one go; "auto": where the device does it well. @default "auto" */
    flashAttention?: boolean | "auto" | undefined;
    /** Map weights into memory instead of reading them. @default true */
    mmap?: boolean | undefined;
    /** Keep weights from being swapped out. @default false */
    mlock?: boolean | undefined;
    /** Where tokens are drawn: "device" insists, "host" is the slow reference. @default "auto" */
    sampler?: "auto" | "device" | "host" | undefined;
    /** Whether the expert drafts tokens for the base to verify, and how many at most. @default "auto" */
    speculation?: Speculation | undefined;
    /**
     * Keep what is learned of drafts (what rows cost, how often they are right) in the user's cache folder, so that the next
     * load of the same models with the same settings measures nothing and starts with it. RAST_CACHE names another
     * folder; "off" keeps nothing. No text depends on it.
     * @default true
     */
    learned?: boolean | undefined;
    /**
     * Try models that this machine has not loaded before in a child process first: a file that ends its process, as a
     * damaged one can, is then an error here. Takes a second or two for each, once.
     * @default true, or what the environment variable RAST_TRY_MODELS says ("0" or "1")
     */
    tryModels?: boolean | undefined;
    /**
     * Run the engine in a process of its own, so that what ends llama.cpp does not end this one; an object says how.
     * @default false; true with `rpc`
     */
    isolate?: boolean | IsolationOptions | undefined;
    /**
     * Called while models load. An exception in it, or a promise of it that is rejected in time, ends the load:
     * ERR_LOAD_ABORTED with that as its cause.
     */
    onProgress?: ((progress: LoadProgress) => void) | undefined;
    /** Aborts the load: ERR_LOAD_ABORTED with the signal's reason as cause. Without effect afterwards. */
    signal?: AbortSignal | undefined;
}

const optionNames = [
    "trio",
    "base",
    "expert",
    "antiexpert",
    "pairs",
    "lambda",
    "specialTokens",
    "gpuLayers",
    "cpuMoeLayers",
    "device",
    "rpc",
    "workerTimeoutMs",
    "threads",
    "contextSize",
    "batchSize",
    "parallel",
    "maxQueue",
    "cacheSize",
    "prefillChunk",
    "reusePrefixes",
    "kvType",
    "kvTypeK",
    "kvTypeV",
    "flashAttention",
    "mmap",
    "mlock",
    "sampler",
    "speculation",
    "learned",
    "tryModels",
    "isolate",
    "onProgress",
    "signal"
] as const satisfies readonly (keyof LoadOptions)[];

const modelKeys = [
    "path",
    "model",
    "lora",
    "scale",
    "device",
    "gpuLayers",
    "threads"
] as const satisfies readonly (keyof ModelOptions)[];
const pairKeys = ["expert", "antiexpert", "lambda"] as const satisfies readonly (keyof PairOptions)[];
const kvTypes = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl"] as const;
const maxPairs = limits.pairs.max;
const maxDevices = 64;
const workerTimeoutRange = { min: 1000, max: 3_600_000, integer: true };
const defaultWorkerTimeoutMs = 15_000;

/** A role's options, checked; what is undefined is filled in from the engine's options later. */
export interface ResolvedModelOptions {
    readonly path: string | undefined;
    /** undefined: as the trio says. */
    readonly adapters: readonly Adapter[] | undefined;
    /** Empty = CPU only. */
    readonly devices: readonly string[] | undefined;
    readonly gpuLayers: "auto" | number | undefined;
    readonly threads: number | undefined;
}

/** `LoadOptions` with their defaults, before a trio is read. */
export interface ResolvedLoadOptions {
    readonly trio: string | undefined;
    readonly base: ResolvedModelOptions | undefined;
    readonly expert: ResolvedModelOptions | undefined;
    readonly antiexpert: ResolvedModelOptions | undefined;
    readonly pairs: readonly {
        readonly expert: ResolvedModelOptions;
        readonly antiexpert: ResolvedModelOptions;
        readonly lambda: number | undefined;
    }[];
    readonly lambda: unknown;
    readonly specialTokens: SpecialTokens | undefined;
    readonly gpuLayers: "auto" | number;
    readonly cpuMoeLayers: "auto" | number;
    readonly devices: readonly string[] | undefined;
    readonly rpc: readonly WorkerEndpoint[];
    readonly workerTimeoutMs: number;
    readonly threads: number | undefined;
    readonly contextSize: number;
    readonly batchSize: number;
    readonly parallel: number;
    readonly maxQueue: number;
    readonly cacheSize: number | undefined;
    /** 0 = "auto". */
    readonly prefillChunk: number;
    readonly reusePrefixes: boolean;
    readonly kvTypeK: NativeKvType;
    readonly kvTypeV: NativeKvType;
    readonly flashAttention: "auto" | "on" | "off";
    readonly mmap: boolean;
    readonly mlock: boolean;
    readonly sampler: "auto" | "device" | "host";
    readonly speculation: ResolvedSpeculation;
    readonly learned: boolean;
    readonly tryModels: boolean;
    readonly isolate: ResolvedIsolation | undefined;
    readonly onProgress: ((progress: LoadProgress) => void) | undefined;
    readonly signal: AbortSignal | undefined;
}

/**
 * Checks the options of `loadRast` and fills in their defaults.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function resolveLoadOptions(value: unknown): ResolvedLoadOptions {
    const options = readOptions("loadRast", "the options of loadRast", value, optionNames);
    const kvType = optional(options.kvType, (type) => checkOneOf("kvType", type, kvTypes)) ?? "f16";
    const flag = (name: "mmap" | "mlock" | "reusePrefixes" | "learned" | "tryModels", otherwise: boolean): boolean =>
        optional(options[name], (set) => checkBoolean(name, set)) ?? otherwise;
    type Integer = "contextSize" | "batchSize" | "parallel" | "maxQueue" | "cacheSize";
    const integer = (name: Integer, range: NumberRange = limits[name]): number | undefined =>
        optional(options[name], (number) => checkNumber(name, number, range));
    const contextSize = integer("contextSize") ?? 4096;
    const room = {
        contextSize,
        batchSize: integer("batchSize") ?? 512,
        parallel: integer("parallel") ?? 1
    };
    const speculation = checkSpeculation(options.speculation === undefined ? "auto" : options.speculation);
    assertDraftFits(speculation, room);
    const rpc = optional(options.rpc, (workers) => readEndpoints("rpc", workers)) ?? [];
    return {
        ...readModels(options),
        ...room,
        speculation,
        maxQueue: integer("maxQueue") ?? 1024,
        cacheSize: integer("cacheSize", { ...limits.cacheSize, min: contextSize }),
        prefillChunk: readPrefillChunk(options.prefillChunk, room.batchSize),
        reusePrefixes: flag("reusePrefixes", true),
        trio: optional(options.trio, (trio) => checkString("trio", trio)),
        lambda: isArray(options.lambda) ? readLambdas(options.lambda) : options.lambda,
        specialTokens: optional(options.specialTokens, (rule) => checkSpecialTokens("specialTokens", rule)),
        gpuLayers: optional(options.gpuLayers, (layers) => checkLayers("gpuLayers", layers)) ?? "auto",
        cpuMoeLayers: optional(options.cpuMoeLayers, (layers) => checkLayers("cpuMoeLayers", layers)) ?? "auto",
        devices: optional(options.device, (device) => checkDevices("device", device)),
        rpc,
        workerTimeoutMs:
            optional(options.workerTimeoutMs, (ms) => checkNumber("workerTimeoutMs", ms, workerTimeoutRange)) ??
            defaultWorkerTimeoutMs,
        threads: optional(options.threads, (threads) => checkNumber("threads", threads, limits.threads)),
        kvTypeK: optional(options.kvTypeK, (type) => checkOneOf("kvTypeK", type, kvTypes)) ?? kvType,
        kvTypeV: optional(options.kvTypeV, (type) => checkOneOf("kvTypeV", type, kvTypes)) ?? kvType,
        flashAttention: readFlashAttention(options.flashAttention),
        mmap: flag("mmap", true),
        mlock: flag("mlock", false),
        sampler: optional(options.sampler, (path) => checkOneOf("sampler", path, ["auto", "device", "host"])) ?? "auto",
        learned: flag("learned", true),
        tryModels: flag("tryModels", triesByDefault()),
        isolate: readIsolation(options.isolate ?? rpc.length > 0),
        onProgress: optional(options.onProgress, checkCallback),
        signal: optional(options.signal, (signal) => checkSignal("signal", signal))
    };
}

function triesByDefault(): boolean {
    const wanted = process.env["RAST_TRY_MODELS"]?.toLowerCase();
    // a child of this package ends alone
    return process.env[childVariable] === undefined && !["0", "off", "false", "no"].includes(wanted ?? "");
}

function optional<R>(value: unknown, check: (value: unknown) => R): R | undefined {
    return value === undefined ? undefined : check(value);
}

// How many there must be is known when the trio is.
function readLambdas(value: unknown): unknown[] {
    return readArray("lambda", `a number, or an array with one number per pair (at most ${maxPairs})`, value, maxPairs);
}

type Read<K extends string> = Readonly<Partial<Record<K, unknown>>>;

function readModels(
    options: Read<keyof LoadOptions>
): Pick<ResolvedLoadOptions, "base" | "expert" | "antiexpert" | "pairs"> {
    const withTrio = options.trio !== undefined;
    const role = (name: NativeRole): ResolvedModelOptions | undefined =>
        optional(options[name], (model) => checkModel(name, model, !withTrio));
    const models = { base: role("base"), expert: role("expert"), antiexpert: role("antiexpert") };
    if (!withTrio && models.base === undefined) throw invalidOption("base", "a path (or set trio)", undefined);
    if (options.pairs !== undefined) {
        const clash = (["trio", "expert", "antiexpert"] as const).find((name) => options[name] !== undefined);
        if (clash !== undefined) throw clashingOptions("pairs", clash);
        return { ...models, pairs: checkPairs(options.pairs) };
    }
    if (!withTrio && (models.expert === undefined) !== (models.antiexpert === undefined)) {
        const missing = models.expert === undefined ? "expert" : "antiexpert";
        throw invalidOption(missing, "a path, as an expert and an antiexpert come together,", undefined);
    }
    return { ...models, pairs: [] };
}

function clashingOptions(first: string, second: string): RastError {
    const message = `Expected either ${first} or ${second}, received both.`;
    return new RastError("ERR_INVALID_OPTION", message, { details: { option: first, clashesWith: second } });
}

function checkModel(name: string, value: unknown, needsPath: boolean): ResolvedModelOptions {
    const byPath = typeof value === "string";
    if (!byPath && !isObject(value)) throw invalidOption(name, "a path or an object with a path", value);
    const options: Read<keyof ModelOptions> = byPath ? { path: value } : readOptions(name, name, value, modelKeys);
    if (options.path !== undefined && options.model !== undefined) {
        throw clashingOptions(`${name}.path`, `${name}.model`);
    }
    const path = options.path ?? options.model;
    if (path === undefined && needsPath) throw invalidOption(`${name}.path`, "a path", undefined);
    const key = options.model === undefined ? "path" : "model";
    return {
        path: optional(path, (given) => checkPath(byPath ? name : `${name}.${key}`, given)),
        adapters: checkAdapters(`${name}.lora`, options.lora, options.scale),
        devices: optional(options.device, (device) => checkDevices(`${name}.device`, device)),
        gpuLayers: optional(options.gpuLayers, (layers) => checkLayers(`${name}.gpuLayers`, layers)),
        threads: optional(options.threads, (threads) => checkNumber(`${name}.threads`, threads, limits.threads))
    };
}

function checkPairs(value: unknown): ResolvedLoadOptions["pairs"] {
    const expected = `an array of 1 to ${maxPairs} pairs`;
    const pairs = readArray("pairs", expected, value, maxPairs);
    if (pairs.length < 1) throw invalidOption("pairs", expected, value);
    return pairs.map((item, index) => {
        const name = `pairs[${index}]`;
        const pair = readOptions(name, name, item, pairKeys);
        return {
            expert: checkModel(`${name}.expert`, pair.expert, true),
            antiexpert: checkModel(`${name}.antiexpert`, pair.antiexpert, true),
            lambda: optional(pair.lambda, (lambda) => checkNumber(`${name}.lambda`, lambda, limits.lambda))
        };
    });
}

function checkLayers(name: string, value: unknown): "auto" | number {
    if (value === "auto") return value;
    if (typeof value !== "number") throw invalidOption(name, '"auto" or an integer >= 0', value);
    return checkNumber(name, value, limits.gpuLayers);
}

function checkDevices(name: string, value: unknown): readonly string[] {
    const expected = "a name or an array of names";
    const alone = typeof value === "string";
    const list = alone ? [value] : readArray(name, `${expected}, at most ${maxDevices}`, value, maxDevices);
    if (list.length === 0) throw invalidOption(name, expected, value);
    const names = list.map((item, index) => checkString(alone ? name : `${name}[${index}]`, item));
    const onCpu = names.filter((item) => item.toLowerCase() === "cpu");
    if (onCpu.length > 0 && names.length > 1) throw invalidOption(name, '"cpu" alone or names of other devices', value);
    return onCpu.length > 0 ? [] : names;
}

function readFlashAttention(value: unknown): "auto" | "on" | "off" {
    const choice = value === undefined ? "auto" : checkOneOf("flashAttention", value, ["auto", true, false]);
    return choice === "auto" ? "auto" : choice ? "on" : "off";
}

function readPrefillChunk(value: unknown, batchSize: number): number {
    if (value === undefined || value === "auto") return 0;
    if (value === "off") return batchSize;
    if (typeof value !== "number") throw invalidOption("prefillChunk", '"auto", "off" or an integer >= 1', value);
    return checkNumber("prefillChunk", value, { ...limits.prefillChunk, min: 1 });
}

function checkCallback(value: unknown): (progress: LoadProgress) => void {
    if (typeof value !== "function") throw invalidOption("onProgress", "a function", value);
    return value as (progress: LoadProgress) => void;
}
