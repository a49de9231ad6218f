import { errorCatalogue, RastError } from "../errors.js";
import { isAborted, watchSignal } from "./abort-signals.js";
import type { EngineCore } from "./engine-core.js";

/** One that has begun. */
export interface RunningSample<T> {
    readonly result: Promise<T>;
    cancel(): void;
}

/** Samples to draw. */
export interface SamplePlan<T> {
    readonly count: number;
    /** Begun at a time; the others wait their turn. */
    readonly atOnce: number;
    /** Begins sample `index`. */
    start(index: number): RunningSample<T>;
    /** Whether none is to begin any more, as all were aborted or the engine was disposed of. */
    over(): boolean;
    /** The result of one that never began. */
    skipped(): T;
    /** Waits until the engine may take a further request. @returns false when it takes none although it has none */
    room(): Promise<boolean>;
}

/**
 * Begins the sample of an item of a list. Errors that are the item's fault say which it is, in `details.index`.
 * @throws what `begin` does
 */
export function namingItem<T>(index: number, begin: () => RunningSample<T>): RunningSample<T> {
    const named = (error: unknown): unknown => {
        if (!(error instanceof RastError) || !errorCatalogue[error.code].byInput) return error;
        return new RastError(error.code, error.message, { details: { ...error.details, index }, cause: error });
    };
    try {
        const running = begin();
        const result = running.result.catch((error: unknown) => {
            throw named(error);
        });
        return { result, cancel: () => running.cancel() };
    } catch (error) {
        throw named(error);
    }
}

/** Longest stretch of work without giving the event loop a turn, in milliseconds. */
const longestTurnMs = 4;

/**
 * Draws samples in order, a few at a time. If one fails, so does all: the others are cancelled. A queue that is full is no
 * failure as long as something in it will end.
 */
export async function drawSamples<T>({ count, atOnce, start, over, skipped, room }: SamplePlan<T>): Promise<T[]> {
    const results = new Array<T>(count);
    const running = new Set<RunningSample<T>>();
    let next = 0;
    const draw = async (index: number): Promise<T> => {
        for (let refusedByNone = false; ;) {
            const generation = start(index);
            running.add(generation);
            try {
                return await generation.result;
            } catch (error) {
                if (!isQueueFull(error) || next > count) throw error;
                // Whoever had the place when this was refused may have ended before that was heard here.
                const waited = await room();
                if (!waited && refusedByNone) throw error;
                refusedByNone = !waited;
            } finally {
                running.delete(generation);
            }
        }
    };
    const worker = async (): Promise<void> => {
        while (next < count && !over()) {
            const index = next++;
            results[index] = await draw(index);
        }
    };
    try {
        await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker));
        let turnStart = performance.now();
        for (; next < count; next++) {
            results[next] = skipped();
            if (performance.now() - turnStart < longestTurnMs) continue;
            await new Promise((resolve) => setImmediate(resolve));
            turnStart = performance.now();
        }
        return results;
    } catch (error) {
        next = count + 1; // nothing begins any more
        for (const generation of running) generation.cancel();
        throw error;
    }
}

function isQueueFull(error: unknown): boolean {
    return error instanceof RastError && error.code === "ERR_QUEUE_FULL";
}

/** Waits until a request of the engine ends, or the signal aborts. @returns false when there is no request */
export async function untilRoom(core: EngineCore, signal: AbortSignal | undefined): Promise<boolean> {
    if (isAborted(signal)) return true;
    if (!core.busy) return false;
    await new Promise<void>((resolve) => {
        const forget = watchSignal(signal, () => resolve());
        core.whenRoom(() => {
            forget();
            resolve();
        });
    });
    return true;
}
