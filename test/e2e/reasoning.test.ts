// Reasoning apart from answers, with real tokenizers and templates. The models are random: a bias has them say what they
// are to say.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
    loadRast,
    type GenerateOptions,
    type GenerateSettings,
    type LoadOptions,
    type Prompt,
    type Rast,
    type RastResult
} from "../../dist/index.js";
import { readGguf, writeGgufBytes } from "../support/header-edit.js";
import { setToken, tokenTexts, tokenType } from "../support/token-edit.js";
import { bundledModels, vocabularyModel, type Vocabulary } from "../support/vocabularies.js";

const folder = mkdtempSync(join(tmpdir(), "rast-reasoning-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Qwen2's vocabulary, older than reasoning, with marks in the place of padding. */
async function markedModel(seed: number, template: string): Promise<string> {
    const path = join(folder, `${template}-${seed}.gguf`);
    const value = templateText(template);
    const file = readGguf(
        await vocabularyModel("qwen2", { seed, metadata: { "tokenizer.chat_template": { kind: "string", value } } })
    );
    const first = tokenTexts(file).indexOf("<|im_end|>") + 1;
    ["<think>", "</think>"].forEach((text, i) => setToken(file, first + i, text, tokenType.userDefined));
    const channels = ["<|channel|>", "<|message|>", "<|start|>", "<|end|>", "<|return|>", "<|call|>"];
    channels.forEach((text, i) => setToken(file, first + 2 + i, text, tokenType.control));
    writeFileSync(path, writeGgufBytes(file));
    return path;
}

const templateText = (name: string): string =>
    readFileSync(join(bundledModels(), "templates", `${name}.jinja`), "utf8");

async function load(vocabulary: Vocabulary, template: string, options: LoadOptions = {}): Promise<Rast> {
    const metadata = { "tokenizer.chat_template": { kind: "string" as const, value: templateText(template) } };
    return loadModels({ base: await vocabularyModel(vocabulary, { metadata }), ...options });
}

const loadModels = (options: LoadOptions): Promise<Rast> =>
    loadRast({ device: "cpu", threads: 1, contextSize: 1024, tryModels: false, ...options });

const messages = [{ role: "user", content: "Is <think> a word? </think>" }];

/** Parts and result, which must say the same. */
async function generate(rast: Rast, options: GenerateSettings & Partial<Prompt>): Promise<RastResult> {
    const generation = rast.generate({ messages, temperature: 0, seed: 1, ...options } as GenerateOptions);
    const sums = { text: "", reasoning: "", answer: "" };
    let tokens = 0;
    for await (const part of generation) {
        sums.text += part.text;
        sums.reasoning += part.reasoning;
        sums.answer += part.answer;
        tokens += part.tokens.length;
        if (options.logprobs !== undefined) expect(part.logprobs).toHaveLength(part.tokens.length);
    }
    const result = await generation.result;
    expect({ ...sums, tokens }).toEqual({
        text: result.text,
        reasoning: result.reasoning ?? "",
        answer: result.answer,
        tokens: result.tokens.length
    });
    expect(result.tokens).toHaveLength(result.usage.completionTokens);
    return result;
}

const words =
    "Considering the limited time by the user, I have to give the solution based on the thinking directly now.";

describe.each([
    ["a model alone", false, false],
    ["three models with drafts", true, false],
    ["in a process of its own", true, true]
])("Qwen 3, %s", (_, pair, isolate) => {
    let rast: Rast;
    let id: (text: string) => Promise<number>;
    beforeAll(async () => {
        const model = (seed: number): Promise<string> => markedModel(seed, "Qwen-Qwen3-0.6B");
        const trio = pair ? { expert: await model(2), antiexpert: await model(3) } : {};
        const speculation = pair ? { draft: 3 } : "off";
        rast = await loadModels({ base: await model(0), ...trio, isolate, speculation });
        id = async (text) => (await rast.tokenize(text))[0]!;
    });
    afterAll(() => rast.dispose());
    const always = async (text: string): Promise<GenerateSettings> => ({ logitBias: { [await id(text)]: 100 } });

    it("begins with its mark, or is none", async () => {
        const think = await generate(rast, { ...(await always("<think>")), maxTokens: 4 });
        expect(think).toMatchObject({ reasoning: "<think><think><think>", answer: "", usage: { reasoningTokens: 3 } });
        const other = await generate(rast, { ...(await always("</think>")), maxTokens: 3 });
        expect(other).toMatchObject({ reasoning: null, answer: other.text, usage: { reasoningTokens: 0 } });
        const off = await generate(rast, { ...(await always("<think>")), maxTokens: 3, thinking: false });
        expect(off).toMatchObject({ reasoning: null, answer: "<think><think><think>" });
        const prompt = await generate(rast, {
            messages: undefined,
            prompt: "x",
            ...(await always("<think>")),
            maxTokens: 3
        });
        expect(prompt).toMatchObject({ reasoning: null, answer: "<think><think><think>" });
        // one that begins it by itself
        const begun = {
            messages: undefined,
            prompt: "x\n<think>\n",
            ...(await always("<think>")),
            maxThinkingTokens: 2
        };
        const split = await generate(rast, { ...begun, maxTokens: 50 });
        expect(split).toMatchObject({ reasoning: `<think><think>\n\n${words}`, usage: { reasoningTokens: 2 } });
        expect(split.answer).toMatch(/^(<think>)+$/);
        const constrained = await generate(rast, { ...begun, grammar: 'root ::= "yes"', maxTokens: 60 });
        expect(constrained).toMatchObject({ answer: "yes", stopReason: "eos", reasoning: split.reasoning });
    });

    it("ends after so many tokens, in the family's words, and the answer follows", async () => {
        const options = { ...(await always("<think>")), maxTokens: 60, maxThinkingTokens: 5, logprobs: 2 };
        const result = await generate(rast, options);
        expect(result.reasoning).toBe(`${"<think>".repeat(5)}\n\n${words}`);
        expect(result.answer).toMatch(/^(<think>)+$/);
        expect(result.text).toBe(`${"<think>".repeat(6)}\n\n${words}\n</think>\n\n${result.answer}`);
        expect(result.usage.completionTokens).toBe(60);
        const put = result.logprobs!.filter(({ top }) => top.length === 0);
        expect(put.map(({ token }) => token)).toEqual(await rast.tokenize(`\n\n${words}\n</think>\n\n`));
        expect(result.usage.reasoningTokens).toBe(5); // those that were drawn
        const none = await generate(rast, { ...(await always("<think>")), maxTokens: 40, maxThinkingTokens: 0 });
        expect(none).toMatchObject({ reasoning: words, usage: { reasoningTokens: 0 } });
        // the words are cut off where all of the tokens are drawn
        const cut = await generate(rast, { ...options, maxTokens: 9 });
        expect(cut).toMatchObject({ stopReason: "maxTokens", answer: "", usage: { completionTokens: 9 } });
        expect(`${"<think>".repeat(5)}\n\n${words}`.startsWith(cut.reasoning!)).toBe(true);
        // and nothing of it stays for the next
        expect((await generate(rast, options)).text).toBe(result.text);
    });

    it("is stopped by stop strings, and so is the answer", async () => {
        const think = { ...(await always("<think>")), maxTokens: 60, maxThinkingTokens: 5 };
        const inside = await generate(rast, { ...think, stop: "k><think><th" });
        expect(inside).toMatchObject({ stopReason: "stop", text: "<thin", answer: "" });
        // what is put there is nobody's to stop: neither within it, nor at its borders
        const free = await generate(rast, think);
        const ending = await rast.tokenize(`\n\n${words}\n</think>\n\n`);
        for (const stop of ["limited time", "\n\n", "</think>", ">\n\nC", "\n\n<think>", "</think>\n\n<think>"]) {
            expect(await generate(rast, { ...think, stop })).toMatchObject({
                text: free.text,
                stopReason: "maxTokens"
            });
        }
        const stopTokens = [...new Set(ending)];
        expect(await generate(rast, { ...think, stopTokens })).toMatchObject({ text: free.text });
        const answer = await generate(rast, { ...think, stop: "k><think><th", maxThinkingTokens: 0 });
        expect(answer).toMatchObject({ stopReason: "stop", answer: "<thin" });
    });

    it("goes before a constrained answer, which follows its grammar", async () => {
        const grammar = 'root ::= "yes" | "no"';
        for (const said of ["<think>", "<|im_end|>"]) {
            const result = await generate(rast, {
                ...(await always(said)),
                grammar,
                maxTokens: 80,
                maxThinkingTokens: 4
            });
            expect(["yes", "no"]).toContain(result.answer);
            expect(result.stopReason).toBe("eos");
            if (said === "<think>") expect(result.reasoning).toBe(`${"<think>".repeat(4)}\n\n${words}`);
            else expect(result.reasoning).toBe(null);
        }
        // what was begun in the prompt ends where the text would
        const begun = [...messages, { role: "assistant", content: "<think>\nWell" }];
        const open = { messages: begun, continueFinalMessage: true, jsonSchema: { enum: [17] }, maxTokens: 80 };
        const ended = await generate(rast, { ...open, ...(await always("<|im_end|>")) });
        expect(ended).toMatchObject({ reasoning: words, answer: "17", stopReason: "eos" });
        const closed = await generate(rast, { ...open, ...(await always("</think>")) });
        expect(closed).toMatchObject({ reasoning: "", answer: "17", text: "</think>\n\n17" });
        // and without thinking the grammar is that of the text
        const off = await generate(rast, { ...(await always("<think>")), grammar, thinking: false, maxTokens: 10 });
        expect(["yes", "no"]).toContain(off.text);
    });
});

describe("other families", () => {
    it("R1: the prompt has begun the reasoning", async () => {
        const rast = await load("deepseek-coder", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B");
        const free = await generate(rast, { maxTokens: 12 });
        expect(free).toMatchObject({ reasoning: expect.any(String), usage: { reasoningTokens: 12 } });
        const ended = await generate(rast, { maxTokens: 20, maxThinkingTokens: 3 });
        expect(ended.text).toContain("\n</think>\n\n");
        expect(ended.text.slice(ended.text.indexOf("</think>") + 8).trimStart()).toBe(ended.answer);
        const none = await generate(rast, { maxTokens: 5, maxThinkingTokens: 0 });
        expect(none).toMatchObject({ reasoning: null, answer: none.text });
        expect(none.usage.promptTokens).toBeGreaterThan(free.usage.promptTokens);
        await rast.dispose();
    });

    it("gpt-oss: channels", async () => {
        const rast = await loadModels({ base: await markedModel(0, "openai-gpt-oss-120b") });
        const bias = async (text: string): Promise<GenerateSettings> => ({
            logitBias: { [(await rast.tokenize(text))[0]!]: 100 },
            maxTokens: 20
        });
        const opening = await rast.tokenize("<|channel|>analysis<|message|>");
        const ending = await rast.tokenize("<|end|><|start|>assistant<|channel|>final<|message|>");
        const options = { ...(await bias("<|channel|>")), grammar: 'root ::= "yes" | "no"', maxThinkingTokens: 2 };
        const result = await generate(rast, options);
        expect(result.tokens.slice(0, 3 + 2 + ending.length)).toEqual([...opening, opening[0], opening[0], ...ending]);
        expect(result.reasoning).toBe("<|channel|><|channel|>");
        expect(["yes", "no"]).toContain(result.answer);
        // letters of a mark are no mark
        const text = await generate(rast, { ...options, ...(await bias("<")), grammar: undefined });
        expect(text).toMatchObject({ reasoning: null, answer: "<".repeat(20) });
        await rast.dispose();
    });

    it("Gemma 4: a channel of control tokens", async () => {
        const rast = await load("gemma-4", "google-gemma-4-31B-it");
        const [open, ...named] = await rast.tokenize("<|channel>thought");
        const begun = [...messages, { role: "assistant", content: "<|channel>thought\nHm" }];
        // as text it is no channel
        const text = await generate(rast, { messages: begun, continueFinalMessage: true, maxTokens: 3 }).catch(String);
        expect(text).not.toBe("");
        const drawn = await generate(rast, { logitBias: { [open!]: 100 }, maxTokens: 3, grammar: 'root ::= "a"' });
        // the rest of the opening mark is put there
        expect(drawn.tokens.slice(0, 1 + named.length)).toEqual([open, ...named]);
        await rast.dispose();
    });
});

describe("models that were trained to reason: the trio demo-chat", () => {
    it("reason, then answer; shorter, shaped, or not at all where that is asked for", async () => {
        const rast = await loadRast({ trio: "demo-chat", device: "cpu", threads: 1, contextSize: 512 });
        const ask = [{ role: "user", content: "What is 12+5-3?" }];
        for (const speculation of ["auto", "off"] as const) {
            const sums = { messages: ask, speculation, maxTokens: 90 };
            const free = await generate(rast, sums);
            expect(free).toMatchObject({ reasoning: "12+5=17\n17-3=14", answer: "It is 14.", stopReason: "eos" });
            expect(free.text).toBe(`<think>\n${free.reasoning}\n</think>\n\n${free.answer}`);
            const schema = { type: "object", properties: { sum: { type: "integer" } }, required: ["sum"] };
            const shaped = await generate(rast, { ...sums, jsonSchema: schema });
            expect(shaped.reasoning).toBe(free.reasoning);
            expect(JSON.parse(shaped.answer)).toEqual({ sum: expect.any(Number) });
            const short = await generate(rast, { ...sums, maxThinkingTokens: 3 });
            expect(short.reasoning!.endsWith(words)).toBe(true);
            expect(free.reasoning!.startsWith(short.reasoning!.slice(0, -words.length).trimEnd())).toBe(true);
            const off = await generate(rast, { ...sums, thinking: false });
            expect(off).toMatchObject({ reasoning: null, answer: off.text });
            const stopped = await generate(rast, { ...sums, stop: "17\n" });
            expect(stopped).toMatchObject({ reasoning: "12+5=", answer: "", stopReason: "stop" });
        }
        await rast.dispose();
    });
});

describe("a beginning of the answer", () => {
    it("is what the text goes on with", async () => {
        const rast = await load("qwen2", "Qwen-Qwen3-0.6B");
        const begun = [...messages, { role: "assistant", content: "It is, and \n" }];
        const text = await rast.applyChatTemplate(begun, { continueFinalMessage: true });
        expect(text.endsWith("<|im_start|>assistant\n<think>\n\n</think>\n\nIt is, and \n")).toBe(true);
        const result = await generate(rast, { messages: begun, continueFinalMessage: true, maxTokens: 4 });
        expect(result).toMatchObject({ reasoning: null, answer: result.text });
        const prompt = await rast.promptTokens({ messages: begun, continueFinalMessage: true });
        expect(await rast.detokenize(prompt, { showSpecial: true })).toBe(text);
        const apart = [...messages, { role: "assistant", content: "<think>\na\n</think>\nb" }];
        await expect(rast.applyChatTemplate(apart, { continueFinalMessage: true })).rejects.toMatchObject({
            code: "ERR_CHAT_TEMPLATE",
            details: { option: "continueFinalMessage" }
        });
        await expect(rast.complete({ messages, continueFinalMessage: true })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
        await rast.dispose();
    });
});
