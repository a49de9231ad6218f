// What an evaluation is asked for, checked.
import {
    checkBoolean,
    checkNumber,
    checkOneOf,
    checkPath,
    checkSignal,
    checkString,
    invalidOption,
    isArray,
    isObject,
    readArray,
    readOptions
} from "../checks.js";
import { RastError } from "../errors.js";
import type { HubOptions } from "../hub/hub-settings.js";
import { limits, samplingKeys, type SamplingKey } from "../limits.js";
import { resolveLoadOptions, type LoadOptions } from "../loading/load-options.js";
import { checkThinking } from "../text/chat-options.js";
import type { Thinking } from "../text/thinking.js";
import { evalModes, type EvalMode } from "./ask/contestants.js";
import { serverUrl } from "./ask/server.js";

/** A model behind an OpenAI-compatible server. */
export interface EvalServer {
    /** Address of its API, such as "http://127.0.0.1:8000/v1"; "/v1" is meant where there is no path. */
    url: string;
    /** Name of the model there. */
    model: string;
    /** Goes to this server alone. @default the environment variable RAST_SERVER_KEY, else OPENAI_API_KEY, else none */
    key?: string | undefined;
    /** Questions at a time, 1 to 1,024. @default 8 */
    concurrency?: number | undefined;
    /** What one answer may take, in seconds, up to 86,400. @default 600 */
    timeoutSeconds?: number | undefined;
    /** Further tries after a failure that may pass (no connection, silence, half an answer, 408, 429, 5xx), 0 to 100. @default 5 */
    retries?: number | undefined;
}

/** How far an evaluation is. */
export interface EvalProgress {
    /** What it does: fetches data, loads models, asks, or makes figures of it. */
    readonly state: "data" | "loading" | "asking" | "figures";
    /** Label of who is asked; "" while nobody is. */
    readonly contestant: string;
    /** Samples that are finished, those of the record included. */
    readonly done: number;
    /** Samples that there will be. */
    readonly total: number;
}

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
    /**
     * Models, as `loadRast` takes them; several are compared, each with its own base.
     * @default { trio: "demo" }, unless there is a server
     */
    models?: LoadOptions | readonly LoadOptions[] | undefined;
    /** Which of them answer: "base", "expert", "antiexpert", "rast". @default "base", "expert" and "rast", as far as there are */
    modes?: readonly EvalMode[] | undefined;
    /** Strengths of the delta to try, one after the other. @default the trio's own; of the demo's sums 0 to 1.5 by 0.25 */
    lambda?: number | readonly number[] | undefined;
    /** A large model after reinforcement learning of its own (GGUF), for the recovery rate. @default none; of the demo's sums its own */
    reference?: string | undefined;
    /** A model behind a server that answers, too. @default none */
    server?: EvalServer | undefined;
    /**
     * What to ask: "gsm8k", "math500", "aime24", "amc23", "minerva" and "olympiadbench" from the hub; "hf:datasets/owner/name/file";
     * a file of JSON lines, JSON or CSV; or the bundled "sums" and "chat-sums".
     * @default the problems of a bundled trio; needed for others
     */
    data?: string | undefined;
    /** Field of a question. @default the first of the usual names */
    questionField?: string | undefined;
    /** Field of a right answer. @default the first of the usual names */
    answerField?: string | undefined;
    /** At most so many problems. @default all; 100 of the demo's */
    limit?: number | undefined;
    /** Problems to leave out at the beginning. @default 0 */
    offset?: number | undefined;
    /** Shuffles problems before `offset` and `limit`. @default in the data set's order */
    shuffleSeed?: number | undefined;
    /**
     * How to ask: "qwen-boxed", "abel", "chat", "chat-plain", "trio", "plain", or a file with {question}. docs/eval.md has the texts.
     * @default "trio" where the trio has a prompt template, else "abel", the paper's; "chat-plain" of demo-chat
     */
    style?: string | undefined;
    /** Solved problems in front of each question. @default all of `shotsFile`, else 0 */
    shots?: number | undefined;
    /** A data file with these. */
    shotsFile?: string | undefined;
    /** Whether a chat's model reasons first. @default the trio's, else "auto" */
    thinking?: Thinking | undefined;
    /** Most tokens of reasoning. @default the trio's, else as many as it takes */
    maxThinkingTokens?: number | undefined;
    /** Texts that end a completion, at most 16. @default those of the style: the paper's for its own; else the trio's */
    stop?: readonly string[] | undefined;
    /** Of draws, by their names in `rast.generate`. @default what the trio says, then temperature 1 and topP 0.95 */
    sampling?: Readonly<Partial<Record<SamplingKey, number>>> | undefined;
    /** Most tokens of an answer. @default the trio's, else 16,384, as in the paper */
    maxTokens?: number | undefined;
    /** Of all draws, an integer from 0. @default 1 */
    seed?: number | undefined;
    /** Samples of each problem, 1 to 100,000. @default 1; 4 of the demo's problems */
    samples?: number | undefined;
    /** Texts that an engine works on together, 1 to 64. @default 8 */
    parallel?: number | undefined;
    /**
     * Draw every text by itself, so that its seed gives the same one whatever is drawn beside it, and a run that was killed and
     * started again has the same figures to the last digit. Much slower for large models.
     * @default true for models of 64 MiB or less in all
     */
    repeatable?: boolean | undefined;
    /**
     * A file to which every finished sample is appended. Where it exists the evaluation goes on there; one of other models, data
     * or settings is refused.
     * @default none
     */
    record?: string | undefined;
    /** Where data sets are fetched. */
    hub?: HubOptions | undefined;
    /** Told how far it is. What it throws ends the evaluation: ERR_ABORTED. */
    onProgress?: ((progress: EvalProgress) => void) | undefined;
    /** Ends it: ERR_ABORTED. What is in the record stays there. */
    signal?: AbortSignal | undefined;
}

