import type { ResolvedBenchOptions } from "./options.js";
import { testName, type MatrixCase, type MatrixEngine } from "./matrix.js";

/** Says what is being done, and how much of all samples is done. */
export class Progress {
    readonly #all: number;
    readonly #options: Pick<ResolvedBenchOptions, "repetitions" | "loads" | "onProgress">;
    #done = 0;
    #fraction = 0;

    constructor(
        engines: readonly MatrixEngine[],
        options: Pick<ResolvedBenchOptions, "repetitions" | "loads" | "onProgress">
    ) {
        const cases = engines.reduce((sum, { cases }) => sum + cases.length, 0);
        this.#all = cases * (options.repetitions + 1) * options.loads;
        this.#options = options;
    }

    loading(fraction = 0): void {
        this.#options.onProgress(`loading ${Math.floor(fraction * 100)}%`, this.#fraction);
    }

    /** @param what of the machine, e.g. that it is not quiet */
    waiting(what: string): void {
        this.#options.onProgress(what, this.#fraction);
    }

    /** @param repetition 0 for the warm-up */
    sample(one: MatrixCase, repetition: number): void {
        const parallel = one.sequences > 1 ? ` x ${one.sequences}` : "";
        const turn = repetition === 0 ? "warm-up" : `${repetition} of ${this.#options.repetitions}`;
        this.#fraction = this.#done / this.#all;
        this.#done += 1;
        this.#options.onProgress(`${testName(one)}${parallel} ${one.mode}, ${turn}`, this.#fraction);
    }
}
