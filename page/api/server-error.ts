import { errorWords } from "./chunks.js";
import { objectOf, parsed, textOf } from "./json.js";

/** What kind of failure it is, as the page acts on it. */
export type Trouble =
    /** 401 and 403: a key is wanted. */
    | "key"
    /** 503 with Retry-After: models are being loaded. */
    | "loading"
    /** 429: the queue is full. */
    | "busy"
    /** Nobody answers. */
    | "unreachable"
    /** It ended in the middle. */
    | "broken"
    /** The server says no. */
    | "refused";

/** A request that failed, in words for a person. */
export class ServerError extends Error {
    constructor(
        readonly trouble: Trouble,
        message: string,
        /** After which the server wants to be asked again. */
        readonly retryAfterMs: number | null = null,
        /** The server's word for it; "" where it has none. */
        readonly code = ""
    ) {
        super(message);
    }
}

const longestWaitMs = 60_000;

/** The error that an answer with a status other than 200 is. @param body its text */
export function errorOfStatus(status: number, body: string, retryAfter: string | null): ServerError {
    const error = objectOf(parsed(body))["error"];
    const words = error === undefined ? `The server answered with status ${status}.` : errorWords(error);
    const code = textOf(objectOf(error)["code"]);
    if (status === 401 || status === 403) return new ServerError("key", words);
    const wait = readRetryAfter(retryAfter);
    // A load that has failed is not waited for: whoever reads why may ask again.
    if (status === 503 && wait !== null && code !== "model_load_failed") return new ServerError("loading", words, wait);
    if (status === 429) return new ServerError("busy", words, wait ?? 1000);
    return new ServerError("refused", words, null, code);
}

// Seconds; a date is not what this server says.
function readRetryAfter(value: string | null): number | null {
    if (value === null || !/^\s*\d+(?:\.\d+)?\s*$/.test(value)) return null;
    return Math.min(longestWaitMs, Math.max(250, 1000 * Number(value)));
}
