// How each template of the bundle sets reasoning apart, by what it writes in front of the answer.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderChat, type ChatTemplateInput } from "../../../src/text/chat-template.js";
import { chatReasoning, promptReasoning, type ChatReasoning } from "../../../src/text/reasoning.js";
import { bundledModels } from "../../support/vocabularies.js";

const folder = join(bundledModels(), "templates");

async function reasoningOf(
    name: string,
    options: Partial<ChatTemplateInput> = {},
    content = "Hi <think>"
): Promise<ChatReasoning | undefined> {
    const template = readFileSync(join(folder, `${name}.jinja`), "utf8");
    const input = { bosToken: "<s>", eosToken: "</s>", ...options };
    const { text, marks } = await renderChat(template, [{ role: "user", content }], input);
    return chatReasoning(template, text, marks);
}

/** Its marks, and whether the prompt begins it: o = it does, w = the model may. */
const families: Record<string, readonly [opens: string, closes: string, begun: "o" | "w"]> = {
    "Apertus-8B-Instruct": ["<|inner_prefix|>", "<|inner_suffix|>", "w"],
    "Apriel-1.6-15b-Thinker-fixed": ["Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]", "o"],
    "ByteDance-Seed-OSS": ["<seed:think>", "</seed:think>", "w"],
    Cohere2MoE: ["<|START_THINKING|>", "<|END_THINKING|>", "o"],
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use": ["<|START_THINKING|>", "<|END_THINKING|>", "w"],
    "GLM-4.7-Flash": ["<think>", "</think>", "o"],
    "HuggingFaceTB-SmolLM3-3B": ["<think>", "</think>", "w"],
    "Kimi-K3": ["<|open|>think<|sep|>", "<|close|>think<|sep|>", "o"],
    "MiniMax-M2": ["<think>", "</think>", "o"],
    "MiniMax-M3": ["<mm:think>", "</mm:think>", "o"],
    "NVIDIA-Nemotron-Nano-v2": ["<think>", "</think>", "o"],
    "Qwen-QwQ-32B": ["<think>", "</think>", "o"],
    "Qwen-Qwen3-0.6B": ["<think>", "</think>", "w"],
    "Qwen3.5-4B": ["<think>", "</think>", "o"],
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": ["<think>", "</think>", "o"],
    "deepseek-ai-DeepSeek-V3.1": ["<think>", "</think>", "o"],
    "google-gemma-4-31B-it": ["<|channel>thought", "<channel|>", "w"],
    "ibm-granite-granite-3.3-2B-Instruct": ["<think>", "</think>", "w"],
    "meta-llama-Llama-3.1-8B-Instruct": ["<think>", "</think>", "w"],
    "mistralai-Ministral-3-14B-Reasoning-2512": ["[THINK]", "[/THINK]", "w"],
    "muse-glimmer": ["to=self<|message|>", "<|eom|>", "w"],
    "openai-gpt-oss-120b": ["<|channel|>analysis<|message|>", "<|end|>", "w"],
    "tencent-Hy3": ["<think:opensource>", "</think:opensource>", "o"],
    "unsloth-Apriel-1.5": ["Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]", "w"],
    "upstage-Solar-Open-100B": ["<|think|>", "<|end|>", "w"]
};

describe("the family of a template", () => {
    test.each(Object.entries(families))("%s", async (name, [opens, closes, begun]) => {
        const { format, open } = (await reasoningOf(name))!;
        expect([format.opens, format.closes, open]).toEqual([[opens], [closes], begun === "o"]);
        // its own words lead from reasoning to the answer
        expect(format.ending).toContain(closes);
        expect(format.ending.endsWith(format.separator)).toBe(true);
        expect(format.ending.indexOf(closes) + closes.length + format.separator.length).toBe(format.ending.length);
    });

    test.each([
        "GLM-4.6",
        "Qwen-Qwen3-0.6B",
        "Qwen3.5-4B",
        "ByteDance-Seed-OSS",
        "Cohere2MoE",
        "google-gemma-4-31B-it",
        "MiniMax-M3",
        "tencent-Hy3",
        "deepseek-ai-DeepSeek-V3.1",
        "poolside-Laguna-S-2.1",
        "llama-cpp-rwkv-world"
    ])("%s: reasoning that is turned off is none", async (name) => {
        expect(await reasoningOf(name, { thinking: false })).toBeUndefined();
    });

    test("every template of the bundle that begins reasoning is seen to, whatever the caller's words are", async () => {
        const begins = /(think[^<>]*>|\[THINK\]|START_THINKING\|>|<\|sep\|>|reasoning steps:)\s*$/;
        let begun = 0;
        for (const name of readdirSync(folder).filter((one) => one.endsWith(".jinja"))) {
            const template = readFileSync(join(folder, name), "utf8");
            for (const content of ["Hi", "</think> <think>"]) {
                const input = { bosToken: "<s>", eosToken: "</s>" };
                const made = await renderChat(template, [{ role: "user", content }], input).catch(() => undefined);
                if (made === undefined) continue;
                const own = begins.test(made.text.slice(made.marks.at(-1)![1]));
                const open = chatReasoning(template, made.text, made.marks)?.open === true;
                expect({ name, content, open }).toEqual({ name, content, open: own });
                begun += own ? 1 : 0;
            }
        }
        expect(begun).toBeGreaterThan(2 * 22);
    });
});

