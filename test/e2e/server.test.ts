// OpenAI's protocol and llama-server's, over sockets, with the demo's models.
// Answers are read as they come.
/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadRast, type Rast } from "../../dist/index.js";
import type { RastServer } from "../../dist/server/index.js";
import {
    allEvents,
    chatModel,
    events,
    get,
    plainModel,
    post,
    question,
    startServer,
    type Json
} from "../support/http-server.js";

const chat = "/v1/chat/completions";
const completions = "/v1/completions";
const greedy = { temperature: 0, max_tokens: 100 } as const;

let server: RastServer;
let rast: Rast;
let plain: Rast;
beforeAll(async () => {
    server = await startServer({ models: [chatModel, plainModel] });
    rast = await loadRast({ trio: "demo-chat", threads: 1, tryModels: false });
    plain = await loadRast({ trio: "demo", threads: 1, tryModels: false });
});
afterAll(async () => {
    await Promise.all([server.close({ graceSeconds: 0 }), rast.dispose(), plain.dispose()]);
});

describe("chats", () => {
    it("say what the engine says, with the reasoning apart", async () => {
        const own = await rast.complete({ messages: question, temperature: 0, maxTokens: 100 });
        const { status, body } = await post(server, chat, { messages: question, ...greedy });
        expect(status).toBe(200);
        expect(body).toMatchObject({
            object: "chat.completion",
            model: "demo-chat",
            choices: [
                {
                    index: 0,
                    message: { role: "assistant", content: own.answer, reasoning_content: own.reasoning },
                    logprobs: null,
                    finish_reason: "stop"
                }
            ],
            usage: {
                prompt_tokens: own.usage.promptTokens,
                completion_tokens: own.usage.completionTokens,
                total_tokens: own.usage.promptTokens + own.usage.completionTokens,
                completion_tokens_details: { reasoning_tokens: own.usage.reasoningTokens }
            },
            rast: { mode: "rast", lambda: 1, path: own.path }
        });
        expect(body.id).toMatch(/^chatcmpl-/);
        expect(body.timings.predicted_n).toBe(own.usage.completionTokens);
        expect(body.timings.prompt_n + body.timings.cache_n).toBe(own.usage.promptTokens);
        expect(own.reasoning).not.toBe(null);
    });

    it("stream the same, and say it all at the end", async () => {
        const { body: whole } = await post(server, chat, { messages: question, ...greedy });
        const all = await allEvents(server, chat, {
            messages: question,
            ...greedy,
            stream_options: { include_usage: true }
        });
        expect(all.pop()).toBe("[DONE]");
        const last = all.pop();
        expect(last).toMatchObject({ choices: [], usage: { completion_tokens: whole.usage.completion_tokens } });
        expect(last.rast.mode).toBe("rast");
        expect(last.timings.predicted_n).toBe(whole.usage.completion_tokens);
        expect(all[0].choices[0].delta).toEqual({ role: "assistant", content: "" });
        expect(all.at(-1).choices[0].finish_reason).toBe("stop");
        const text = (name: string): string => all.map((one) => one.choices[0].delta[name] ?? "").join("");
        expect(text("content")).toBe(whole.choices[0].message.content);
        expect(text("reasoning_content")).toBe(whole.choices[0].message.reasoning_content);
        expect(new Set(all.map(({ id }) => id as string)).size).toBe(1);
        expect(all.every(({ object }) => object === "chat.completion.chunk")).toBe(true);
    });

    it("without include_usage the last chunk has RAST's figures", async () => {
        const all = await allEvents(server, chat, { messages: question, ...greedy });
        expect(all.at(-2)).toMatchObject({ choices: [{ finish_reason: "stop" }], rast: { mode: "rast" } });
        expect(all.some((one) => typeof one === "object" && "usage" in one)).toBe(false);
    });

    it("the model's name says what is drawn from, and the field rast comes first", async () => {
        for (const mode of ["base", "expert"] as const) {
            const own = await rast.complete({ messages: question, temperature: 0, maxTokens: 60, mode });
            const ask = { messages: question, temperature: 0, max_tokens: 60 };
            const { body } = await post(server, chat, { ...ask, model: `demo-chat:${mode}` });
            expect(body).toMatchObject({ model: `demo-chat:${mode}`, rast: { mode, lambda: null } });
            expect(body.choices[0].message.content).toBe(own.answer);
            const same = await post(server, chat, { ...ask, model: "demo-chat", rast: { mode } });
            expect(same.body.choices[0].message).toEqual(body.choices[0].message);
        }
        const { body } = await post(server, chat, {
            messages: question,
            ...greedy,
            rast: { lambda: 0.5, speculation: "off" }
        });
        expect(body.rast).toMatchObject({ lambda: 0.5, speculation: { mode: "off" } });
    });

    it("n choices are the samples of a seed", async () => {
        const ask = { messages: question, seed: 7, temperature: 1, max_tokens: 40 };
        const own = await rast.completeMany({ messages: question, seed: 7, temperature: 1, maxTokens: 40 }, 3);
        const { body } = await post(server, chat, { ...ask, n: 3 });
        expect(body.choices.map((one: Json) => one.message.content as string)).toEqual(own.map(({ answer }) => answer));
        expect(body.usage.prompt_tokens).toBe(own[0]!.usage.promptTokens);
        expect(body.usage.completion_tokens).toBe(own.reduce((sum, one) => sum + one.usage.completionTokens, 0));
        const all = await allEvents(server, chat, { ...ask, n: 3 });
        const texts = [0, 1, 2].map((index) =>
            all
                .flatMap((one) => (typeof one === "object" ? (one.choices as Json[]) : []))
                .filter((one) => one.index === index)
                .map((one) => one.delta.content ?? "")
                .join("")
        );
        expect(texts).toEqual(own.map(({ answer }) => answer));
    });

    it("log-probabilities have texts and bytes, and sum up to what was said", async () => {
        const ask = { messages: question, ...greedy, logprobs: true, top_logprobs: 3 };
        const own = await rast.complete({ messages: question, temperature: 0, maxTokens: 100, logprobs: 3 });
        const { body } = await post(server, chat, ask);
        const { content } = body.choices[0].logprobs;
        expect(content).toHaveLength(own.tokens.length);
        content.forEach((one: Json, index: number) => {
            expect(one.logprob).toBeCloseTo(own.logprobs![index]!.logprob, 5);
            expect(one.top_logprobs).toHaveLength(3);
            expect(Buffer.from(one.bytes as number[]).toString()).toBe(one.token);
        });
        const bytes = Buffer.from(content.flatMap((one: Json) => one.bytes as number[])).toString();
        expect(bytes).toBe(await rast.detokenize(own.tokens, { showSpecial: true, continuation: true }));
        const streamed = (await allEvents(server, chat, ask)).flatMap((one) =>
            typeof one === "object" ? (one.choices[0]?.logprobs?.content ?? []) : []
        );
        expect(streamed.map((one: Json) => one.token)).toEqual(content.map((one: Json) => one.token));
    });

    it("bytes of a character in parts are theirs", async () => {
        const grammar = 'root ::= "漢"';
        const { body } = await post(server, chat, {
            messages: question,
            grammar,
            logprobs: true,
            max_reasoning_tokens: 0,
            max_tokens: 60
        });
        const content = body.choices[0].logprobs.content as { token: string; bytes: number[] }[];
        const bytes = Buffer.from(content.flatMap((one) => one.bytes));
        expect(bytes.includes(Buffer.from("漢"))).toBe(true);
        expect(content.some(({ token }) => token.includes("\uFFFD"))).toBe(true);
        expect(body.choices[0].message.content).toBe("漢");
    });

    it("explain says of every token how far the delta moved it", async () => {
        const ask = { messages: question, ...greedy, rast: { explain: { top: 2 } } };
        const own = await rast.complete({ messages: question, temperature: 0, maxTokens: 100, explain: { top: 2 } });
        const { body } = await post(server, chat, ask);
        const { tokens } = body.choices[0].rast;
        expect(tokens).toHaveLength(own.scores!.length);
        tokens.forEach((token: Json, index: number) => {
            const score = own.scores![index]!;
            expect(token.id).toBe(score.token);
            expect(token.divergence).toBeCloseTo(score.divergence, 4);
            expect(token.base_rank).toBe(score.rank.base);
            expect(token.top.base).toHaveLength(2);
        });
        const streamed = (await allEvents(server, chat, ask)).flatMap((one) =>
            typeof one === "object" ? (one.choices[0]?.rast?.tokens ?? []) : []
        );
        expect(streamed.map((token: Json) => token.id)).toEqual(tokens.map((token: Json) => token.id));
        expect(streamed.every((token: Json) => "draft" in token && "text" in token)).toBe(true);
    });

    it("an answer follows a schema, an object, a grammar", async () => {
        const schema = {
            type: "object",
            properties: { sum: { type: "integer" } },
            required: ["sum"],
            additionalProperties: false
        };
        const formats = [
            { response_format: { type: "json_schema", json_schema: { name: "sum", schema, strict: true } } },
            { response_format: { type: "json_object", schema } },
            { json_schema: schema }
        ];
        for (const format of formats) {
            const { body } = await post(server, chat, { messages: question, ...format, seed: 1, max_tokens: 120 });
            expect(JSON.parse(body.choices[0].message.content as string)).toEqual({ sum: expect.any(Number) });
        }
        const { body } = await post(server, chat, { messages: question, grammar: 'root ::= "yes" | "no"', seed: 1 });
        expect(body.choices[0].message.content).toMatch(/^(yes|no)$/);
    });

    it("reasoning has a budget, and may be none", async () => {
        const { body } = await post(server, chat, { messages: question, ...greedy, max_reasoning_tokens: 0 });
        const own = await rast.complete({ messages: question, temperature: 0, maxTokens: 100, maxThinkingTokens: 0 });
        expect(body.choices[0].message.content).toBe(own.answer);
        expect(body.usage.completion_tokens_details.reasoning_tokens).toBe(own.usage.reasoningTokens);
        const off = await post(server, chat, { messages: question, ...greedy, reasoning_effort: "none" });
        expect(off.body.choices[0].message).not.toHaveProperty("reasoning_content");
        const same = await post(server, chat, {
            messages: question,
            ...greedy,
            chat_template_kwargs: { enable_thinking: false }
        });
        expect(same.body.choices[0].message.content).toBe(off.body.choices[0].message.content);
    });

    it("a limit, a stop, and parts of a content do what they say", async () => {
        const cut = await post(server, chat, { messages: question, temperature: 0, max_completion_tokens: 3 });
        expect(cut.body).toMatchObject({ choices: [{ finish_reason: "length" }], usage: { completion_tokens: 3 } });
        const parts = [{ role: "user", content: [{ type: "text", text: "What is 12+5-3?" }] }];
        const stopped = await post(server, chat, { messages: parts, ...greedy, stop: ["is "] });
        expect(stopped.body.choices[0].message.content).toBe("It ");
        const developer = await post(server, chat, {
            messages: [{ role: "developer", content: "Be brief." }, ...question],
            ...greedy
        });
        expect(developer.status).toBe(200);
    });

    it("unknown fields are passed over, null is nothing", async () => {
        const { status } = await post(server, chat, {
            messages: question,
            max_tokens: 2,
            user: "me",
            store: true,
            metadata: { a: 1 },
            temperature: null,
            stop: null,
            tools: null,
            logit_bias: null,
            stream: null,
            n: null
        });
        expect(status).toBe(200);
    });
});

