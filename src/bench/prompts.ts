// Prompts of a benchmark: tokens that are the same in every run.
import { generator } from "./random.js";

/** Gives prompts of any length, each different from the first token on, from a text's tokens or at random. */
export class PromptSource {
    readonly #drawable: readonly number[];
    readonly #random: boolean;

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

    /** Prompt number `index` with so many tokens. */
    prompt(index: number, length: number): number[] {
        const next = generator(index + 1);
        const n = this.#drawable.length;
        if (this.#random) return Array.from({ length }, () => this.#drawable[next() % n]!);
        const start = next() % n;
        return Array.from({ length }, (_, i) => this.#drawable[(start + i) % n]!);
    }
}
