// What tokens say, one by one, where a character may be spread over several.
import type { Rast } from "../engine/engine.js";

/** What one token of a text says. */
export interface TokenText {
    /**
     * Its characters; of one that is a part of a character the whole of that, at the first of its parts. "" at the others, and of
     * tokens without a text. Bytes that are no character are U+FFFD.
     */
    readonly text: string;
    /** Whether the character at its beginning began with an earlier token. */
    readonly continues: boolean;
}

type Detokenizer = Pick<Rast, "detokenize">;

const lost = "\uFFFD";
/** Bytes of a character: so many tokens at most have a part of it. */
const mostParts = 4;
/** Asked of the engine at a time. */
const atOnce = 16;

/** Texts of single tokens, each asked for once. Control tokens have theirs, such as `<|im_end|>`. */
export class TokenTexts {
    readonly #rast: Detokenizer;
    readonly #known = new Map<number, string>();

    constructor(rast: Detokenizer) {
        this.#rast = rast;
    }

    /** Asks for those that are not known yet. @throws what `Rast.detokenize` does; the signal's reason */
    async prepare(tokens: Iterable<number>, signal?: AbortSignal): Promise<void> {
        const missing = [...new Set(tokens)].filter((token) => !this.#known.has(token));
        for (let from = 0; from < missing.length; from += atOnce) {
            signal?.throwIfAborted();
            const some = missing.slice(from, from + atOnce);
            const texts = await Promise.all(some.map((token) => this.#textOf([token])));
            some.forEach((token, index) => this.#known.set(token, texts[index]!));
        }
    }

    /** The text of one that was prepared. */
    of(token: number): string {
        return this.#known.get(token) ?? "";
    }

    /** Texts of the tokens of a text, in order. @throws what `Rast.detokenize` does; the signal's reason */
    async inOrder(tokens: readonly number[], signal?: AbortSignal): Promise<TokenText[]> {
        await this.prepare(tokens, signal);
        const texts: TokenText[] = [];
        while (texts.length < tokens.length) {
            const at = texts.length;
            const alone = this.of(tokens[at]!);
            const whole = alone.includes(lost) ? await this.#whole(tokens, at) : undefined;
            texts.push({ text: whole?.text ?? alone, continues: false });
            for (let part = 1; part < (whole?.parts ?? 1); part++) texts.push({ text: "", continues: true });
        }
        return texts;
    }

    // The fewest tokens from here on that are whole characters together.
    async #whole(tokens: readonly number[], at: number): Promise<{ text: string; parts: number } | undefined> {
        for (let parts = 2; parts <= mostParts && at + parts <= tokens.length; parts++) {
            // A character ends within a token that has a part of it.
            if (!this.of(tokens[at + parts - 1]!).includes(lost)) return undefined;
            const text = await this.#textOf(tokens.slice(at, at + parts));
            if (!text.includes(lost)) return { text, parts };
        }
        return undefined;
    }

    async #textOf(tokens: readonly number[]): Promise<string> {
        return this.#rast.detokenize(tokens, { showSpecial: true, continuation: true });
    }
}