describe("completions", () => {
    const model = "demo";

    it("go on with a text as it is, or with tokens", async () => {
        const prompt = "Q: 6+34?\n";
        const own = await plain.complete({ prompt, raw: true, temperature: 0, maxTokens: 20 });
        const { body } = await post(server, completions, { model, prompt, temperature: 0, max_tokens: 20 });
        expect(body).toMatchObject({
            object: "text_completion",
            model,
            choices: [{ text: own.text, index: 0, logprobs: null }]
        });
        const tokens = await plain.promptTokens({ prompt, raw: true });
        const same = await post(server, completions, { model, prompt: tokens, temperature: 0, max_tokens: 20 });
        expect(same.body.choices[0].text).toBe(own.text);
        expect(same.body.usage.prompt_tokens).toBe(tokens.length);
        // the trio's own template
        const within = await post(server, completions, {
            model,
            prompt: "6+34",
            temperature: 0,
            max_tokens: 20,
            rast: { raw: false }
        });
        expect(within.body.choices[0].text).toBe(own.text);
    });

    it("several prompts have n choices each, in order", async () => {
        const prompts = ["Q: 6+34?\n", "Q: 1+2?\n"];
        const { body } = await post(server, completions, { model, prompt: prompts, n: 2, seed: 3, max_tokens: 12 });
        const own = await Promise.all(
            prompts.map((prompt) => plain.completeMany({ prompt, raw: true, seed: 3, maxTokens: 12 }, 2))
        );
        expect(body.choices.map((one: Json) => one.text as string)).toEqual(own.flat().map(({ text }) => text));
        expect(body.choices.map((one: Json) => one.index as number)).toEqual([0, 1, 2, 3]);
    });

    it("max_tokens is 16 where nothing is said", async () => {
        const { body } = await post(server, completions, { model, prompt: "Q: 6+34?\n", ignore_eos: true });
        expect(body).toMatchObject({ usage: { completion_tokens: 16 }, choices: [{ finish_reason: "length" }] });
    });

    it.each(["demo", "demo:base"])("echo with logprobs says what the models say of the prompt: %s", async (name) => {
        const prompt = "Q: 6+34?\nS:40#40";
        const mode = name === "demo" ? "rast" : "base";
        const tokens = await plain.promptTokens({ prompt, raw: true });
        const own = await plain.score({ tokens: tokens.slice(0, 1), completionTokens: tokens.slice(1), mode, top: 1 });
        for (const form of [prompt, tokens]) {
            const { body } = await post(server, completions, {
                model: name,
                prompt: form,
                echo: true,
                logprobs: 1,
                max_tokens: 0
            });
            const { logprobs, text } = body.choices[0];
            expect(text).toBe(form === prompt ? prompt : `<bos>${prompt}`);
            expect(logprobs.tokens.join("")).toBe(form === prompt ? prompt : `<bos>${prompt}`);
            // before a text stands the beginning of sequence, before tokens nothing
            const put = form === prompt ? 1 : 0;
            const wanted = own.scores.map(({ logprob }) => expect.closeTo(Math.max(-9999, logprob[mode]), 3) as number);
            expect(logprobs.token_logprobs).toEqual(put === 1 ? wanted : [null, ...wanted]);
            expect(logprobs.text_offset).toEqual(
                logprobs.tokens.map((_: string, index: number) => logprobs.tokens.slice(0, index).join("").length)
            );
            // greedy is told by equality
            own.scores.forEach(({ rank }, index) => {
                const top = Object.values(logprobs.top_logprobs[index + 1 - put] as Record<string, number>);
                expect(logprobs.token_logprobs[index + 1 - put] === Math.max(...top)).toBe(rank[mode] === 0);
            });
            expect(body.usage).toMatchObject({ prompt_tokens: tokens.length, completion_tokens: 0 });
        }
        const drawn = await post(server, completions, {
            model: name,
            prompt,
            echo: true,
            logprobs: 1,
            max_tokens: 1,
            temperature: 0
        });
        expect(drawn.body.choices[0].logprobs.tokens).toHaveLength(tokens.length);
        expect(drawn.body.choices[0].text.startsWith(prompt)).toBe(true);
    });

    it("stream, with the echo first", async () => {
        const ask = { model, prompt: "Q: 6+34?\n", echo: true, logprobs: 0, temperature: 0, max_tokens: 8 };
        const { body } = await post(server, completions, ask);
        const all = await allEvents(server, completions, ask);
        expect(all.pop()).toBe("[DONE]");
        const choices = all.flatMap((one) => one.choices as Json[]);
        expect(choices.map((one) => one.text).join("")).toBe(body.choices[0].text);
        const logprobs = choices.flatMap((one) => (one.logprobs === null ? [] : [one.logprobs]));
        expect(logprobs.flatMap((one) => one.tokens as string[])).toEqual(body.choices[0].logprobs.tokens);
        expect(logprobs.flatMap((one) => one.text_offset as number[])).toEqual(body.choices[0].logprobs.text_offset);
    });
});

