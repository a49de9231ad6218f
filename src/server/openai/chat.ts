// POST /v1/chat/completions.
import type { FastifyReply } from "fastify";
import type { RastResult } from "../../engine/results.js";
import type { AnswerEvent, Ask, Answering, NamedLogprob, NamedScore } from "../ask/ask.js";
import type { Protocol } from "../ask/protocol.js";
import { clientSignal } from "../http/client-signal.js";
import { EventStream, serverSentEvent } from "../http/event-stream.js";
import { failStream } from "./errors.js";
import { readChat, type ChatBody } from "./read-chat.js";
import { chatBody } from "./schemas.js";
import {
    chatLogprobs,
    eventsOf,
    finishReason,
    headOf,
    rastOf,
    rastTokens,
    timingsOf,
    usageOf,
    type AnswerHead
} from "./writing.js";

/** Chats, streamed and not. */
export const chat: Protocol = async (app, { answer, bounds }) => {
    const schema = { body: chatBody, summary: "A chat", tags: ["OpenAI"] };
    app.post<{ Body: ChatBody }>("/v1/chat/completions", { schema }, async (request, reply) => {
        const { body } = request;
        const ask = readChat(body);
        if (body.stream !== true) {
            const signal = clientSignal(reply);
            const { model, events } = await answer(ask, signal, request.id);
            const whole = await collect(ask, events);
            if (signal.aborted) return gone(reply);
            return writeWhole(headOf("chatcmpl", "chat.completion", model), ask, whole);
        }
        const stream = new EventStream(reply, { contentType: "text/event-stream; charset=utf-8" }, bounds);
        try {
            const answering = await answer(ask, stream.signal, request.id);
            await writeStream(stream, ask, answering, body.stream_options?.include_usage === true);
        } catch (error) {
            failStream(stream, error, request);
        }
        return reply;
    });
};

/** Nobody is there to be answered. */
export function gone(reply: FastifyReply): FastifyReply {
    reply.hijack();
    return reply;
}

interface WholeChoice {
    reasoning: string;
    text: string;
    readonly calls: { id: string; name: string; text: string }[];
    readonly logprobs: NamedLogprob[];
    readonly scores: NamedScore[];
    finish: "stop" | "length" | "tool_calls";
    result: RastResult | undefined;
}

/** All of an answer, by choice. */
async function collect({ prompts, n }: Ask, events: AsyncIterable<AnswerEvent>): Promise<readonly WholeChoice[]> {
    const choices = Array.from({ length: prompts.length * n }, (): WholeChoice => {
        return { reasoning: "", text: "", calls: [], logprobs: [], scores: [], finish: "stop", result: undefined };
    });
    for await (const event of events) {
        const choice = choices[event.choice]!;
        switch (event.kind) {
            case "begin":
                break;
            case "delta":
                choice.reasoning += event.reasoning;
                choice.text += event.text;
                for (const one of event.logprobs ?? []) choice.logprobs.push(one);
                for (const one of event.scores ?? []) choice.scores.push(one);
                break;
            case "toolCall":
                choice.calls[event.call] = { id: event.id, name: event.name, text: "" };
                break;
            case "toolArguments":
                choice.calls[event.call]!.text += event.text;
                break;
            case "end":
                choice.finish = finishReason(event.finish);
                choice.result = event.result;
        }
    }
    return choices;
}

function writeWhole(head: AnswerHead, ask: Ask, choices: readonly WholeChoice[]): Record<string, unknown> {
    const results = choices.flatMap(({ result }) => result ?? []);
    const withLogprobs = ask.settings.logprobs !== undefined;
    const withScores = ask.settings.explain !== undefined && ask.settings.explain !== false;
    return {
        ...head,
        choices: choices.map(({ reasoning, text, calls, logprobs, scores, finish }, index) => ({
            index,
            message: {
                role: "assistant",
                content: text === "" && calls.length > 0 ? null : text,
                refusal: null,
                ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
                ...(calls.length === 0
                    ? {}
                    : {
                          tool_calls: calls.map((call) => ({
                              id: call.id,
                              type: "function",
                              function: { name: call.name, arguments: call.text }
                          }))
                      })
            },
            logprobs: withLogprobs ? chatLogprobs(logprobs) : null,
            finish_reason: finish,
            ...(withScores ? { rast: rastTokens(scores) } : {})
        })),
        usage: usageOf(results, ask.n),
        timings: timingsOf(results),
        ...(results.length === 0 ? {} : { rast: rastOf(results[0]!) })
    };
}

async function writeStream(
    stream: EventStream,
    ask: Ask,
    { model, events }: Answering,
    includeUsage: boolean
): Promise<void> {
    const written = eventsOf(headOf("chatcmpl", "chat.completion.chunk", model));
    const total = ask.prompts.length * ask.n;
    const results: (RastResult | undefined)[] = new Array<undefined>(total).fill(undefined);
    let ended = 0;
    const noUsage = includeUsage ? { usage: null } : {};
    for await (const event of events) {
        const { choice: index } = event;
        if (event.kind !== "end") {
            const slow = stream.send(
                written({ choices: [{ index, ...partOf(event), finish_reason: null }], ...noUsage })
            );
            if (slow !== undefined) await slow;
            continue;
        }
        results[index] = event.result;
        ended += 1;
        const there = results.flatMap((result) => result ?? []);
        const last = ended === total ? { timings: timingsOf(there), rast: rastOf(there[0]!) } : {};
        const end = { index, delta: {}, logprobs: null, finish_reason: finishReason(event.finish) };
        await stream.send(written({ choices: [end], ...(includeUsage ? noUsage : last) }));
        if (includeUsage && ended === total) {
            await stream.send(written({ choices: [], usage: usageOf(there, ask.n), ...last }));
        }
    }
    stream.end(serverSentEvent("[DONE]"));
}

function partOf(event: Exclude<AnswerEvent, { kind: "end" }>): Record<string, unknown> {
    switch (event.kind) {
        case "begin":
            return { delta: { role: "assistant", content: "" }, logprobs: null };
        case "delta":
            return {
                delta: {
                    ...(event.reasoning === "" ? {} : { reasoning_content: event.reasoning }),
                    ...(event.text === "" ? {} : { content: event.text })
                },
                logprobs: event.logprobs === undefined ? null : chatLogprobs(event.logprobs),
                ...(event.scores === undefined ? {} : { rast: rastTokens(event.scores) })
            };
        case "toolCall": {
            const call = {
                index: event.call,
                id: event.id,
                type: "function",
                function: { name: event.name, arguments: "" }
            };
            return { delta: { tool_calls: [call] }, logprobs: null };
        }
        case "toolArguments":
            return {
                delta: { tool_calls: [{ index: event.call, function: { arguments: event.text } }] },
                logprobs: null
            };
    }
}
