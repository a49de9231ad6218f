import { describe, expect, it } from "vitest";
import { readChat, type ChatBody } from "../../../../src/server/openai/read-chat.js";

const messages = [{ role: "user", content: "Hi" }];
const settingsOf = (body: object): object => readChat({ messages, ...body }).settings;

describe("a chat's body", () => {
    it.each([
        [{}, {}],
        [
            { temperature: 0, top_p: 0.5, min_p: 0.1 },
            { temperature: 0, topP: 0.5, minP: 0.1 }
        ],
        [{ top_p: 0 }, { topP: 1e-9 }],
        [{ top_k: -1 }, { topK: 0 }],
        [{ repeat_penalty: 1.1, repetition_penalty: 1.2 }, { repetitionPenalty: 1.1 }],
        [{ repetition_penalty: 1.2 }, { repetitionPenalty: 1.2 }],
        [{ seed: 5 }, { seed: 5 }],
        [{ seed: -1 }, {}],
        [{ seed: -2 }, { seed: 2n ** 64n - 2n }],
        [{ max_tokens: -1 }, {}],
        [{ max_tokens: 5 }, { maxTokens: 5 }],
        [{ max_tokens: 5, max_completion_tokens: 7 }, { maxTokens: 7 }],
        [{ logprobs: true }, { logprobs: 0 }],
        [{ logprobs: true, top_logprobs: 4 }, { logprobs: 4 }],
        [{ logprobs: false }, {}],
        [{ max_reasoning_tokens: 9 }, { maxThinkingTokens: 9 }],
        [{ reasoning_effort: "high" }, { templateOptions: { reasoning_effort: "high" } }],
        [
            { reasoning_effort: "none" },
            { maxThinkingTokens: 0, templateOptions: { reasoning_effort: "none", enable_thinking: false } }
        ],
        [
            { reasoning_effort: "low", chat_template_kwargs: { reasoning_effort: "own", a: 1 } },
            { templateOptions: { reasoning_effort: "own", a: 1 } }
        ],
        [{ response_format: { type: "text" } }, {}],
        [{ response_format: { type: "json_object" } }, { jsonSchema: { type: "object" } }],
        [
            { response_format: { type: "json_schema", json_schema: { schema: { type: "null" }, strict: true } } },
            { jsonSchema: { schema: { type: "null" }, unsupported: "refuse" } }
        ],
        [
            { response_format: { type: "json_schema", json_schema: { schema: { type: "null" } } } },
            { jsonSchema: { schema: { type: "null" }, unsupported: "ignore" } }
        ],
        [
            { rast: { lambda: 2, mode: "base", speculation: "off", explain: true } },
            { lambda: 2, mode: "base", speculation: "off", explain: true }
        ],
        [{ rast: { explain: { top: null } } }, { explain: {} }],
        [
            { stop: ["a"], ignore_eos: true },
            { stop: ["a"], ignoreEos: true }
        ]
    ])("%o", (body, settings) => {
        expect(settingsOf(body)).toEqual(settings);
    });

    it("has messages of what templates read, and nothing else", () => {
        const { prompts } = readChat({
            messages: [
                { role: "developer", content: "Be kind." },
                {
                    role: "user",
                    content: [
                        { type: "text", text: "Hi" },
                        { type: "input_text", text: "there" }
                    ],
                    name: "Ann",
                    cache: 1
                },
                {
                    role: "assistant",
                    content: null,
                    tool_calls: [{ id: "1", function: { name: "f", arguments: "{}" } }],
                    refusal: null
                },
                { role: "tool", content: "5", tool_call_id: "1" }
            ]
        } as unknown as ChatBody);
        expect(prompts).toEqual([
            {
                messages: [
                    { role: "system", content: "Be kind." },
                    {
                        role: "user",
                        content: [
                            { type: "text", text: "Hi" },
                            { type: "text", text: "there" }
                        ],
                        name: "Ann"
                    },
                    {
                        role: "assistant",
                        content: null,
                        tool_calls: [{ id: "1", function: { name: "f", arguments: "{}" } }]
                    },
                    { role: "tool", content: "5", tool_call_id: "1" }
                ]
            }
        ]);
    });

    it("is told which tool's parameters are no object's, by their name in the body", () => {
        const tools = [{ type: "function", function: { name: "f", parameters: { type: "array" } } }];
        expect(() => readChat({ messages, tools })).toThrow(
            'Expected a schema of an object for tools[0].function.parameters, received one of "array" (string).'
        );
    });

    it("has tools, and which of them may be called", () => {
        const tools = ["f", "g"].map((name) => ({
            type: "function",
            function: { name, parameters: { type: "object" } }
        }));
        const of = (body: object): unknown => readChat({ messages, tools, ...body }).tools;
        const read = ["f", "g"].map((name) => ({
            name,
            description: undefined,
            parameters: { type: "object" },
            strict: false
        }));
        expect(of({})).toEqual({ tools: read, choice: { kind: "auto" }, parallel: true });
        expect(of({ tool_choice: "none", parallel_tool_calls: false })).toEqual({
            tools: read,
            choice: { kind: "none" },
            parallel: false
        });
        expect(of({ tool_choice: "required" })).toMatchObject({ choice: { kind: "required", names: ["f", "g"] } });
        expect(of({ tool_choice: { type: "function", function: { name: "g" } } })).toMatchObject({
            choice: { kind: "required", names: ["g"] },
            // of a name one call is asked for
            parallel: false
        });
        expect(of({ tool_choice: null })).toMatchObject({ choice: { kind: "auto" }, parallel: true });
        expect(of({ tool_choice: "required" })).toMatchObject({ parallel: true });
        expect(of({ tools: [] })).toBe(undefined);
    });
});
