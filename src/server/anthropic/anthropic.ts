// Anthropic's API: messages, and how many tokens they have.
import type { Protocol } from "../ask/protocol.js";
import { clientSignal } from "../http/client-signal.js";
import { EventStream, serverSentEvent } from "../http/event-stream.js";
import { errorSender, failedBody, type ErrorForm } from "../http/error-form.js";
import type { Failure } from "../http/request-error.js";
import { fieldOf, readCount, readMessages, wantsThinking, type CountBody, type MessagesBody } from "./read.js";
import { countBody, messagesBody } from "./schemas.js";
import { MessageWriter, type StreamEvent } from "./write.js";

const tags = ["Anthropic"];

const form: ErrorForm = { fieldOf, bodyOf: writtenFailure };

/** Answers whatever was thrown. */
export const sendError = errorSender(form);

export const anthropic: Protocol = async (app, { answer, promptTokens, bounds }) => {
    app.setErrorHandler(sendError);
    // what its clients look for
    app.addHook("onRequest", async ({ id }, reply) => void reply.header("request-id", id));

    app.post<{ Body: MessagesBody }>(
        "/v1/messages",
        { schema: { body: messagesBody, summary: "A chat", tags } },
        async (request, reply) => {
            const { body } = request;
            const ask = readMessages(body);
            const withThinking = wantsThinking(body);
            if (body.stream !== true) {
                const signal = clientSignal(reply);
                const { model, events } = await answer(ask, signal, request.id);
                const writer = new MessageWriter({ model, inputTokens: 0, withThinking });
                for await (const event of events) writer.write(event);
                return signal.aborted ? reply.hijack() : writer.whole();
            }
            const stream = new EventStream(reply, { contentType: "text/event-stream; charset=utf-8" }, bounds);
            try {
                const [prompt] = await promptTokens(ask, stream.signal);
                const { model, events } = await answer(ask, stream.signal, request.id);
                const writer = new MessageWriter({ model, inputTokens: prompt!.length, withThinking });
                await stream.send(writer.begin().map(written).join(""));
                for await (const event of events) {
                    const made = writer.write(event);
                    const slow = made.length > 0 ? stream.send(made.map(written).join("")) : undefined;
                    if (slow !== undefined) await slow;
                }
                stream.end();
            } catch (error) {
                if (stream.signal.aborted) return reply;
                if (!stream.begun) throw error;
                stream.end(written(failedBody(form, error, request) as StreamEvent));
            }
            return reply;
        }
    );

    app.post<{ Body: CountBody }>(
        "/v1/messages/count_tokens",
        { schema: { body: countBody, summary: "Tokens of a chat", tags } },
        async ({ body }, reply) => {
            const [tokens] = await promptTokens(readCount(body), clientSignal(reply));
            return { input_tokens: tokens!.length };
        }
    );
};

function written(event: StreamEvent): string {
    return serverSentEvent(JSON.stringify(event), event.type);
}

/** A failure as Anthropic writes it. */
function writtenFailure({ status, message }: Failure, requestId: string): StreamEvent {
    return { type: "error", error: { type: typeOf(status), message }, request_id: requestId };
}

function typeOf(status: number): string {
    if (status === 401) return "authentication_error";
    if (status === 403) return "permission_error";
    if (status === 404) return "not_found_error";
    if (status === 413) return "request_too_large";
    if (status === 429) return "rate_limit_error";
    if (status === 503) return "overloaded_error";
    return status < 500 ? "invalid_request_error" : "api_error";
}
