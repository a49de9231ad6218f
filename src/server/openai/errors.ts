// Errors in OpenAI's shape.
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { serverSentEvent, type EventStream } from "../http/event-stream.js";
import { failureOf, type Failure } from "../http/request-error.js";
import { fieldOf } from "./fields.js";

/** A failure as OpenAI writes it. */
export function bodyOf({ message, kind, param, code }: Failure): Record<string, unknown> {
    return { error: { message, type: kind, param, code } };
}

/** Answers whatever was thrown; what is the server's own fault is logged, too. */
export function sendError(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
    const failure = failureOf(error, fieldOf);
    if (failure.status >= 500 && failure.status !== 503) request.log.error({ err: error }, "a request failed");
    if (failure.retryAfterSeconds !== undefined) void reply.header("retry-after", String(failure.retryAfterSeconds));
    if (failure.status === 401) void reply.header("www-authenticate", "Bearer");
    void reply.status(failure.status).send(bodyOf(failure));
}

/** Tells a streamed answer's client what went wrong, as the last event. @throws the error, while a status can still say it */
export function failStream(stream: EventStream, error: unknown, log: FastifyBaseLogger): void {
    if (stream.signal.aborted) return;
    if (!stream.begun) throw error;
    const failure = failureOf(error, fieldOf);
    if (failure.status >= 500) log.error({ err: error }, "a stream failed");
    stream.end(serverSentEvent(JSON.stringify(bodyOf(failure))));
}
