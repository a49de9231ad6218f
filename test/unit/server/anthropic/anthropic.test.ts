import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RastError } from "../../../../src/errors.js";
import { anthropic } from "../../../../src/server/anthropic/anthropic.js";
import { fakeApp, sentEvents, type FakeApp } from "../../../support/fake-answers.js";

let fake: FakeApp;
beforeEach(async () => {
    fake = await fakeApp(anthropic);
});
afterEach(() => fake.app.close());

type Json = Record<string, unknown>;

const post = (payload: object, url = "/v1/messages") => fake.inject({ method: "POST", url, payload });
const hello = { model: "demo", max_tokens: 50, messages: [{ role: "user", content: "Hello" }] };
const thinking = { type: "enabled", budget_tokens: 20 };
const tools = [{ name: "weather", description: "w", input_schema: { type: "object" } }];

describe("a message", () => {
    test("has blocks of content", async () => {
        fake.script = {
            steps: [
                { think: "Hm." },
                { say: "I " },
                { say: "look." },
                { call: "weather", arguments: ['{"city": ', '"Rome"}'] }
            ],
            finish: "toolCalls"
        };
        const body = (await post({ ...hello, thinking, tools })).json<Json>();
        expect(body).toMatchObject({
            type: "message",
            role: "assistant",
            model: "demo",
            stop_reason: "tool_use",
            stop_sequence: null
        });
        expect(body["id"]).toMatch(/^msg_/);
        expect(body["content"]).toEqual([
            { type: "thinking", thinking: "Hm.", signature: expect.any(String) },
            { type: "text", text: "I look." },
            { type: "tool_use", id: "call_0", name: "weather", input: { city: "Rome" } }
        ]);
        expect(body["usage"]).toEqual({
            input_tokens: 6,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 4,
            output_tokens: 5
        });
    });

    test("says nothing of what was thought to whoever did not ask", async () => {
        fake.script = { steps: [{ think: "Hm." }, { say: "Good day." }] };
        expect((await post(hello)).json<Json>()["content"]).toEqual([{ type: "text", text: "Good day." }]);
    });

    test.each([
        ["stop", null, "end_turn"],
        ["stop", "END", "stop_sequence"],
        ["length", null, "max_tokens"]
    ] as const)("that ends with %s, %s", async (finish, stopString, reason) => {
        fake.script = { steps: [{ say: "a" }], finish, result: { stopString } };
        expect((await post(hello)).json()).toMatchObject({ stop_reason: reason, stop_sequence: stopString });
    });
});

describe("a stream", () => {
    test("has its events in order, each with its name", async () => {
        fake.script = {
            steps: [
                { think: "Hm" },
                { think: "." },
                { say: "I look." },
                { call: "weather", arguments: ['{"city": ', '"Rome"}'] }
            ],
            finish: "toolCalls"
        };
        const response = await post({ ...hello, thinking, tools, stream: true });
        expect(response.headers["content-type"]).toContain("text/event-stream");
        const events = sentEvents(response.body);
        for (const { event, data } of events) expect(data["type"]).toBe(event);
        expect(
            events.map(({ event, data }) => [
                event,
                data["index"] ?? null,
                (data["delta"] as Json | undefined)?.["type"] ?? null
            ])
        ).toEqual([
            ["message_start", null, null],
            ["ping", null, null],
            ["content_block_start", 0, null],
            ["content_block_delta", 0, "thinking_delta"],
            ["content_block_delta", 0, "thinking_delta"],
            ["content_block_delta", 0, "signature_delta"],
            ["content_block_stop", 0, null],
            ["content_block_start", 1, null],
            ["content_block_delta", 1, "text_delta"],
            ["content_block_stop", 1, null],
            ["content_block_start", 2, null],
            ["content_block_delta", 2, "input_json_delta"],
            ["content_block_delta", 2, "input_json_delta"],
            ["content_block_stop", 2, null],
            ["message_delta", null, null],
            ["message_stop", null, null]
        ]);
        expect(events[0]!.data["message"]).toMatchObject({
            content: [],
            stop_reason: null,
            usage: { input_tokens: 3 }
        });
        expect(events[10]!.data["content_block"]).toEqual({
            type: "tool_use",
            id: "call_0",
            name: "weather",
            input: {}
        });
        expect(events.at(-2)!.data).toMatchObject({ delta: { stop_reason: "tool_use" }, usage: { output_tokens: 5 } });
    });

    test("that fails in the middle says so", async () => {
        fake.script = { steps: [{ say: "Good" }, { fail: new RastError("ERR_DECODE", "secret") }] };
        const last = sentEvents((await post({ ...hello, stream: true })).body).at(-1)!;
        expect(last).toEqual({
            event: "error",
            data: {
                type: "error",
                error: { type: "api_error", message: expect.not.stringContaining("secret") },
                request_id: expect.stringMatching(/./)
            }
        });
    });
});

