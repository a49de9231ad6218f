// One table of limits on both sides of the seam: what TypeScript lets through native code takes, and what lies beyond either
// refuses, whoever asks.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadRast, type Rast } from "../../src/index.js";
import { limits } from "../../src/limits.js";
import type { NativeAddon, NativeEngineConfig, NativeRequest } from "../../src/native/addon-types.js";
import { loadNative } from "../../src/native/binding.js";

let addon: NativeAddon;
let rast: Rast;

beforeAll(async () => {
    addon = (await loadNative()).addon;
    const speculation = { maxDraft: 63 };
    rast = await loadRast({ trio: "demo", threads: 1, contextSize: 64, speculation, batchSize: 64 });
});

afterAll(() => rast.dispose());

type Name = keyof typeof limits;

// The next number beyond a bound: 1 for integers, what a double can tell apart for the others.
function beyond(name: Name, side: "min" | "max"): number {
    const range: { min: number; max: number; integer?: boolean; aboveMin?: boolean } = limits[name];
    if (side === "min" && range.aboveMin === true) return range.min;
    const step = range.integer === true ? 1 : Math.max(1e-9, Math.abs(range[side]) * 1e-9);
    return side === "min" ? range.min - step : range.max + step;
}

function within(name: Name, side: "min" | "max"): number {
    const range: { min: number; max: number; aboveMin?: boolean } = limits[name];
    return side === "min" && range.aboveMin === true ? 1e-6 : range[side];
}

test("the addon has the same table", () => {
    const native = addon.buildInfo().limits;
    expect(Object.keys(native).sort()).toEqual(Object.keys(limits).sort());
    for (const [name, range] of Object.entries(limits)) {
        const { min, max } = range;
        expect({ name, ...native[name] }).toEqual({ name, min, max, aboveMin: "aboveMin" in range });
    }
});

const sampling = [
    "temperature",
    "topK",
    "topP",
    "minP",
    "repetitionPenalty",
    "presencePenalty",
    "frequencyPenalty",
    "penaltyWindow",
    "ordinal"
] as const;
const sides = ["min", "max"] as const;

function requestOf(changes: object, drawn: object = {}): NativeRequest {
    return {
        prompt: Int32Array.of(3, 4),
        mode: "base",
        maxTokens: 1,
        stopStrings: [],
        stopTokens: new Int32Array(),
        ignoreEos: false,
        showSpecial: false,
        shownTokens: new Int32Array(),
        logprobs: -1,
        figures: -1,
        given: new Int32Array(),
        draft: 0,
        maxDraft: 0,
        ngram: "auto",
        grammar: 0,
        reasoning: null,
        sampling: {
            lambdas: [],
            temperature: 1,
            topK: 0,
            topP: 1,
            minP: 0,
            repetitionPenalty: 1,
            presencePenalty: 0,
            frequencyPenalty: 0,
            penaltyWindow: 64,
            biasTokens: new Int32Array(),
            biasValues: new Float32Array(),
            seed: 1n,
            ordinal: 0,
            ...drawn
        },
        ...changes
    };
}

let lastId = 0;

/** Undefined, or the code of the refusal. */
function submitted(request: NativeRequest): string | undefined {
    try {
        addon.engineSubmit(engine, ++lastId, request);
        return undefined;
    } catch (error) {
        return (error as { code?: string }).code;
    }
}

// An engine whose answers nobody reads.
let engine: number;
beforeAll(async () => {
    const base = { ...engineConfig({}).base, path: rast.info.base.path };
    const config = engineConfig({
        base,
        maxDraft: 63,
        rows: 64,
        maxQueue: 1000,
        batchSize: 64,
        contextSize: 128,
        cacheSize: 128
    });
    const { handle, ready } = addon.engineCreate(
        config,
        () => {},
        () => {}
    );
    engine = handle;
    await ready;
});

afterAll(() => addon.engineDispose(engine));

