// Other people's clients, as they are installed, against a server of the chat trio: docs/clients.md tells what is tried here.
import Anthropic from "@anthropic-ai/sdk";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { generateObject, generateText, jsonSchema, streamText, tool, type ToolSet } from "ai";
import { Ajv } from "ajv";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { serve, type RastServer } from "../../dist/server/index.js";

const key = "a-key-of-this-test";
const model = "demo-chat";
const question = "What is 12+5-3?";
const messages = [{ role: "user" as const, content: question }];
const parameters = {
    type: "object" as const,
    properties: { expression: { type: "string" as const } },
    required: ["expression"],
    additionalProperties: false
};
const sumSchema = {
    type: "object" as const,
    properties: { sum: { type: "integer" as const, minimum: 0, maximum: 999 }, sure: { type: "boolean" as const } },
    required: ["sum", "sure"],
    additionalProperties: false
};
const fits = new Ajv().compile(sumSchema);

let server: RastServer;
beforeAll(async () => {
    const trio = { trio: "demo-chat", threads: 1, parallel: 4, contextSize: 2048, tryModels: false } as const;
    server = await serve({ models: [trio], port: 0, apiKeys: [key] });
    await server.ready;
}, 60_000);
afterAll(() => server.close({ graceSeconds: 0 }));

interface Slot {
    readonly is_processing: boolean;
}

async function busySlots(): Promise<number> {
    const response = await fetch(`${server.url}/slots`, { headers: { authorization: `Bearer ${key}` } });
    return ((await response.json()) as Slot[]).filter((slot) => slot.is_processing).length;
}

// A client that has gone leaves its slot: within a step, but for a machine that is busy with something else.
afterEach(async () => {
    for (let i = 0; i < 200 && (await busySlots()) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await busySlots()).toBe(0);
});

