// The body of a request.
import type { Message } from "../chats/chat.js";
import type { Settings } from "../settings.js";

/** Which distribution answers. */
export type Column = "rast" | "base";

/** What is asked of /v1/chat/completions. */
export function requestBody(
    trio: string,
    column: Column,
    messages: readonly Message[],
    settings: Settings,
    seed: number
): Readonly<Record<string, unknown>> {
    const { temperature, topP, maxTokens, lambda, thinking, figures } = settings;
    const rast = {
        ...(column === "rast" && lambda !== null ? { lambda } : {}),
        ...(column === "rast" && figures ? { explain: true } : {})
    };
    return {
        model: column === "base" ? `${trio}:base` : trio,
        messages,
        stream: true,
        stream_options: { include_usage: true },
        seed,
        ...(temperature === null ? {} : { temperature }),
        ...(topP === null ? {} : { top_p: topP }),
        ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
        ...(thinking ? {} : { reasoning_effort: "none" }),
        ...(Object.keys(rast).length === 0 ? {} : { rast })
    };
}
