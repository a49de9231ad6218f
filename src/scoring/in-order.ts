// Work on many things, a few at a time, told in their order.
import { RastError } from "../errors.js";
import { abortReason, isAborted, watchSignal } from "../engine/abort-signals.js";

interface Pending<R> {
    readonly result: Promise<R>;
    settled: boolean;
}

/**
 * What work on each of some things comes to, in their order, each as soon as it and those before it are done: so many are at work at
 * a time that none of an engine's slots waits. Neither an abort nor what is done waits for a source that is slow to say what is next.
 * @param what the work is, as a sentence begins: "Scoring"
 * @throws ERR_ABORTED by the signal; what a work or the source throws, once those before it are told. What is still at work is aborted
 *     then, and awaited; the source is told, and awaited unless it was asked for a thing that has not come
 */
export async function* inOrder<T, R>(
    things: Iterable<T> | AsyncIterable<T>,
    atOnce: number,
    signal: AbortSignal | undefined,
    what: string,
    work: (thing: T, stop: AbortSignal) => Promise<R>
): AsyncGenerator<R, void, undefined> {
    const stop = new AbortController();
    let wake = (): void => undefined;
    const forget = watchSignal(signal, () => {
        stop.abort();
        wake();
    });
    if (isAborted(signal)) stop.abort();
    const assertGoing = (): void => {
        if (signal === undefined || !(stop.signal.aborted || isAborted(signal))) return;
        throw new RastError("ERR_ABORTED", `${what} was aborted.`, { cause: abortReason(signal) });
    };
    const pending: Pending<R>[] = [];
    const source = new Source(things, () => wake());
    try {
        for (;;) {
            assertGoing();
            if (pending.length < atOnce) source.ask();
            const thing = source.take();
            if (thing !== undefined) {
                const one: Pending<R> = { result: work(thing.value, stop.signal), settled: false };
                pending.push(one);
                const settle = (): void => {
                    one.settled = true;
                    wake();
                };
                // Whoever waits hears of a failure later.
                one.result.then(settle, settle);
            } else if (pending[0]?.settled === true) {
                yield await pending.shift()!.result;
            } else if (source.ended && pending.length === 0) {
                break;
            } else {
                await new Promise<void>((resolve) => (wake = resolve));
            }
        }
        source.assertWhole();
    } catch (error) {
        assertGoing();
        throw error;
    } finally {
        forget();
        stop.abort();
        await Promise.allSettled(pending.map(({ result }) => result));
        await source.close();
    }
}

/** Things one after the other, without anybody waiting for the next. */
class Source<T> {
    readonly #iterator: Iterator<T> | AsyncIterator<T>;
    readonly #told: () => void;
    #asked = false;
    #ready: { readonly value: T } | undefined;
    #ended = false;
    #failure: { readonly error: unknown } | undefined;

    /** @param told when there is something to take, or the end is known */
    constructor(things: Iterable<T> | AsyncIterable<T>, told: () => void) {
        this.#iterator = Symbol.asyncIterator in things ? things[Symbol.asyncIterator]() : things[Symbol.iterator]();
        this.#told = told;
    }

    /** No more things will come. */
    get ended(): boolean {
        return this.#ended;
    }

    /** Asks for the next thing unless that was done. */
    ask(): void {
        if (this.#asked || this.#ended || this.#ready !== undefined) return;
        this.#asked = true;
        void this.#next();
    }

    /** A thing that has come. */
    take(): { readonly value: T } | undefined {
        const ready = this.#ready;
        this.#ready = undefined;
        return ready;
    }

    /** @throws what the source threw */
    assertWhole(): void {
        if (this.#failure !== undefined) throw this.#failure.error;
    }

    /** Never throws. */
    async close(): Promise<void> {
        if (this.#ended) return;
        this.#ended = true;
        const closed = (async () => this.#iterator.return?.())().catch(() => undefined);
        // A generator that waits hears of it behind its wait.
        if (!this.#asked) await closed;
    }

    async #next(): Promise<void> {
        try {
            const next = await this.#iterator.next();
            if (next.done === true) this.#ended = true;
            else this.#ready = { value: await next.value };
        } catch (error) {
            this.#ended = true;
            this.#failure = { error };
        }
        this.#asked = false;
        this.#told();
    }
}
