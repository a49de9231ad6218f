import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RastError } from "../../../../src/errors.js";
import { ollama } from "../../../../src/server/ollama/ollama.js";
import { fakeApp, type FakeApp } from "../../../support/fake-answers.js";

let fake: FakeApp;
beforeEach(async () => {
    fake = await fakeApp(ollama);
});
afterEach(() => fake.app.close());

type Json = Record<string, unknown>;

const post = (url: string, payload: object) => fake.inject({ method: "POST", url, payload });
const lines = (body: string): Json[] =>
    body
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Json);
const hello = { model: "demo", messages: [{ role: "user", content: "Hello" }] };

describe("/api/chat", () => {
    test("a line for each piece, and one for the end", async () => {
        fake.script = { steps: [{ think: "Hm." }, { say: "Good " }, { say: "day." }] };
        const response = await post("/api/chat", hello);
        expect(response.headers["content-type"]).toBe("application/x-ndjson");
        const all = lines(response.body);
        expect(all.map(({ message, done }) => [message, done])).toEqual([
            [{ role: "assistant", content: "", thinking: "Hm." }, false],
            [{ role: "assistant", content: "Good " }, false],
            [{ role: "assistant", content: "day." }, false],
            [{ role: "assistant", content: "" }, true]
        ]);
        expect(all.at(-1)).toMatchObject({
            model: "demo",
            done_reason: "stop",
            prompt_eval_count: 10,
            prompt_eval_duration: 2_000_000,
            eval_count: 5,
            eval_duration: 3_000_000,
            total_duration: expect.any(Number)
        });
        expect(new Date(all[0]!["created_at"] as string).getTime()).toBeGreaterThan(0);
    });

    test("one object where it is not streamed", async () => {
        fake.script = { steps: [{ think: "Hm." }, { say: "Good day." }], finish: "length" };
        const body = (await post("/api/chat", { ...hello, stream: false })).json<Json>();
        expect(body).toMatchObject({ done: true, done_reason: "length", eval_count: 5 });
        expect(body["message"]).toEqual({ role: "assistant", content: "Good day.", thinking: "Hm." });
    });

    test("calls of tools are whole", async () => {
        const steps = [
            { say: "I look." },
            { call: "weather", arguments: ['{"city": ', '"Rome"}'] },
            { call: "now", arguments: ["{}"] }
        ];
        fake.script = { steps, finish: "toolCalls" };
        const tools = [
            { type: "function", function: { name: "weather", description: "w", parameters: { type: "object" } } }
        ];
        const call = (index: number, name: string, args: object): object => ({
            id: `call_${index}`,
            function: { index: 0, name, arguments: args }
        });
        const streamed = lines((await post("/api/chat", { ...hello, tools })).body).map(({ message }) => message);
        expect(streamed).toEqual([
            { role: "assistant", content: "I look." },
            { role: "assistant", content: "", tool_calls: [call(0, "weather", { city: "Rome" })] },
            { role: "assistant", content: "", tool_calls: [call(1, "now", {})] },
            { role: "assistant", content: "" }
        ]);
        const whole = (await post("/api/chat", { ...hello, tools, stream: false })).json<Json>();
        expect(whole["message"]).toMatchObject({
            content: "I look.",
            tool_calls: [{ id: "call_0" }, { function: { index: 1, name: "now" } }]
        });
        expect(whole["done_reason"]).toBe("stop");
        expect(fake.asked[0]!.tools).toEqual({
            tools: [{ name: "weather", description: "w", parameters: { type: "object" }, strict: false }],
            choice: { kind: "auto" },
            parallel: true
        });
    });

    test("reads settings, and earlier turns", async () => {
        await post("/api/chat", {
            model: "demo:base",
            messages: [
                { role: "system", content: "s" },
                { role: "user", content: "u" },
                {
                    role: "assistant",
                    content: "",
                    thinking: "t",
                    tool_calls: [{ function: { name: "f", arguments: { a: 1 } } }, { function: { name: "g" } }]
                },
                { role: "tool", tool_name: "g", content: "2" },
                { role: "tool", content: "1" }
            ],
            options: {
                num_predict: 9,
                seed: 3,
                stop: ["x"],
                temperature: 0.5,
                top_k: -1,
                top_p: 0,
                min_p: 0.1,
                repeat_penalty: 1.1,
                num_ctx: 8
            },
            format: { type: "integer" },
            think: false,
            logprobs: true,
            top_logprobs: 2,
            rast: { lambda: 0.5 }
        });
        const [ask] = fake.asked;
        expect(ask).toMatchObject({ model: "demo:base", n: 1 });
        expect(ask!.settings).toEqual({
            maxTokens: 9,
            seed: 3,
            stop: ["x"],
            temperature: 0.5,
            topK: 0,
            topP: 1e-9,
            minP: 0.1,
            repetitionPenalty: 1.1,
            jsonSchema: { schema: { type: "integer" }, unsupported: "ignore" },
            thinking: false,
            logprobs: 2,
            lambda: 0.5
        });
        const [prompt] = ask!.prompts;
        expect(prompt!.messages).toEqual([
            { role: "system", content: "s" },
            { role: "user", content: "u" },
            {
                role: "assistant",
                content: "",
                reasoning_content: "t",
                tool_calls: [
                    { id: "call_2_0", type: "function", function: { name: "f", arguments: '{"a":1}' } },
                    { id: "call_2_1", type: "function", function: { name: "g", arguments: "{}" } }
                ]
            },
            { role: "tool", content: "2", tool_call_id: "call_2_1", name: "g" },
            { role: "tool", content: "1", tool_call_id: "call_2_0", name: "f" }
        ]);
    });

    test("without messages the model is loaded, or unloaded", async () => {
        expect((await post("/api/chat", { model: "demo" })).json()).toMatchObject({ done: true, done_reason: "load" });
        expect((await post("/api/generate", { model: "demo", keep_alive: 0 })).json()).toMatchObject({
            done: true,
            done_reason: "unload",
            response: ""
        });
        expect((await post("/api/generate", { model: "demo", keep_alive: "10m" })).json()).toMatchObject({
            done_reason: "load"
        });
        expect(fake.moved).toEqual(["+demo", "-demo", "+demo"]);
    });
});

