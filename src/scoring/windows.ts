// How a text is cut into windows, and which of its tokens are scored: as llama-perplexity does it.

/** One window of a text. */
export interface Window {
    /** All of its tokens, the beginning of a sequence in place of the first where models want one. */
    readonly tokens: Int32Array;
    /** The first token that is scored, by its place in the window; those before are context, those from it on are scored. */
    readonly scoredFrom: number;
}

/** How many windows a text has. */
export function windowCount(tokens: number, size: number): number {
    return Math.floor(tokens / size);
}

/**
 * Windows side by side of `size` tokens; what does not fill one at the end is left out. In each the second half is scored, so that
 * every scored token has at least half a window before it.
 * @param bos what each window begins with, in place of its first token; undefined: that token itself
 */
export function* windowsOf(tokens: Int32Array, size: number, bos: number | undefined, most: number): Generator<Window> {
    const count = Math.min(most, windowCount(tokens.length, size));
    for (let index = 0; index < count; index++) {
        const window = tokens.slice(index * size, (index + 1) * size);
        if (bos !== undefined) window[0] = bos;
        // llama-perplexity takes the logits from size / 2 on, each of which says the next token
        yield { tokens: window, scoredFrom: Math.floor(size / 2) + 1 };
    }
}
