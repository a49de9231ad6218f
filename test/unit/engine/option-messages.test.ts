// What is said of a wrong option, to the letter; and what is made of a right one.
import { describe, expect, test } from "vitest";
import {
    resolveGenerateOptions,
    resolvePromptOptions,
    type GenerateContext
} from "../../../src/engine/generate-options.js";
import { readJson, readJsonSchema } from "../../../src/engine/json-schema.js";
import { resolveLoadOptions } from "../../../src/loading/load-options.js";
import { allModels, combineModels, describeRole } from "../../../src/loading/model-set.js";
import { checkLambda, randomSeed } from "../../../src/engine/sampling-options.js";
import { checkSpeculation, planDrafts, resolveSpeculation } from "../../../src/engine/speculation-options.js";
import { twoPairs } from "../../support/generate-context.js";
import { errorOf, messageOf } from "../../support/refused.js";
import type { Trio } from "../../../src/trio/trio.js";

const generate = (options: object, more: Partial<GenerateContext> = {}): ReturnType<typeof resolveGenerateOptions> =>
    resolveGenerateOptions(options, { ...twoPairs, ...more });
const load = (options: object): ReturnType<typeof resolveLoadOptions> =>
    resolveLoadOptions({ base: "b", expert: "e", antiexpert: "a", ...options });

const pair = { expert: "e", antiexpert: "a" };
const anyOf = 'Expected "auto", "off", { maxDraft }, { draft } or { ngram } for speculation, received';

