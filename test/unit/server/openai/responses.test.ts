import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RastError } from "../../../../src/errors.js";
import { responses } from "../../../../src/server/openai/responses.js";
import { ResponseStore, type StoredResponse } from "../../../../src/server/openai/response-store.js";
import { sendError } from "../../../../src/server/openai/errors.js";
import type { Protocol } from "../../../../src/server/ask/protocol.js";
import { fakeApp, sentEvents, type FakeApp } from "../../../support/fake-answers.js";

let fake: FakeApp;
beforeEach(async () => {
    const withErrors: Protocol = async (app, context) => {
        app.setErrorHandler(sendError);
        await app.register(responses, context);
    };
    fake = await fakeApp(withErrors);
});
afterEach(() => fake.app.close());

type Json = Record<string, unknown>;

const post = (payload: object) => fake.inject({ method: "POST", url: "/v1/responses", payload });
const hello = { model: "demo", input: "Hello" };
const tools = [{ type: "function", name: "weather", description: "w", parameters: { type: "object" }, strict: true }];
const steps = [
    { think: "Hm." },
    { say: "I " },
    { say: "look." },
    { call: "weather", arguments: ['{"city": ', '"Rome"}'] }
];

describe("a response", () => {
    test("has items of output", async () => {
        fake.script = { steps, finish: "toolCalls" };
        const body = (await post({ ...hello, tools, metadata: { a: "b" } })).json<Json>();
        expect(body).toMatchObject({
            object: "response",
            status: "completed",
            error: null,
            incomplete_details: null,
            model: "demo",
            tools,
            tool_choice: "auto",
            metadata: { a: "b" },
            usage: {
                input_tokens: 10,
                input_tokens_details: { cached_tokens: 4 },
                output_tokens: 5,
                output_tokens_details: { reasoning_tokens: 2 },
                total_tokens: 15
            }
        });
        expect(body["output"]).toEqual([
            {
                id: expect.stringMatching(/^rs_/),
                type: "reasoning",
                status: "completed",
                summary: [],
                content: [{ type: "reasoning_text", text: "Hm." }]
            },
            {
                id: expect.stringMatching(/^msg_/),
                type: "message",
                status: "completed",
                role: "assistant",
                content: [{ type: "output_text", text: "I look.", annotations: [], logprobs: [] }]
            },
            {
                id: expect.stringMatching(/^fc_/),
                type: "function_call",
                status: "completed",
                call_id: "call_0",
                name: "weather",
                arguments: '{"city": "Rome"}'
            }
        ]);
    });

    test("that was cut says why", async () => {
        fake.script = { steps: [{ say: "a" }], finish: "length" };
        expect((await post(hello)).json()).toMatchObject({
            status: "incomplete",
            incomplete_details: { reason: "max_output_tokens" },
            output: [{ status: "incomplete" }]
        });
    });
});

