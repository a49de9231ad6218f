// One answer, from the request to its last word.
import { mergeFigures, type TokenFigures } from "./api/chunks.js";
import type { Client } from "./api/client.js";
import { pause, withPatience, type Waiting } from "./api/patience.js";
import { requestBody, type Column } from "./api/request.js";
import { ServerError } from "./api/server-error.js";
import type { Answer, Message } from "./chats/chat.js";
import { mostKeptTokens } from "./chats/kept-tokens.js";
import type { Settings } from "./settings.js";

/** What is to be answered. */
export interface Question {
    readonly trio: string;
    readonly column: Column;
    readonly messages: readonly Message[];
    readonly settings: Settings;
    readonly seed: number;
}

/** Who is told of it. */
export interface AnswerListener {
    /** The answer so far, and figures of the tokens that are new. */
    news(answer: Answer, tokens: readonly TokenFigures[]): void;
    waits(waiting: Waiting): void;
}

const chatAdvice = " A new chat begins without what was said before; an edited question, without what comes after it.";

/** An answer without a word yet. */
export function emptyAnswer(model: string, seed: number): Answer {
    return { text: "", thinking: "", finish: "open", error: "", figures: null, tokens: [], model, seed };
}

/**
 * Asks, and tells what comes; what came stays when it fails or is stopped.
 * @returns the answer at its end, and why it failed; never throws
 */
export async function answer(
    client: Client,
    { trio, column, messages, settings, seed }: Question,
    listener: AnswerListener,
    signal: AbortSignal
): Promise<{ readonly answer: Answer; readonly failure: ServerError | null }> {
    // grows with the answer, and is the same list in all its states
    const tokens: TokenFigures[] = [];
    let now: Answer = { ...emptyAnswer(column === "base" ? `${trio}:base` : trio, seed), tokens };
    const body = requestBody(trio, column, messages, settings, seed);
    const ask = async (): Promise<void> => {
        for await (const chunk of client.chat(body, signal)) {
            if (tokens.length < mostKeptTokens) tokens.push(...chunk.tokens);
            now = {
                ...now,
                text: now.text + chunk.text,
                thinking: now.thinking + chunk.thinking,
                figures: mergeFigures(now.figures, chunk.figures)
            };
            // It stays open until figures have come, too.
            if (chunk.finish !== null) ending = chunk.finish === "length" ? "length" : "stop";
            listener.news(now, chunk.tokens);
        }
    };
    let ending: "stop" | "length" = "stop";
    let failure: ServerError | null = null;
    try {
        await withPatience(
            ask,
            (ms) => pause(ms, signal),
            (waiting) => listener.waits(waiting)
        );
        now = { ...now, finish: ending };
    } catch (error) {
        if (signal.aborted) now = { ...now, finish: "stopped" };
        else {
            failure =
                error instanceof ServerError
                    ? error
                    : new ServerError("broken", error instanceof Error ? error.message : String(error));
            const isLong =
                failure.code === "context_length_exceeded" && messages.some(({ role }) => role === "assistant");
            now = { ...now, finish: "failed", error: `${failure.message}${isLong ? chatAdvice : ""}` };
        }
    }
    listener.news(now, []);
    return { answer: now, failure };
}