describe("loadRast", () => {
    test.each<[object, string]>([
        [{ base: 5 }, "Expected a path or an object with a path for base, received 5 (number)."],
        [{ base: { gpuLayers: 1 } }, "Expected a path for base.path, received undefined."],
        [{ base: "a\0b" }, 'Expected a path without NUL characters for base, received "a\\u0000b" (string).'],
        [
            { base: { path: "a\0b" } },
            'Expected a path without NUL characters for base.path, received "a\\u0000b" (string).'
        ],
        [{ base: { path: "" } }, 'Expected a string that is not empty for base.path, received "" (string).'],
        [{ expert: { path: "e", paht: 1 } }, "Unknown option paht in expert. Did you mean path?"],
        [
            { expert: { path: "e", threads: 0 } },
            "Expected an integer in [1, 512] for expert.threads, received 0 (number)."
        ],
        [
            { expert: { path: "e", gpuLayers: "all" } },
            'Expected "auto" or an integer >= 0 for expert.gpuLayers, received "all" (string).'
        ],
        [{ gpuLayers: -1 }, "Expected an integer in [0, 1000000] for gpuLayers, received -1 (number)."],
        [{ device: [] }, "Expected a name or an array of names for device, received an array of 0."],
        [{ device: 5 }, "Expected a name or an array of names, at most 64 for device, received 5 (number)."],
        [
            { device: new Array(65).fill("x") },
            "Expected a name or an array of names, at most 64 for device, received an array of 65."
        ],
        [{ device: "" }, 'Expected a string that is not empty for device, received "" (string).'],
        [{ device: ["a", 1] }, "Expected a string for device[1], received 1 (number)."],
        [
            { device: ["CPU", "x"] },
            'Expected "cpu" alone or names of other devices for device, received an array of 2.'
        ],
        [{ flashAttention: "on" }, 'Expected one of "auto", true, false for flashAttention, received "on" (string).'],
        [
            { prefillChunk: "all" },
            'Expected "auto", "off" or an integer >= 1 for prefillChunk, received "all" (string).'
        ],
        [{ prefillChunk: 0 }, "Expected an integer in [1, 16384] for prefillChunk, received 0 (number)."],
        [{ onProgress: 5 }, "Expected a function for onProgress, received 5 (number)."],
        [
            { contextSize: 100, cacheSize: 99 },
            "Expected an integer in [100, 1073741824] for cacheSize, received 99 (number)."
        ],
        [
            { lambda: [1, 1, 1, 1] },
            "Expected a number, or an array with one number per pair (at most 3) for lambda, received an array of 4."
        ],
        [{ speculation: "on" }, `${anyOf} "on" (string).`],
        [{ speculation: {} }, `${anyOf} an object.`],
        [{ speculation: { draft: 1, maxDraft: 1 } }, `${anyOf} an object.`],
        [{ speculation: { draft: 64 } }, "Expected an integer in [0, 63] for speculation.draft, received 64 (number)."],
        [
            { speculation: { maxDraft: 64 } },
            "Expected an integer in [0, 63] for speculation.maxDraft, received 64 (number)."
        ],
        [
            { contextSize: 16, speculation: { draft: 16 } },
            "Drafts of 16 tokens with 1 sequence need a contextSize of at least 17, received 16."
        ],
        [
            { batchSize: 16, parallel: 4, speculation: { draft: 13 } },
            "Drafts of 13 tokens with 4 sequences need a batchSize of at least 17, received 16."
        ]
    ])("%j", (options, message) => {
        expect(errorOf(() => load(options))).toMatchObject({
            code: message.startsWith("Unknown") ? "ERR_UNKNOWN_OPTION" : "ERR_INVALID_OPTION",
            message
        });
    });

    test.each<[object, string]>([
        [{}, "Expected a path (or set trio) for base, received undefined."],
        [
            { base: "b", expert: "e" },
            "Expected a path, as an expert and an antiexpert come together, for antiexpert, received undefined."
        ],
        [
            { base: "b", antiexpert: "a" },
            "Expected a path, as an expert and an antiexpert come together, for expert, received undefined."
        ],
        [{ trio: "t", pairs: [pair] }, "Expected either pairs or trio, received both."],
        [{ base: "b", expert: "e", pairs: [pair] }, "Expected either pairs or expert, received both."],
        [{ base: "b", antiexpert: "a", pairs: [pair] }, "Expected either pairs or antiexpert, received both."],
        [{ base: "b", pairs: [] }, "Expected an array of 1 to 3 pairs for pairs, received an array of 0."],
        [
            { base: "b", pairs: [pair, pair, pair, pair] },
            "Expected an array of 1 to 3 pairs for pairs, received an array of 4."
        ],
        [
            { base: "b", pairs: [pair, { expert: "e", antiexpert: {} }] },
            "Expected a path for pairs[1].antiexpert.path, received undefined."
        ],
        [
            { base: "b", pairs: [{ antiexpert: "a" }] },
            "Expected a path or an object with a path for pairs[0].expert, received undefined."
        ],
        [
            { base: "b", pairs: [{ ...pair, lambda: 10.5 }] },
            "Expected a number in [-10, 10] for pairs[0].lambda, received 10.5 (number)."
        ],
        [{ trio: "" }, 'Expected a string that is not empty for trio, received "" (string).']
    ])("models given as %j", (options, message) => {
        expect(errorOf(() => resolveLoadOptions(options))).toMatchObject({ code: "ERR_INVALID_OPTION", message });
    });

    test("every default", () => {
        expect(resolveLoadOptions({ base: "b" })).toEqual({
            trio: undefined,
            base: { path: "b", devices: undefined, gpuLayers: undefined, threads: undefined },
            expert: undefined,
            antiexpert: undefined,
            pairs: [],
            lambda: undefined,
            gpuLayers: "auto",
            cpuMoeLayers: "auto",
            devices: undefined,
            threads: undefined,
            contextSize: 4096,
            batchSize: 512,
            parallel: 1,
            maxQueue: 1024,
            cacheSize: undefined,
            prefillChunk: 0,
            reusePrefixes: true,
            kvTypeK: "f16",
            kvTypeV: "f16",
            flashAttention: "auto",
            mmap: true,
            mlock: false,
            sampler: "auto",
            speculation: { draft: -1, maxDraft: undefined, ngram: "auto" },
            learned: true,
            tryModels: false,
            isolate: undefined,
            rpc: [],
            workerTimeoutMs: 15_000,
            onProgress: undefined,
            signal: undefined
        });
    });

    test("every choice", () => {
        const lambda = [1];
        const chosen = load({
            lambda,
            kvType: "q8_0",
            kvTypeK: "f32",
            flashAttention: true,
            prefillChunk: "off",
            batchSize: 99,
            device: "CPU",
            reusePrefixes: false,
            mmap: false,
            mlock: true,
            tryModels: true,
            expert: { path: "x", device: ["a", "b"], gpuLayers: 3, threads: 2 }
        });
        expect(chosen).toMatchObject({
            lambda: [1],
            kvTypeK: "f32",
            kvTypeV: "q8_0",
            flashAttention: "on",
            prefillChunk: 99,
            devices: [],
            reusePrefixes: false,
            mmap: false,
            mlock: true,
            tryModels: true,
            expert: { path: "x", devices: ["a", "b"], gpuLayers: 3, threads: 2 }
        });
        expect(chosen.lambda).not.toBe(lambda);
        expect(load({ flashAttention: false, prefillChunk: 7 })).toMatchObject({
            flashAttention: "off",
            prefillChunk: 7
        });
        expect(load({ contextSize: 100, cacheSize: 100 }).cacheSize).toBe(100);
        expect(load({ contextSize: 17, batchSize: 17, speculation: { draft: 16 } }).speculation.draft).toBe(16);
        expect(load({ device: new Array(64).fill("x") }).devices).toHaveLength(64);
    });

    test.each([
        ["0", false],
        ["off", false],
        ["FALSE", false],
        ["no", false],
        ["1", true],
        ["", true],
        [undefined, true]
    ])("RAST_TRY_MODELS=%s", (value, expected) => {
        const before = process.env["RAST_TRY_MODELS"];
        try {
            if (value === undefined) delete process.env["RAST_TRY_MODELS"];
            else process.env["RAST_TRY_MODELS"] = value;
            expect(load({}).tryModels).toBe(expected);
            expect(load({ tryModels: false }).tryModels).toBe(false);
        } finally {
            if (before === undefined) delete process.env["RAST_TRY_MODELS"];
            else process.env["RAST_TRY_MODELS"] = before;
        }
    });
});

