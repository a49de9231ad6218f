/**
 * Ctrl-C and SIGTERM while a command works: the first aborts the signal, so that what there is can be kept; the second ends
 * the process at once.
 */
export class Interruption {
    readonly #controller = new AbortController();
    readonly #signals = ["SIGINT", "SIGTERM"] as const;
    readonly #take = (name: NodeJS.Signals): void => {
        if (!this.#controller.signal.aborted) {
            this.#controller.abort(new Error(`${name} was received.`));
            return;
        }
        // Without a handler the system's own ends the process, whatever the engine is doing.
        this.end();
        process.kill(process.pid, name);
    };

    constructor() {
        for (const name of this.#signals) process.on(name, this.#take);
    }

    get signal(): AbortSignal {
        return this.#controller.signal;
    }

    get happened(): boolean {
        return this.#controller.signal.aborted;
    }

    /** Takes the handlers away. */
    end(): void {
        for (const name of this.#signals) process.off(name, this.#take);
    }
}
