// What goes wrong with a request, as every protocol tells it: a status, words, and whose fault it was. Each writes it in its own shape.
import { errorCatalogue, RastError, type ErrorCode } from "../../errors.js";
import { describeSchemaIssues, type SchemaIssue } from "./schema-failure.js";

/** Kinds of failures, in OpenAI's words. */
export type FailureKind =
    | "invalid_request_error"
    | "authentication_error"
    | "permission_error"
    | "not_found_error"
    | "rate_limit_error"
    | "unavailable_error"
    | "server_error";

/** A failure, ready to be written. */
export interface Failure {
    readonly status: number;
    readonly kind: FailureKind;
    /** For a person; of a 500 it says nothing of this machine. */
    readonly message: string;
    /** The field at fault: "messages[0].role". */
    readonly param: string | null;
    /** For programs: "model_not_found", "ERR_PROMPT_TOO_LONG". */
    readonly code: string | null;
    /** Of 429 and 503: when to come again. Written as the header Retry-After. */
    readonly retryAfterSeconds: number | undefined;
}

/** A request that is refused; what a protocol throws, and `answer` where the RastErrors have no word for it. */
export class RequestError extends Error {
    readonly failure: Failure;

    constructor(
        status: number,
        message: string,
        {
            param = null,
            code = null,
            retryAfterSeconds,
            cause
        }: {
            readonly param?: string | null;
            readonly code?: string | null;
            readonly retryAfterSeconds?: number;
            readonly cause?: unknown;
        } = {}
    ) {
        super(message, cause === undefined ? undefined : { cause });
        this.name = "RequestError";
        this.failure = { status, kind: kindOf(status), message, param, code, retryAfterSeconds };
    }
}

/** A field with a wrong value: 400. */
export function wrongField(param: string, message: string): RequestError {
    return new RequestError(400, message, { param });
}

function kindOf(status: number): FailureKind {
    if (status === 401) return "authentication_error";
    if (status === 403) return "permission_error";
    if (status === 404) return "not_found_error";
    if (status === 429) return "rate_limit_error";
    if (status === 503) return "unavailable_error";
    return status < 500 ? "invalid_request_error" : "server_error";
}

/** Codes that are the client's fault though it named no option, and those that a retry may mend. */
const statusOf: Readonly<Partial<Record<ErrorCode, number>>> = {
    ERR_QUEUE_FULL: 429,
    ERR_DISPOSED: 503,
    ERR_LOAD_ABORTED: 503,
    ERR_INSUFFICIENT_MEMORY: 503,
    ERR_ABORTED: 503,
    ERR_WORKER_UNREACHABLE: 503,
    ERR_WORKER_REFUSED: 503,
    ERR_WORKER_VERSION: 503,
    ERR_WORKER_LOST: 503
};

/** Of what clients ask for; other codes by input are of files and of this machine, and none of the client's business. */
const ofRequests: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
    "ERR_INVALID_OPTION",
    "ERR_UNKNOWN_OPTION",
    "ERR_INVALID_ARGUMENT",
    "ERR_TOKENIZE",
    "ERR_EMPTY_PROMPT",
    "ERR_PROMPT_TOO_LONG",
    "ERR_GRAMMAR",
    "ERR_CONSTRAINT_LIMIT",
    "ERR_JSON_SCHEMA",
    "ERR_CHAT_TEMPLATE"
]);

const retrySeconds = 1;

/** The protocol's name for an option: "max_tokens" for "maxTokens". The body may say which of several names was used. */
export type FieldNames = (option: string, body: unknown) => string;

/** What errors are of that name no option: "prompt" and "constraint" are names of the protocols' own for whatever stands for them. */
const optionOf: Readonly<Partial<Record<ErrorCode, string>>> = {
    ERR_TOKENIZE: "prompt",
    ERR_EMPTY_PROMPT: "prompt",
    ERR_PROMPT_TOO_LONG: "prompt",
    ERR_CHAT_TEMPLATE: "prompt",
    ERR_GRAMMAR: "constraint",
    ERR_CONSTRAINT_LIMIT: "constraint",
    ERR_JSON_SCHEMA: "constraint"
};

/**
 * What a failure is to the client: whatever was thrown, also by fastify.
 * @param fieldOf the protocol's name for an option: "max_tokens" for "maxTokens"
 */
