import { describe, expect, it } from "vitest";
import { loadRast, RastError, type GenerateOptions, type LoadOptions, type Rast } from "../../dist/index.js";
import { prompt } from "../support/demo.js";
import { tinyTrio, wideDemo } from "../support/test-models.js";

const base = { gpuLayers: 0, threads: 1, contextSize: 512 } as const;
// F32 and no flash attention: texts of other batches are the same but for rounding
const loadDemo = async (options: LoadOptions = {}): Promise<Rast> => {
    const { base: large, expert, antiexpert } = await wideDemo();
    return loadRast({ base: large, expert, antiexpert, flashAttention: false, ...base, ...options });
};
// random weights over all bytes: whatever is valid is so by the grammar alone
const loadBytes = async (options: LoadOptions = {}): Promise<Rast> =>
    loadRast({ ...(await tinyTrio()), ...base, ...options });

async function failure(work: Promise<unknown>): Promise<RastError> {
    const error = await work.then(
        () => undefined,
        (reason: unknown) => reason
    );
    if (error instanceof RastError) return error;
    throw new Error(`expected a RastError, got ${String(error)}`);
}

type Schema = Record<string, unknown>;
type Check = (value: unknown) => boolean;
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const word = { type: "string", maxLength: 6 };
// random bytes may make up a character that is none: it becomes several U+FFFD
const isWord = (value: unknown): boolean =>
    typeof value === "string" && [...value.replaceAll("\ufffd", "")].length <= 6;

// By growing difficulty: a schema, and by hand what it means.
const schemas: readonly (readonly [string, Schema, Check])[] = [
    ["constant", { const: "yes" }, (v) => v === "yes"],
    ["enum", { enum: ["red", 5, null, true] }, (v) => v === "red" || v === 5 || v === null || v === true],
    ["boolean", { type: "boolean" }, (v) => typeof v === "boolean"],
    [
        "integer in a range",
        { type: "integer", minimum: -7, maximum: 120 },
        (v) => Number.isInteger(v) && (v as number) >= -7 && (v as number) <= 120
    ],
    ["short string", word, isWord],
    ["pattern", { type: "string", pattern: "^[a-c]{2}-[0-9]{1,3}$" }, (v) => /^[a-c]{2}-[0-9]{1,3}$/.test(v as string)],
    ["date", { type: "string", format: "date" }, (v) => /^\d{4}-(0[1-9]|1[0-2])-\d{2}$/.test(v as string)],
    [
        "array",
        { type: "array", items: { type: "boolean" }, minItems: 1, maxItems: 4 },
        (v) => Array.isArray(v) && v.length >= 1 && v.length <= 4 && v.every((x) => typeof x === "boolean")
    ],
    [
        "object",
        {
            type: "object",
            properties: { name: word, age: { type: "integer", minimum: 0, maximum: 99 } },
            required: ["name"],
            additionalProperties: false
        },
        (v) =>
            isObject(v) &&
            isWord(v["name"]) &&
            (v["age"] === undefined || (Number.isInteger(v["age"]) && (v["age"] as number) <= 99)) &&
            Object.keys(v).every((key) => key === "name" || key === "age")
    ],
    [
        "alternatives, references and nesting",
        {
            $defs: {
                point: {
                    type: "object",
                    properties: { x: { enum: [0, 1] }, y: { enum: [0, 1] } },
                    required: ["x", "y"],
                    additionalProperties: false
                }
            },
            type: "array",
            minItems: 1,
            maxItems: 2,
            items: { anyOf: [{ $ref: "#/$defs/point" }, { type: "null" }] }
        },
        (v) =>
            Array.isArray(v) &&
            v.length >= 1 &&
            v.length <= 2 &&
            v.every((x) => x === null || (isObject(x) && [0, 1].includes(x["x"] as number) && "y" in x))
    ]
];

describe("JSON schemas", () => {
    it("hold in all of 200 generations of a model of random weights, drafted and in company", async () => {
        const rast = await loadBytes({ parallel: 8 });
        const results = await Promise.all(
            Array.from({ length: 200 }, async (_, i) => {
                const [name, jsonSchema, check] = schemas[i % schemas.length]!;
                const temperature = [0, 0.7, 1, 1.5][i % 4]!;
                const speculation = i % 3 === 0 ? ({ draft: 3 } as const) : ("auto" as const);
                const options = {
                    prompt: "ab c",
                    jsonSchema,
                    seed: i,
                    temperature,
                    speculation,
                    topP: i % 2 ? 0.95 : 1
                };
                const result = await rast.complete({ ...options, maxTokens: 400 });
                return { name, check, result };
            })
        );
        let refused = 0;
        for (const { name, check, result } of results) {
            expect([name, result.text, result.stopReason]).toEqual([name, result.text, "eos"]);
            expect([name, result.text, check(JSON.parse(result.text))]).toEqual([name, result.text, true]);
            refused += result.refusedDraws;
        }
        expect(refused).toBeGreaterThan(200); // it was the grammar, not luck
        await rast.dispose();
    });

    it("that cannot be used are refused", async () => {
        const rast = await loadDemo();
        const refuse = async (jsonSchema: unknown): Promise<string> =>
            (await failure(rast.complete({ prompt, jsonSchema } as GenerateOptions))).code;
        expect(await refuse({ type: "colour" })).toBe("ERR_JSON_SCHEMA");
        expect(await refuse({ $ref: "#/nowhere" })).toBe("ERR_JSON_SCHEMA");
        expect(await refuse({ type: "string", pattern: "(" })).toBe("ERR_JSON_SCHEMA");
        expect(await refuse("string")).toBe("ERR_JSON_SCHEMA");
        expect(await refuse({ schema: { format: "x" }, unsupported: "refuse" })).toBe("ERR_JSON_SCHEMA");
        expect(await refuse({ schema: true, unsupported: "never" })).toBe("ERR_INVALID_OPTION");
        expect(await refuse([])).toBe("ERR_INVALID_OPTION");
        const cyclic: Schema = {};
        cyclic["items"] = cyclic;
        expect(await refuse(cyclic)).toBe("ERR_INVALID_OPTION");
        let deep: Schema = { type: "null" };
        for (let i = 0; i < 5000; ++i) deep = { type: "array", items: deep };
        expect(["ERR_JSON_SCHEMA", "ERR_INVALID_OPTION"]).toContain(await refuse(deep));
        expect((await rast.complete({ prompt, maxTokens: 3 })).usage.completionTokens).toBe(3);
        await rast.dispose();
    });
});

