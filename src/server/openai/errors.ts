// Errors in OpenAI's shape.
import type { FastifyRequest } from "fastify";
import { errorSender, failedBody, type ErrorForm } from "../http/error-form.js";
import { serverSentEvent, type EventStream } from "../http/event-stream.js";
import type { Failure } from "../http/request-error.js";
import { fieldOf } from "./fields.js";

/** A failure as OpenAI writes it. */
export function bodyOf({ message, kind, param, code }: Failure): Record<string, unknown> {
    return { error: { message, type: kind, param, code } };
}

const form: ErrorForm = { fieldOf, bodyOf };

/** Answers whatever was thrown. */
export const sendError = errorSender(form);

/** Tells a streamed answer's client what went wrong, as the last event. @throws the error, while a status can still say it */
export function failStream(stream: EventStream, error: unknown, request: FastifyRequest): void {
    if (stream.signal.aborted) return;
    if (!stream.begun) throw error;
    stream.end(serverSentEvent(JSON.stringify(failedBody(form, error, request))));
}