export function failureOf(error: unknown, fieldOf: (option: string) => string = (option) => option): Failure {
    if (error instanceof RequestError) return error.failure;
    if (error instanceof RastError) return failureOfRast(error, fieldOf);
    return failureOfFastify(error) ?? hidden();
}

function failureOfRast(error: RastError, fieldOf: (option: string) => string): Failure {
    const status =
        statusOf[error.code] ?? (ofRequests.has(error.code) && errorCatalogue[error.code].byInput ? 400 : 500);
    if (status === 500) return hidden(error.code);
    const said = status === 400 ? optionOfDetails(error.details) : undefined;
    const meant = status === 400 ? (said ?? optionOf[error.code]) : undefined;
    const field = meant === undefined ? null : renamed(meant, fieldOf);
    return {
        status,
        kind: kindOf(status),
        message: forClients(
            field === null || said === undefined ? error.message : inWords(error.message, said, field),
            fieldOf
        ),
        param: field,
        code: error.code === "ERR_PROMPT_TOO_LONG" ? "context_length_exceeded" : error.code,
        retryAfterSeconds: status === 429 || status === 503 ? retrySeconds : undefined
    };
}

// "a key of logitBias" is of "logitBias"; what is unknown in an option is of that option.
function optionOfDetails({ option, in: where }: RastError["details"]): string | undefined {
    if (typeof option !== "string") return undefined;
    if (typeof where === "string" && /^[A-Za-z.]+$/.test(where)) return `${where}.${option}`;
    return option.replace(/^a key of /, "");
}

// "stop[3]" is of "stop"; "tools[2].name" may have a place of its own, as "tools[].name".
function renamed(option: string, fieldOf: (option: string) => string): string {
    const [, list, index, part] = /^(\w+)\[(\d+)\]\.(\w+)$/.exec(option) ?? [];
    const place = `${list}[].${part}`;
    const own = list === undefined ? place : fieldOf(place);
    if (own !== place) return own.replace("[]", `[${index}]`);
    const [, name = option, rest = ""] = /^([A-Za-z_]+)(.*)$/s.exec(option) ?? [];
    return `${fieldOf(name)}${rest}`;
}

// The option's name where it stands by itself: "mode" is no part of "model".
function inWords(message: string, option: string, field: string): string {
    return message
        .split(option)
        .reduce((before, after) => before + (/[\w.]$/.test(before) || /^\w/.test(after) ? option : field) + after);
}

// Advice that names what only who runs the server can change, or what a protocol calls otherwise.
function forClients(message: string, fieldOf: (option: string) => string): string {
    const ours = message.replace("raise contextSize", "have the server started with a larger --context-size");
    return inWords(ours, "templateOptions", fieldOf("templateOptions"));
}

function hidden(code: string | null = null): Failure {
    const message =
        code === "ERR_ENGINE_CRASHED"
            ? "The engine crashed, and is started anew when it is asked again; the server's log says more."
            : "Something went wrong in the server; its log says what.";
    return { status: 500, kind: "server_error", message, param: null, code, retryAfterSeconds: undefined };
}

// Words for a person in place of fastify's own.
const ofFastify: Readonly<Partial<Record<string, string>>> = {
    FST_ERR_CTP_BODY_TOO_LARGE: "The body is larger than the server takes (--max-body)."
};

// Errors of fastify's own: bodies that are too large, or not valid by their schema.
function failureOfFastify(error: unknown): Failure | undefined {
    if (!(error instanceof Error)) return undefined;
    const { statusCode, validation, code } = error as Error & {
        readonly statusCode?: unknown;
        readonly validation?: readonly SchemaIssue[];
        readonly code?: unknown;
    };
    if (validation !== undefined) return failureOfSchema(validation);
    if (typeof statusCode !== "number" || statusCode < 400 || statusCode >= 500) return undefined;
    return {
        status: statusCode,
        kind: kindOf(statusCode),
        message: (typeof code === "string" ? ofFastify[code] : undefined) ?? error.message,
        param: null,
        code: typeof code === "string" ? code : null,
        retryAfterSeconds: undefined
    };
}

function failureOfSchema(issues: readonly SchemaIssue[]): Failure {
    return {
        status: 400,
        kind: "invalid_request_error",
        ...describeSchemaIssues(issues),
        code: null,
        retryAfterSeconds: undefined
    };
}