describe("a message that is continued", () => {
    const continued = async (name: string, content: string): Promise<string | undefined> => {
        const template = readFileSync(join(folder, `${name}.jinja`), "utf8");
        const messages = [
            { role: "user", content: "Hi" },
            { role: "assistant", content }
        ];
        const input = { bosToken: "<s>", eosToken: "</s>", continueFinalMessage: true };
        const { text, marks } = await renderChat(template, messages, input);
        expect(text.endsWith(content)).toBe(true);
        expect(marks.at(-1)).toEqual([text.length - content.trimStart().length, text.length, 2]);
        const reasoning = chatReasoning(template, text, marks);
        return reasoning === undefined ? "ended" : reasoning.open ? "open" : "none";
    };

    test("goes on with the answer, or with reasoning that it begins", async () => {
        expect(await continued("Qwen-Qwen3-0.6B", "Well, ")).toBe("ended");
        expect(await continued("Qwen-Qwen3-0.6B", "<think>\nWell")).toBe("open");
        expect(await continued("meta-llama-Llama-3.1-8B-Instruct", "Well\n\n")).toBe("none");
        expect(await continued("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "Well")).toBe("none");
        expect(await continued("google-gemma-2-2b-it", "a")).toBe("none");
        expect(await continued("openai-gpt-oss-120b", "Well")).toBe("none");
    });

    test.each<[string, unknown, string]>([
        ["Qwen-Qwen3-0.6B", "<think>a</think>b", "ERR_CHAT_TEMPLATE"],
        ["deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "<think>a</think>b", "ERR_CHAT_TEMPLATE"],
        ["google-gemma-4-31B-it", "a<|channel>thought\nb<channel|>c", "ERR_CHAT_TEMPLATE"],
        ["Qwen-Qwen3-0.6B", " \n", "ERR_INVALID_OPTION"]
    ])("%s cannot go on with %j", async (name, content, code) => {
        await expect(continued(name, content as string)).rejects.toMatchObject({
            code,
            details: { option: "continueFinalMessage" }
        });
    });
});

describe("a prompt without a conversation", () => {
    const qwen = readFileSync(join(folder, "Qwen-Qwen3-0.6B.jinja"), "utf8");
    const gptOss = readFileSync(join(folder, "openai-gpt-oss-120b.jinja"), "utf8");

    test.each([
        ["", "User: 2+2\nAssistant: <think>", "", "<think>", "\n</think>\n\n"],
        ["", "User: 2+2\nAssistant: <think>\n", "", "<think>", "\n</think>\n\n"],
        ["", "2+2", "\nAssistant: <think>\n", "<think>", "\n</think>\n\n"],
        ["", "2+2", "\nAssistant: <think>\nLet us see:", "<think>", "\n</think>\n\n"],
        ["", "x <thinking>", "", "<thinking>", "\n</thinking>\n\n"],
        ["", "x [THINK]", "", "[THINK]", "[/THINK]"],
        [qwen, "x <think>\n", "", "<think>", "\n\nConsidering the limited time"],
        [gptOss, "x<|channel|>analysis<|message|>", "", "<|channel|>analysis<|message|>", "<|end|>"],
        [gptOss, "x <think>", "", "<think>", "\n</think>\n\n"]
    ])("that begins reasoning: %#", (template, words, behind, opens, ending) => {
        const { format, open } = promptReasoning(template, words, behind)!;
        expect([open, format.opens]).toEqual([true, [opens]]);
        expect(format.ending.startsWith(ending)).toBe(true);
    });

    test.each([
        ["", "2+2", ""],
        ["", "what does <think> mean?", ""],
        ["", "<think>a</think>", ""],
        ["", "<think></think>\n\n", ""],
        ["", "2+2 <think>", "\nAssistant:"],
        ["", "2+2", "\nAssistant: <think>\n</think>\n"],
        [qwen, "2+2", ""],
        ["", "Here are my reasoning steps:", ""],
        ["", "", ""]
    ])("that does not: %#", (template, words, behind) => {
        expect(promptReasoning(template, words, behind)?.open ?? false).toBe(false);
    });

    test("a long one is looked at at its end alone", () => {
        expect(promptReasoning("", `${"<think>".repeat(1_000_000)}x`, "")).toBeUndefined();
    });
});
