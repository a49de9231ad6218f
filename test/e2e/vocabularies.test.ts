import { describe, expect, it } from "vitest";
import { loadRast, RastError, type LoadOptions, type Rast } from "../../dist/index.js";
import { size } from "../support/size.js";
import { tabledVocabularies, tokenTable, vocabularyModel } from "../support/vocabularies.js";

const load = (base: string, options: LoadOptions = {}): Promise<Rast> =>
    loadRast({ base, gpuLayers: 0, threads: 1, contextSize: 64, ...options });

// Lower-cases letters and drops what it does not know.
const lossy = new Set<string>(["bert-bge"]);

const texts = [
    "Hello world",
    " Hello world",
    "  two spaces",
    "trailing ",
    "\n",
    "\n\n text",
    "a\u0000b",
    "e\u0301 \u1e9b\u0323",
    "\ud800 alone",
    "👩‍👩‍👧 family",
    "x".repeat(700)
];

describe("tokenizers of real models", () => {
    it.each(tabledVocabularies)("%s: llama.cpp's own table, and every text back again", async (name) => {
        const table = tokenTable(name);
        expect(table.length).toBeGreaterThan(40);
        const rast = await load(await vocabularyModel(name));
        const literal = { parseSpecial: false };
        for (const { text, tokens } of table) {
            expect({ text, tokens: await rast.tokenize(text, literal) }).toEqual({ text, tokens });
            if (!lossy.has(name)) expect(await rast.detokenize(tokens)).toBe(text);
        }
        for (const text of lossy.has(name) ? [] : texts) {
            const back = await rast.detokenize(await rast.tokenize(text, literal));
            expect(back).toBe(text.replace("\ud800", "\ufffd"));
        }
        // any ids in any order have a text, made of the pieces of a continuation
        const ids = Array.from({ length: 50 }, (_, i) => (i * 7919) % rast.info.vocabularySize);
        const pieces = await rast.detokenize(ids, { continuation: true, showSpecial: true });
        expect(Buffer.from(pieces).toString()).toBe(pieces);
        await rast.dispose();
    });

    it.each(["llama-spm", "qwen2", "gemma-4"] as const)(
        "%s: a completion's text is the sum of its parts, and that of its tokens as a continuation",
        async (name) => {
            const rast = await load(await vocabularyModel(name));
            for (const seed of [1, 2, 3]) {
                let streamed = "";
                const generation = rast.generate({ prompt: "Hello", maxTokens: 24, seed, ignoreEos: true });
                for await (const part of generation) streamed += part.text;
                const { text, tokens } = await generation.result;
                expect(streamed).toBe(text);
                expect(await rast.detokenize(tokens, { continuation: true })).toBe(text);
            }
            await rast.dispose();
        }
    );

    it("SentencePiece: the space in front of a text comes and goes, also behind control tokens", async () => {
        const rast = await load(await vocabularyModel("llama-spm"));
        for (const text of ["Hello", "<s>Hello</s> world", "a</s>b</s>", "</s></s> x"]) {
            expect(await rast.detokenize(await rast.tokenize(text), { showSpecial: true })).toBe(text);
        }
        const hello = await rast.tokenize("Hello");
        expect(await rast.detokenize(hello)).toBe("Hello");
        expect(await rast.detokenize(hello, { continuation: true })).toBe(" Hello");
        await rast.dispose();
    });
});

describe("what is put around a prompt", () => {
    const flag = (name: string) => ({ [`tokenizer.ggml.${name}`]: { kind: "bool", value: true } as const });

    it.each(["llama-spm", "llama-bpe", "bert-bge", "qwen2"] as const)(
        "%s: a beginning where the model wants one and none is there, and never anything behind",
        async (name) => {
            const metadata = { ...flag("add_eos_token"), ...flag("add_sep_token"), ...flag("add_bos_token") };
            const rast = await load(await vocabularyModel(name, { metadata }));
            const { bosToken } = rast.info;
            const begin = await rast.detokenize([bosToken], { showSpecial: true, continuation: true });
            const plain = await rast.tokenize("hello world");
            expect(plain[0]).not.toBe(bosToken);
            expect(await rast.tokenize("hello world", { addSpecial: true })).toEqual([bosToken, ...plain]);
            const twice = await rast.tokenize(`${begin}hello world`, { addSpecial: true });
            expect(twice.filter((token) => token === bosToken)).toEqual([bosToken]);
            const count = async (prompt: string): Promise<number> =>
                (await rast.complete({ prompt, maxTokens: 1 })).usage.promptTokens;
            expect(await count("hello world")).toBe(plain.length + 1);
            expect(await count(`${begin}hello world`)).toBe(twice.length);
            await rast.dispose();
        }
    );
});