function engineConfig(changes: object, model: object = {}): NativeEngineConfig {
    return {
        base: {
            path: "/nowhere/limits.gguf",
            fingerprint: "",
            weights: 0,
            adapters: [],
            devices: [],
            gpuLayers: 0,
            split: new Float32Array(0),
            cpuMoeLayers: 0,
            outputInMainMemory: false,
            threads: 1,
            snapshots: 0,
            tokens: new Int32Array(0),
            ...model
        },
        pairs: [],
        contextSize: 16,
        slots: 1,
        cacheSize: 16,
        prefillChunk: 0,
        maxQueue: 1,
        reusePrefixes: true,
        batchSize: 16,
        maxDraft: 0,
        rows: 1,
        kvTypeK: "f16",
        kvTypeV: "f16",
        flashAttention: "auto",
        mmap: true,
        mlock: false,
        adaptThreads: false,
        learned: new Float64Array(),
        sampler: "auto",
        ...changes
    };
}

/** The number that was refused when it was read; undefined when all were taken, whatever became of the load. */
async function refused(changes: object, model: object = {}): Promise<unknown> {
    try {
        const { handle, ready } = addon.engineCreate(
            engineConfig(changes, model),
            () => {},
            () => {}
        );
        await ready.catch(() => {});
        await addon.engineDispose(handle);
        return undefined;
    } catch (error) {
        return (error as { details: { argument?: string } }).details.argument;
    }
}

describe.each(sampling)("%s", (name) => {
    test.each(sides)("at its %s is drawn with, beyond it refused on both sides", async (side) => {
        const options = { tokens: [3, 4], maxTokens: 1, [name]: within(name, side) };
        expect((await rast.complete(options)).tokens.length).toBeLessThanOrEqual(1);
        await expect(rast.complete({ ...options, [name]: beyond(name, side) })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION",
            details: { option: name }
        });
        expect(submitted(requestOf({}, { [name]: beyond(name, side) }))).toBe("ERR_INVALID_ARGUMENT");
        expect(submitted(requestOf({}, { [name]: within(name, side) }))).toBeUndefined();
    });
});