it("the page is served under its policy", async () => {
    const response = await fetch(`${server.url}/`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/^text\/html/);
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'; script-src 'sha256-/);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.text()).toMatch(/^<!doctype html>/i);
});

describe("errors are OpenAI's", () => {
    it.each([
        ["an unknown model", chat, { model: "gpt-9", messages: question }, 404, "model", "model_not_found"],
        ["a wrong type", chat, { messages: question, temperature: "hot" }, 400, "temperature", null],
        ["a value out of range", chat, { messages: question, temperature: 101 }, 400, "temperature", null],
        ["a role that is no text", chat, { messages: [{ role: 1, content: "x" }] }, 400, "messages[0].role", null],
        ["no messages", chat, {}, 400, "messages", null],
        [
            "an image",
            chat,
            { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] },
            400,
            "messages[0].content[0].type",
            null
        ],
        ["top_logprobs alone", chat, { messages: question, top_logprobs: 2 }, 400, "top_logprobs", null],
        ["a broken grammar", chat, { messages: question, grammar: "root ::= (" }, 400, "grammar", "ERR_GRAMMAR"],
        [
            "a schema that cannot be",
            chat,
            { messages: question, response_format: { type: "json_schema", json_schema: { schema: { type: "wild" } } } },
            400,
            "response_format",
            "ERR_JSON_SCHEMA"
        ],
        ["a token beyond the vocabulary", completions, { prompt: [999_999] }, 400, "prompt[0]", "ERR_INVALID_OPTION"],
        [
            "a prompt beyond the context",
            completions,
            { prompt: "1+".repeat(20_000) },
            400,
            "prompt",
            "context_length_exceeded"
        ],
        [
            "a chat without a template",
            chat,
            { model: "demo", messages: question },
            400,
            "messages",
            "ERR_CHAT_TEMPLATE"
        ],
        ["a suffix", completions, { prompt: "a", suffix: "b" }, 400, "suffix", null],
        [
            "an echo of the expert",
            completions,
            { model: "demo:expert", prompt: "ab", echo: true, logprobs: 1, max_tokens: 0 },
            400,
            "model",
            null
        ],
        ["too many choices", chat, { messages: question, n: 1000 }, 400, "n", null],
        ["lambda out of range", chat, { messages: question, rast: { lambda: 11 } }, 400, "rast.lambda", null]
    ])("%s", async (_, path, body, status, param, code) => {
        const answered = await post(server, path, body);
        expect([answered.status, answered.body.error?.param, answered.body.error?.code]).toEqual([status, param, code]);
        expect(answered.body.error.message).toEqual(expect.any(String));
        const streamed = await post(server, path, { ...body, stream: true });
        expect(streamed.status).toBe(status);
        expect(streamed.body).toEqual(answered.body);
    });
});