describe("grammars", () => {
    it("give the same text with drafts and without, in every mode", async () => {
        const rast = await loadDemo();
        const grammar = 'root ::= "S:" step (";" step){0,2} "#" n\nstep ::= n [-+] n "=" n\nn ::= [1-9] [0-9]{0,2}';
        for (const mode of ["rast", "base", "expert"] as const) {
            for (let seed = 0; seed < 12; ++seed) {
                const options = { prompt, grammar, mode, seed, maxTokens: 60 };
                const plain = await rast.complete({ ...options, speculation: "off" });
                expect(plain.text).toMatch(/^S:(\d+[-+]\d+=\d+)(;\d+[-+]\d+=\d+){0,2}#\d{1,3}$/);
                for (const draft of [2, 6]) {
                    const drafted = await rast.complete({ ...options, speculation: { draft } });
                    expect(drafted.text).toBe(plain.text);
                }
            }
        }
        await rast.dispose();
    });

    it("leave the fused distribution over the tokens that they allow", async () => {
        // greedy decoding of one token is compared with what 3,000 draws of it give
        const rast = await loadDemo({ parallel: 16, maxQueue: 4000 });
        const grammar = 'root ::= [1-9] ":"';
        const free = await rast.complete({ prompt, temperature: 1, topP: 1, maxTokens: 1, logprobs: 20, seed: 1 });
        const texts = await Promise.all(free.logprobs![0]!.top.map(({ token }) => rast.detokenize([token])));
        const counts = new Map<string, number>();
        const draws = 3000;
        const samples = await rast.completeMany(
            { prompt, grammar, topP: 1, maxTokens: 1, seed: 9, logprobs: 0 },
            draws
        );
        const logprob = new Map<string, number>();
        for (const { text, logprobs } of samples) {
            counts.set(text, (counts.get(text) ?? 0) + 1);
            logprob.set(text, logprobs![0]!.logprob);
        }
        // what the unconstrained distribution says of the same tokens agrees
        for (const [index, text] of texts.entries()) {
            const own = logprob.get(text);
            if (own !== undefined) expect(own).toBeCloseTo(free.logprobs![0]!.top[index]!.logprob, 1);
        }
        const kinds = [...logprob.keys()];
        expect(kinds.every((text) => /^[1-9]$/.test(text))).toBe(true);
        expect(kinds.length).toBeGreaterThan(3);
        const weights = kinds.map((kind) => Math.exp(logprob.get(kind)!));
        const total = weights.reduce((a, b) => a + b);
        let chi = 0;
        let freedom = -1;
        for (const [i, kind] of kinds.entries()) {
            const expected = (draws * weights[i]!) / total;
            if (expected < 5) continue;
            chi += (counts.get(kind)! - expected) ** 2 / expected;
            freedom += 1;
        }
        // mean plus five standard deviations
        expect(chi).toBeLessThan(freedom + 5 * Math.sqrt(2 * freedom));
        await rast.dispose();
    });

    it("that do not parse, cannot be satisfied or are too much are typed errors, and nobody else suffers", async () => {
        const rast = await loadDemo({ parallel: 2 });
        const other = rast.complete({ prompt, ignoreEos: true, maxTokens: 100 });
        const refuse = async (grammar: unknown): Promise<string> =>
            (await failure(rast.complete({ prompt, grammar } as GenerateOptions))).code;
        expect(await refuse('x ::= "a"')).toBe("ERR_GRAMMAR");
        expect(await refuse('root ::= "a')).toBe("ERR_GRAMMAR");
        expect(await refuse('root ::= root "a"')).toBe("ERR_GRAMMAR");
        expect(await refuse("root ::= missing")).toBe("ERR_GRAMMAR");
        // no token has that character
        expect(await failure(rast.complete({ prompt, grammar: 'root ::= "\u4e2d"' }))).toMatchObject({
            code: "ERR_GRAMMAR",
            message: expect.stringMatching(
                / at position \d+: the text must go on with U\+4E2D, and no token that may be drawn does$/
            )
        });
        expect(await refuse(`root ::= ${"(".repeat(100_000)}"A"${")".repeat(100_000)}`)).toBe("ERR_GRAMMAR");
        expect(await refuse(" ")).toBe("ERR_GRAMMAR");
        expect(await refuse('root ::= "A"{5,2}')).toBe("ERR_GRAMMAR");
        expect(await refuse(`root ::= "${"A".repeat(2 ** 21)}"`)).toBe("ERR_GRAMMAR");
        expect(await refuse("x".repeat(300_000))).toBe("ERR_GRAMMAR");
        expect(await refuse(5)).toBe("ERR_INVALID_OPTION");
        const both = { prompt, grammar: 'root ::= "A"', jsonSchema: true };
        expect((await failure(rast.complete(both))).code).toBe("ERR_INVALID_OPTION");
        expect((await other).usage.completionTokens).toBe(100);
        await rast.dispose();
    });
});
