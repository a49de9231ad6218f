// What one event of a streamed answer says.
import { listOf, numberOf, objectOf, parsed, textOf } from "./json.js";

/** A drawn token, and how far the delta moved its distribution. */
export interface TokenFigures {
    readonly text: string;
    /** KL(ensemble || base), in nats. */
    readonly divergence: number;
    readonly baseLogprob: number | null;
    readonly rastLogprob: number | null;
    /** From 0, of the likeliest. */
    readonly baseRank: number | null;
    readonly rastRank: number | null;
    readonly draft: string | null;
}

/** What is told of an answer at its end. Null where the server does not say. */
export interface Figures {
    readonly promptTokens: number | null;
    readonly cachedTokens: number | null;
    readonly completionTokens: number | null;
    readonly reasoningTokens: number | null;
    readonly tokensPerSecond: number | null;
    /** Decoding the prompt, as far as it was not known. */
    readonly promptMs: number | null;
    readonly drafted: number | null;
    readonly accepted: number | null;
    readonly lambdas: readonly number[] | null;
}

/** One event. */
export interface Chunk {
    readonly text: string;
    readonly thinking: string;
    readonly tokens: readonly TokenFigures[];
    readonly finish: string | null;
    readonly figures: Figures | null;
    /** The server's words where the answer failed. */
    readonly error: string | null;
}

/** @throws Error for data that is no JSON object */
export function readChunk(data: string): Chunk {
    const value = parsed(data);
    if (typeof value !== "object" || value === null) throw new Error("The server's stream is not what was expected.");
    const chunk = objectOf(value);
    const choice = objectOf(listOf(chunk["choices"])[0]);
    const delta = objectOf(choice["delta"]);
    return {
        text: textOf(delta["content"]),
        thinking: textOf(delta["reasoning_content"]),
        tokens: listOf(objectOf(choice["rast"])["tokens"]).map(readToken),
        finish: typeof choice["finish_reason"] === "string" ? choice["finish_reason"] : null,
        figures: readFigures(chunk),
        error: chunk["error"] === undefined ? null : errorWords(chunk["error"])
    };
}

/** The message of an error in OpenAI's shape, whatever it is. */
export function errorWords(error: unknown): string {
    if (typeof error === "string" && error !== "") return error;
    const message = textOf(objectOf(error)["message"]);
    return message === "" ? "The server failed without a word." : message;
}

function readToken(value: unknown): TokenFigures {
    const token = objectOf(value);
    return {
        text: textOf(token["text"]),
        divergence: numberOf(token["divergence"]) ?? 0,
        baseLogprob: numberOf(token["base_logprob"]),
        rastLogprob: numberOf(token["rast_logprob"]),
        baseRank: numberOf(token["base_rank"]),
        rastRank: numberOf(token["rast_rank"]),
        draft: typeof token["draft"] === "string" ? token["draft"] : null
    };
}

function readFigures(chunk: Readonly<Record<string, unknown>>): Figures | null {
    if (chunk["usage"] == null && chunk["timings"] == null) return null;
    const usage = objectOf(chunk["usage"]);
    const timings = objectOf(chunk["timings"]);
    const rast = objectOf(chunk["rast"]);
    const speculation = objectOf(rast["speculation"]);
    const { lambda } = rast;
    const lambdas = (Array.isArray(lambda) ? lambda : [lambda]).map(numberOf);
    return {
        promptTokens: numberOf(usage["prompt_tokens"]) ?? numberOf(timings["prompt_n"]),
        cachedTokens:
            numberOf(objectOf(usage["prompt_tokens_details"])["cached_tokens"]) ?? numberOf(timings["cache_n"]),
        completionTokens: numberOf(usage["completion_tokens"]) ?? numberOf(timings["predicted_n"]),
        reasoningTokens: numberOf(objectOf(usage["completion_tokens_details"])["reasoning_tokens"]),
        tokensPerSecond: numberOf(timings["predicted_per_second"]),
        promptMs: numberOf(timings["prompt_ms"]),
        drafted: numberOf(timings["draft_n"]) ?? numberOf(speculation["drafted"]),
        accepted: numberOf(timings["draft_n_accepted"]) ?? numberOf(speculation["accepted"]),
        lambdas: lambdas.length > 0 && lambdas.every((one) => one !== null) ? lambdas : null
    };
}

/** The later of two, where it says something. */
export function mergeFigures(before: Figures | null, after: Figures | null): Figures | null {
    if (before === null || after === null) return after ?? before;
    const merged: Record<string, unknown> = { ...before };
    for (const [name, value] of Object.entries(after)) if (value !== null) merged[name] = value;
    return merged as unknown as Figures;
}
