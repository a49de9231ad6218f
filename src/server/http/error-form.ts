// How failures are told: the same way in every protocol, but for their shape and the names of fields.
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { failureOf, type Failure, type FieldNames } from "./request-error.js";

/** A protocol's way to tell of failures. */
export interface ErrorForm {
    readonly fieldOf: FieldNames;
    /** @param requestId as the header x-request-id has it */
    readonly bodyOf: (failure: Failure, requestId: string) => Readonly<Record<string, unknown>>;
}

/** Makes an error handler: answers whatever was thrown; what is the server's own fault is logged, too. */
export function errorSender({ fieldOf, bodyOf }: ErrorForm) {
    return (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void => {
        const failure = failureOf(error, (option) => fieldOf(option, request.body));
        logFailure(request.log, failure, error, "a request failed");
        if (failure.retryAfterSeconds !== undefined)
            void reply.header("retry-after", String(failure.retryAfterSeconds));
        if (failure.status === 401) void reply.header("www-authenticate", "Bearer");
        void reply.status(failure.status).send(bodyOf(failure, request.id));
    };
}

/**
 * Writes to the log what is the server's own fault. A worker that is away is nobody's: a line with the sentence that the
 * client is told, and no stack. Others from 500 on are said to the client as they are: not loaded, not offered.
 */
export function logFailure(log: FastifyBaseLogger, failure: Failure, error: unknown, what: string): void {
    if (failure.code?.startsWith("ERR_WORKER_") === true) log.warn({ code: failure.code }, failure.message);
    else if (failure.status === 500) log.error({ err: error }, what);
}

/** The body of what went wrong in the middle of a stream; what is the server's own fault is logged. */
export function failedBody(
    { fieldOf, bodyOf }: ErrorForm,
    error: unknown,
    request: { readonly body: unknown; readonly id: string; readonly log: FastifyBaseLogger }
): Readonly<Record<string, unknown>> {
    const failure = failureOf(error, (option) => fieldOf(option, request.body));
    logFailure(request.log, failure, error, "a stream failed");
    return bodyOf(failure, request.id);
}

/** Which of a body's fields is its prompt. */
export function promptField(body: unknown): string {
    const names = ["messages", "input", "content", "prompt"];
    return names.find((name) => typeof body === "object" && body !== null && Object.hasOwn(body, name)) ?? "prompt";
}

/** Which of a body's fields constrains the text: the first that is there, else its tools. */
export function constraintField(body: unknown, names: readonly string[]): string {
    const isThere = (name: string): boolean => {
        let at: unknown = body;
        for (const key of name.split("."))
            at = typeof at === "object" && at !== null ? (at as Readonly<Record<string, unknown>>)[key] : undefined;
        return at !== undefined && at !== null;
    };
    return names.find(isThere) ?? (isThere("tools") ? "tools" : names[0]!);
}
