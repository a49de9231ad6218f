import {
    checkBoolean,
    checkKeys,
    checkNumber,
    checkObject,
    checkOneOf,
    checkSignal,
    checkString,
    invalidOption,
    watchPromise
} from "../../checks.js";
import type { LoadOptions } from "../../loading/load-options.js";
import { limits } from "../../limits.js";
import { benchModes, benchPeers, type BenchMode, type BenchPeer } from "../record/schema.js";

/** What `runBench` is to measure: every list is a dimension of the matrix. */
export interface BenchOptions {
    /** The models, as `loadRast` takes them; what the matrix sets must not be among these. */
    models: Pick<
        LoadOptions,
        "trio" | "base" | "expert" | "antiexpert" | "pairs" | "device" | "rpc" | "flashAttention" | "mmap"
    >;
    /** @default ["base", "device", "draft"], of a base alone ["base"] */
    modes?: readonly BenchMode[] | undefined;
    /** Other ways to do RAST, measured beside them. @default [] */
    peers?: readonly BenchPeer[] | undefined;
    /** Lengths of prompts to decode; 0 = none. @default [512] */
    prompts?: readonly number[] | undefined;
    /** Numbers of tokens to generate; 0 = none. @default [128] */
    generates?: readonly number[] | undefined;
    /** Tokens in the context before. @default [0] */
    depths?: readonly number[] | undefined;
    /** Sequences that run together, 1 to 64. @default [1] */
    sequences?: readonly number[] | undefined;
    /** CPU threads. @default the physical cores that this process may use */
    threads?: readonly number[] | undefined;
    /** @default ["auto"] */
    gpuLayers?: readonly ("auto" | number)[] | undefined;
    /** @default ["f16"] */
    kvTypes?: readonly string[] | undefined;
    /** Strengths, of all pairs alike. @default what the trio says, else 1 */
    lambdas?: readonly number[] | undefined;
    /** 0 = greedy. @default [1] */
    temperatures?: readonly number[] | undefined;
    /** @default 0.95 */
    topP?: number | undefined;
    /** Measurements of each row, 1 to 1000. @default 5 */
    repetitions?: number | undefined;
    /** How often every engine is loaded: some figures change from load to load. @default 1 */
    loads?: number | undefined;
    /** Wait until the machine is quiet before every repetition, for so many seconds in all. @default no waiting */
    waitQuiet?: number | undefined;
    /** Tokens per prefill decode. @default 512 */
    batchSize?: number | undefined;
    /** Measure bare decodes in turn with every sample. @default true */
    ideal?: boolean | undefined;
    /** Text whose tokens the prompts are made of, where agreement is to be that of real text. @default random tokens */
    promptText?: string | undefined;
    /** @default 1 */
    seed?: number | undefined;
    /** What was typed, for the record. */
    command?: string | undefined;
    /** Called with what is being done, and how much of all is done, 0 to 1. */
    onProgress?: ((what: string, fraction: number) => void) | undefined;
    /** Ends the run with ERR_LOAD_ABORTED; nothing is kept. */
    signal?: AbortSignal | undefined;
}

/** `BenchOptions` with their defaults. */
export interface ResolvedBenchOptions {
    readonly models: BenchOptions["models"];
    readonly modes: readonly BenchMode[] | undefined;
    readonly peers: readonly BenchPeer[];
    readonly prompts: readonly number[];
    readonly generates: readonly number[];
    readonly depths: readonly number[];
    readonly sequences: readonly number[];
    readonly threads: readonly (number | undefined)[];
    readonly gpuLayers: readonly ("auto" | number)[];
    readonly kvTypes: readonly KvType[];
    readonly lambdas: readonly (number | undefined)[];
    readonly temperatures: readonly number[];
    readonly topP: number;
    readonly repetitions: number;
    readonly loads: number;
    readonly waitQuiet: number | undefined;
    readonly batchSize: number;
    readonly ideal: boolean;
    readonly promptText: string | undefined;
    readonly seed: number;
    readonly command: string;
    readonly onProgress: (what: string, fraction: number) => void;
    readonly signal: AbortSignal | undefined;
}

type KvType = NonNullable<LoadOptions["kvType"]>;

