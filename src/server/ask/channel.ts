/** What waits for one reader, from any number of writers. Nothing is held back: who writes more than may wait breaks it. */
export class Channel<T> implements AsyncIterable<T> {
    #waiting: T[] = [];
    #next = 0;
    #ended = false;
    #failure: { readonly error: unknown } | undefined;
    #wake: (() => void) | undefined;
    readonly #onLeft: () => void;

    /** @param onLeft the reader wants no more, whether all was read or not; called once */
    constructor(onLeft: () => void) {
        let told = false;
        this.#onLeft = () => {
            if (told) return;
            told = true;
            onLeft();
        };
    }

    /** Items that nobody has taken yet. */
    get unread(): number {
        return this.#waiting.length - this.#next;
    }

    push(item: T): void {
        if (this.#ended) return;
        this.#waiting.push(item);
        this.#wake?.();
    }

    end(): void {
        this.#ended = true;
        this.#wake?.();
    }

    /** What waits is still read; then the reader's loop throws. */
    fail(error: unknown): void {
        if (this.#ended) return;
        this.#failure = { error };
        this.end();
    }

    /** Resolves when there is something to read, or nothing more will come. Rejects where that is a failure. */
    async ready(): Promise<void> {
        while (this.unread === 0 && !this.#ended) await this.#news();
        if (this.unread === 0 && this.#failure !== undefined) {
            this.#onLeft();
            throw this.#failure.error;
        }
    }

    /** For one reader. By hand, as a generator takes three turns of promises for each item. */
    [Symbol.asyncIterator](): AsyncIterator<T, void, undefined> {
        const next = async (): Promise<IteratorResult<T, void>> => {
            while (this.unread === 0 && !this.#ended) await this.#news();
            if (this.unread > 0) return { done: false, value: this.#take() };
            const failure = this.#failure;
            this.#leave();
            if (failure !== undefined) throw failure.error;
            return { done: true, value: undefined };
        };
        return {
            next,
            return: async () => {
                this.#leave();
                return { done: true, value: undefined };
            }
        };
    }

    #leave(): void {
        this.#ended = true;
        this.#failure = undefined;
        this.#waiting = [];
        this.#next = 0;
        this.#onLeft();
    }

    // Forgets what was taken now and then: shifting every item of a long array is slow.
    #take(): T {
        const item = this.#waiting[this.#next++]!;
        if (this.#next >= 256 && this.#next * 2 >= this.#waiting.length) {
            this.#waiting = this.#waiting.slice(this.#next);
            this.#next = 0;
        }
        return item;
    }

    #news(): Promise<void> {
        return new Promise((resolve) => {
            this.#wake = () => {
                this.#wake = undefined;
                resolve();
            };
        });
    }
}
