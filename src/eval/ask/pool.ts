/**
 * Does a piece of work for every item, so many at a time, in their order. The first that fails ends all: nothing further
 * begins, the signal that the others have is aborted, and they are waited for.
 * @throws the first failure; the signal's reason
 */
export async function inPool<T>(
    items: Iterable<T>,
    atOnce: number,
    signal: AbortSignal,
    work: (item: T, signal: AbortSignal) => Promise<void>
): Promise<void> {
    const stop = new AbortController();
    const follow = (): void => stop.abort(signal.reason);
    if (signal.aborted) follow();
    signal.addEventListener("abort", follow, { once: true });
    const queue = items[Symbol.iterator]();
    let failure: { readonly error: unknown } | undefined;
    const worker = async (): Promise<void> => {
        for (let next = queue.next(); next.done !== true && !stop.signal.aborted; next = queue.next()) {
            try {
                await work(next.value, stop.signal);
            } catch (error) {
                failure ??= { error };
                stop.abort(error);
                return;
            }
        }
    };
    try {
        await Promise.all(Array.from({ length: atOnce }, worker));
    } finally {
        signal.removeEventListener("abort", follow);
    }
    signal.throwIfAborted();
    if (failure !== undefined) throw failure.error;
}