const optionNames = [
    "models",
    "modes",
    "lambda",
    "reference",
    "server",
    "data",
    "questionField",
    "answerField",
    "limit",
    "offset",
    "shuffleSeed",
    "style",
    "shots",
    "shotsFile",
    "thinking",
    "maxThinkingTokens",
    "stop",
    "sampling",
    "maxTokens",
    "seed",
    "samples",
    "parallel",
    "repeatable",
    "record",
    "hub",
    "onProgress",
    "signal"
] as const satisfies readonly (keyof EvaluateOptions)[];

const serverNames = ["url", "model", "key", "concurrency", "timeoutSeconds", "retries"] as const;
const mostTrios = 16;
const mostLambdas = 100;
const count = { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true };
const fromZero = { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true };

/** A server, read. */
export interface ResolvedServer {
    readonly url: string;
    readonly model: string;
    readonly key: string | undefined;
    readonly concurrency: number;
    readonly timeoutSeconds: number;
    readonly retries: number;
}

/** The same, read once; what is undefined has defaults that depend on models and data. */
export interface ResolvedEvaluateOptions {
    /** Empty with a server alone. */
    readonly models: readonly LoadOptions[];
    readonly modes: readonly EvalMode[] | undefined;
    readonly lambdas: readonly number[] | undefined;
    readonly reference: string | undefined;
    readonly server: ResolvedServer | undefined;
    readonly data: string | undefined;
    readonly questionField: string | undefined;
    readonly answerField: string | undefined;
    readonly limit: number | undefined;
    readonly offset: number;
    readonly shuffleSeed: number | undefined;
    readonly style: string | undefined;
    readonly shots: number;
    readonly shotsFile: string | undefined;
    readonly thinking: Thinking | undefined;
    readonly maxThinkingTokens: number | undefined;
    readonly stop: readonly string[] | undefined;
    readonly sampling: Readonly<Partial<Record<SamplingKey, number>>>;
    readonly maxTokens: number | undefined;
    readonly seed: number;
    readonly samples: number | undefined;
    readonly parallel: number;
    readonly repeatable: boolean | undefined;
    readonly record: string | undefined;
    readonly hub: HubOptions;
    readonly onProgress: ((progress: EvalProgress) => void) | undefined;
    readonly signal: AbortSignal | undefined;
}