const kvTypes = ["f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl"] as const satisfies KvType[];
const names = [
    "models",
    "modes",
    "peers",
    "prompts",
    "generates",
    "depths",
    "sequences",
    "threads",
    "gpuLayers",
    "kvTypes",
    "lambdas",
    "temperatures",
    "topP",
    "repetitions",
    "loads",
    "waitQuiet",
    "batchSize",
    "ideal",
    "promptText",
    "seed",
    "command",
    "onProgress",
    "signal"
] as const satisfies readonly (keyof BenchOptions)[];

const tokens = { min: 0, max: 1_000_000, integer: true };

/**
 * Checks the options of a benchmark and fills in their defaults. Values that come twice in a list count once.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function resolveBenchOptions(value: unknown): ResolvedBenchOptions {
    checkKeys("the benchmark", checkObject("the options of the benchmark", value), names);
    const options = value as BenchOptions;
    const list = <T>(
        name: keyof BenchOptions,
        otherwise: readonly T[],
        check: (name: string, item: unknown) => T
    ): T[] => {
        const items: unknown = options[name] ?? otherwise;
        if (!Array.isArray(items) || items.length === 0)
            throw invalidOption(name, "a list with something in it", items);
        return [...new Set(items.map((item: unknown) => (item === undefined ? (item as T) : check(name, item))))];
    };
    const integers = (min: number, max: number) => (name: string, item: unknown) =>
        checkNumber(name, item, { min, max, integer: true });
    const resolved: ResolvedBenchOptions = {
        models: checkObject("models", options.models),
        modes:
            options.modes === undefined
                ? undefined
                : list("modes", [], (name, item) => checkOneOf(name, item, benchModes)),
        peers: [...new Set((options.peers ?? []).map((item) => checkOneOf("peers", item, benchPeers)))],
        prompts: list("prompts", [512], (name, item) => checkNumber(name, item, tokens)).filter((n) => n > 0),
        generates: list("generates", [128], (name, item) => checkNumber(name, item, tokens)).filter((n) => n > 0),
        depths: list("depths", [0], (name, item) => checkNumber(name, item, tokens)),
        sequences: list("sequences", [1], integers(1, 64)),
        threads: list<number | undefined>("threads", [undefined], integers(1, 1024)),
        gpuLayers: list<"auto" | number>("gpuLayers", ["auto"], (name, item) =>
            item === "auto" ? item : checkNumber(name, item, limits.gpuLayers)
        ),
        kvTypes: list<KvType>("kvTypes", ["f16"], (name, item) => checkOneOf(name, item, kvTypes)),
        lambdas: list<number | undefined>("lambdas", [undefined], (name, item) =>
            checkNumber(name, item, limits.lambda)
        ),
        temperatures: list("temperatures", [1], (name, item) => checkNumber(name, item, limits.temperature)),
        topP: checkNumber("topP", options.topP ?? 0.95, limits.topP),
        repetitions: checkNumber("repetitions", options.repetitions ?? 5, { min: 1, max: 1000, integer: true }),
        loads: checkNumber("loads", options.loads ?? 1, { min: 1, max: 100, integer: true }),
        waitQuiet:
            options.waitQuiet === undefined
                ? undefined
                : checkNumber("waitQuiet", options.waitQuiet, { min: 1, max: 86_400 }),
        batchSize: checkNumber("batchSize", options.batchSize ?? 512, limits.batchSize),
        ideal: checkBoolean("ideal", options.ideal ?? true),
        promptText: options.promptText === undefined ? undefined : checkString("promptText", options.promptText),
        seed: checkNumber("seed", options.seed ?? 1, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
        command: checkString("command", options.command ?? "runBench"),
        onProgress: reporting(options.onProgress),
        signal: options.signal === undefined ? undefined : checkSignal("signal", options.signal)
    };
    if (resolved.prompts.length + resolved.generates.length === 0) {
        throw invalidOption("prompts and generates", "something to measure in one of them", [0]);
    }
    // what a step is made of is told by those after the first
    const single = resolved.generates.find((n) => n < 2);
    if (single !== undefined) throw invalidOption("generates", "0, or an integer from 2", single);
    return resolved;
}

// An async function fails by its promise: that ends the run at the next report, as an exception does at once.
function reporting(onProgress: BenchOptions["onProgress"]): ResolvedBenchOptions["onProgress"] {
    let rejected: { readonly error: unknown } | undefined;
    return (what, fraction) => {
        if (rejected !== undefined) throw rejected.error;
        watchPromise(onProgress?.(what, fraction), (error) => (rejected ??= { error }));
    };
}
