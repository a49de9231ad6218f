import { describe, expect, test } from "vitest";
import { resolveGenerateOptions } from "../../../src/engine/generate-options.js";
import { resolveLoadOptions } from "../../../src/loading/load-options.js";
import { samplingDefaults } from "../../../src/engine/sampling-options.js";
import { twoPairs } from "../../support/generate-context.js";
import { errorOf } from "../../support/refused.js";

function generateWith(options: object): ReturnType<typeof resolveGenerateOptions> {
    return resolveGenerateOptions({ prompt: "Hi", ...options }, twoPairs);
}

function loadWith(options: object): ReturnType<typeof resolveLoadOptions> {
    return resolveLoadOptions({ base: "b", expert: "e", antiexpert: "a", ...options });
}

const notNumbers = ["1", null, true, {}, [], NaN, Infinity, 1n];
const notIntegers = [...notNumbers, 1.5];
const notBooleans = ["true", 1, null, {}];
const notStrings = [1, null, true, {}, []];
const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `s${index}`);
const entries = (count: number): Record<string, number> => Object.fromEntries(many(count).map((_, id) => [id, 1]));

describe("options of generate", () => {
    const matrix: Record<string, { bad: unknown[]; good: unknown[] }> = {
        lambda: {
            bad: [...notNumbers.filter((value) => !Array.isArray(value)), -10.1, 11, [1], [1, NaN], [1, 2, 3]],
            good: [-10, 0, 10, [1, -1]]
        },
        temperature: { bad: [...notNumbers, -0.1, 101], good: [0, 0.7, 100] },
        topK: { bad: [...notIntegers, -1], good: [0, 40] },
        topP: { bad: [...notNumbers, 0, -1, 1.01], good: [0.01, 1] },
        minP: { bad: [...notNumbers, -0.1, 1.1], good: [0, 1] },
        repetitionPenalty: { bad: [...notNumbers, 0, -1, 10.5], good: [0.5, 10] },
        presencePenalty: { bad: [...notNumbers, -101, 101], good: [-100, 0, 100] },
        frequencyPenalty: { bad: [...notNumbers, -101, 101], good: [-100, 0, 100] },
        penaltyWindow: { bad: [...notIntegers, -2], good: [-1, 0, 64] },
        logitBias: {
            bad: [
                1,
                "5",
                null,
                [],
                { 5: NaN },
                { 5: 101 },
                { 5: Infinity },
                { 5: "1" },
                { 100: 1 },
                { "-1": 1 },
                { "05": 1 },
                { word: 1 },
                new Map([[0.5, 1]]),
                new Map([["5", 1]]),
                entries(1025)
            ],
            good: [{}, { 5: -100 }, { 99: -Infinity }, new Map([[0, 100]])]
        },
        seed: {
            bad: ["1", null, true, {}, NaN, -1, 0.5, 2 ** 53, -1n, 2n ** 64n],
            good: [0, 2 ** 53 - 1, 0n, 2n ** 64n - 1n]
        },
        ordinal: { bad: [...notIntegers, -1, 2 ** 32], good: [0, 2 ** 32 - 1] },
        raw: { bad: notBooleans, good: [true, false] },
        addBos: { bad: notBooleans, good: [true, false] },
        parseSpecial: { bad: notBooleans, good: [true, false] },
        showSpecial: {
            bad: [...notBooleans, [""], [1], many(17)],
            good: [true, false, [], ["<|im_start|>"], many(16)]
        },
        ignoreEos: { bad: notBooleans, good: [true, false] },
        mode: { bad: ["RAST", "antiexpert", "", null, 1], good: ["rast", "base", "expert"] },
        maxTokens: { bad: [...notIntegers, 0, -1, 2 ** 53], good: [1, 2 ** 53 - 1] },
        maxThinkingTokens: { bad: [...notIntegers, -1], good: [0, 9] },
        stop: { bad: [1, null, true, {}, "", [""], ["a", 1], many(17)], good: ["a", [], ["a", "b"], many(16)] },
        stopTokens: {
            bad: [1, "1", null, {}, [-1], [100], [0.5], ["1"], [NaN]],
            good: [[], [0, 99], Int32Array.of(5)]
        },
        logprobs: { bad: [...notIntegers, -1, 21], good: [0, 20] },
        prompt: { bad: notStrings, good: ["text"] }
    };
    const bad = Object.entries(matrix).flatMap(([name, values]) => values.bad.map((value) => ({ name, value })));
    const good = Object.entries(matrix).flatMap(([name, values]) => values.good.map((value) => ({ name, value })));

    test.each(bad)("$name refuses $value", ({ name, value }) => {
        const error = errorOf(() => generateWith({ [name]: value }));
        expect(error.code).toBe("ERR_INVALID_OPTION");
        expect(error.message).toContain(name);
        expect(error.message).toContain("received");
    });

    test.each(good)("$name accepts $value", ({ name, value }) => {
        expect(() => generateWith({ [name]: value })).not.toThrow();
    });

    test.each(Object.keys(matrix).filter((name) => name !== "prompt"))("%s may be undefined", (name) => {
        expect(() => generateWith({ [name]: undefined })).not.toThrow();
    });

    test.each([[[-1]], [[100]], ["1"], [5], [{}], [new Uint8Array(1)]])("tokens refuses %j", (tokens) => {
        expect(errorOf(() => resolveGenerateOptions({ tokens }, twoPairs)).code).toBe("ERR_INVALID_OPTION");
    });

    test.each([undefined, null, 5, "Hi", []])("options that are %s are refused", (options) => {
        expect(errorOf(() => resolveGenerateOptions(options, twoPairs)).code).toBe("ERR_INVALID_OPTION");
    });

    test("unknown options are refused, with the nearest known one", () => {
        const error = errorOf(() => generateWith({ temprature: 1 }));
        expect(error.code).toBe("ERR_UNKNOWN_OPTION");
        expect(error.message).toBe("Unknown option temprature in generate. Did you mean temperature?");
        expect(errorOf(() => generateWith({ zzz: 1 })).message).toBe("Unknown option zzz in generate.");
        expect(errorOf(() => generateWith({ top_p: 1 })).message).toContain("Did you mean topP?");
    });

    test("messages name option, range and value", () => {
        expect(errorOf(() => generateWith({ topP: 0 })).message).toBe(
            "Expected a number in (0, 1] for topP, received 0 (number)."
        );
        expect(errorOf(() => generateWith({ topK: "4" })).message).toBe(
            'Expected an integer in [0, 1073741824] for topK, received "4" (string).'
        );
    });

    test("defaults are the paper's, then the trio's, then the request's", () => {
        expect(samplingDefaults).toMatchObject({ temperature: 1, topP: 0.95, topK: 0, minP: 0, penaltyWindow: 64 });
        expect(generateWith({})).toMatchObject({ mode: "rast", maxTokens: -1, logprobs: -1, stopStrings: [] });
        expect(generateWith({}).sampling).toMatchObject({ ...samplingDefaults, lambdas: [1, 0.5], ordinal: 0 });
        const trio = { ...twoPairs, defaults: { temperature: 0.5, topP: 1 }, maxTokens: 7, stop: ["x"] };
        const resolved = resolveGenerateOptions({ prompt: "Hi", temperature: 2 }, trio);
        expect(resolved).toMatchObject({ maxTokens: 7, stopStrings: ["x"] });
        expect(resolved.sampling).toMatchObject({ temperature: 2, topP: 1 });
    });

    test("random seeds differ and are safe integers", () => {
        const seeds = Array.from({ length: 20 }, () => generateWith({}).sampling.seed);
        expect(new Set(seeds).size).toBe(20);
        for (const seed of seeds) expect(Number.isSafeInteger(Number(seed))).toBe(true);
    });

    test("logit bias crosses as two arrays", () => {
        const { biasTokens, biasValues } = generateWith({ logitBias: { 7: -Infinity, 9: 1.5 } }).sampling;
        expect([...biasTokens]).toEqual([7, 9]);
        expect([...biasValues]).toEqual([-Infinity, 1.5]);
    });

    test("maxThinkingTokens: the request's, else the trio's, for messages and prompts", () => {
        const trio = { ...twoPairs, maxThinkingTokens: 7 };
        const messages = [{ role: "user", content: "x" }];
        const most = (options: object, context = trio): number =>
            resolveGenerateOptions(options, context).maxThinkingTokens;
        expect([most({ messages }), most({ prompt: "x" }), most({ tokens: [1] })]).toEqual([7, 7, 7]);
        expect([most({ messages, maxThinkingTokens: 3 }), most({ prompt: "x", maxThinkingTokens: 0 })]).toEqual([3, 0]);
        expect(resolveGenerateOptions({ messages }, twoPairs).maxThinkingTokens).toBe(-1);
        expect(errorOf(() => most({ tokens: [1], maxThinkingTokens: 3 })).message).toContain("received tokens");
    });

    test("maxTokens never exceeds the context", () => {
        expect(generateWith({ maxTokens: 2 ** 40 }).maxTokens).toBe(64);
    });
});

