// Thinking on and off in the chat templates of llama.cpp's bundle.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { applyChatTemplate } from "../../../src/text/chat-template.js";
import type { Thinking } from "../../../src/text/thinking.js";
import { bundledModels } from "../../support/vocabularies.js";

const folder = join(bundledModels(), "templates");
const read = (name: string): string => readFileSync(join(folder, `${name}.jinja`), "utf8");
const render = (
    template: string,
    thinking?: Thinking,
    templateOptions: Readonly<Record<string, unknown>> = {}
): Promise<string> =>
    applyChatTemplate(template, [{ role: "user", content: "Hi" }], {
        bosToken: "<s>",
        eosToken: "</s>",
        thinking,
        templateOptions
    });

describe("thinking", () => {
    // what the prompt ends in, or holds
    test.each([
        ["Qwen-Qwen3-0.6B", "assistant\n", "<think>\n\n</think>\n\n"],
        ["Qwen3.5-4B", "<think>\n", "</think>\n\n"],
        ["Qwen-QwQ-32B", "<think>\n", "</think>"],
        ["deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "<think>\n", "</think>"],
        ["deepseek-ai-DeepSeek-V3.1", "<think>", "<think></think>"],
        ["deepseek-ai-DeepSeek-V4", "<think>", "</think>"],
        ["Kimi-K3", "think<|sep|>", "response<|sep|>"],
        ["MiniMax-M3", "<mm:think>", "</mm:think>"],
        ["inclusionai-ling-3.0-flash", "<think>", "</think>"],
        ["Cohere2MoE", "<|START_THINKING|>", "<|START_THINKING|><|END_THINKING|>"],
        ["CohereForAI-c4ai-command-r7b-12-2024-tool_use", "<|CHATBOT_TOKEN|>", "<|END_THINKING|>"],
        ["poolside-Laguna-XS-2.1", "<think>", "</think>"],
        ["upstage-Solar-Open-100B", "<|begin|>assistant", "<|think|><|end|><|begin|>assistant"],
        ["GLM-4.7-Flash", "<think>", "</think>"],
        ["Reka-Edge", "<think>\n", "assistant:"]
    ])("%s: on by default, and off", async (name, on, off) => {
        const [auto, yes, no] = await Promise.all([undefined, true, false].map((one) => render(read(name), one)));
        expect(auto!.endsWith(on)).toBe(true);
        expect(yes).toBe(auto);
        expect(no!.endsWith(off)).toBe(true);
        expect(no).not.toBe(auto);
    });

    test.each([
        "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
        "openai-gpt-oss-120b",
        "MiniMax-M2",
        "Kimi-K2-Thinking",
        "NVIDIA-Nemotron-Nano-v2",
        "Apriel-1.6-15b-Thinker-fixed",
        "muse-glimmer"
    ])("%s always thinks: false is an error that says so", async (name) => {
        expect(await render(read(name), true)).toBe(await render(read(name)));
        await expect(render(read(name), false)).rejects.toMatchObject({
            code: "ERR_CHAT_TEMPLATE",
            message: expect.stringContaining("cannot turn thinking off"),
            details: { option: "thinking" }
        });
    });

    test.each(["Qwen-Qwen2.5-7B-Instruct", "google-gemma-2-2b-it", "meta-llama-Llama-3.1-8B-Instruct"])(
        "%s never does: true is an error",
        async (name) => {
            expect(await render(read(name), false)).toBe(await render(read(name)));
            await expect(render(read(name), true)).rejects.toThrow("cannot turn thinking on");
        }
    );

    test("off by default is on in every template that has a switch", async () => {
        const differs = async (name: string): Promise<boolean> => {
            const template = readFileSync(join(folder, name), "utf8");
            const off = await render(template, false).catch(() => undefined);
            return off !== undefined && off !== (await render(template).catch(() => off));
        };
        const names = readdirSync(folder).filter((name) => name.endsWith(".jinja"));
        const switched = await Promise.all(names.map(differs));
        expect(switched.filter(Boolean).length).toBeGreaterThanOrEqual(30);
    });

    test("the template's own variable, given by the caller, holds", async () => {
        const template = read("deepseek-ai-DeepSeek-V3.1");
        expect(await render(template, true, { thinking: false })).toBe(await render(template, false));
        const effort = await render(read("openai-gpt-oss-120b"), "auto", { reasoning_effort: "high" });
        expect(effort).toContain("Reasoning: high");
        const open = await render("{{ add_generation_prompt }}", "auto", { add_generation_prompt: false });
        expect(open).toBe("False");
    });

    test("attributes and names of arguments are no variables", async () => {
        await expect(
            render("{% set n = namespace(enable_thinking=true) %}{{ n.enable_thinking }}", true)
        ).rejects.toThrow("cannot turn thinking on");
    });

    test("reasoning of earlier turns has the names that templates read", async () => {
        const template = "{{ messages[0].reasoning_content }} {{ messages[0].thinking }}";
        const input = { bosToken: "", eosToken: "" };
        for (const name of ["reasoning", "reasoning_content", "thinking"]) {
            const message = { role: "assistant", content: "2", [name]: "1+1" };
            expect(await applyChatTemplate(template, [message], input)).toBe("1+1 1+1");
        }
    });
});

test("a text in place of a boolean is refused where the template does not compare with it", async () => {
    for (const value of ["false", "off", "0", "True"]) {
        await expect(render("{{ enable_thinking }}", undefined, { enable_thinking: value })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION",
            message: `Expected true or false without quotes for templateOptions.enable_thinking, received "${value}" (string).`
        });
    }
    expect(await render("{{ enable_thinking == 'off' }}", undefined, { enable_thinking: "off" })).toBe("True");
    expect(await render("{{ other }}", undefined, { other: "false" })).toBe("false");
    expect(await render("{{ enable_thinking }}", undefined, { enable_thinking: false })).toBe("False");
});
