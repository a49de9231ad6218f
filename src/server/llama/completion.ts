// POST /completion and /completions: llama-server's own way to go on with a text. How tokens are drawn is read as OpenAI's fields are.
import type { FastifyPluginAsync } from "fastify";
import type { TextPrompt, TokensPrompt } from "../../engine/generate-options.js";
import type { RastResult } from "../../engine/results.js";
import { limits } from "../../limits.js";
import type { Ask, EndEvent } from "../ask/ask.js";
import type { ProtocolContext } from "../ask/protocol.js";
import { clientSignal } from "../http/client-signal.js";
import { errorSender, failedBody, type ErrorForm } from "../http/error-form.js";
import { EventStream, serverSentEvent } from "../http/event-stream.js";
import { wrongField } from "../http/request-error.js";
import { flag, object, optional, type Schema } from "../http/schema.js";
import { defined, fieldOf as commonField, readCommon, type CommonBody, type Settings } from "../openai/fields.js";
import { drawing, promptForms } from "../openai/schemas.js";
import { rastOf, timingsOf } from "../openai/writing.js";

/** A body that `completionBody` has found right. */
interface CompletionBody extends Omit<CommonBody, "logit_bias" | "n"> {
    readonly prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
    readonly n_predict?: number | null;
    readonly logit_bias?: Readonly<Record<string, number>> | readonly (readonly [number, number | false])[] | null;
    readonly return_tokens?: boolean | null;
}

// one text of each prompt, with its figures at the end in any case
const drawn = Object.fromEntries(Object.entries(drawing).filter(([name]) => !["n", "stream_options"].includes(name)));

const completionBody: Schema = object(
    {
        ...drawn,
        prompt: promptForms,
        n_predict: optional({
            type: "integer",
            minimum: -2,
            description: "Most tokens to draw; -1, the default, and -2 for no limit."
        }),
        logit_bias: {
            anyOf: [
                drawing["logit_bias"]!,
                {
                    type: "array",
                    maxItems: limits.biasEntries.max,
                    items: { type: "array", minItems: 2, maxItems: 2 }
                }
            ],
            description: "Added to logits: an object by token id, or pairs of an id and a number, or false for never."
        },
        cache_prompt: flag("Not looked at: what is known of a prompt is always used."),
        return_tokens: flag("With the tokens' ids."),
        n_probs: optional({
            type: "integer",
            maximum: 0,
            description: "Log-probabilities are those of /v1/completions."
        })
    },
    ["prompt"]
);

const own: Readonly<Record<string, string>> = { maxTokens: "n_predict" };

/** As llama-server has it: with the status in `code`. */
export const llamaErrors: Pick<ErrorForm, "bodyOf"> = {
    bodyOf: ({ status, message, kind, param, code }) => ({
        error: { message, type: kind, param, code: code ?? status }
    })
};

const form: ErrorForm = { ...llamaErrors, fieldOf: (option, body) => own[option] ?? commonField(option, body) };

/** Completions, streamed and not. */
export const completion: FastifyPluginAsync<ProtocolContext> = async (app, { answer, bounds }) => {
    app.setErrorHandler(errorSender(form));
    const schema = { body: completionBody, summary: "A text to go on with", tags: ["llama-server"] };
    for (const path of ["/completion", "/completions"]) {
        app.post<{ Body: CompletionBody }>(path, { schema }, async (request, reply) => {
            const { body } = request;
            const ask = readCompletion(body);
            if (ask.prompts.length > bounds.maxChoices) {
                throw wrongField("prompt", `At most ${bounds.maxChoices} texts are drawn for a request.`);
            }
            if (body.stream !== true) {
                const signal = clientSignal(reply);
                const { model: name, events } = await answer(ask, signal, request.id);
                const ends: EndEvent[] = [];
                for await (const event of events) if (event.kind === "end") ends[event.choice] = event;
                if (signal.aborted) return reply.hijack();
                const all = ends.map((end) => ({
                    ...lastOf(name, end, body),
                    content: end.result.text,
                    tokens: body.return_tokens === true ? end.result.tokens : []
                }));
                return typeof body.prompt === "string" || all.length === 1 ? all[0] : all;
            }
            const out = new EventStream(reply, { contentType: "text/event-stream; charset=utf-8" }, bounds);
            try {
                const { model: name, events } = await answer(ask, out.signal, request.id);
                for await (const event of events) {
                    if (event.kind === "delta" && event.text !== "") {
                        const piece = { index: event.choice, content: event.text, tokens: [], stop: false };
                        await out.send(serverSentEvent(JSON.stringify(piece)));
                    } else if (event.kind === "end") {
                        await out.send(serverSentEvent(JSON.stringify(lastOf(name, event, body))));
                    }
                }
                out.end();
            } catch (error) {
                if (!out.signal.aborted) {
                    if (!out.begun) throw error;
                    out.end(serverSentEvent(JSON.stringify(failedBody(form, error, request))));
                }
            }
            return reply;
        });
    }
};