describe("generate", () => {
    test.each<[object, string]>([
        [{}, "Expected exactly one of prompt, tokens and messages, received none."],
        [
            { prompt: "x", tokens: [1] },
            "Expected exactly one of prompt, tokens and messages, received prompt and tokens."
        ],
        [
            { prompt: "x", tokens: [1], messages: [] },
            "Expected exactly one of prompt, tokens and messages, received prompt and tokens and messages."
        ],
        [{ prompt: 5 }, "Expected a string for prompt, received 5 (number)."],
        [{ messages: "x" }, 'Expected an array with at least one message for messages, received "x" (string).'],
        [{ prompt: "x", grammar: "g", jsonSchema: true }, "Expected either grammar or jsonSchema, received both."],
        [{ prompt: "x", grammar: "" }, 'Expected a string that is not empty for grammar, received "" (string).'],
        [
            { prompt: "x", jsonSchema: 5 },
            "Expected an object, a boolean or JSON text for jsonSchema, received 5 (number)."
        ],
        [{ prompt: "x", mode: "fast" }, 'Expected one of "rast", "base", "expert" for mode, received "fast" (string).'],
        [{ prompt: "x", stop: 5 }, "Expected a string or an array of strings for stop, received 5 (number)."],
        [
            { prompt: "x", stop: new Array(17).fill("s") },
            "Expected at most 16 strings for stop, received an array of 17."
        ],
        [{ prompt: "x", stop: ["a", ""] }, 'Expected a string that is not empty for stop[1], received "" (string).'],
        [
            { prompt: "x", seed: -1 },
            "Expected a safe integer >= 0 or a bigint in [0, 2^64) for seed, received -1 (number)."
        ],
        [
            { prompt: "x", lambda: [1] },
            "Expected a number, or an array with one number per pair (2) for lambda, received an array of 1."
        ],
        [{ prompt: "x", lambda: [1, "2"] }, 'Expected a number in [-10, 10] for lambda[1], received "2" (string).'],
        [
            { prompt: "x", logitBias: 5 },
            "Expected an object or a Map from token ids to numbers for logitBias, received 5 (number)."
        ],
        [
            { prompt: "x", logitBias: { "01": 1 } },
            'Expected a token id for a key of logitBias, received "01" (string).'
        ],
        [
            { prompt: "x", logitBias: { 12345678901: 1 } },
            'Expected a token id for a key of logitBias, received "12345678901" (string).'
        ],
        [
            { prompt: "x", logitBias: { 100: 1 } },
            "Expected a token id in [0, 99] for a key of logitBias, received 100 (number)."
        ],
        [
            { prompt: "x", logitBias: { 7: 100.5 } },
            "Expected a number in [-100, 100] or -Infinity for logitBias[7], received 100.5 (number)."
        ],
        [
            { prompt: "x", logitBias: new Map(Array.from({ length: 1025 }, (_, id) => [id, 1])) },
            "Expected at most 1024 entries for logitBias, received 1025."
        ],
        [
            { prompt: "x", speculation: { maxDraft: 16 } },
            "Drafts of 16 tokens were asked for, and the engine was loaded for 15: set speculation in loadRast."
        ]
    ])("case %#", (options, message) => {
        expect(errorOf(() => generate(options))).toMatchObject({ code: "ERR_INVALID_OPTION", message });
    });

    test("without a pair there is the base alone", () => {
        expect(generate({ prompt: "x" }, { lambdas: [] }).mode).toBe("base");
        expect(generate({ prompt: "x", mode: "base" }, { lambdas: [] }).mode).toBe("base");
        expect(messageOf(() => generate({ prompt: "x", mode: "expert" }, { lambdas: [] }))).toBe(
            'Expected "base" for mode, received "expert": the engine has no expert and no antiexpert.'
        );
        expect(generate({ prompt: "x" }).mode).toBe("rast");
    });

    test("every default", () => {
        expect(generate({ prompt: "x", seed: 3 })).toEqual({
            prompt: { kind: "text", text: "x", raw: false },
            addBos: undefined,
            parseSpecial: true,
            signal: undefined,
            showSpecial: false,
            shownTokens: [],
            mode: "rast",
            maxTokens: -1,
            maxThinkingTokens: -1,
            stopStrings: [],
            stopTokens: new Int32Array(0),
            ignoreEos: false,
            logprobs: -1,
            figures: -1,
            speculation: { draft: -1, maxDraft: 15, ngram: "auto" },
            constraint: { kind: "none" },
            sampling: {
                temperature: 1,
                topK: 0,
                topP: 0.95,
                minP: 0,
                repetitionPenalty: 1,
                presencePenalty: 0,
                frequencyPenalty: 0,
                penaltyWindow: 64,
                lambdas: [1, 0.5],
                biasTokens: new Int32Array(0),
                biasValues: new Float32Array(0),
                seed: 3n,
                ordinal: 0
            }
        });
    });

    test("every choice", () => {
        expect(
            generate({
                messages: [{ role: "user", content: "x" }],
                addBos: true,
                parseSpecial: false,
                showSpecial: true,
                ignoreEos: true,
                stop: "s",
                stopTokens: [5],
                maxTokens: 64,
                logprobs: 0,
                lambda: 2,
                grammar: "root ::= x",
                speculation: "off"
            })
        ).toMatchObject({
            prompt: { kind: "messages", messages: [{ role: "user", content: "x" }] },
            addBos: true,
            parseSpecial: false,
            showSpecial: true,
            ignoreEos: true,
            stopStrings: ["s"],
            stopTokens: Int32Array.of(5),
            maxTokens: 64,
            logprobs: 0,
            constraint: { kind: "grammar", gbnf: "root ::= x" },
            speculation: { draft: 0, maxDraft: 0, ngram: "never" },
            sampling: { lambdas: [2, 2] }
        });
        expect(generate({ prompt: "x", raw: true, maxTokens: 65 })).toMatchObject({
            prompt: { kind: "text", raw: true },
            maxTokens: 64
        });
        expect(generate({ tokens: [1, 2] }).prompt).toEqual({ kind: "tokens", tokens: Int32Array.of(1, 2) });
        expect(generate({ prompt: "x" }, { addBos: true, maxTokens: 9, stop: ["t"] })).toMatchObject({
            addBos: true,
            maxTokens: 9,
            stopStrings: ["t"]
        });
        const most = new Map(Array.from({ length: 100 }, (_, id) => [id, id]));
        expect(generate({ prompt: "x", logitBias: most }).sampling.biasTokens).toHaveLength(100);
    });

    test("an empty prompt has a code of its own", () => {
        expect(errorOf(() => generate({ prompt: "" }))).toMatchObject({
            code: "ERR_EMPTY_PROMPT",
            message: "The prompt is empty."
        });
    });

    test("a text without a generation knows fewer options", () => {
        expect(resolvePromptOptions("saveState", { prompt: "x" }, twoPairs)).toEqual({
            prompt: { kind: "text", text: "x", raw: false },
            addBos: undefined,
            parseSpecial: true,
            signal: undefined
        });
        expect(messageOf(() => resolvePromptOptions("saveState", { prompt: "x", topK: 1 }, twoPairs))).toBe(
            "Unknown option topK in saveState."
        );
        expect(messageOf(() => resolvePromptOptions("saveState", 5, twoPairs))).toBe(
            "Expected an object for the options of saveState, received 5 (number)."
        );
    });
});