describe("a request", () => {
    test.each(sides)("lambda and bias at their %s", async (side) => {
        const ask = (lambda: number, bias: number): Promise<unknown> =>
            rast.complete({ tokens: [3], maxTokens: 1, lambda, logitBias: { 5: bias } });
        await ask(within("lambda", side), within("bias", side));
        await expect(ask(beyond("lambda", side), 0)).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        await expect(ask(1, beyond("bias", side))).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        const biased = (bias: number): unknown =>
            submitted(requestOf({}, { biasTokens: Int32Array.of(5), biasValues: Float32Array.of(bias) }));
        expect(submitted(requestOf({}, { lambdas: [beyond("lambda", side)] }))).toBe("ERR_INVALID_ARGUMENT");
        expect(biased(limits.bias[side] * 1.001)).toBe("ERR_INVALID_ARGUMENT");
        expect(biased(limits.bias[side])).toBeUndefined();
        expect(biased(Number.NaN)).toBe("ERR_INVALID_ARGUMENT");
        expect(biased(-Infinity)).toBeUndefined();
    });

    test("a bias of -Infinity, as it comes from the caller, bans a token whatever else is done to it", async () => {
        const banned = new Map<number, number>();
        const penalties = { repetitionPenalty: 2, presencePenalty: -100, frequencyPenalty: -100 };
        for (const lambda of [0, 1]) {
            for (let times = 0; times < 5; ++times) {
                const tokens = [3, 4, ...banned.keys()];
                const options = { tokens, maxTokens: 1, temperature: 0, lambda, ignoreEos: true, logprobs: 20 };
                const drawn = await rast.complete({ ...options, ...penalties, logitBias: banned });
                expect(banned.has(drawn.tokens[0]!)).toBe(false);
                const shown = drawn.logprobs![0]!.top.filter(({ token }) => banned.has(token));
                for (const { logprob } of shown) expect(logprob).toBeLessThan(-1e20);
                banned.set(drawn.tokens[0]!, -Infinity);
            }
        }
        expect(banned.size).toBe(10);
    });

    test("what is no such number at all is refused", () => {
        expect(submitted(requestOf({}, { seed: -1n }))).toBe("ERR_INVALID_ARGUMENT");
        expect(submitted(requestOf({}, { seed: 1n << 64n }))).toBe("ERR_INVALID_ARGUMENT");
        expect(submitted(requestOf({}, { topK: 1.5 }))).toBe("ERR_INVALID_ARGUMENT");
        expect(submitted(requestOf({}, { temperature: Number.NaN }))).toBe("ERR_INVALID_ARGUMENT");
        const uneven = { biasTokens: Int32Array.of(5), biasValues: Float32Array.of(1, 2) };
        expect(submitted(requestOf({}, uneven))).toBe("ERR_INVALID_ARGUMENT");
        expect(submitted(requestOf({}, { seed: (1n << 64n) - 1n }))).toBeUndefined();
    });

    test("takes 1,024 biases, and not one more", async () => {
        const biases = (count: number): Map<number, number> => new Map(Array.from({ length: count }, (_, i) => [i, 0]));
        const refused = { code: "ERR_INVALID_OPTION", message: /at most 1024 entries for logitBias, received 1025/ };
        await expect(rast.complete({ tokens: [3], logitBias: biases(1025) })).rejects.toMatchObject(refused);
        const raw = (count: number): unknown =>
            submitted(requestOf({}, { biasTokens: new Int32Array(count), biasValues: new Float32Array(count) }));
        expect(raw(1025)).toBe("ERR_INVALID_ARGUMENT");
        expect(raw(1024)).toBeUndefined();
    });

    test("takes 16 stop strings, and not one more", async () => {
        const stop = Array.from({ length: 16 }, (_, i) => `stop ${i}`);
        await rast.complete({ tokens: [3], maxTokens: 1, stop });
        await expect(rast.complete({ tokens: [3], stop: [...stop, "x"] })).rejects.toThrow(
            "at most 16 strings for stop"
        );
        expect(submitted(requestOf({ stopStrings: [...stop, "x"] }))).toBe("ERR_INVALID_ARGUMENT");
        expect(submitted(requestOf({ stopStrings: stop }))).toBeUndefined();
    });

    test("takes maxTokens from 1 to 2^53 - 1, and ends with the context", async () => {
        const most = { tokens: [3, 4], maxTokens: 2 ** 53 - 1, ignoreEos: true, stop: [] };
        const result = await rast.complete(most);
        // The last token that is drawn needs no room.
        expect(result).toMatchObject({
            stopReason: "contextFull",
            usage: { completionTokens: rast.info.contextSize - 1 }
        });
        for (const maxTokens of [0, -1, 2 ** 53, 1.5]) {
            await expect(rast.complete({ ...most, maxTokens })).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        }
        expect(submitted(requestOf({ maxTokens: 2 ** 53 }))).toBe("ERR_INVALID_ARGUMENT");
        expect(submitted(requestOf({ maxTokens: 2 ** 53 - 1 }))).toBeUndefined();
    });

    test("takes a prompt that fills the context, and not one token more", async () => {
        const { contextSize } = rast.info;
        const ask = (count: number): ReturnType<Rast["complete"]> =>
            rast.complete({ tokens: new Array<number>(count).fill(3), ignoreEos: true, stop: [] });
        const full = await ask(contextSize);
        expect(full).toMatchObject({ stopReason: "contextFull", usage: { completionTokens: 1 } });
        const almost = await ask(contextSize - 1);
        expect(almost).toMatchObject({ stopReason: "contextFull", usage: { completionTokens: 2 } });
        await expect(rast.complete({ tokens: new Array<number>(contextSize + 1).fill(3) })).rejects.toMatchObject({
            code: "ERR_PROMPT_TOO_LONG",
            details: { promptTokens: contextSize + 1, contextSize }
        });
    });

    test("takes figures with 0 to 20 alternatives, and a completion that the context holds", () => {
        const given = (count: number, token = 3): NativeRequest =>
            requestOf({ given: new Int32Array(count).fill(token), figures: 0 });
        for (const figures of [-1, 0, 20]) expect(submitted(requestOf({ figures }))).toBeUndefined();
        for (const figures of [-2, 21, 0.5]) expect(submitted(requestOf({ figures }))).toBe("ERR_INVALID_ARGUMENT");
        const most = 129 - requestOf({}).prompt.length;
        expect(submitted(given(most))).toBeUndefined();
        expect(submitted(given(most + 1))).toBe("ERR_PROMPT_TOO_LONG");
        for (const token of [-1, 2 ** 31 - 1]) expect(submitted(given(2, token))).toBe("ERR_INVALID_ARGUMENT");
        expect(submitted(requestOf({ figures: 0, mode: "expert" }))).toBe("ERR_INVALID_ARGUMENT");
    });

    test("takes 0 to 20 log-probabilities and drafts of 0 to 63", async () => {
        for (const logprobs of [0, 20]) {
            const { logprobs: given } = await rast.complete({ tokens: [3], maxTokens: 1, ignoreEos: true, logprobs });
            expect(given![0]!.top.length).toBe(logprobs);
        }
        for (const speculation of [{ draft: 0 }, { draft: 63 }]) {
            await rast.complete({ tokens: [3], maxTokens: 2, speculation });
        }
        for (const wrong of [
            { logprobs: 21 },
            { logprobs: -1 },
            { speculation: { draft: 64 } },
            { speculation: { draft: -1 } }
        ]) {
            await expect(rast.complete({ tokens: [3], ...wrong })).rejects.toMatchObject({
                code: "ERR_INVALID_OPTION"
            });
        }
        for (const wrong of [{ logprobs: 21 }, { logprobs: -2 }, { draft: 64 }, { draft: -2 }, { maxDraft: 64 }]) {
            expect(submitted(requestOf(wrong))).toBe("ERR_INVALID_ARGUMENT");
        }
    });
});