describe("what is read", () => {
    test("turns, tools and settings", async () => {
        await post({
            ...hello,
            system: [
                { type: "text", text: "Be " },
                { type: "text", text: "kind." }
            ],
            messages: [
                { role: "user", content: [{ type: "text", text: "u" }] },
                {
                    role: "assistant",
                    content: [
                        { type: "thinking", thinking: "t", signature: "x" },
                        { type: "text", text: "a" },
                        { type: "tool_use", id: "c1", name: "weather", input: { city: "Rome" } }
                    ]
                },
                {
                    role: "user",
                    content: [
                        { type: "tool_result", tool_use_id: "c1", content: [{ type: "text", text: "sunny" }] },
                        { type: "text", text: "And?" }
                    ]
                }
            ],
            tools,
            tool_choice: { type: "tool", name: "weather", disable_parallel_tool_use: true },
            thinking,
            stop_sequences: ["x"],
            temperature: 0.5,
            top_k: 3,
            rast: { lambda: 0, seed: 7 }
        });
        const [ask] = fake.asked;
        expect(ask!.prompts[0]!.messages).toEqual([
            { role: "system", content: "Be \nkind." },
            { role: "user", content: "u" },
            {
                role: "assistant",
                content: "a",
                reasoning_content: "t",
                tool_calls: [
                    { id: "c1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } }
                ]
            },
            { role: "tool", tool_call_id: "c1", content: "sunny" },
            { role: "user", content: "And?" }
        ]);
        expect(ask!.settings).toEqual({
            maxThinkingTokens: 20,
            maxTokens: 50,
            stop: ["x"],
            temperature: 0.5,
            topK: 3,
            lambda: 0,
            seed: 7
        });
        expect(ask!.tools).toEqual({
            tools: [{ name: "weather", description: "w", parameters: { type: "object" }, strict: false }],
            choice: { kind: "required", names: ["weather"] },
            parallel: false
        });
    });

    test("the beginning of an answer is gone on with", async () => {
        await post({ ...hello, messages: [...hello.messages, { role: "assistant", content: "It is" }] });
        expect(fake.asked[0]!.settings.continueFinalMessage).toBe(true);
    });

    test("thinking that is not wanted ends at once", async () => {
        await post({ ...hello, thinking: { type: "disabled" } });
        expect(fake.asked[0]!.settings.maxThinkingTokens).toBe(0);
    });

    test("tokens are counted", async () => {
        const body = { model: hello.model, messages: hello.messages };
        expect((await post(body, "/v1/messages/count_tokens")).json()).toEqual({ input_tokens: 3 });
    });
});

describe("errors", () => {
    test.each([
        [{ ...hello, max_tokens: undefined }, "max_tokens"],
        [{ ...hello, messages: [] }, "messages"],
        [
            { ...hello, messages: [{ role: "user", content: [{ type: "image", source: {} }] }] },
            "messages[0].content[0]"
        ],
        [{ ...hello, tools: [{ type: "web_search_20250305", name: "web_search" }] }, "tools[0]"],
        [{ ...hello, tool_choice: { type: "any" } }, "tool_choice"],
        [{ ...hello, tools, tool_choice: { type: "tool", name: "x" } }, "tool_choice.name"],
        [{ ...hello, temperature: "hot" }, "temperature"]
    ])("%j is told", async (body, field) => {
        const response = await post(body);
        expect(response.statusCode).toBe(400);
        expect(response.json()).toMatchObject({ type: "error", error: { type: "invalid_request_error" } });
        expect(response.json<{ error: { message: string } }>().error.message).toContain(field);
        expect(fake.asked).toEqual([]);
    });

    test("a full queue is theirs, too", async () => {
        fake.failure = new RastError("ERR_QUEUE_FULL", "Full.");
        const response = await post(hello);
        expect([response.statusCode, response.headers["retry-after"]]).toEqual([429, "1"]);
        expect(response.json()).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
    });
});