describe("options of loadRast", () => {
    const model = { bad: [1, null, true, [], "", "a\0b", {}, { path: 1 }], good: ["a.gguf", { path: "a.gguf" }] };
    const layers = { bad: [...notIntegers.filter((value) => value !== "auto"), -1, "all"], good: ["auto", 0, 99] };
    const device = { bad: [1, null, true, {}, [], "", [""], ["cpu", "CUDA0"]], good: ["cpu", "CUDA0", ["a", "b"]] };
    const kvType = { bad: ["F16", "q8", "", 1, null], good: ["f32", "f16", "q8_0"] };
    const matrix: Record<string, { bad: unknown[]; good: unknown[] }> = {
        base: model,
        expert: model,
        antiexpert: model,
        lambda: { bad: [], good: [1] },
        gpuLayers: layers,
        device,
        threads: { bad: [...notIntegers, 0, 513], good: [1, 512] },
        contextSize: { bad: [...notIntegers, 0, 2 ** 24 + 1], good: [1, 2 ** 24] },
        batchSize: { bad: [...notIntegers, 0, 16385], good: [1, 16384] },
        cacheSize: { bad: [...notIntegers, 4095, 2 ** 30 + 1], good: [4096, 2 ** 30] },
        maxQueue: { bad: [...notIntegers, -1, 1_000_001], good: [0, 1_000_000] },
        prefillChunk: {
            bad: [...notIntegers.filter((value) => value !== "auto"), 0, 16385],
            good: ["auto", "off", 1, 16384]
        },
        reusePrefixes: { bad: notBooleans, good: [true, false] },
        learned: { bad: notBooleans, good: [true, false] },
        parallel: { bad: [...notIntegers, 0, 65], good: [1, 64] },
        speculation: {
            bad: [
                ...[
                    "on",
                    1,
                    null,
                    true,
                    {},
                    [],
                    { maxDraft: 4, draft: 4 },
                    { ngram: "on" },
                    { ngram: 1 },
                    { ngram: null }
                ],
                ...[-1, 1.5, 64, "4", Number.NaN, null].flatMap((n) => [{ maxDraft: n }, { draft: n }])
            ],
            good: [
                "auto",
                "off",
                { maxDraft: 0 },
                { maxDraft: 63 },
                { draft: 15 },
                { ngram: true },
                { draft: 3, ngram: "auto" }
            ]
        },
        kvType,
        kvTypeK: kvType,
        kvTypeV: kvType,
        flashAttention: { bad: ["on", 1, null], good: ["auto", true, false] },
        mmap: { bad: notBooleans, good: [true, false] },
        mlock: { bad: notBooleans, good: [true, false] },
        sampler: { bad: ["gpu", 1, null], good: ["auto", "device", "host"] },
        onProgress: { bad: [1, "f", null, {}], good: [() => {}] },
        signal: { bad: [1, null, {}, new AbortController()], good: [new AbortController().signal] }
    };
    const bad = Object.entries(matrix).flatMap(([name, values]) => values.bad.map((value) => ({ name, value })));
    const good = Object.entries(matrix).flatMap(([name, values]) => values.good.map((value) => ({ name, value })));

    test.each(bad)("$name refuses $value", ({ name, value }) => {
        const error = errorOf(() => loadWith({ [name]: value }));
        expect(error.code).toBe("ERR_INVALID_OPTION");
        expect(error.message).toContain(name);
    });

    test.each(good)("$name accepts $value", ({ name, value }) => {
        expect(() => loadWith({ [name]: value })).not.toThrow();
    });

    test.each([
        [{ path: "a", gpulayers: 1 }, "ERR_UNKNOWN_OPTION"],
        [{ path: "a", gpuLayers: -1 }, "ERR_INVALID_OPTION"],
        [{ path: "a", threads: 0 }, "ERR_INVALID_OPTION"],
        [{ path: "a", device: [] }, "ERR_INVALID_OPTION"]
    ])("a role refuses %j", (expert, code) => {
        expect(errorOf(() => loadWith({ expert })).code).toBe(code);
    });

    const pair = { expert: "e", antiexpert: "a" };
    test.each([
        [{}, "base"],
        [{ base: "b", expert: "e" }, "antiexpert"],
        [{ base: "b", antiexpert: "a" }, "expert"],
        [{ base: "b", expert: "e", antiexpert: "a", pairs: [pair] }, "pairs"],
        [{ trio: "t", pairs: [pair] }, "pairs"],
        [{ base: "b", pairs: [] }, "pairs"],
        [{ base: "b", pairs: [pair, pair, pair, pair] }, "pairs"],
        [{ base: "b", pairs: [{ expert: "e" }] }, "pairs[0].antiexpert"],
        [{ base: "b", pairs: [{ ...pair, lambda: 99 }] }, "pairs[0].lambda"],
        [{ trio: "" }, "trio"],
        [{ trio: 1 }, "trio"]
    ])("models given as %j are refused over %s", (options, name) => {
        const error = errorOf(() => resolveLoadOptions(options));
        expect(error.code).toBe("ERR_INVALID_OPTION");
        expect(error.message).toContain(name);
    });

    test("unknown options are refused, with the nearest known one", () => {
        const error = errorOf(() => loadWith({ gpu_layers: 1 }));
        expect(error).toMatchObject({ code: "ERR_UNKNOWN_OPTION" });
        expect(error.message).toContain("Did you mean gpuLayers?");
        expect(errorOf(() => resolveLoadOptions({ base: "b", pairs: [{ ...pair, lamda: 1 }] })).message).toContain(
            "Did you mean lambda?"
        );
    });

    test("defaults", () => {
        expect(resolveLoadOptions({ base: "b" })).toMatchObject({
            gpuLayers: "auto",
            devices: undefined,
            contextSize: 4096,
            batchSize: 512,
            parallel: 1,
            kvTypeK: "f16",
            kvTypeV: "f16",
            flashAttention: "auto",
            mmap: true,
            mlock: false,
            sampler: "auto"
        });
        expect(loadWith({ kvType: "q8_0", kvTypeV: "f16" })).toMatchObject({ kvTypeK: "q8_0", kvTypeV: "f16" });
    });
});

