// What page and engine say to each other. All of it is plain data: it goes as JSON as well as by structured clone.
import type { ErrorCode, LoadProgress, StopReason } from "rast-llama";

/** A trio that can be chosen. */
export interface TrioChoice {
    /** For `load`: a name, or the path of a trio file. */
    readonly trio: string;
    /** One line. */
    readonly description: string;
}

/** What is there to choose from, and what is loaded. */
export interface TrioList {
    readonly trios: readonly TrioChoice[];
    readonly loaded: LoadedTrio | null;
}

export interface LoadArgs {
    /** A name, or the path of a trio file or of its folder. */
    readonly trio: string;
}

export type LoadPart = Pick<LoadProgress, "role" | "overall">;

/** What the page needs to know of a loaded engine. */
export interface LoadedTrio {
    readonly trio: string;
    /** The base's own words: "qwen2 7B Q4_K - Medium". */
    readonly base: string;
    /** Where its output layer is: "CPU", "CUDA0". */
    readonly device: string;
    /** The trio's own; null for a base alone. */
    readonly lambda: number | null;
    /** Whether it takes messages. Otherwise every question stands alone. */
    readonly isChat: boolean;
    readonly loadMs: number;
}

/** Which distribution answers are drawn from. */
export type Side = "base" | "rast";

export interface ChatTurn {
    readonly role: "user" | "assistant";
    readonly content: string;
}

export interface AskArgs {
    readonly mode: Side;
    /** The conversation so far, its last message a question; one message where the engine takes prompts. */
    readonly messages: readonly ChatTurn[];
    readonly lambda?: number | undefined;
    readonly temperature?: number | undefined;
    readonly maxTokens?: number | undefined;
    readonly seed?: number | undefined;
}

/** What is new. */
export interface AnswerPart {
    readonly reasoning: string;
    readonly answer: string;
}

/** How an answer ended. */
export interface AnswerFigures {
    readonly stopReason: StopReason;
    readonly seed: number | string;
    readonly tokens: number;
    readonly tokensPerSecond: number | null;
}

/** All that may be asked of the engine: what goes there, what comes meanwhile, what comes in the end. */
export interface Calls {
    list: { args: Readonly<Record<string, never>>; part: never; value: TrioList };
    load: { args: LoadArgs; part: LoadPart; value: LoadedTrio };
    ask: { args: AskArgs; part: AnswerPart; value: AnswerFigures };
    unload: { args: Readonly<Record<string, never>>; part: never; value: null };
}

export type CallName = keyof Calls;

/** The codes of rast-llama, and those of the protocol itself. */
export type EngineErrorCode = ErrorCode | "ERR_NOT_LOADED" | "ERR_PROTOCOL";

/** An error on its way. */
export interface PlainEngineError {
    readonly code: EngineErrorCode;
    readonly message: string;
    /** What can be done about it, in one sentence; "" where nobody knows. */
    readonly advice: string;
    /** The facts in the message. */
    readonly details: unknown;
}

export type ToEngine =
    | {
          [N in CallName]: {
              readonly kind: "call";
              readonly id: number;
              readonly name: N;
              readonly args: Calls[N]["args"];
          };
      }[CallName]
    | { readonly kind: "abort"; readonly id: number };

/** Of a call any number of parts, then one value or one error. */
export type FromEngine =
    | { readonly kind: "part"; readonly id: number; readonly part: unknown }
    | { readonly kind: "value"; readonly id: number; readonly value: unknown }
    | { readonly kind: "error"; readonly id: number; readonly error: PlainEngineError }
    /** The process of an isolated engine has ended. What it was asked has failed, and the next question starts it again. */
    | { readonly kind: "crashed"; readonly error: PlainEngineError };
