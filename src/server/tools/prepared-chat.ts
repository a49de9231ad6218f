// What the way from a request to an engine asks of this room: `prepareChat` makes these.
import type { JsonSchema, JsonSchemaOption } from "../../engine/json-schema.js";
import type { GenerateSettings, MessagesPrompt } from "../../engine/generate-options.js";
import type { ToolUse } from "./tool.js";

/** A conversation, with the tools beside it. */
export interface ChatToPrepare {
    /** As the client wrote them: OpenAI's shape, calls of tools with their arguments as JSON text. */
    readonly messages: MessagesPrompt["messages"];
    /** undefined where none are offered; earlier turns may have called some all the same. */
    readonly use: ToolUse | undefined;
    /** What else was asked for: a grammar or schema of the client's own, variables of the template. */
    readonly settings: Omit<GenerateSettings, "signal" | "ordinal">;
}

/** What is asked of a loaded trio meanwhile; a `Rast` is one. */
export interface ChatEngine {
    readonly chatTemplate: string | null;
    tokenize(text: string): Promise<number[]>;
    detokenize(tokens: readonly number[]): Promise<string>;
    grammarOf(schema: JsonSchema | JsonSchemaOption): Promise<string>;
}

/** What goes to the engine, and how what comes back is read. */
export interface PreparedChat {
    /** As the template reads them. */
    readonly messages: MessagesPrompt["messages"];
    /** Instead of the client's: `templateOptions` with the tools, a grammar where a call is required, `showSpecial`. */
    readonly settings: Omit<GenerateSettings, "signal" | "ordinal">;
    /** For each choice its own; undefined where the answer's text is taken as it is. */
    readonly splitter: (() => CallSplitter) | undefined;
}

/**
 * Tells calls from text while the text is drawn. What is certain comes at once. Nothing of a text is lost: what begins like a call and
 * is none comes as text.
 */
export interface CallSplitter {
    /** @param text what is new of the answer, without reasoning; whole characters */
    push(text: string): readonly SplitPiece[];
    /** What was held back; the text has ended. */
    end(): readonly SplitPiece[];
}

/** A piece of an answer with calls. */
export type SplitPiece =
    | { readonly kind: "text"; readonly text: string }
    /** `call` counts from 0. */
    | { readonly kind: "toolCall"; readonly call: number; readonly id: string; readonly name: string }
    | { readonly kind: "toolArguments"; readonly call: number; readonly text: string };