const ofEngine = ["contextSize", "batchSize", "cacheSize", "prefillChunk", "maxQueue", "maxDraft"] as const;

describe("an engine", () => {
    test.each(ofEngine.flatMap((name) => sides.map((side) => [name, side] as const)))(
        "%s at its %s is read, beyond it refused",
        async (name, side) => {
            expect(await refused({ [name]: beyond(name, side) })).toBe(`config.${name}`);
            expect(await refused({ [name]: within(name, side) })).toBeUndefined();
        }
    );

    test.each(sides)("threads, layers and slots at their %s are read, beyond it refused", async (side) => {
        for (const name of ["threads", "gpuLayers"] as const) {
            expect(await refused({}, { [name]: beyond(name, side) })).toBe(`config.base.${name}`);
            expect(await refused({}, { [name]: within(name, side) })).toBeUndefined();
        }
        expect(await refused({ slots: beyond("parallel", side) })).toBe("config.slots");
        expect(await refused({ slots: within("parallel", side) })).toBeUndefined();
    });

    test("three pairs, and not one more", async () => {
        const { base } = engineConfig({});
        const pairs = (count: number): object[] => new Array<object>(count).fill({ expert: base, antiexpert: base });
        expect(await refused({ pairs: pairs(3) })).toBeUndefined();
        expect(await refused({ pairs: pairs(4) })).toBe("pairs");
    });

    test.each([
        { batchSize: 1, speculation: "off" },
        { batchSize: 1 },
        { batchSize: 3, parallel: 5 },
        { contextSize: 1 },
        { contextSize: 2, parallel: 2 },
        { contextSize: 8, cacheSize: 8, parallel: 3, batchSize: 2 },
        { prefillChunk: 1, parallel: 2 },
        { maxQueue: 0 }
    ] as const)("with %j answers", async (options) => {
        const small = await loadRast({ trio: "demo", threads: 1, contextSize: 16, ...options });
        try {
            const ask = { tokens: [3], maxTokens: 2, ignoreEos: true, stop: [] };
            const results = await small.completeMany(ask, 4);
            const room = Math.min(2, small.info.contextSize);
            expect(results.map((result) => result.tokens.length)).toEqual([room, room, room, room]);
        } finally {
            await small.dispose();
        }
    });
});
