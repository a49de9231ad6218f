// A prompt, or a conversation with it where flags of chats were typed.
import type { PromptOptions } from "../engine/generate-options.js";
import type { ChatMessage } from "../text/chat-template.js";
import type { FlagValues } from "./flag.js";
import type { chatFlags } from "./flags/chat.js";

/** What flags say of a conversation. */
export type ChatChoice = FlagValues<Pick<typeof chatFlags, "thinking" | "templateOptions" | "answerStart">> & {
    readonly chat?: boolean;
    readonly system?: string;
    readonly maxThinkingTokens?: unknown;
    readonly reasoning?: unknown;
};

/** They imply --chat. */
export const chatOnly = [
    "system",
    "thinking",
    "templateOptions",
    "maxThinkingTokens",
    "answerStart",
    "reasoning"
] as const satisfies readonly (keyof ChatChoice)[];

/** What the models are asked. */
export function promptOf(prompt: string, own: ChatChoice): PromptOptions {
    const { chat, system, thinking, templateOptions, answerStart } = own;
    const given = chatOnly.some((name) => own[name] !== undefined);
    if (chat !== true && !given) return { prompt };
    const messages: ChatMessage[] = [{ role: "user", content: prompt }];
    if (system !== undefined) messages.unshift({ role: "system", content: system });
    if (answerStart === undefined) return { messages, thinking, templateOptions };
    messages.push({ role: "assistant", content: answerStart });
    return { messages, thinking, templateOptions, continueFinalMessage: true };
}