describe("options of a chat template", () => {
    const messages = [{ role: "user", content: "Hi" }];
    const chatOf = (options: object): unknown => {
        const { prompt } = resolveGenerateOptions({ messages, ...options }, { ...twoPairs, chat: { thinking: false } });
        return prompt.kind === "messages" ? prompt.chat : undefined;
    };

    test("are copied, and the trio's hold where none are given", () => {
        expect(chatOf({})).toEqual({ thinking: false, templateOptions: {} });
        const tools = [{ name: "f" }];
        const chat = chatOf({ thinking: "auto", templateOptions: { tools, date: undefined } });
        tools[0]!.name = "g";
        expect(chat).toEqual({ thinking: "auto", templateOptions: { tools: [{ name: "f" }] } });
    });

    test.each([
        [{ thinking: "on" }, "thinking"],
        [{ thinking: null }, "thinking"],
        [{ templateOptions: [] }, "templateOptions"],
        [{ templateOptions: "x" }, "templateOptions"],
        [{ templateOptions: new Map() }, "templateOptions"],
        [{ templateOptions: { messages: [] } }, "templateOptions.messages"],
        [{ templateOptions: { "a b": 1 } }, "templateOptions"],
        [{ templateOptions: { now: () => 1 } }, "templateOptions"],
        [{ templateOptions: { n: 1n } }, "templateOptions"]
    ])("%s is refused", (options, name) => {
        const error = errorOf(() => chatOf(options));
        expect(error.code).toBe("ERR_INVALID_OPTION");
        expect(error.message).toContain(name);
    });

    test("need messages", () => {
        expect(errorOf(() => generateWith({ thinking: true })).message).toBe(
            "Expected messages beside thinking, received none."
        );
        expect(errorOf(() => generateWith({ templateOptions: {} })).code).toBe("ERR_INVALID_OPTION");
    });
});
