// What stands between the protocols and the engine: every protocol reads a body into an `Ask`, and writes `AnswerEvent`s in its
// own words. Protocols know no engine, and the engine's side knows no protocol.
import type { GenerateSettings, Prompt } from "../../engine/generate-options.js";
import type { RastResult, TokenLogprob } from "../../engine/results.js";
import type { TokenScore } from "../../engine/token-scores.js";
import type { ToolUse } from "../tools/tool.js";

/** What a client asks for, whichever protocol it speaks. */
export interface Ask {
    /** `NAME`, `NAME:base` or `NAME:expert`, as the client wrote it; undefined is the first trio. */
    readonly model: string | undefined;
    /** One and more; each gets `n` choices. Choice `p * n + i` is the i-th of prompt p. */
    readonly prompts: readonly Prompt[];
    /** Choices of each prompt, 1 and more: samples of one seed, with ordinals from 0. */
    readonly n: number;
    /** All else of a generation, as the engine takes it; `mode` only where it was said beside the model's name. */
    readonly settings: Omit<GenerateSettings, "signal" | "ordinal">;
    /** Tools that a chat may call. */
    readonly tools: ToolUse | undefined;
}

/** A log-probability with what its tokens say. */
export interface NamedLogprob extends TokenLogprob {
    /** The token's text; U+FFFD for bytes that are no character of their own. */
    readonly text: string;
    /** Its bytes. */
    readonly bytes: readonly number[];
    /** As many as were asked for. */
    readonly top: readonly NamedAlternative[];
}

/** A token that could have been drawn, with what it says. */
export interface NamedAlternative {
    readonly token: number;
    readonly logprob: number;
    readonly text: string;
    readonly bytes: readonly number[];
}

/** What the models say of a drawn token, with its text. */
export interface NamedScore {
    readonly text: string;
    readonly score: TokenScore;
}

/** One piece of an answer. Events of several choices come as they are drawn; those of one are in order. */
export type AnswerEvent = BeginEvent | DeltaEvent | ToolCallEvent | ToolArgumentsEvent | EndEvent;

/** Every choice's first. */
export interface BeginEvent {
    readonly kind: "begin";
    readonly choice: number;
}

/** New text. Either text may be empty, not both unless there are tokens with figures. */
export interface DeltaEvent {
    readonly kind: "delta";
    readonly choice: number;
    readonly reasoning: string;
    readonly text: string;
    /** Of the tokens since the last delta, where asked for. */
    readonly logprobs?: readonly NamedLogprob[];
    readonly scores?: readonly NamedScore[];
}

/** A call of a tool begins. */
export interface ToolCallEvent {
    readonly kind: "toolCall";
    readonly choice: number;
    /** From 0, within the choice. */
    readonly call: number;
    /** Unique, in the family's form where it demands one. */
    readonly id: string;
    readonly name: string;
}

/** More of a call's arguments: JSON text. */
export interface ToolArgumentsEvent {
    readonly kind: "toolArguments";
    readonly choice: number;
    readonly call: number;
    readonly text: string;
}

/** Every choice's last. */
export interface EndEvent {
    readonly kind: "end";
    readonly choice: number;
    readonly finish: "stop" | "length" | "toolCalls" | "abort";
    readonly result: RastResult;
}

/** A request to a loaded trio that is being answered. */
export interface Answering {
    /** The trio's name with its mode, as `/v1/models` lists it. */
    readonly model: string;
    /**
     * All events. Leaving the loop early frees the slots at once, as the signal does. Slow readers hold the engine back nowhere: what
     * they have not taken waits here, within the limit of `maxTokens`.
     * @throws a RastError: ERR_PROMPT_TOO_LONG and whatever else a request may fail with
     */
    readonly events: AsyncIterable<AnswerEvent>;
}

/**
 * Answers what is asked. Errors before the first token come from here, so that a protocol can still answer with a status.
 * @param request the request's id
 */
export type Answer = (ask: Ask, signal: AbortSignal, request: string) => Promise<Answering>;
