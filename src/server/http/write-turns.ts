// When streams are written: all that have something in one turn of the event loop, as every write wakes its client, and a write for each
// token costs more than all else that is done for it.

/** Writes that wait, of all streams together. */
export class WriteTurns {
    readonly #gatherMs: number;
    readonly #now = new Set<() => void>();
    readonly #later = new Set<() => void>();
    #immediate: NodeJS.Immediate | undefined;
    #timer: NodeJS.Timeout | undefined;

    /** @param gatherMs how long those wait that have written just before */
    constructor(gatherMs: number) {
        this.#gatherMs = gatherMs;
    }

    /** @param write must not throw @param later whether it waits for what comes in the next milliseconds; else it is called when this turn is over */
    add(write: () => void, later: boolean): void {
        (later ? this.#later : this.#now).add(write);
        if (later) this.#timer ??= setTimeout(() => this.#writeLater(), this.#gatherMs);
        else this.#immediate ??= setImmediate(() => this.#writeNow());
    }

    remove(write: () => void): void {
        if (!this.#later.delete(write)) this.#now.delete(write);
    }

    #writeNow(): void {
        this.#immediate = undefined;
        const all = [...this.#now];
        this.#now.clear();
        for (const write of all) write();
    }

    #writeLater(): void {
        this.#timer = undefined;
        const all = [...this.#later];
        this.#later.clear();
        for (const write of all) write();
    }
}