describe("a stream", () => {
    test("has its events in order, numbered", async () => {
        fake.script = { steps, finish: "toolCalls" };
        const events = sentEvents((await post({ ...hello, tools, stream: true })).body);
        expect(events.map(({ data }) => data["sequence_number"])).toEqual(events.map((_, index) => index));
        for (const { event, data } of events) expect(data["type"]).toBe(event);
        expect(
            events.map(({ event, data }) => [event!.replace("response.", ""), data["output_index"] ?? null])
        ).toEqual([
            ["created", null],
            ["in_progress", null],
            ["output_item.added", 0],
            ["content_part.added", 0],
            ["reasoning_text.delta", 0],
            ["reasoning_text.done", 0],
            ["content_part.done", 0],
            ["output_item.done", 0],
            ["output_item.added", 1],
            ["content_part.added", 1],
            ["output_text.delta", 1],
            ["output_text.delta", 1],
            ["output_text.done", 1],
            ["content_part.done", 1],
            ["output_item.done", 1],
            ["output_item.added", 2],
            ["function_call_arguments.delta", 2],
            ["function_call_arguments.delta", 2],
            ["function_call_arguments.done", 2],
            ["output_item.done", 2],
            ["completed", null]
        ]);
        const added = events[8]!.data["item"] as Json;
        expect(added).toMatchObject({ status: "in_progress", content: [] });
        expect(events[10]!.data).toMatchObject({ item_id: added["id"], content_index: 0, delta: "I " });
        expect(events[12]!.data).toMatchObject({ text: "I look." });
        const last = events.at(-1)!.data["response"] as Json;
        expect((last["output"] as Json[]).map(({ type, status }) => [type, status])).toEqual([
            ["reasoning", "completed"],
            ["message", "completed"],
            ["function_call", "completed"]
        ]);
        expect((events[0]!.data["response"] as Json)["id"]).toBe(last["id"]);
    });

    test("that fails in the middle says so", async () => {
        fake.script = { steps: [{ say: "Good" }, { fail: new RastError("ERR_DECODE", "secret") }] };
        const last = sentEvents((await post({ ...hello, stream: true })).body).at(-1)!;
        expect(last.event).toBe("response.failed");
        expect(last.data["response"]).toMatchObject({
            status: "failed",
            error: { message: expect.not.stringContaining("secret") }
        });
    });
});