describe("a JSON schema", () => {
    test("is told from the option around it by its keys", () => {
        expect(readJsonSchema({ type: "string" })).toEqual({ json: '{"type":"string"}', ignoreUnsupported: false });
        expect(readJsonSchema("{ }")).toEqual({ json: "{ }", ignoreUnsupported: false });
        expect(readJsonSchema(true)).toEqual({ json: "true", ignoreUnsupported: false });
        expect(readJsonSchema({ schema: false })).toEqual({ json: "false", ignoreUnsupported: false });
        expect(readJsonSchema({ schema: "x", unsupported: "ignore" })).toEqual({ json: "x", ignoreUnsupported: true });
        expect(readJsonSchema({ schema: {}, unsupported: "refuse" })).toEqual({ json: "{}", ignoreUnsupported: false });
        const odd = { schema: {}, type: "object" };
        expect(readJsonSchema(odd).json).toBe(JSON.stringify(odd));
        expect(readJsonSchema({ unsupported: "ignore" }).json).toBe('{"unsupported":"ignore"}');
        expect(readJsonSchema({}).json).toBe("{}");
    });

    test.each<[unknown, string]>([
        [[], "Expected an object, a boolean or JSON text for jsonSchema, received an array of 0."],
        [Promise.resolve({}), "Expected an object, a boolean or JSON text for jsonSchema, received an object."],
        [new Map(), "Expected an object, a boolean or JSON text for jsonSchema, received an object."],
        [{ const: NaN }, 'Expected what JSON can write for jsonSchema (at "const"), received NaN (number).'],
        [{ enum: [1, undefined] }, 'Expected what JSON can write for jsonSchema (at "1"), received undefined.'],
        [{ properties: { a: new Map() } }, 'Expected what JSON can write for jsonSchema (at "a"), received an object.'],
        [{ properties: { f: () => 1 } }, 'Expected what JSON can write for jsonSchema (at "f"), received a function.'],
        [null, "Expected an object, a boolean or JSON text for jsonSchema, received null."],
        [{ schema: 5 }, "Expected an object, a boolean or JSON text for jsonSchema.schema, received 5 (number)."],
        [
            { schema: {}, unsupported: "maybe" },
            'Expected one of "refuse", "ignore" for jsonSchema.unsupported, received "maybe" (string).'
        ],
        [
            { const: 1n },
            "Expected a value that can be written as JSON for jsonSchema: Do not know how to serialize a BigInt."
        ],
        [
            { toJSON: () => undefined },
            "Expected a value that can be written as JSON for jsonSchema, received an object."
        ]
    ])("case %#", (value, message) => {
        expect(errorOf(() => readJsonSchema(value))).toMatchObject({ code: "ERR_INVALID_OPTION", message });
    });

    test("what JSON.stringify throws is the cause", () => {
        const circle: Record<string, unknown> = {};
        circle["self"] = circle;
        expect(errorOf(() => readJson("messages", circle))).toMatchObject({
            message: expect.stringMatching(/^Expected a value that can be written as JSON for messages: [^\n]+\.$/),
            details: { option: "messages" },
            cause: expect.any(TypeError)
        });
    });
});

