// Protocols without engines: an app whose answers are written in the test.
import type { AddressInfo } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import type { RastResult } from "../../src/engine/results.js";
import type { AnswerEvent, Ask, EndEvent } from "../../src/server/ask/ask.js";
import type { Protocol, ProtocolContext, ServedModel } from "../../src/server/ask/protocol.js";

/** A result with these counts. */
export function resultOf(changes: Partial<RastResult> = {}): RastResult {
    return {
        tokens: [7, 8],
        stopString: null,
        mode: "rast",
        lambdas: [1],
        path: "host",
        usage: { promptTokens: 10, completionTokens: 5, reasoningTokens: 2, cachedPromptTokens: 4 },
        timings: { loadMs: 1, queueMs: 1, prefillMs: 2, decodeMs: 3, firstTokenMs: 2, firstRoundTokens: 1 },
        speculation: { drafted: 0, accepted: 0 },
        ...changes
    } as unknown as RastResult;
}

type Step =
    | { readonly think: string }
    | { readonly say: string }
    | { readonly call: string; readonly arguments: readonly string[] }
    | { readonly fail: Error };

/** What an answer is made of. */
export interface Script {
    readonly steps: readonly Step[];
    readonly finish?: EndEvent["finish"];
    readonly result?: Partial<RastResult>;
}

async function* eventsOf({ steps, finish = "stop", result = {} }: Script): AsyncGenerator<AnswerEvent> {
    yield { kind: "begin", choice: 0 };
    let call = 0;
    for (const step of steps) {
        if ("fail" in step) throw step.fail;
        if ("think" in step) yield { kind: "delta", choice: 0, reasoning: step.think, text: "" };
        else if ("say" in step) yield { kind: "delta", choice: 0, reasoning: "", text: step.say };
        else {
            yield { kind: "toolCall", choice: 0, call, id: `call_${call}`, name: step.call };
            for (const text of step.arguments) yield { kind: "toolArguments", choice: 0, call, text };
            call++;
        }
    }
    yield { kind: "end", choice: 0, finish, result: resultOf(result) };
}

/** What came of a request. */
export interface Answered {
    readonly statusCode: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    json<T>(): T;
}

/** An app that listens, as streams are written to sockets, and what it was asked. */
export interface FakeApp {
    readonly app: FastifyInstance;
    readonly inject: (request: { method?: string; url: string; payload?: object }) => Promise<Answered>;
    readonly asked: Ask[];
    /** What the next answers are. */
    script: Script;
    /** Thrown instead of an answer. */
    failure: Error | undefined;
    /** Models that were loaded and unloaded: "+a", "-a". */
    readonly moved: string[];
}

export const servedModel: ServedModel = {
    id: "demo",
    trio: "demo",
    mode: "rast",
    created: 1_700_000_000,
    state: "loaded",
    facts: {
        description: "qwen2 7B",
        architecture: "qwen2",
        quantization: "Q4_K - Medium",
        parameterCount: 7_600_000_000,
        modelBytes: 5_000_000_000,
        contextSize: 4096,
        trainedContextSize: 32_768,
        vocabularySize: 151_936,
        chatTemplate: "<think>{{ '<tool_call>\\n{\"name\"' }}",
        path: "/models/base.gguf"
    }
};

/** An app with one protocol. */
export async function fakeApp(protocol: Protocol): Promise<FakeApp> {
    const app = fastify({
        ajv: {
            customOptions: {
                coerceTypes: false,
                removeAdditional: false,
                useDefaults: false,
                verbose: true,
                strict: false
            }
        }
    });
    const inject: FakeApp["inject"] = async ({ method = "GET", url, payload }) => {
        const { port } = app.server.address() as AddressInfo;
        const content =
            payload === undefined
                ? {}
                : { body: JSON.stringify(payload), headers: { "content-type": "application/json" } };
        const response = await fetch(`http://127.0.0.1:${port}${url}`, { method, ...content });
        const body = await response.text();
        const headers = Object.fromEntries(response.headers.entries());
        return { statusCode: response.status, headers, body, json: <T>() => JSON.parse(body) as T };
    };
    const fake: FakeApp = { app, inject, asked: [], script: { steps: [] }, failure: undefined, moved: [] };
    const context: ProtocolContext = {
        answer: async (ask) => {
            fake.asked.push(ask);
            if (fake.failure !== undefined) throw fake.failure;
            return { model: ask.model ?? "demo", events: eventsOf(fake.script) };
        },
        models: () => [servedModel, { ...servedModel, id: "other", state: "unloaded", facts: undefined }],
        promptTokens: async ({ prompts }) => {
            if (fake.failure !== undefined) throw fake.failure;
            return prompts.map((_, index) => [index, 1, 2]);
        },
        load: async (model) => void fake.moved.push(`+${model ?? ""}`),
        unload: async (model) => fake.moved.push(`-${model ?? ""}`) > 0,
        bounds: { maxChoices: 8, maxTokens: 1000, maxUnreadBytes: 2 ** 20, stallMs: 1000 }
    };
    await app.register(protocol, context);
    await app.listen({ port: 0, host: "127.0.0.1" });
    return fake;
}

/** Events of a stream of server-sent events. */
export function sentEvents(
    body: string
): { readonly event: string | undefined; readonly data: Record<string, unknown> }[] {
    return body
        .split("\n\n")
        .filter((block) => block !== "")
        .map((block) => {
            const line = (name: string): string | undefined =>
                block
                    .split("\n")
                    .find((one) => one.startsWith(`${name}: `))
                    ?.slice(name.length + 2);
            return { event: line("event"), data: JSON.parse(line("data")!) as Record<string, unknown> };
        });
}
