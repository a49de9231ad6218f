// The chat trio: a real tokenizer and a real template, and what its documentation says that it does.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, type ChatMessage, type Rast } from "../../dist/index.js";
import { readGguf } from "../support/header-edit.js";
import { root, run } from "../support/native.js";
import { tokenTexts } from "../support/token-edit.js";
import { bundledModels, vocabularyModel } from "../support/vocabularies.js";

const folder = join(root, "models", "demo");
const questions = readFileSync(join(folder, "demo-chat-questions.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { question: string; answer: string; sum: string });
// As docs/chat-templates.md has it.
const parameters = { type: "object", properties: { expression: { type: "string" } }, required: ["expression"] };
const tools = [{ type: "function", function: { name: "compute", description: "Works out a sum.", parameters } }];

let rast: Rast;
beforeAll(async () => {
    rast = await loadRast({ trio: "demo-chat", threads: 1, speculation: "off", tryModels: false });
});
afterAll(() => rast.dispose());

const ask = (content: string): ChatMessage[] => [{ role: "user", content }];

describe("the tokenizer", () => {
    it("is Qwen2's, as far as its merges go", async () => {
        const qwen = await loadRast({
            base: await vocabularyModel("qwen2"),
            threads: 1,
            contextSize: 64,
            tryModels: false
        });
        const own = tokenTexts(readGguf(join(folder, "demo-chat-base.gguf")));
        const theirs = tokenTexts(readGguf(await vocabularyModel("qwen2")));
        expect(own).toHaveLength(2048);
        expect(own.slice(0, 2039)).toEqual(theirs.slice(0, 2039));
        const texts = ["34+17-42", "is the one in an or on at\n\n\tfor (i = 0)", "a  b\r\n  c", "'s 't"];
        for (const text of texts) {
            const tokens = await qwen.tokenize(text);
            expect(Math.max(...tokens), text).toBeLessThan(2039);
            expect([...(await rast.tokenize(text))]).toEqual([...tokens]);
        }
        await qwen.dispose();
        // what later merges write is here in more tokens, and comes back the same
        const strange = "Größe 漢字 🙂 subtraction\u0000";
        expect(await rast.detokenize(await rast.tokenize(strange))).toBe(strange);
    });
});

describe("the template", () => {
    it("is Qwen3's, to the letter", async () => {
        const bundled = readFileSync(join(bundledModels(), "templates", "Qwen-Qwen3-0.6B.jinja"), "utf8");
        const { entries } = readGguf(join(folder, "demo-chat-base.gguf"));
        const template = entries.find(({ key }) => key === "tokenizer.chat_template")!.value;
        expect(Buffer.isBuffer(template) && template.toString()).toBe(bundled);
    });

    it("opens no thought, or closes one that was not had", async () => {
        expect(await rast.applyChatTemplate(ask("Hi"))).toMatch(/<\|im_start\|>assistant\n$/);
        expect(await rast.applyChatTemplate(ask("Hi"), { thinking: false })).toMatch(/<think>\n\n<\/think>\n\n$/);
    });
});

it("was not trained on its questions: training passes over what this hash says", () => {
    expect(new Set(questions.map(({ sum }) => sum)).size).toBe(300);
    for (const { sum, answer } of questions) {
        expect(createHash("sha256").update(sum).digest()[0]! % 20, sum).toBe(0);
        const total = sum.match(/[+-]?\d+/g)!.reduce((a, b) => a + Number(b), 0);
        expect(/\d+/.exec(answer)![0]).toBe(String(total));
    }
});

describe("what it does", () => {
    const greedy = { temperature: 0, maxTokens: 100 } as const;

    it("thinks, and answers in a sentence", async () => {
        const result = await rast.complete({ messages: ask("What is 12+5-3?"), ...greedy });
        const { text, stopReason } = result;
        expect(stopReason).toBe("eos");
        expect(result.reasoning).toMatch(/^12\+5=/);
        expect(result.answer).toMatch(/^It is \d+\.$/);
        expect(text).toMatch(/^<think>\n(\d+[+-]\d+=\d+\n){2}<\/think>\n\nIt is \d+\.$/);
    });

    it("does not think where it is told not to", async () => {
        const messages = ask("What is 12+5-3?");
        const { text } = await rast.complete({ messages, thinking: false, ...greedy });
        expect(text).toMatch(/^It is \d+\.$/);
    });

    it("calls a tool, and answers from what it says", async () => {
        const messages: ChatMessage[] = ask("What is 12+5-3?");
        const { text } = await rast.complete({ messages, templateOptions: { tools }, ...greedy });
        const call = /<tool_call>\n(.*)\n<\/tool_call>$/.exec(text);
        expect(call, text).not.toBeNull();
        const made = JSON.parse(call![1]!) as { name: string; arguments: Record<string, string> };
        expect(made.name).toBe("compute");
        expect(made.arguments["expression"]).toMatch(/^\d+([+-]\d+)+$/);
        const turn: ChatMessage = {
            role: "assistant",
            content: "",
            tool_calls: [{ type: "function", function: made }]
        };
        const answered = await rast.complete({
            messages: [...messages, turn, { role: "tool", content: "14" }],
            templateOptions: { tools },
            ...greedy
        });
        expect(answered.text).toMatch(/It is \d+\.$/);
    });

    it("says that it can do sums alone", async () => {
        const { text } = await rast.complete({ messages: ask("Tell me a story about the sky"), ...greedy });
        expect(text).toContain("I can only add and subtract small numbers.");
    });

    it("RAST is right more often than the base, and thinks more often", async () => {
        const right = { base: 0, rast: 0 };
        const thought = { base: 0, rast: 0 };
        const some = questions.slice(0, 60);
        for (const mode of ["base", "rast"] as const) {
            for (const [ordinal, { question, answer }] of some.entries()) {
                const options = { mode, seed: 1, ordinal, temperature: 1, topP: 1, maxTokens: 100 };
                const { text } = await rast.complete({ messages: ask(question), ...options });
                const [before, after] = text.split("</think>\n\n");
                right[mode] += after === answer ? 1 : 0;
                thought[mode] += before!.trim() === "<think>" ? 0 : 1;
            }
        }
        expect(right.rast).toBeGreaterThan(right.base + 5);
        expect(thought.rast).toBeGreaterThan(thought.base + 20);
    });

    it("on the command line, too", async () => {
        const main = join(root, "dist", "cli", "main.js");
        const args = ["generate", "--trio", "demo-chat", "--chat", "--temperature", "0", "--json", "What is 12+5-3?"];
        const { code, stdout } = await run(process.execPath, [main, ...args]);
        expect(code).toBe(0);
        expect((JSON.parse(stdout) as { text: string }).text).toContain("It is ");
    });
});

describe("a text of nothing but special tokens", () => {
    it("takes time as its length, is whole, and need not be read to its end", async () => {
        const rast = await loadRast({ trio: "demo-chat", threads: 1 });
        const unit = "</think>ab <tool_call>\n";
        const once = await rast.tokenize(unit);
        for (const parseSpecial of [true, false]) {
            const many = await rast.tokenize(unit.repeat(6000), { parseSpecial });
            expect(many).toEqual(Array.from({ length: 6000 }, () => once).flat());
        }
        const mark = (await rast.tokenize("</think>"))[0]!;
        expect(await rast.tokenize("</think>".repeat(50_000))).toEqual(Array<number>(50_000).fill(mark));
        await expect(rast.promptTokens({ prompt: "</think>".repeat(120_000) })).rejects.toMatchObject({
            code: "ERR_PROMPT_TOO_LONG",
            message: expect.stringContaining("at least")
        });
        await rast.dispose();
    });

    it("whose words end in half a character leaves the template its marks", async () => {
        const rast = await loadRast({ trio: "demo-chat", threads: 1 });
        const tokens = (content: string): Promise<number[]> =>
            rast.promptTokens({ messages: [{ role: "user", content }] });
        const whole = await tokens("hi\uFFFD");
        expect(await tokens("hi\uD83D")).toEqual(whole);
        expect(await tokens("hi\uDE00")).toEqual(whole);
        await rast.dispose();
    });
});

describe("a limit of no reasoning", () => {
    it("is one under a grammar, too", async () => {
        const rast = await loadRast({ trio: "demo-chat", threads: 1 });
        const messages = [{ role: "user", content: "What is 12+5-3?" }];
        const [open] = await rast.tokenize("<think>");
        const mark = { [open!]: 100 }; // the model opens its reasoning
        const plain = await rast.complete({ messages, seed: 1, maxThinkingTokens: 0, logitBias: mark, maxTokens: 40 });
        const digit = await rast.complete({
            messages,
            seed: 1,
            maxThinkingTokens: 0,
            logitBias: mark,
            maxTokens: 40,
            grammar: "root ::= [0-9]"
        });
        expect(digit.tokens[0]).toBe(open);
        expect(digit.usage.reasoningTokens).toBe(plain.usage.reasoningTokens);
        expect(digit.tokens.slice(0, 30)).toEqual(plain.tokens.slice(0, 30));
        expect(digit.answer).toMatch(/^[0-9]$/);
        await rast.dispose();
    });
});