describe("what is read", () => {
    test("items, tools and settings", async () => {
        await post({
            model: "demo:base",
            instructions: "Be kind.",
            input: [
                { role: "developer", content: "d" },
                { type: "message", role: "user", content: [{ type: "input_text", text: "u" }] },
                { type: "reasoning", id: "rs_1", summary: [], content: [{ type: "reasoning_text", text: "t" }] },
                { type: "message", role: "assistant", content: [{ type: "output_text", text: "a", annotations: [] }] },
                { type: "function_call", call_id: "c1", name: "weather", arguments: '{"city":"Rome"}' },
                { type: "function_call_output", call_id: "c1", output: "sunny" },
                { role: "user", content: "And?" }
            ],
            tools,
            tool_choice: { type: "function", name: "weather" },
            parallel_tool_calls: false,
            max_output_tokens: 9,
            temperature: 0.5,
            seed: 3,
            text: { format: { type: "json_schema", name: "n", schema: { type: "integer" }, strict: true } },
            reasoning: { effort: "low" },
            include: ["message.output_text.logprobs"],
            top_logprobs: 2,
            rast: { lambda: 0.5 }
        });
        const [ask] = fake.asked;
        expect(ask!.prompts[0]!.messages).toEqual([
            { role: "system", content: "Be kind." },
            { role: "developer", content: "d" },
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
            temperature: 0.5,
            seed: 3,
            lambda: 0.5,
            jsonSchema: { schema: { type: "integer" }, unsupported: "refuse" },
            templateOptions: { reasoning_effort: "low" },
            maxTokens: 9,
            logprobs: 2
        });
        expect(ask!.tools).toMatchObject({ choice: { kind: "required", names: ["weather"] }, parallel: false });
    });

    test("a tool by its name is one call; one in the form of chats is told the form of responses", async () => {
        fake.script = { steps, finish: "toolCalls" };
        await post({ ...hello, tools, tool_choice: { type: "function", name: "weather" } });
        expect(fake.asked[0]!.tools).toMatchObject({ choice: { kind: "required" }, parallel: false });
        await post({ ...hello, tools, tool_choice: "required" });
        expect(fake.asked[1]!.tools).toMatchObject({ choice: { kind: "required" }, parallel: true });
        const nested = [{ type: "function", function: { name: "weather" } }];
        const refused = await post({ ...hello, tools: nested });
        expect(refused.statusCode).toBe(400);
        expect(refused.json<Json>()).toMatchObject({
            error: {
                param: "tools[0].name",
                message: expect.stringMatching(/is required\. Functions are \{/) as string
            }
        });
    });

    test("a response goes on from a stored one, without its instructions", async () => {
        fake.script = { steps: [{ think: "Hm." }, { say: "Good day." }] };
        const first = (await post({ ...hello, instructions: "Be kind." })).json<{ id: string }>();
        await post({ model: "demo", input: "And now?", previous_response_id: first.id });
        expect(fake.asked[1]!.prompts[0]!.messages).toEqual([
            { role: "user", content: "Hello" },
            { role: "assistant", content: "Good day.", reasoning_content: "Hm." },
            { role: "user", content: "And now?" }
        ]);
        const get = (url: string) => fake.inject({ url });
        expect((await get(`/v1/responses/${first.id}`)).json()).toMatchObject({ id: first.id, status: "completed" });
        expect((await get(`/v1/responses/${first.id}/input_items`)).json()).toMatchObject({
            data: [{ role: "user", id: "item_0" }],
            first_id: "item_0",
            last_id: "item_0"
        });
        const gone = await fake.inject({ method: "DELETE", url: `/v1/responses/${first.id}` });
        expect(gone.json()).toMatchObject({ deleted: true });
        expect((await get(`/v1/responses/${first.id}`)).statusCode).toBe(404);
    });

    test("one that was not to be stored is not there", async () => {
        const { id } = (await post({ ...hello, store: false })).json<{ id: string }>();
        const response = await post({ ...hello, previous_response_id: id });
        expect(response.statusCode).toBe(404);
        expect(response.json()).toMatchObject({ error: { param: "previous_response_id" } });
    });
});

describe("errors", () => {
    test.each([
        [{ model: "demo" }, "input"],
        [{ ...hello, background: true }, "background"],
        [{ ...hello, conversation: "conv_1" }, "conversation"],
        [{ ...hello, prompt: { id: "pmpt_1" } }, "prompt"],
        [{ model: "demo", input: [{ role: "user" }] }, "input[0].content"],
        [{ ...hello, tools: [{ type: "web_search" }] }, "tools[0].type"],
        [{ ...hello, tool_choice: "required" }, "tool_choice"],
        [{ ...hello, input: [{ role: "user", content: [{ type: "input_image" }] }] }, "input[0].content[0].type"],
        [{ ...hello, input: [{ type: "computer_call" }] }, "input[0].type"],
        [{ ...hello, input: [{ type: "item_reference", id: "x" }] }, "input[0].id"],
        [{ ...hello, temperature: "hot" }, "temperature"],
        [{ ...hello, text: { format: { type: "json_schema" } } }, "text.format.schema"]
    ])("%j is told", async (body, param) => {
        const response = await post(body);
        expect(response.statusCode).toBe(400);
        expect(response.json()).toMatchObject({ error: { type: "invalid_request_error", param } });
        expect(fake.asked).toEqual([]);
    });
});

describe("the store", () => {
    const stored = (id: string, letters: number): StoredResponse => ({
        id,
        response: { id },
        messages: [{ role: "user", content: "x".repeat(letters) }],
        input: [],
        output: [{ id: `item of ${id}` }]
    });

    test("keeps the latest, by number and by size", () => {
        const store = new ResponseStore(3, 1000);
        for (const id of ["a", "b", "c", "d"]) store.keep(stored(id, 1));
        expect(["a", "b", "c", "d"].map((id) => store.find(id) !== undefined)).toEqual([false, true, true, true]);
        store.keep(stored("e", 800));
        expect(store.find("e")).toBeDefined();
        expect(store.find("b")).toBeUndefined();
        store.keep(stored("f", 2000));
        expect(store.find("f")).toBeUndefined();
        expect(store.find("e")).toBeDefined();
        expect(store.findItem("item of e")).toEqual({ id: "item of e" });
        expect(store.forget("e")).toBe(true);
        expect(store.findItem("item of e")).toBeUndefined();
    });
});