describe("llama-server's endpoints", () => {
    it("tokenize, detokenize, apply-template", async () => {
        const content = "12+5 漢";
        const own = await rast.tokenize(content);
        expect((await post(server, "/tokenize", { content })).body).toEqual({ tokens: own });
        const { body } = await post(server, "/tokenize", { content, with_pieces: true });
        expect(body.tokens.map(({ id }: Json) => id as number)).toEqual(own);
        const pieces = body.tokens.map(({ piece }: Json) =>
            typeof piece === "string" ? Buffer.from(piece) : Buffer.from(piece as number[])
        );
        expect(Buffer.concat(pieces as Buffer[]).toString()).toBe(content);
        expect((await post(server, "/detokenize", { tokens: own })).body).toEqual({ content });
        const templated = await post(server, "/apply-template", { messages: question });
        expect(templated.body).toEqual({ prompt: await rast.applyChatTemplate(question) });
    });

    it.each(["/completion", "/completions"])("%s goes on with a text, as /v1/completions does", async (path) => {
        const ask = { model: "demo", prompt: "Q: 6+34?\n", temperature: 0 };
        const { body: openai } = await post(server, completions, { ...ask, max_tokens: 12 });
        const { status, body } = await post(server, path, {
            ...ask,
            n_predict: 12,
            cache_prompt: true,
            return_tokens: true
        });
        expect(status).toBe(200);
        expect(body).toMatchObject({
            content: openai.choices[0].text,
            ...{ index: 0, stop: true, model: "demo", prompt: ask.prompt, truncated: false },
            tokens_predicted: openai.usage.completion_tokens,
            tokens_evaluated: openai.usage.prompt_tokens,
            timings: { predicted_n: openai.usage.completion_tokens }
        });
        expect(body.stop_type).toBe(openai.choices[0].finish_reason === "length" ? "limit" : "eos");
        expect(body.tokens).toHaveLength(body.tokens_predicted as number);
        const pieces = await allEvents(server, path, { ...ask, n_predict: 12 });
        expect(pieces.map(({ content }) => content as string).join("")).toBe(body.content);
        expect(pieces.map(({ stop }) => stop as boolean)).toEqual([...pieces.slice(1).map(() => false), true]);
        expect(pieces.at(-1)).toMatchObject({ tokens_predicted: body.tokens_predicted, stop_type: body.stop_type });
        const [letter] = body.content as string;
        const stopped = (await post(server, path, { ...ask, n_predict: 12, stop: [letter] })).body;
        expect(stopped).toMatchObject({ content: "", stop_type: "word", stopping_word: letter });
        // a token that may never come does not
        const [first] = body.tokens as number[];
        const without = { ...ask, n_predict: 3, return_tokens: true, logit_bias: [[first, false]] };
        expect((await post(server, path, without)).body.tokens).not.toContain(first);
        const several = await post(server, path, { ...ask, prompt: [ask.prompt, "Q: 1+2?\n"], n_predict: 4 });
        expect(several.body.map(({ index }: Json) => index as number)).toEqual([0, 1]);
        const wrong: readonly (readonly [object, string])[] = [
            [{}, "prompt"],
            [{ prompt: "a", n_predict: 0 }, "n_predict"],
            [{ prompt: "a", n_predict: "5" }, "n_predict"],
            [{ prompt: "a", n_probs: 3 }, "n_probs"],
            [{ prompt: "a", logit_bias: [["a", 1]] }, "logit_bias"],
            [{ prompt: "a", logit_bias: [[1, 1e9]] }, "logit_bias"],
            [{ prompt: "a", stop: 5 }, "stop"],
            [{ prompt: Array.from({ length: 200 }, () => "a") }, "prompt"],
            [{ prompt: "a ".repeat(5000) }, "prompt"]
        ];
        for (const [fields, param] of wrong)
            expect(await post(server, path, fields)).toMatchObject({ status: 400, body: { error: { param } } });
    });

    it("/infill is told not to be offered", async () => {
        const { status, body } = await post(server, "/infill", { input_prefix: "a", input_suffix: "b" });
        expect([status, body.error.code]).toEqual([501, "not_supported"]);
    });

    it("a rate is there for answers that the prompt's own round has drawn", async () => {
        for (const most of [1, 2, 3]) {
            const { body } = await post(server, chat, { messages: question, max_tokens: most, temperature: 0 });
            expect(body.timings.predicted_per_second).toBeGreaterThan(0);
            expect(body.timings.predicted_per_token_ms).toBeGreaterThan(0);
        }
    });

    it("props, slots, health, models, metrics", async () => {
        for (const path of ["/health", "/v1/health"]) expect((await get(server, path)).body).toEqual({ status: "ok" });
        for (const [name, alias] of [
            ["demo-chat", "demo-chat"],
            ["demo:base", "demo"],
            ["", "demo-chat"]
        ] as const) {
            const { body } = await get(server, `/props?model=${name}`);
            expect([name, body.model_alias]).toEqual([name, alias]);
        }
        const none = await get(server, "/props?model=none");
        expect([none.status, none.body.error.code]).toEqual([404, "model_not_found"]);
        const props = await get(server, "/props");
        expect(props.body).toMatchObject({
            total_slots: 4,
            model_alias: "demo-chat",
            chat_template: rast.chatTemplate,
            rast: { models: [{ name: "demo-chat", state: "loaded", progress: 1 }, { name: "demo" }] }
        });
        const slots = await get(server, "/slots");
        expect(slots.body.filter((slot: Json) => slot.rast.model === "demo-chat")).toHaveLength(4);
        const models = await get(server, "/v1/models");
        expect(models.body.data.map(({ id }: Json) => id as string)).toEqual([
            "demo-chat",
            "demo-chat:base",
            "demo-chat:expert",
            "demo",
            "demo:base",
            "demo:expert"
        ]);
        expect((await get(server, "/v1/models/demo:base")).body).toMatchObject({ id: "demo:base", object: "model" });
        expect((await get(server, "/v1/models/none")).status).toBe(404);
        const before = await metric("llamacpp:tokens_predicted_total");
        const { body } = await post(server, chat, { messages: question, max_tokens: 5 });
        expect((await metric("llamacpp:tokens_predicted_total")) - before).toBe(body.usage.completion_tokens);
        expect(await metric("llamacpp:requests_processing")).toBe(0);
        expect(await metric('rast:requests_total{route="/v1/chat/completions",status="200"}')).toBeGreaterThan(1);
    });

    async function metric(name: string): Promise<number> {
        const { body, headers } = await get(server, "/metrics");
        expect(headers.get("content-type")).toMatch(/^text\/plain/);
        const line = (body as string).split("\n").find((one) => one.startsWith(`${name} `));
        return Number(line?.split(" ").at(-1));
    }
});

it("a client that leaves a stream frees its slot, and streams of others stay what they are", async () => {
    // drafts come as time allows, and batches of other sizes round otherwise
    const rast = { speculation: "off" };
    const ask = { model: "demo", prompt: "Q: 6+34?\n", max_tokens: 200, ignore_eos: true, seed: 5, rast };
    const alone = (await post(server, completions, ask)).body.choices[0].text;
    const abort = new AbortController();
    const left = (async () => {
        let count = 0;
        for await (const event of events(server, completions, { ...ask, seed: 6 }, abort.signal)) {
            if (event !== "[DONE]" && ++count === 3) abort.abort();
        }
    })().catch((error: unknown) => (error as Error).name);
    const together = (await post(server, completions, ask)).body.choices[0].text;
    expect(await left).toBe("AbortError");
    expect(together).toBe(alone);
});