describe("numbers made of options", () => {
    test("one lambda per pair", () => {
        expect(checkLambda(0.5, 3)).toEqual([0.5, 0.5, 0.5]);
        expect(checkLambda([1, -1], 2)).toEqual([1, -1]);
        expect(checkLambda(1, 0)).toEqual([]);
    });

    test("random seeds use 53 bits", () => {
        const seeds = Array.from({ length: 400 }, () => randomSeed());
        expect(seeds.every((seed) => seed >= 0n && seed < 1n << 53n)).toBe(true);
        // Each bit is 0 and 1 at least once in 400 draws, but for one chance in 2^390.
        const union = seeds.reduce((all, seed) => all | seed, 0n);
        const common = seeds.reduce((all, seed) => all & seed, (1n << 53n) - 1n);
        expect([union, common]).toEqual([(1n << 53n) - 1n, 0n]);
    });

    test("speculation", () => {
        expect(checkSpeculation("auto")).toEqual({ draft: -1, maxDraft: undefined, ngram: "auto" });
        expect(checkSpeculation("off")).toEqual({ draft: 0, maxDraft: 0, ngram: "never" });
        expect(checkSpeculation({ draft: 5 })).toEqual({ draft: 5, maxDraft: 5, ngram: "never" });
        expect(checkSpeculation({ maxDraft: 0 })).toEqual({ draft: -1, maxDraft: 0, ngram: "auto" });
        expect(checkSpeculation({ ngram: true })).toEqual({ draft: -1, maxDraft: undefined, ngram: "always" });
        expect(checkSpeculation({ ngram: false })).toEqual({ draft: -1, maxDraft: undefined, ngram: "never" });
        expect(checkSpeculation({ draft: 5, ngram: "auto" })).toEqual({ draft: 5, maxDraft: 5, ngram: "auto" });
        expect(checkSpeculation({ maxDraft: 7, ngram: true })).toEqual({ draft: -1, maxDraft: 7, ngram: "always" });
        const room = { contextSize: 100, batchSize: 20, parallel: 8 };
        expect(planDrafts({ draft: 12, maxDraft: 12 }, room, 1)).toEqual({ maxDraft: 12, rows: 20 });
        expect(planDrafts({ draft: 13, maxDraft: 13 }, room, 1)).toEqual({ maxDraft: 12, rows: 20 });
        expect(planDrafts({ draft: -1, maxDraft: 2 }, { ...room, batchSize: 512 }, 1)).toEqual({
            maxDraft: 2,
            rows: 24
        });
        expect(planDrafts({ draft: -1, maxDraft: 63 }, { ...room, batchSize: 512 }, 1)).toEqual({
            maxDraft: 63,
            rows: 71
        });
        const loaded = { draft: -1, maxDraft: 8, ngram: "auto", possible: 5 } as const;
        expect(resolveSpeculation({ maxDraft: 8 }, loaded)).toEqual({ draft: -1, maxDraft: 5, ngram: "auto" });
        expect(resolveSpeculation({ draft: 8 }, loaded)).toEqual({ draft: 5, maxDraft: 5, ngram: "never" });
        expect(resolveSpeculation({ draft: 3 }, loaded)).toEqual({ draft: 3, maxDraft: 3, ngram: "never" });
        expect(errorOf(() => resolveSpeculation({ draft: 9 }, loaded)).details).toEqual({
            option: "speculation",
            maxDraft: 9
        });
    });
});