// Tokens, or the code of an error.
const outcome = (work: Promise<{ length: number }>): Promise<number | string> =>
    work.then(
        ({ length }) => length,
        (error: unknown) => (error instanceof RastError ? error.code : `untyped: ${String(error)}`)
    );

describe("texts that are hard on a tokenizer", () => {
    const megabyte = 2 ** 20;

    it.each(size(1, 2) === 1 ? ["tekken", "deepseek-llm"] : ["tekken", "gpt-4o", "deepseek-llm", "superbpe", "qwen2"])(
        "%s: a word of hundreds of thousands of letters is tokens",
        async (pre) => {
            const metadata = { "tokenizer.ggml.pre": { kind: "string", value: pre } as const };
            const rast = await load(await vocabularyModel("gpt-2", { metadata }));
            const letters = size(60_000, 1_000_000);
            expect(await outcome(rast.tokenize("a".repeat(25_087)))).toBeGreaterThan(1000);
            expect(await outcome(rast.tokenize("a".repeat(letters)))).toBeGreaterThan(letters / 20);
            expect(await outcome(rast.tokenize("a".repeat(10 * megabyte)))).toBe("ERR_TOKENIZE");
            expect(await outcome(rast.complete({ prompt: "a".repeat(10 * megabyte) }).then((r) => r.tokens))).toBe(
                "ERR_TOKENIZE"
            );
            await rast.dispose();
        }
    );

    it.each(
        size(1, 2) === 1
            ? (["llama-spm", "deepseek-llm"] as const)
            : (["qwen2", "llama-spm", "deepseek-llm", "bert-bge"] as const)
    )("%s: megabytes of anything are tokens or ERR_TOKENIZE", async (name) => {
        const rast = await load(await vocabularyModel(name));
        for (const unit of ["a", " ", "🦙", "e\u0301", "\u0300", "\u0000", "\ud800", "\n", "1", "<|im_end|>", "</s>"]) {
            const text = unit.repeat(Math.ceil((10 * megabyte) / unit.length));
            expect([unit, await outcome(rast.tokenize(text))]).toEqual([unit, "ERR_TOKENIZE"]);
            const less = unit.repeat(size(10_000, 300_000));
            expect([unit, typeof (await outcome(rast.tokenize(less)))]).toEqual([unit, "number"]);
        }
        // what has places to cut is no trouble
        const words = "some words of a text and ";
        const some = await rast.tokenize(words);
        const many = await rast.tokenize(words.repeat(size(8000, 400_000)));
        expect(many.length).toBeGreaterThan((some.length - 2) * size(8000, 400_000));
        expect(await outcome(rast.tokenize("x ".repeat(40 * megabyte)))).toBe("ERR_TOKENIZE");
        await rast.dispose();
    });

    it("a prompt far beyond the context is refused by its first tokens, and a dispose ends a tokenizing", async () => {
        const rast = await load(await vocabularyModel("llama-spm"));
        const prompt = "some words of a text ".repeat(2_000_000);
        const start = Date.now();
        const generation = rast.complete({ prompt });
        const next = rast.complete({ prompt: "Hello", maxTokens: 2, ignoreEos: true });
        await expect(generation).rejects.toMatchObject({ code: "ERR_PROMPT_TOO_LONG" });
        // all of it takes ten seconds and more; the slack is for a busy machine
        expect(Date.now() - start).toBeLessThan(2500);
        expect((await next).stopReason).toBe("maxTokens");
        const tokenizing = outcome(rast.tokenize(prompt));
        await new Promise((resolve) => setTimeout(resolve, 50));
        await rast.dispose();
        expect(await tokenizing).toBe("ERR_DISPOSED");
    });
});
