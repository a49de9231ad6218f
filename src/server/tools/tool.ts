// Tools that a model may call, as every protocol names them.

/** A function that a client offers. */
export interface Tool {
    readonly name: string;
    readonly description: string | undefined;
    /** JSON schema of its arguments, an object's; undefined for none. */
    readonly parameters: Readonly<Record<string, unknown>> | undefined;
    /** Whether arguments must be valid by it: then the text is constrained from the call's first letter. */
    readonly strict: boolean;
}

/** Which of them a text may, or must, call. */
export type ToolChoice =
    | { readonly kind: "auto" }
    | { readonly kind: "none" }
    /** One of these, by name. */
    | { readonly kind: "required"; readonly names: readonly string[] };

/** Tools beside a conversation. */
export interface ToolUse {
    readonly tools: readonly Tool[];
    readonly choice: ToolChoice;
    /** Whether a text may have several calls. */
    readonly parallel: boolean;
}