/** @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
export function resolveEvaluateOptions(
    value: unknown,
    env: Readonly<NodeJS.ProcessEnv> = process.env
): ResolvedEvaluateOptions {
    const options = readOptions("evaluate", "the options of evaluate", value, optionNames);
    const text = (name: (typeof optionNames)[number]): string | undefined =>
        options[name] === undefined ? undefined : checkString(name, options[name]);
    const number = (
        name: (typeof optionNames)[number],
        range: Parameters<typeof checkNumber>[2]
    ): number | undefined => (options[name] === undefined ? undefined : checkNumber(name, options[name], range));
    const server = options.server === undefined ? undefined : readServer(options.server, env);
    const shots = number("shots", fromZero) ?? 0;
    const shotsFile = options.shotsFile === undefined ? undefined : checkPath("shotsFile", options.shotsFile);
    if (shots > 0 && shotsFile === undefined)
        throw new RastError("ERR_INVALID_OPTION", "Expected a data file for shotsFile: shots are taken from one.", {
            details: { option: "shotsFile", expected: "a data file" }
        });
    return {
        models: readModels(options.models, server !== undefined),
        modes: options.modes === undefined ? undefined : readModes(options.modes),
        lambdas: options.lambda === undefined ? undefined : readLambdas(options.lambda),
        reference: options.reference === undefined ? undefined : checkPath("reference", options.reference),
        server,
        data: text("data"),
        questionField: text("questionField"),
        answerField: text("answerField"),
        limit: number("limit", count),
        offset: number("offset", fromZero) ?? 0,
        shuffleSeed: number("shuffleSeed", fromZero),
        style: text("style"),
        shots,
        shotsFile,
        thinking: options.thinking === undefined ? undefined : checkThinking("thinking", options.thinking),
        maxThinkingTokens: number("maxThinkingTokens", limits.maxThinkingTokens),
        stop: options.stop === undefined ? undefined : readStop(options.stop),
        sampling: readSampling(options.sampling),
        maxTokens: number("maxTokens", limits.maxTokens),
        seed: number("seed", fromZero) ?? 1,
        samples: number("samples", { min: 1, max: 100_000, integer: true }),
        parallel: number("parallel", limits.parallel) ?? 8,
        repeatable: options.repeatable === undefined ? undefined : checkBoolean("repeatable", options.repeatable),
        record: options.record === undefined ? undefined : checkPath("record", options.record),
        hub: (options.hub as HubOptions | undefined) ?? {},
        onProgress: readCallback(options.onProgress),
        signal: options.signal === undefined ? undefined : checkSignal("signal", options.signal)
    };
}

function readModels(value: unknown, withServer: boolean): LoadOptions[] {
    if (value === undefined) return withServer ? [] : [{ trio: "demo" }];
    const expected = `options of loadRast, or an array of at most ${mostTrios} of these`;
    const all = isArray(value) ? readArray("models", expected, value, mostTrios) : [value];
    return all.map((one) => {
        if (!isObject(one)) throw invalidOption("models", expected, value);
        // what is wrong with them is said before any data is fetched
        resolveLoadOptions(one);
        return one;
    });
}

function readModes(value: unknown): EvalMode[] {
    const all = readArray("modes", "an array of modes", value, 16);
    if (all.length === 0) throw invalidOption("modes", "an array of modes", value);
    return all.map((one) => checkOneOf("modes", one, evalModes));
}

function readLambdas(value: unknown): number[] {
    const expected = `a number, or an array of at most ${mostLambdas} numbers`;
    const all = isArray(value) ? readArray("lambda", expected, value, mostLambdas) : [value];
    if (all.length === 0) throw invalidOption("lambda", expected, value);
    return [...new Set(all.map((one) => checkNumber("lambda", one, limits.lambda)))];
}

function readStop(value: unknown): string[] {
    const most = limits.stopStrings.max;
    return readArray("stop", `an array of at most ${most} strings`, value, most).map((one) => checkString("stop", one));
}

function readSampling(value: unknown): Partial<Record<SamplingKey, number>> {
    if (value === undefined) return {};
    const read = readOptions("sampling", "sampling", value, samplingKeys);
    return Object.fromEntries(
        Object.entries(read).map(([name, one]) => [name, checkNumber(name, one, limits[name as SamplingKey])])
    );
}

function readServer(value: unknown, env: Readonly<NodeJS.ProcessEnv>): ResolvedServer {
    const read = readOptions("server", "server", value, serverNames);
    const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
    const key = read.key ?? set("RAST_SERVER_KEY") ?? set("OPENAI_API_KEY");
    if (key !== undefined && !/^[\x21-\x7e]{1,4096}$/.test(checkString("server.key", key)))
        throw invalidOption("server.key", "a key without spaces", "");
    return {
        url: serverUrl(checkString("server", read.url)),
        model: checkString("server.model", read.model),
        key: key as string | undefined,
        concurrency: checkNumber("server.concurrency", read.concurrency ?? 8, { min: 1, max: 1024, integer: true }),
        timeoutSeconds: checkNumber("server.timeoutSeconds", read.timeoutSeconds ?? 600, {
            min: 0,
            max: 86_400,
            aboveMin: true
        }),
        retries: checkNumber("server.retries", read.retries ?? 5, { min: 0, max: 100, integer: true })
    };
}

function readCallback(value: unknown): ResolvedEvaluateOptions["onProgress"] {
    if (value === undefined) return undefined;
    if (typeof value !== "function") throw invalidOption("onProgress", "a function", value);
    return value as ResolvedEvaluateOptions["onProgress"];
}
