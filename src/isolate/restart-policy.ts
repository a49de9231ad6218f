import type { ResolvedIsolation } from "./isolation-options.js";

/**
 * Decides whether a crashed engine is started anew: at most `maxRestarts` times in a row, where a generation that came to
 * its end makes a new row.
 */
export class RestartPolicy {
    readonly #options: Pick<ResolvedIsolation, "restart" | "maxRestarts">;
    #inRow = 0;

    constructor(options: Pick<ResolvedIsolation, "restart" | "maxRestarts">) {
        this.#options = options;
    }

    /** Crashes since a generation last came to its end. */
    get crashes(): number {
        return this.#inRow;
    }

    get mayRestart(): boolean {
        return this.#options.restart !== "never" && this.#inRow <= this.#options.maxRestarts;
    }

    get restartsAtOnce(): boolean {
        return this.#options.restart === "atOnce" && this.mayRestart;
    }

    crashed(): void {
        this.#inRow += 1;
    }

    generated(): void {
        this.#inRow = 0;
    }
}
