import type { GenerationPart, RastResult } from "./results.js";

/** What drives a generation: parts, then one of `finish` and `fail`. */
export interface GenerationSink {
    part(part: GenerationPart): void;
    finish(result: RastResult): void;
    fail(error: unknown): void;
}

/**
 * A running generation. It starts at once; `for await` gives its parts as they come, `result` the whole.
 * Leaving the loop early cancels it. Iterating again starts from the first part. An error reaches both the loop and
 * `result`; whoever uses only one of them need not care for the other.
 */
export class Generation implements AsyncIterable<GenerationPart> {
    /** The whole, at the end. Aborts resolve it, with stop reason "abort"; only failures reject it. */
    readonly result: Promise<RastResult>;
    readonly #parts: GenerationPart[] = [];
    readonly #cancel: () => void;
    #running = true;
    #failure: { readonly error: unknown } | undefined;
    #news = pendingNews();

    /**
     * Not for callers: `Rast.generate` makes generations.
     * @internal
     * @param start begins the work and returns what cancels it; may use the sink before it returns
     * @param keepParts false where nobody will iterate: parts are then forgotten at once
     */
    constructor(start: (sink: GenerationSink) => () => void, keepParts = true) {
        let resolveResult!: (result: RastResult) => void;
        let rejectResult!: (error: unknown) => void;
        this.result = new Promise((resolve, reject) => {
            resolveResult = resolve;
            rejectResult = reject;
        });
        this.result.catch(() => {});
        this.#cancel = start({
            part: (part) => {
                if (keepParts) this.#parts.push(part);
                this.#announce();
            },
            finish: (result) => {
                this.#running = false;
                resolveResult(result);
                this.#announce();
            },
            fail: (error) => {
                this.#running = false;
                this.#failure = { error };
                rejectResult(error);
                this.#announce();
            }
        });
    }

    /** Ends the generation with stop reason "abort". Without effect when it has ended. */
    cancel(): void {
        if (this.#running) this.#cancel();
    }

    /** The parts, from the first one on. Ending the iterator cancels the generation, even before its first part. */
    [Symbol.asyncIterator](): AsyncGenerator<GenerationPart, void, undefined> {
        const parts = this.#read();
        const [next, end, fail] = [parts.next.bind(parts), parts.return.bind(parts), parts.throw.bind(parts)];
        parts.next = () => quiet(next());
        // One that has not begun would end without its `finally`.
        parts.return = (value) => {
            this.cancel();
            return quiet(end(value));
        };
        parts.throw = (error) => {
            this.cancel();
            return quiet(fail(error));
        };
        return parts;
    }

    async *#read(): AsyncGenerator<GenerationPart, void, undefined> {
        try {
            for (let index = 0; ;) {
                while (index < this.#parts.length) yield this.#parts[index++]!;
                if (this.#failure !== undefined) throw this.#failure.error;
                if (!this.#running) return;
                await this.#news.promise;
            }
        } finally {
            this.cancel();
        }
    }

    #announce(): void {
        this.#news.tell();
        this.#news = pendingNews();
    }
}

// A step that nobody awaits any more may fail: `result` says so too, and the process must not end for it.
function quiet<T>(step: Promise<T>): Promise<T> {
    step.catch(() => {});
    return step;
}

function pendingNews(): { readonly promise: Promise<void>; readonly tell: () => void } {
    let tell!: () => void;
    const promise = new Promise<void>((resolve) => {
        tell = resolve;
    });
    return { promise, tell };
}