describe("/api/generate", () => {
    test("is a chat of one turn, with its tokens", async () => {
        fake.script = { steps: [{ say: "Good day." }] };
        const all = lines((await post("/api/generate", { model: "demo", prompt: "Hello", system: "Be kind." })).body);
        expect(all[0]).toMatchObject({ response: "Good day.", done: false });
        expect(all.at(-1)).toMatchObject({ response: "", done: true, context: [0, 1, 2, 7, 8] });
        expect(fake.asked[0]!.prompts).toEqual([
            {
                messages: [
                    { role: "system", content: "Be kind." },
                    { role: "user", content: "Hello" }
                ]
            }
        ]);
    });

    test("goes on behind a context", async () => {
        await post("/api/generate", { model: "demo", prompt: "Hello", context: [5, 6], think: true, stream: false });
        expect(fake.asked[0]!.prompts).toEqual([{ tokens: [5, 6, 0, 1, 2] }]);
        expect(fake.asked[0]!.settings).not.toHaveProperty("thinking");
    });

    test("raw is what it is", async () => {
        const body = (
            await post("/api/generate", { model: "demo", prompt: "Hello", raw: true, stream: false })
        ).json<Json>();
        expect(body).not.toHaveProperty("context");
        expect(fake.asked[0]).toMatchObject({ prompts: [{ prompt: "Hello" }], settings: { raw: true } });
    });
});

describe("models", () => {
    test("lists and details", async () => {
        const get = (url: string) => fake.inject({ url });
        const { models } = (await get("/api/tags")).json<{ models: Json[] }>();
        expect(models.map(({ name }) => name)).toEqual(["demo", "other"]);
        expect(models[0]).toMatchObject({
            size: 5_000_000_000,
            digest: expect.stringMatching(/^[0-9a-f]{64}$/),
            details: { format: "gguf", family: "qwen2", parameter_size: "7.6B", quantization_level: "Q4_K - Medium" }
        });
        expect((await get("/api/ps")).json<{ models: Json[] }>().models.map(({ name }) => name)).toEqual(["demo"]);
        expect((await get("/api/version")).json<Json>()["version"]).toMatch(/^\d+\.\d+\.\d+$/);
        const shown = (await post("/api/show", { model: "demo:latest" })).json<Json>();
        expect(shown["capabilities"]).toEqual(["completion", "tools", "thinking"]);
        expect(shown["model_info"]).toMatchObject({ "general.architecture": "qwen2", "qwen2.context_length": 4096 });
        expect((await post("/api/show", { model: "nobody" })).statusCode).toBe(404);
    });
});

describe("errors", () => {
    test.each([
        [{ ...hello, messages: [{ role: "king", content: "x" }] }, "role"],
        [{ ...hello, options: { temperature: "hot" } }, "temperature"],
        [{ ...hello, messages: [{ role: "user", content: "x", images: ["aGk="] }] }, "images"],
        [{ ...hello, think: "very" }, "think"],
        [{ ...hello, top_logprobs: 2 }, "top_logprobs"],
        [{ ...hello, options: { num_predict: 0 } }, "num_predict"]
    ])("%j is told", async (body, field) => {
        const response = await post("/api/chat", body);
        expect(response.statusCode).toBe(400);
        expect(Object.keys(response.json<Json>())).toEqual(["error"]);
        expect(response.json<{ error: string }>().error).toContain(field);
        expect(fake.asked).toEqual([]);
    });

    test("of the engine, before and behind the first line", async () => {
        fake.failure = new RastError("ERR_PROMPT_TOO_LONG", "The prompt has 9 tokens.");
        const refused = await post("/api/chat", hello);
        expect(refused.statusCode).toBe(400);
        expect(refused.json()).toEqual({ error: "The prompt has 9 tokens." });
        fake.failure = new RastError("ERR_QUEUE_FULL", "Full.");
        const full = await post("/api/chat", hello);
        expect([full.statusCode, full.headers["retry-after"]]).toEqual([429, "1"]);
        fake.failure = undefined;
        fake.script = { steps: [{ say: "Good" }, { fail: new RastError("ERR_DECODE", "secret") }] };
        const broken = lines((await post("/api/chat", hello)).body);
        expect(broken).toHaveLength(2);
        expect(broken[1]).toEqual({ error: expect.not.stringContaining("secret") });
    });

    test.each([
        ["suffix", "x", "Not understood here."],
        ["template", "{{ .Prompt }}", "models bring their own."],
        ["images", ["aGk="], "Models read texts alone."]
    ])("%s is refused with a reason", async (field, value, why) => {
        const response = await post("/api/generate", { model: "demo", prompt: "a", [field]: value });
        const { error } = response.json<{ error: string }>();
        expect([response.statusCode, error]).toEqual([400, expect.stringContaining(`Expected nothing for ${field}`)]);
        expect(error).toContain(why);
    });

    test("what is not offered", async () => {
        const gone = await fake.inject({ method: "DELETE", url: "/api/delete" });
        expect([gone.statusCode, Object.keys(gone.json<Json>())]).toEqual([501, ["error"]]);
        const response = await post("/api/pull", { model: "x" });
        expect([response.statusCode, Object.keys(response.json<Json>())]).toEqual([501, ["error"]]);
    });
});
