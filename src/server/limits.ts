// What a server takes from a client, and how long: every bound with its range and default. Times stay below 2^31 ms, as timers do.
import type { NumberRange } from "../checks.js";

interface Bound extends NumberRange {
    readonly otherwise: number;
}

const day = 86_400;

/** Bounds of a server, by the option each belongs to. */
export const serverLimits = {
    /** Bytes of a request's body. */
    maxBodyBytes: { min: 1024, max: 2 ** 30, integer: true, otherwise: 8 * 2 ** 20 },
    /** Arrays and objects of a body, one in the other. */
    maxJsonDepth: { min: 4, max: 1000, integer: true, otherwise: 64 },
    /** Prompts times choices of one request. */
    maxChoices: { min: 1, max: 100_000, integer: true, otherwise: 128 },
    /** Tokens of one prompt. */
    maxPromptTokens: { min: 1, max: 16_777_216, integer: true, otherwise: 16_777_216 },
    /** Tokens drawn for one choice. */
    maxTokens: { min: 1, max: 16_777_216, integer: true, otherwise: 16_777_216 },
    /** Requests at work or waiting, over all models; more are 429. */
    maxRequests: { min: 1, max: 1_000_000, integer: true, otherwise: 256 },
    /** Open connections; more are closed at once. */
    maxConnections: { min: 1, max: 1_000_000, integer: true, otherwise: 1024 },
    /** One request from its arrival to its last token. */
    timeoutSeconds: { min: 1, max: day, otherwise: 3600 },
    /** A request's headers. */
    headerSeconds: { min: 1, max: 3600, otherwise: 15 },
    /** A request's headers and body. */
    receiveSeconds: { min: 1, max: 3600, otherwise: 60 },
    /** A connection without requests. */
    keepAliveSeconds: { min: 0, max: 3600, otherwise: 30 },
    /** A client that takes nothing of what waits for it. */
    stallSeconds: { min: 1, max: 3600, otherwise: 30 },
    /** Bytes that wait for such a client. */
    maxUnreadBytes: { min: 65_536, max: 2 ** 30, integer: true, otherwise: 4 * 2 ** 20 },
    /** A request for a model that is being loaded. */
    loadWaitSeconds: { min: 0, max: 3600, otherwise: 60 },
    /** Requests at work when the server is told to end. */
    graceSeconds: { min: 0, max: 3600, otherwise: 20 },
    /** A model without requests; 0 = it stays. */
    idleSeconds: { min: 0, max: 20 * day, otherwise: 0 },
    /** Models in memory together. */
    maxLoaded: { min: 1, max: 64, integer: true, otherwise: 64 },
    port: { min: 0, max: 65_535, integer: true, otherwise: 8080 }
} as const satisfies Record<string, Bound>;

/** An option that is a number. */
export type ServerLimit = keyof typeof serverLimits;