/** @throws RequestError 400 */
function readCompletion(body: CompletionBody): Ask {
    const { n_predict: most, prompt, logit_bias: bias } = body;
    if (most === 0)
        throw wrongField("n_predict", "Expected an integer >= 1 for n_predict, or -1 for no limit, received 0.");
    const settings = defined<Settings>({
        ...readCommon({ ...body, logit_bias: readBias(bias) ?? null }),
        maxTokens: most === undefined || most === null || most < 0 ? undefined : most
    });
    return {
        model: body.model ?? undefined,
        prompts: readPrompts(prompt),
        n: 1,
        settings: { ...settings, raw: body.rast?.raw ?? true },
        tools: undefined
    };
}

function readPrompts(prompt: CompletionBody["prompt"]): readonly (TextPrompt | TokensPrompt)[] {
    if (typeof prompt === "string") return [{ prompt }];
    if (typeof prompt[0] === "number") return [{ tokens: prompt as readonly number[] }];
    return (prompt as readonly (string | readonly number[])[]).map((one) =>
        typeof one === "string" ? { prompt: one } : { tokens: one }
    );
}

function readBias(bias: CompletionBody["logit_bias"]): CommonBody["logit_bias"] {
    if (!Array.isArray(bias)) return bias as CommonBody["logit_bias"];
    return Object.fromEntries(
        (bias as readonly (readonly [unknown, unknown])[]).map(([token, value], index) => {
            const isBias = typeof value === "number" && value >= limits.bias.min && value <= limits.bias.max;
            if (!Number.isSafeInteger(token) || (token as number) < 0 || (!isBias && value !== false)) {
                const { min, max } = limits.bias;
                throw wrongField(
                    "logit_bias",
                    `Expected a token's id with a number in [${min}, ${max}] or false for logit_bias[${index}].`
                );
            }
            return [String(token), value === false ? limits.bias.min : value] as const;
        })
    );
}

/** What is said of a text at its end. */
function lastOf(name: string, { choice, result }: EndEvent, body: CompletionBody): Record<string, unknown> {
    const { usage, stopString } = result;
    return {
        index: choice,
        content: "",
        tokens: [],
        stop: true,
        model: name,
        tokens_predicted: usage.completionTokens,
        tokens_evaluated: usage.promptTokens,
        tokens_cached: usage.cachedPromptTokens,
        prompt: typeof body.prompt === "string" ? body.prompt : "",
        truncated: false,
        has_new_line: result.text.includes("\n"),
        stop_type: stopTypeOf(result),
        stopping_word: stopString ?? "",
        generation_settings: { seed: result.seed, n_predict: body.n_predict ?? -1, stream: body.stream === true },
        timings: timingsOf([result]),
        rast: rastOf(result)
    };
}

function stopTypeOf({ stopReason, stopString }: RastResult): "eos" | "word" | "limit" | "none" {
    if (stopString !== null) return "word";
    if (stopReason === "abort") return "none";
    return stopReason === "maxTokens" || stopReason === "contextFull" ? "limit" : "eos";
}
