/** A number of places; who finds none waits for one, in order. */
export class Lanes {
    #free: number;
    readonly #waiting: (() => void)[] = [];

    constructor(places: number) {
        this.#free = places;
    }

    /** Does something in a place of its own. */
    async run<T>(work: () => Promise<T>): Promise<T> {
        if (this.#free > 0) this.#free -= 1;
        else await new Promise<void>((resolve) => this.#waiting.push(resolve));
        try {
            return await work();
        } finally {
            const next = this.#waiting.shift();
            if (next === undefined) this.#free += 1;
            else next();
        }
    }
}