/** What rejects, and how. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
        () => undefined,
        (error: unknown) => error
    );
}

describe("openai", () => {
    const openTools: OpenAI.ChatCompletionTool[] = [
        { type: "function", function: { name: "compute", description: "Works out a sum.", parameters } }
    ];
    const client = (apiKey = key): OpenAI => new OpenAI({ baseURL: `${server.url}/v1`, apiKey, maxRetries: 0 });

    it("lists models", async () => {
        const ids: string[] = [];
        for await (const one of client().models.list()) ids.push(one.id);
        expect(ids).toEqual([model, `${model}:base`, `${model}:expert`]);
    });

    it("chats, and streams the same", async () => {
        const options = { model, messages, seed: 3, max_completion_tokens: 100 };
        const whole = await client().chat.completions.create(options);
        const { message, finish_reason: finish } = whole.choices[0]!;
        expect(message.content).toMatch(/\d|can only/);
        expect(finish).toBe("stop");
        expect(whole.usage!.total_tokens).toBe(whole.usage!.prompt_tokens + whole.usage!.completion_tokens);
        let [text, reasoning] = ["", ""];
        let usage: OpenAI.CompletionUsage | null | undefined;
        const stream = await client().chat.completions.create({
            ...options,
            stream: true,
            stream_options: { include_usage: true }
        });
        for await (const chunk of stream) {
            const delta = chunk.choices[0]?.delta as { content?: string; reasoning_content?: string } | undefined;
            text += delta?.content ?? "";
            reasoning += delta?.reasoning_content ?? "";
            usage = chunk.usage ?? usage;
        }
        expect(text).toBe(message.content);
        expect(reasoning).toBe((message as { reasoning_content?: string }).reasoning_content ?? "");
        expect(usage!.completion_tokens).toBe(whole.usage!.completion_tokens);
    });

    it("goes away in the middle", async () => {
        const stream = await client().chat.completions.create({
            model,
            messages,
            stream: true,
            max_tokens: 1500,
            ...({ ignore_eos: true } as object)
        });
        let chunks = 0;
        for await (const { object } of stream) {
            expect(object).toBe("chat.completion.chunk");
            if (++chunks === 3) break;
        }
        expect(chunks).toBe(3);
        const stop = new AbortController();
        const whole = client().chat.completions.create(
            { model, messages, max_tokens: 1500, ...({ ignore_eos: true } as object) },
            { signal: stop.signal }
        );
        setTimeout(() => stop.abort(), 50);
        expect(await failure(whole)).toBeInstanceOf(OpenAI.APIUserAbortError);
    });

    it("draws several choices, the same of the same seed, with log-probabilities", async () => {
        const options = { model, messages, n: 3, seed: 5, max_tokens: 60, logprobs: true, top_logprobs: 2 };
        const [one, two] = await Promise.all([
            client().chat.completions.create(options),
            client().chat.completions.create(options)
        ]);
        expect(one.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
        expect(one.choices.map(({ message }) => message.content)).toEqual(
            two.choices.map(({ message }) => message.content)
        );
        for (const { message, logprobs } of one.choices) {
            const tokens = logprobs!.content!;
            expect(tokens.map(({ token }) => token).join("")).toContain(message.content!);
            for (const { logprob, top_logprobs: top } of tokens) {
                expect(logprob).toBeLessThanOrEqual(0);
                expect(top.length).toBeLessThanOrEqual(2);
            }
        }
    });

    it("is given JSON by a schema, every time", async () => {
        const schema = { name: "sum", strict: true, schema: sumSchema };
        const draw = (seed: number) =>
            client().chat.completions.create({
                model,
                messages,
                seed,
                max_tokens: 400,
                response_format: { type: "json_schema", json_schema: schema }
            });
        const count = 100;
        for (let seed = 0; seed < count; seed += 4) {
            for (const { choices } of await Promise.all([0, 1, 2, 3].map((i) => draw(seed + i)))) {
                expect(choices[0]!.finish_reason).toBe("stop");
                expect(fits(JSON.parse(choices[0]!.message.content!)), choices[0]!.message.content!).toBe(true);
            }
        }
    });

    it("calls tools: of its own will, when it must, and with an answer", async () => {
        const free = await client().chat.completions.create({
            model,
            messages,
            tools: openTools,
            temperature: 0,
            max_tokens: 100
        });
        const { message, finish_reason: finish } = free.choices[0]!;
        expect(finish).toBe("tool_calls");
        const [call] = message.tool_calls!;
        expect(call!.type === "function" && (JSON.parse(call!.function.arguments) as object)).toHaveProperty(
            "expression"
        );
        const answered = await client().chat.completions.create({
            model,
            messages: [...messages, message, { role: "tool", tool_call_id: call!.id, content: "14" }],
            tools: openTools,
            temperature: 0,
            max_tokens: 100
        });
        expect(answered.choices[0]!.message.content).toMatch(/\d/);
        for (const choice of ["required", { type: "function", function: { name: "compute" } }] as const) {
            const must = await client().chat.completions.create({
                model,
                messages,
                tools: openTools,
                tool_choice: choice,
                seed: 1,
                max_tokens: 300
            });
            const [made] = must.choices[0]!.message.tool_calls!;
            expect(made!.type === "function" && made!.function.name).toBe("compute");
        }
        const none = await client().chat.completions.create({
            model,
            messages,
            tools: openTools,
            tool_choice: "none",
            temperature: 0,
            max_tokens: 100
        });
        expect(none.choices[0]!.message.tool_calls).toBeUndefined();
    });

    it("streams a call", async () => {
        const stream = client().chat.completions.stream({
            model,
            messages,
            tools: openTools,
            tool_choice: "required",
            seed: 2,
            max_tokens: 300
        });
        const final = await stream.finalChatCompletion();
        const [call] = final.choices[0]!.message.tool_calls!;
        expect(call!.type === "function" && (JSON.parse(call!.function.arguments) as object)).toHaveProperty(
            "expression"
        );
    });

    it("has typed errors", async () => {
        const ask = (changes: object, apiKey?: string): Promise<unknown> =>
            failure(client(apiKey).chat.completions.create({ model, messages, ...changes }));
        expect(await ask({ model: "nobody" })).toBeInstanceOf(OpenAI.NotFoundError);
        expect(await ask({}, "wrong")).toBeInstanceOf(OpenAI.AuthenticationError);
        expect(await ask({ temperature: "hot" })).toBeInstanceOf(OpenAI.BadRequestError);
        expect(await ask({ messages: [{ role: "user", content: "1 ".repeat(9000) }] })).toMatchObject({
            status: 400,
            code: "context_length_exceeded"
        });
    });

    it("completes texts, with log-probabilities of the prompt", async () => {
        const made = await client().completions.create({
            model,
            prompt: "12+5=",
            max_tokens: 4,
            seed: 1,
            echo: true,
            logprobs: 1
        });
        const { text, logprobs } = made.choices[0]!;
        expect(text.startsWith("12+5=")).toBe(true);
        expect(logprobs!.tokens!.join("")).toBe(text);
        expect(logprobs!.token_logprobs![0]).toBeNull();
    });

    it("has responses, whole, streamed and one behind another", async () => {
        const options = { model, input: question, max_output_tokens: 100, temperature: 0 };
        const first = await client().responses.create(options);
        expect(first.status).toBe("completed");
        expect(first.output_text).toMatch(/\d/);
        let text = "";
        const stream = client().responses.stream(options);
        stream.on("response.output_text.delta", ({ delta }) => {
            text += delta;
        });
        const streamed = await stream.finalResponse();
        expect(text).toBe(first.output_text);
        expect(streamed.output_text).toBe(first.output_text);
        const second = await client().responses.create({
            ...options,
            input: "What is 2+2?",
            previous_response_id: first.id
        });
        expect(second.usage!.input_tokens).toBeGreaterThan(first.usage!.input_tokens);
        expect((await client().responses.retrieve(first.id)).output_text).toBe(first.output_text);
        const called = await client().responses.create({
            ...options,
            tools: [{ type: "function", name: "compute", description: "Works out a sum.", parameters, strict: true }],
            tool_choice: "required",
            max_output_tokens: 300
        });
        const call = called.output.find(({ type }) => type === "function_call");
        expect(call).toMatchObject({ name: "compute" });
        expect(
            await failure(client().responses.create({ ...options, previous_response_id: "resp_none" }))
        ).toBeInstanceOf(OpenAI.NotFoundError);
    });
});

describe("ai, with @ai-sdk/openai-compatible", () => {
    const chat = () =>
        createOpenAICompatible({
            name: "rast",
            baseURL: `${server.url}/v1`,
            apiKey: key,
            includeUsage: true,
            supportsStructuredOutputs: true
        })(model);
    const common = { prompt: question, maxRetries: 0, maxOutputTokens: 300 } as const;

    it("chats, and streams the same", async () => {
        const whole = await generateText({ model: chat(), ...common, seed: 3 });
        expect(whole.text).toMatch(/\d|can only/);
        expect(whole.usage.outputTokens).toBeGreaterThan(0);
        const stream = streamText({ model: chat(), ...common, seed: 3 });
        let text = "";
        for await (const piece of stream.textStream) text += piece;
        expect(text).toBe(whole.text);
        expect(await stream.reasoningText).toBe(whole.reasoningText);
    });

    it("makes objects, and calls tools", async () => {
        const made = await generateObject({
            model: chat(),
            ...common,
            seed: 1,
            schema: jsonSchema<{ sum: number }>(sumSchema)
        });
        expect(fits(made.object)).toBe(true);
        const compute = tool({
            description: "Works out a sum.",
            inputSchema: jsonSchema<{ expression: string }>(parameters)
        });
        const called = await generateText({
            model: chat(),
            ...common,
            seed: 1,
            tools: { compute } as unknown as ToolSet,
            toolChoice: "required"
        });
        expect(called.toolCalls[0]).toMatchObject({ toolName: "compute", input: { expression: expect.any(String) } });
    });

    it("goes away in the middle", async () => {
        const stop = new AbortController();
        const stream = streamText({ model: chat(), ...common, abortSignal: stop.signal, onError: () => {} });
        for await (const part of stream.fullStream) {
            if (part.type === "reasoning-delta" || part.type === "text-delta") stop.abort();
        }
        expect(stop.signal.aborted).toBe(true);
    });
});

describe("LangChain", () => {
    const chat = (more: object = {}): ChatOpenAI =>
        new ChatOpenAI({
            model,
            apiKey: key,
            maxRetries: 0,
            maxTokens: 300,
            configuration: { baseURL: `${server.url}/v1` },
            ...more
        });

    it("chats, streams and counts", async () => {
        const whole = await chat({ temperature: 0 }).invoke(question);
        expect(whole.text).toMatch(/\d/);
        expect((whole.usage_metadata as { output_tokens: number } | undefined)?.output_tokens).toBeGreaterThan(0);
        let text = "";
        for await (const chunk of await chat({ temperature: 0 }).stream(question)) text += chunk.text;
        expect(text).toBe(whole.text);
    });

    it("calls tools, and takes what they say", async () => {
        const tools = [
            { type: "function" as const, function: { name: "compute", description: "Works out a sum.", parameters } }
        ];
        const bound = chat().bindTools(tools, { tool_choice: "required" });
        const called = await bound.invoke(question);
        const [call] = called.tool_calls!;
        expect(call).toMatchObject({ name: "compute", args: { expression: expect.any(String) } });
        const result = new ToolMessage({ content: "14", tool_call_id: call!.id! });
        const answered = await chat({ temperature: 0 }).invoke([new HumanMessage(question), called, result]);
        expect(answered.text).toMatch(/\d/);
    });

    it("makes objects", async () => {
        const made: unknown = await chat()
            .withStructuredOutput(sumSchema, { name: "sum", method: "jsonSchema" })
            .invoke(question);
        expect(fits(made)).toBe(true);
    });
});

describe("ollama", () => {
    const client = (of = key): Ollama => new Ollama({ host: server.url, headers: { authorization: `Bearer ${of}` } });
    const options = { temperature: 0, num_predict: 100 };

    it("chats, and streams the same", async () => {
        const whole = await client().chat({ model, messages, options });
        expect(whole.message.content).toMatch(/\d/);
        expect(whole.message.thinking).toMatch(/=/);
        expect(whole).toMatchObject({ done: true, done_reason: "stop" });
        expect(whole.eval_count).toBeGreaterThan(0);
        let text = "";
        for await (const part of await client().chat({ model, messages, options, stream: true }))
            text += part.message.content;
        expect(text).toBe(whole.message.content);
    });

    it("does not think where it is told not to", async () => {
        const { message } = await client().chat({ model, messages, options, think: false });
        expect(message.thinking ?? "").toBe("");
    });

    it("is given JSON by a schema, calls tools, and goes away", async () => {
        const made = await client().chat({
            model,
            messages,
            format: sumSchema,
            options: { num_predict: 400, seed: 1 }
        });
        expect(fits(JSON.parse(made.message.content))).toBe(true);
        const tools = [
            { type: "function", function: { name: "compute", description: "Works out a sum.", parameters } }
        ];
        const called = await client().chat({ model, messages, options, tools });
        expect(called.message.tool_calls![0]!.function.arguments).toHaveProperty("expression");
        const one = client();
        const stream = await one.chat({ model, messages, options: { num_predict: 1500 }, stream: true });
        stream.abort();
        expect(
            await failure(
                (async () => {
                    for await (const part of stream) expect(part.done).toBe(false);
                })()
            )
        ).toMatchObject({ name: "AbortError" });
    });

    it("completes, with and without a template, and goes on", async () => {
        const first = await client().generate({ model, prompt: question, options });
        expect(first.response).toMatch(/\d/);
        expect(first.context.length).toBe(first.prompt_eval_count + first.eval_count);
        const next = await client().generate({ model, prompt: "What is 2+2?", context: first.context, options });
        expect(next.prompt_eval_count).toBeGreaterThan(first.context.length);
        const raw = await client().generate({
            model,
            prompt: "12+5=",
            raw: true,
            options: { ...options, num_predict: 3 }
        });
        expect(raw.eval_count).toBeLessThanOrEqual(3);
    });

    it("knows models, and has errors", async () => {
        expect((await client().list()).models.map(({ name }) => name)).toContain(model);
        expect((await client().show({ model })).capabilities).toEqual(["completion", "tools", "thinking"]);
        expect((await client().ps()).models[0]!.name).toBe(model);
        expect((await client().version()).version).toMatch(/^\d/);
        expect(await failure(client().chat({ model: "nobody", messages }))).toMatchObject({ status_code: 404 });
        expect(await failure(client("wrong").list())).toMatchObject({ status_code: 401 });
    });
});

describe("@anthropic-ai/sdk", () => {
    const client = (apiKey = key): Anthropic => new Anthropic({ baseURL: server.url, apiKey, maxRetries: 0 });
    const options = { model, messages, max_tokens: 200, temperature: 0 };
    const tools = [{ name: "compute", description: "Works out a sum.", input_schema: parameters }];

    it("chats, and streams the same", async () => {
        const whole = await client().messages.create(options);
        expect(whole).toMatchObject({ stop_reason: "end_turn", role: "assistant" });
        expect(whole.content.map(({ type }) => type)).toEqual(["text"]);
        const streamed = await client().messages.stream(options).finalMessage();
        expect(streamed.content).toEqual(whole.content);
        expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens);
    });

    it("thinks within a budget", async () => {
        const thinking = { type: "enabled", budget_tokens: 1024 } as const;
        const thought = await client().messages.create({ ...options, max_tokens: 1500, thinking });
        expect(thought.content.map(({ type }) => type)).toEqual(["thinking", "text"]);
        const streamed = await client()
            .messages.stream({ ...options, max_tokens: 1500, thinking })
            .finalMessage();
        expect(streamed.content).toEqual(thought.content);
    });

    it("calls tools, and takes what they say", async () => {
        const called = await client().messages.create({ ...options, tools, tool_choice: { type: "any" } });
        expect(called.stop_reason).toBe("tool_use");
        const call = called.content.find((block) => block.type === "tool_use")!;
        expect(call).toMatchObject({ name: "compute", input: { expression: expect.any(String) } });
        const streamed = await client()
            .messages.stream({ ...options, tools, tool_choice: { type: "any" } })
            .finalMessage();
        expect(streamed.content.at(-1)).toMatchObject({ type: "tool_use", input: { expression: expect.any(String) } });
        const answered = await client().messages.create({
            ...options,
            tools,
            messages: [
                ...messages,
                { role: "assistant", content: called.content },
                { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "14" }] }
            ]
        });
        expect(answered.content.length).toBeGreaterThan(0);
    });

    it("goes away in the middle, counts, and has typed errors", async () => {
        let events = 0;
        for await (const { type } of await client().messages.create({ ...options, max_tokens: 1500, stream: true })) {
            expect(type).toMatch(/^(message|content_block)_/);
            if (++events === 3) break;
        }
        const { input_tokens: count } = await client().messages.countTokens({ model, messages });
        expect(count).toBeGreaterThan(5);
        expect(await failure(client("wrong").messages.create(options))).toBeInstanceOf(Anthropic.AuthenticationError);
        expect(await failure(client().messages.create({ ...options, model: "nobody" }))).toBeInstanceOf(
            Anthropic.NotFoundError
        );
        expect(await failure(client().messages.create({ ...options, messages: [] }))).toBeInstanceOf(
            Anthropic.BadRequestError
        );
    });
});
