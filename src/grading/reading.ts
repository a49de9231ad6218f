// Bytes of a source, so that an abort ends a read that waits, and the event loop is heard in between.
import { setImmediate } from "node:timers/promises";

const mostMsAtOnce = 20;

/** Lets the event loop turn during long work, so that signals and timers are heard. */
export class Pace {
    readonly #signal: AbortSignal | undefined;
    #since = performance.now();

    constructor(signal?: AbortSignal) {
        this.#signal = signal;
    }

    /** To be called between pieces of work. @throws the signal's reason */
    async keep(): Promise<void> {
        if (performance.now() - this.#since > mostMsAtOnce) {
            await setImmediate();
            this.#since = performance.now();
        }
        this.#signal?.throwIfAborted();
    }
}

/** What work comes to, or the signal's reason as soon as it aborts: the work is not waited for then. */
export async function untilAborted<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (signal === undefined) return work();
    signal.throwIfAborted();
    let end: () => void = () => undefined;
    try {
        return await new Promise<T>((resolve, reject) => {
            end = () => reject(signal.reason as Error);
            signal.addEventListener("abort", end, { once: true });
            work().then(resolve, reject);
        });
    } finally {
        signal.removeEventListener("abort", end);
    }
}

/** The chunks of a source, which is given back when reading ends early, however long it may take over that. */
export async function* chunksOf(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { next, cancel } = readerOf(source);
    const pace = new Pace(signal);
    let ended = false;
    try {
        for (;;) {
            await pace.keep();
            const { done, value } = await untilAborted(next, signal);
            if (done === true) break;
            yield value;
        }
        ended = true;
    } finally {
        if (!ended) cancel();
    }
}

interface Reader {
    readonly next: () => Promise<{ readonly done?: boolean | undefined; readonly value: Uint8Array }>;
    readonly cancel: () => void;
}

function readerOf(source: AsyncIterable<Uint8Array>): Reader {
    const ignore = (): void => undefined;
    // Their iterator's return() waits for the read that waits.
    const web = source as unknown as Partial<ReadableStream<Uint8Array>>;
    if (typeof web.getReader === "function") {
        const reader = web.getReader();
        return {
            next: () => reader.read() as Promise<{ done: boolean; value: Uint8Array }>,
            cancel: () => void reader.cancel().catch(ignore)
        };
    }
    const chunks = source[Symbol.asyncIterator]();
    const { destroy } = source as { destroy?: unknown };
    return {
        next: async () => chunks.next(),
        cancel: () => {
            if (typeof destroy === "function") destroy.call(source);
            // Of a generator this waits for the read that waits: nobody waits for it.
            void (async () => chunks.return?.())().catch(ignore);
        }
    };
}
