// Work on many things, a few at a time, told in their order.
import { RastError } from "../errors.js";
import { abortReason, isAborted, watchSignal } from "../engine/abort-signals.js";

/**
 * What work on each of some things comes to, in their order: so many are at work at a time that none of an engine's slots waits.
 * @param what the work is, as a sentence begins: "Scoring"
 * @throws ERR_ABORTED by the signal; what a work throws, once those before it are told. What is still at work is aborted then, and awaited
 */
export async function* inOrder<T, R>(
    things: Iterable<T> | AsyncIterable<T>,
    atOnce: number,
    signal: AbortSignal | undefined,
    what: string,
    work: (thing: T, stop: AbortSignal) => Promise<R>
): AsyncGenerator<R, void, undefined> {
    const stop = new AbortController();
    const forget = watchSignal(signal, () => stop.abort());
    if (isAborted(signal)) stop.abort();
    const pending: Promise<R>[] = [];
    const assertGoing = (): void => {
        if (signal === undefined || !isAborted(signal)) return;
        throw new RastError("ERR_ABORTED", `${what} was aborted.`, { cause: abortReason(signal) });
    };
    const next = async (): Promise<R> => {
        try {
            const result = await pending.shift()!;
            assertGoing();
            return result;
        } catch (error) {
            assertGoing();
            throw error;
        }
    };
    try {
        for await (const thing of things) {
            assertGoing();
            const working = work(thing, stop.signal);
            // Whoever waits hears of it later.
            working.catch(() => undefined);
            pending.push(working);
            if (pending.length >= atOnce) yield await next();
        }
        while (pending.length > 0) yield await next();
        assertGoing();
    } finally {
        forget();
        stop.abort();
        await Promise.allSettled(pending);
    }
}
