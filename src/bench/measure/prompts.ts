// Prompts of a benchmark: tokens that are the same in every run.
import { generator } from "../../random.js";

/** Gives prompts of any length, each different from the first token on, from a text's tokens or at random. */
export class PromptSource {
    readonly #drawable: readonly number[];
    readonly #random: boolean;
    #used = 1000;

    /**
     * @param vocabulary ids below it may be used
     * @param text tokens of a text to take from; empty = random tokens
     */
    constructor(vocabulary: number, text: readonly number[]) {
        this.#random = text.length === 0;
        // the first ids are control tokens and single bytes in most vocabularies
        const first = Math.min(300, vocabulary >> 3);
        this.#drawable = this.#random ? Array.from({ length: vocabulary - first }, (_, i) => first + i) : text;
    }

    /** A prompt that was not given before: what decodes it finds nothing of it in a cache. */
    fresh(length: number): number[] {
        const n = this.#drawable.length;
        const index = this.#used++;
        if (this.#random) return this.prompt(index, length);
        // every token of the text is a beginning before any is one again
        const start = (index * strideOver(n)) % n;
        return Array.from({ length }, (_, i) => this.#drawable[(start + i) % n]!);
    }

    /** Prompt number `index`, below 1,000, with so many tokens. */
    prompt(index: number, length: number): number[] {
        const next = generator(index + 1);
        const n = this.#drawable.length;
        if (this.#random) return Array.from({ length }, () => this.#drawable[next() % n]!);
        const start = next() % n;
        return Array.from({ length }, (_, i) => this.#drawable[(start + i) % n]!);
    }
}

// About 0.618 n and without a common divisor with n: multiples of it come by every position, far from one another.
function strideOver(n: number): number {
    const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
    let stride = Math.max(1, Math.round(0.618 * n));
    while (divisor(stride, n) !== 1) ++stride;
    return stride;
}
