import { describe, expect, test } from "vitest";
import { paperStops, readStyle, type StyleInput } from "../../../../src/eval/ask/styles.js";

const noFile = async (): Promise<string> => {
    throw new Error("nothing is read");
};
const input = (changes: Partial<StyleInput>): StyleInput => ({
    name: "plain",
    trioTemplate: undefined,
    shots: [],
    readFile: noFile,
    ...changes
});
const shots = [{ question: "1+1?", solution: "It is 2." }];

describe("the paper's texts, to the letter", () => {
    test("qwen-boxed", async () => {
        const style = await readStyle(input({ name: "qwen-boxed" }));
        expect(style.ask("What?")).toEqual({
            prompt:
                "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nWhat?\n" +
                "Please reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n<|im_start|>assistant\n"
        });
        expect(style.stop).toBe(paperStops);
    });

    test("abel", async () => {
        const style = await readStyle(input({ name: "abel" }));
        expect(style.ask("What?")).toEqual({ prompt: "Question:\nWhat?\nAnswer:\nLet's think step by step.\n" });
        expect(style.stop).toEqual(["</s>", "<|im_end|>", "<|endoftext|>", "assistant", "user", "_end", "_start"]);
    });
});

test("a chat is the question with the paper's words, or alone", async () => {
    const chat = await readStyle(input({ name: "chat" }));
    expect(chat).toMatchObject({ chat: true, stop: undefined });
    expect(chat.ask("What?")).toEqual({
        messages: [
            {
                role: "user",
                content: "What?\nPlease reason step by step, and put your final answer within \\boxed{}."
            }
        ]
    });
    const plain = await readStyle(input({ name: "chat-plain" }));
    expect(plain.ask("What?")).toEqual({ messages: [{ role: "user", content: "What?" }] });
});

test("solved problems stand in front, as texts or as turns", async () => {
    const abel = await readStyle(input({ name: "abel", shots }));
    expect(abel.shots).toBe(1);
    expect(abel.ask("What?")).toEqual({
        prompt:
            "Question:\n1+1?\nAnswer:\nLet's think step by step.\nIt is 2.\n\n" +
            "Question:\nWhat?\nAnswer:\nLet's think step by step.\n"
    });
    const chat = await readStyle(input({ name: "chat-plain", shots }));
    expect(chat.ask("What?")).toEqual({
        messages: [
            { role: "user", content: "1+1?" },
            { role: "assistant", content: "It is 2." },
            { role: "user", content: "What?" }
        ]
    });
});

test("a trio's template and a file's, with whatever a question holds", async () => {
    const trio = await readStyle(input({ name: "trio", trioTemplate: "Q: {prompt}?\n" }));
    expect(trio.ask("$& {prompt}")).toEqual({ prompt: "Q: $& {prompt}?\n" });
    const file = await readStyle(input({ name: "a/b.txt", readFile: async (path) => `${path}: {question}!` }));
    expect(file).toMatchObject({ name: "b.txt", chat: false, stop: undefined });
    expect(file.ask("$1")).toEqual({ prompt: "a/b.txt: $1!" });
});

test("what changes the text changes the hash", async () => {
    const hashes = await Promise.all(
        [
            input({}),
            input({ shots }),
            input({ name: "abel" }),
            input({ name: "chat" }),
            input({ name: "chat-plain" }),
            input({ name: "a.txt", readFile: async () => "{question}" }),
            input({ name: "a.txt", readFile: async () => "{question} " })
        ].map(async (one) => (await readStyle(one)).sha256)
    );
    // plain is what a file with the place alone is
    expect(new Set(hashes).size).toBe(6);
    expect(hashes[5]).toBe(hashes[0]);
});

test.each([
    ["qwen_boxed", undefined, /^There is no style "qwen_boxed": known are .*Did you mean qwen-boxed\?$/],
    ["trio", undefined, /^The trio has no prompt template/]
])("%s is an error", async (name, trioTemplate, message) => {
    await expect(readStyle(input({ name, trioTemplate }))).rejects.toMatchObject({
        code: "ERR_INVALID_OPTION",
        message: expect.stringMatching(message)
    });
});

test("a file without the place is an error", async () => {
    await expect(readStyle(input({ name: "a.txt", readFile: async () => "hi" }))).rejects.toThrow(
        /The style "a\.txt" does not hold \{question\}\./
    );
});
