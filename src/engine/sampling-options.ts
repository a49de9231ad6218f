import { types } from "node:util";
import { checkNumber, invalidOption, isArray, isObject, readArray, readSafely } from "../checks.js";
import { RastError } from "../errors.js";
import type { NativeSampling } from "../native/addon-types.js";
import { limits, samplingKeys, type SamplingKey } from "../limits.js";

/** How tokens are drawn. Omitted options take the trio's value, then the default named here (the paper's). */
export interface SamplingOptions {
    /**
     * Strength of the difference (expert - antiexpert), in [-10, 10]; an array has one per pair.
     * 0 draws from the base alone.
     * @default 1
     */
    lambda?: number | readonly number[] | undefined;
    /** In [0, 100]. 0 takes the likeliest token. @default 1 */
    temperature?: number | undefined;
    /** Keep only the k likeliest tokens, at most 2^30; 0 is off. @default 0 */
    topK?: number | undefined;
    /** Keep the likeliest tokens that together have this mass, in (0, 1]; 1 is off. @default 0.95 */
    topP?: number | undefined;
    /** Keep tokens at least this likely in proportion to the likeliest, in [0, 1]; 0 is off. @default 0 */
    minP?: number | undefined;
    /** Divides positive and multiplies negative logits of tokens seen, in (0, 10]; 1 is off. @default 1 */
    repetitionPenalty?: number | undefined;
    /** Subtracted from the logits of tokens seen, in [-100, 100]. @default 0 */
    presencePenalty?: number | undefined;
    /** Subtracted from the logits of tokens seen, once per occurrence, in [-100, 100]. @default 0 */
    frequencyPenalty?: number | undefined;
    /** Latest tokens of prompt and completion that the penalties look at, at most 2^30; 0 none, -1 all. @default 64 */
    penaltyWindow?: number | undefined;
    /**
     * Added to the fused logits, by token id: in [-100, 100], or -Infinity for never. At most 1,024 entries.
     * @default none
     */
    logitBias?: Readonly<Record<string, number>> | ReadonlyMap<number, number> | undefined;
    /** A safe integer >= 0 or a bigint below 2^64. @default random, and reported in the result */
    seed?: number | bigint | undefined;
    /** Which of several samples of one seed, an integer in [0, 2^32 - 1]. @default 0 */
    ordinal?: number | undefined;
}

/** Names of the options in {@link SamplingOptions}. */
export const samplingOptionNames = [
    "lambda",
    "temperature",
    "topK",
    "topP",
    "minP",
    "repetitionPenalty",
    "presencePenalty",
    "frequencyPenalty",
    "penaltyWindow",
    "logitBias",
    "seed",
    "ordinal"
] as const satisfies readonly (keyof SamplingOptions)[];

/** The paper's settings, and no penalties. */
export const samplingDefaults: Readonly<Record<SamplingKey, number>> = {
    temperature: 1,
    topK: 0,
    topP: 0.95,
    minP: 0,
    repetitionPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    penaltyWindow: 64
};

/** The paper's lambda. */
export const defaultLambda = 1;

const maxBiasEntries = limits.biasEntries.max;

/** What the loaded engine contributes to a request's sampling. */
export interface SamplingContext {
    /** Defaults of the pairs, one each. */
    readonly lambdas: readonly number[];
    /** The trio's own defaults. */
    readonly defaults: Readonly<Partial<Record<SamplingKey, number>>>;
    /** Width of the vocabulary, for ids in `logitBias`. */
    readonly vocabularySize: number;
}

/**
 * Completes and checks the sampling options of a request.
 * @throws ERR_INVALID_OPTION for a wrong type or a value outside its range
 */
