// What a protocol is given: a fastify plugin that knows no engine. `src/server/app.ts` registers all of them, each in a scope of its own,
// so that each has its own `setErrorHandler`: errors of parsing, validation, keys and limits come there, too, and
// `http/request-error.ts` (`failureOf`) says what status and words any of them has.
import type { FastifyPluginAsync } from "fastify";
import type { Mode } from "../../engine/generate-options.js";
import type { Answer, Ask } from "./ask.js";

/** A model as clients see it: `NAME` (as the trio draws: RAST), `NAME:base`, `NAME:expert`. */
export interface ServedModel {
    readonly id: string;
    /** NAME. */
    readonly trio: string;
    /** What its tokens are drawn from, unless a request says otherwise. */
    readonly mode: Mode;
    /** When the server began to serve it, in seconds since 1970. */
    readonly created: number;
    readonly state: "unloaded" | "loading" | "loaded" | "failed";
    /** Once it was loaded, also when it no longer is. */
    readonly facts: ServedModelFacts | undefined;
}

/** What a loaded trio says of itself. */
export interface ServedModelFacts {
    /** In llama.cpp's words: "qwen2 7B Q4_K - Medium". */
    readonly description: string;
    readonly architecture: string;
    readonly quantization: string | null;
    /** Of the base. */
    readonly parameterCount: number;
    /** Of all weights. */
    readonly modelBytes: number;
    /** Tokens that a request may have. */
    readonly contextSize: number;
    /** Tokens that the base was made for. */
    readonly trainedContextSize: number;
    readonly vocabularySize: number;
    readonly chatTemplate: string | null;
    /** Of the base; absolute. */
    readonly path: string;
}

/** Bounds of what one request may ask for; a RequestError with status 400 says which was passed. */
export interface RequestBounds {
    /** Prompts times choices. */
    readonly maxChoices: number;
    /** Tokens drawn for one choice, whatever was asked for. */
    readonly maxTokens: number;
    /** Bytes that wait for a client that reads slowly, before it is cut. */
    readonly maxUnreadBytes: number;
    /** How long such a client may take nothing at all. */
    readonly stallMs: number;
}

/** All that a protocol can do. */
export interface ProtocolContext {
    readonly answer: Answer;
    /** In the order in which they were given; those with `:base` and `:expert` behind their own. */
    readonly models: () => readonly ServedModel[];
    /** Token ids of every prompt of an ask, as an answer would decode them, tools included. Loads the trio if need be. */
    readonly promptTokens: (ask: Ask, signal: AbortSignal) => Promise<readonly (readonly number[])[]>;
    /** Loads a model, as a request for it would. @throws RequestError */
    readonly load: (model: string | undefined, signal: AbortSignal) => Promise<void>;
    /** Unloads a model, unless somebody has it. @returns whether it is unloaded now */
    readonly unload: (model: string | undefined) => Promise<boolean>;
    readonly bounds: RequestBounds;
}

/** `export const anthropic: Protocol = async (app, { answer }) => { app.post("/v1/messages", ...) }` */
export type Protocol = FastifyPluginAsync<ProtocolContext>;
