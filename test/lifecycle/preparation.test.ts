import { describe, expect, it } from "vitest";
import { loadRast, type GenerateOptions, type JsonSchema, type Rast } from "../../dist/index.js";
import { vocabularyModel } from "../support/vocabularies.js";

// Times are those of a machine that does other things as well: what is held up here took seconds to a minute before.

const contextSize = 512;

const load = async (isolate = false): Promise<Rast> =>
    loadRast({ base: await vocabularyModel("qwen2"), gpuLayers: 0, threads: 1, contextSize, parallel: 2, isolate });

interface Failure {
    readonly code: string;
    readonly message: string;
    readonly details: { readonly promptTokens: number; readonly contextSize: number };
}

const failure = (rast: Rast, options: GenerateOptions): Promise<Failure> =>
    rast.complete(options).then(
        () => expect.fail("no error"),
        (error: unknown) => error as Failure
    );

async function msOf(work: Promise<unknown>): Promise<number> {
    const start = performance.now();
    await work;
    return performance.now() - start;
}

/** The longest time between two turns of the event loop meanwhile, in milliseconds. */
async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
    let last = performance.now();
    let longest = 0;
    const look = (): void => {
        const now = performance.now();
        longest = Math.max(longest, now - last);
        last = now;
    };
    const timer = setInterval(look, 1);
    try {
        await work();
        look();
        return longest;
    } finally {
        clearInterval(timer);
    }
}

describe("prompts far beyond the context", () => {
    it("are refused by their first tokens, and do not hold others up", async () => {
        const rast = await load();
        const words = "some words of a text and ".repeat(2_400_000); // 60 MB
        words.indexOf("no such word"); // flat
        const small = { prompt: "one two", maxTokens: 1 };
        await rast.complete(small);
        for (const raw of [true, false]) {
            let ms = 0;
            const turn = await longestTurnMs(async () => {
                const long = Array.from({ length: 4 }, () => failure(rast, { prompt: words, raw }));
                ms = await msOf(rast.complete(small));
                for (const { code, message, details } of await Promise.all(long)) {
                    expect(code).toBe("ERR_PROMPT_TOO_LONG");
                    expect(message).toBe(
                        `The prompt has at least ${details.promptTokens} tokens; the context holds ${contextSize}. ` +
                            "Shorten the prompt, or raise contextSize where the models hold more."
                    );
                    // a piece of 32 KiB
                    expect(details.promptTokens).toBeGreaterThan(contextSize);
                    expect(details.promptTokens).toBeLessThan(contextSize + 2 ** 15);
                }
            });
            expect(ms).toBeLessThan(2000);
            expect(turn).toBeLessThan(500);
        }
        await rast.dispose();
    });

    it("say how many tokens they have where it is known, at every border", async () => {
        const rast = await load();
        for (const over of [1, 2, 100]) {
            const { code, message } = await failure(rast, { prompt: "a".concat(" b".repeat(contextSize + over - 1)) });
            expect(code).toBe("ERR_PROMPT_TOO_LONG");
            expect(message).toContain(`The prompt has ${contextSize + over} tokens; the context holds ${contextSize}.`);
        }
        const full = await rast.complete({ prompt: "a".concat(" b".repeat(contextSize - 1)), maxTokens: 1 });
        expect(full.usage.promptTokens).toBe(contextSize);
        await rast.dispose();
    });

    it("without a place to cut are ERR_TOKENIZE as before, also behind much that fits", async () => {
        const rast = await load();
        const long = "1".repeat(20_000_000);
        expect((await failure(rast, { prompt: long })).code).toBe("ERR_TOKENIZE");
        await expect(rast.tokenize(`a b c ${long}`)).rejects.toMatchObject({ code: "ERR_TOKENIZE" });
        await rast.dispose();
    });

    it("tokenize gives every token of a long text, and the loop turns", async () => {
        const rast = await load();
        const text = "some words \u{1f999} of a text and ".repeat(100_000); // 3 MB of UTF-16, pairs at every border
        const [one, two] = [await rast.tokenize(text.slice(0, 28)), await rast.tokenize(text.slice(0, 56))];
        let all: number[] = [];
        const turn = await longestTurnMs(async () => (all = await rast.tokenize(text)));
        expect(await rast.detokenize(all)).toBe(text);
        expect(all.length).toBe(one.length + 99_999 * (two.length - one.length));
        expect(turn).toBeLessThan(500);
        await rast.dispose();
    });
});

describe("preparations that take long", () => {
    // nearly a second each, then refused
    const slowSchema = (index: number): JsonSchema => ({
        type: "object",
        properties: Object.fromEntries(
            Array.from({ length: 2000 }, (_, i) => [`key${index} ${i}`, { type: "integer", maximum: i * 7919 + 100 }])
        ),
        additionalProperties: false
    });
    const slowGrammar = `root ::= ${Array.from({ length: 150 }, (_, i) => `q${i}`).join(" ")}\n${Array.from(
        { length: 150 },
        (_, i) => `q${i} ::= ${'"1"? '.repeat(100)}\n`
    ).join("")}`;

    it.each([false, true])("do not hold others up, however many (isolate: %s)", async (isolate) => {
        const rast = await load(isolate);
        const small = { prompt: "one two", maxTokens: 1 };
        const light = { ...small, jsonSchema: { type: "integer" } };
        await rast.complete(light);
        const controller = new AbortController();
        const { signal } = controller;
        let ended = 0;
        const slow = Array.from({ length: 24 }, (_, i) =>
            rast
                .complete({
                    ...small,
                    signal,
                    ...(i % 4 === 3 ? { grammar: slowGrammar } : { jsonSchema: slowSchema(i) })
                })
                .catch(() => {})
                .finally(() => ended++)
        );
        for (const options of [small, light]) expect(await msOf(rast.complete(options))).toBeLessThan(3000);
        const slowLeft = slow.length - ended;
        expect(slowLeft).toBeGreaterThan(8); // some 20 s of work
        controller.abort();
        await Promise.all(slow);
        expect(await msOf(rast.dispose())).toBeLessThan(5000);
    });
});
