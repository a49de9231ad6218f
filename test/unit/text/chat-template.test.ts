import { describe, expect, test } from "vitest";
import { applyChatTemplate } from "../../../src/text/chat-template.js";

const chatml =
    "{%- if messages[0]['role'] == 'system' %}{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}" +
    "{%- else %}{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{%- endif %}" +
    "{%- for message in messages %}{%- if (message.role == 'user') or (message.role == 'system' and not loop.first) or " +
    "(message.role == 'assistant') %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}" +
    "{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

const llama3 =
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + " +
    "message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}" +
    "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}" +
    "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}";

const tokens = { bosToken: "<|begin_of_text|>", eosToken: "<|end_of_text|>" };
const question = { role: "user", content: "What is 1+1?" };

describe("applyChatTemplate", () => {
    test("ChatML, with its own system message and with the caller's", () => {
        expect(applyChatTemplate(chatml, [question], tokens)).toBe(
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n" +
                "<|im_start|>user\nWhat is 1+1?<|im_end|>\n<|im_start|>assistant\n"
        );
        expect(applyChatTemplate(chatml, [{ role: "system", content: "Be brief." }, question], tokens)).toBe(
            "<|im_start|>system\nBe brief.<|im_end|>\n" +
                "<|im_start|>user\nWhat is 1+1?<|im_end|>\n<|im_start|>assistant\n"
        );
    });

    test("Llama 3, with the beginning token", () => {
        const answer = { role: "assistant", content: " 2 " };
        expect(applyChatTemplate(llama3, [question, answer, question], tokens)).toBe(
            "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhat is 1+1?<|eot_id|>" +
                "<|start_header_id|>assistant<|end_header_id|>\n\n2<|eot_id|>" +
                "<|start_header_id|>user<|end_header_id|>\n\nWhat is 1+1?<|eot_id|>" +
                "<|start_header_id|>assistant<|end_header_id|>\n\n"
        );
    });

    test("without a template it says what to do", () => {
        expect(() => applyChatTemplate(null, [question], tokens)).toThrow(
            expect.objectContaining({
                code: "ERR_CHAT_TEMPLATE",
                message: expect.stringContaining("pass it as prompt")
            })
        );
    });

    test.each([["{% if %}"], ["{{ raise_exception('no system role') }}"]])(
        "a template that fails is ERR_CHAT_TEMPLATE: %s",
        (template) => {
            expect(() => applyChatTemplate(template, [question], tokens)).toThrow(
                expect.objectContaining({ code: "ERR_CHAT_TEMPLATE" })
            );
        }
    );

    test.each([
        [undefined],
        [[]],
        ["Hi"],
        [[null]],
        [[{ role: "user" }]],
        [[{ role: "", content: "x" }]],
        [[{ role: 1, content: "x" }]],
        [[question, { role: "user", content: ["x"] }]]
    ])("messages of the wrong shape are ERR_INVALID_OPTION: %j", (messages) => {
        expect(() => applyChatTemplate(chatml, messages as never, tokens)).toThrow(
            expect.objectContaining({ code: "ERR_INVALID_OPTION", message: expect.stringContaining("messages") })
        );
    });
});