export function resolveSampling(
    options: Readonly<Partial<Record<keyof SamplingOptions, unknown>>>,
    context: SamplingContext
): NativeSampling {
    const numbers = { ...samplingDefaults, ...context.defaults };
    for (const key of samplingKeys) {
        if (options[key] !== undefined) numbers[key] = checkNumber(key, options[key], limits[key]);
    }
    return {
        ...numbers,
        lambdas: options.lambda === undefined ? context.lambdas : checkLambda(options.lambda, context.lambdas.length),
        ...checkLogitBias(options.logitBias, context.vocabularySize),
        seed: checkSeed(options.seed),
        ordinal: options.ordinal === undefined ? 0 : checkNumber("ordinal", options.ordinal, limits.ordinal)
    };
}

/**
 * One lambda per pair.
 * @throws ERR_INVALID_OPTION unless it is a number, or an array with one per pair, in [-10, 10]
 */
export function checkLambda(value: unknown, pairs: number): readonly number[] {
    if (!isArray(value)) {
        const lambda = checkNumber("lambda", value, limits.lambda);
        return new Array<number>(pairs).fill(lambda);
    }
    const expected = `a number, or an array with one number per pair (${pairs})`;
    const lambdas = readArray("lambda", expected, value, pairs);
    if (lambdas.length !== pairs) throw invalidOption("lambda", expected, value);
    return lambdas.map((lambda, index) => checkNumber(`lambda[${index}]`, lambda, limits.lambda));
}

function checkSeed(value: unknown): bigint {
    if (value === undefined) return randomSeed();
    if (typeof value === "bigint" && value >= 0n && value < 1n << 64n) return value;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
    throw invalidOption("seed", "a safe integer >= 0 or a bigint in [0, 2^64)", value);
}

/** 53 bits, so that a random seed is always a plain number in results. */
export function randomSeed(): bigint {
    const [high, low] = crypto.getRandomValues(new Uint32Array(2)) as unknown as [number, number];
    return (BigInt(high & 0x1fffff) << 32n) | BigInt(low);
}

function checkLogitBias(
    value: unknown,
    vocabularySize: number
): { biasTokens: Int32Array<ArrayBuffer>; biasValues: Float32Array<ArrayBuffer> } {
    const entries = readSafely("logitBias", () => biasEntries(value));
    for (const [token, bias] of entries) {
        if (!Number.isInteger(token) || token < 0 || token >= vocabularySize) {
            throw invalidOption("a key of logitBias", `a token id in [0, ${vocabularySize - 1}]`, token);
        }
        if (bias !== -Infinity) checkBias(token, bias);
    }
    return {
        biasTokens: Int32Array.from(entries, ([token]) => token),
        biasValues: Float32Array.from(entries, ([, bias]) => bias)
    };
}

function checkBias(token: number, bias: unknown): void {
    const fits = typeof bias === "number" && bias >= limits.bias.min && bias <= limits.bias.max;
    if (!fits) throw invalidOption(`logitBias[${token}]`, "a number in [-100, 100] or -Infinity", bias);
}

function biasEntries(value: unknown): [number, number][] {
    if (value === undefined) return [];
    const entries: [number, number][] = [];
    if (types.isMap(value)) {
        // Not through methods or iterators, which a subclass may have replaced.
        assertBiasCount(sizeOfMap.call(value) as number);
        Map.prototype.forEach.call(value, (bias: unknown, token: unknown) => {
            entries.push([token as number, bias as number]);
        });
        return entries;
    }
    if (!isObject(value)) throw invalidOption("logitBias", "an object or a Map from token ids to numbers", value);
    const keys = Object.keys(value);
    assertBiasCount(keys.length);
    for (const key of keys) {
        if (!/^(0|[1-9]\d{0,9})$/.test(key)) throw invalidOption("a key of logitBias", "a token id", key);
        entries.push([Number(key), value[key] as number]);
    }
    return entries;
}

const sizeOfMap = Object.getOwnPropertyDescriptor(Map.prototype, "size")!.get!;

function assertBiasCount(count: number): void {
    if (count <= maxBiasEntries) return;
    const message = `Expected at most ${maxBiasEntries} entries for logitBias, received ${count}.`;
    throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "logitBias" } });
}