describe("models of options and trio", () => {
    const trio = {
        file: "/t/t.json",
        base: "/t/b",
        pairs: [
            { expert: "/t/e0", antiexpert: "/t/a0", lambda: 0.25 },
            { expert: "/t/e1", antiexpert: "/t/a1", lambda: 2 }
        ]
    } as unknown as Trio;
    const one = { ...trio, pairs: [trio.pairs[0]!] };
    const combine = (options: object, from?: Trio): ReturnType<typeof combineModels> =>
        combineModels(resolveLoadOptions(options), from);
    const paths = (set: ReturnType<typeof combineModels>): string[] => allModels(set).map((model) => model.path);

    test.skipIf(process.platform === "win32")("come in order, options before the trio", () => {
        expect(paths(combine({ trio: "t" }, trio))).toEqual(["/t/b", "/t/e0", "/t/a0", "/t/e1", "/t/a1"]);
        expect(paths(combine({ trio: "t", base: "/x", antiexpert: "/y" }, one))).toEqual(["/x", "/t/e0", "/y"]);
        expect(paths(combine({ base: "/b", expert: "/e", antiexpert: "/a" }))).toEqual(["/b", "/e", "/a"]);
        expect(paths(combine({ base: "/b" }))).toEqual(["/b"]);
        const set = combine({ trio: "t", expert: { gpuLayers: 3, threads: 2, device: "d" } }, trio);
        expect(allModels(set).map(({ role, pair: number, gpuLayers }) => [role, number, gpuLayers])).toEqual([
            ["base", 0, undefined],
            ["expert", 0, 3],
            ["antiexpert", 0, undefined],
            ["expert", 1, 3],
            ["antiexpert", 1, undefined]
        ]);
        expect(set.pairs[1]!.expert).toMatchObject({ threads: 2, devices: ["d"] });
    });

    test("strengths: the option's, the pair's, else 1", () => {
        expect(combine({ trio: "t" }, trio).lambdas).toEqual([0.25, 2]);
        expect(combine({ trio: "t", lambda: 3 }, trio).lambdas).toEqual([3, 3]);
        expect(combine({ trio: "t", lambda: [4, 5] }, trio).lambdas).toEqual([4, 5]);
        expect(combine({ base: "b", expert: "e", antiexpert: "a" }).lambdas).toEqual([1]);
        expect(combine({ base: "b", pairs: [{ ...pair, lambda: 0 }, pair] }).lambdas).toEqual([0, 1]);
        expect(combine({ base: "b" }).lambdas).toEqual([]);
    });

    test("one path for several pairs is refused", () => {
        for (const role of ["expert", "antiexpert"]) {
            expect(messageOf(() => combine({ trio: "t", [role]: "x" }, trio))).toBe(
                `Expected no path (the trio has 2 pairs) for ${role}, received "x" (string).`
            );
        }
        expect(() => combine({ trio: "t", expert: "x" }, one)).not.toThrow();
    });

    test("roles in words", () => {
        expect(describeRole({ role: "base", pair: 0 })).toBe("the base");
        expect(describeRole({ role: "expert", pair: 0 })).toBe("the expert");
        expect(describeRole({ role: "antiexpert", pair: 2 })).toBe("the antiexpert of pair 2");
    });
});
