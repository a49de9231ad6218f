import { RastError } from "../errors.js";
import { isAborted, watchSignal } from "./abort-signals.js";
import type { Generation } from "./generation.js";
import type { EngineCore } from "./request.js";
import type { RastResult } from "./results.js";

/** Samples to draw. */
export interface SamplePlan {
    readonly count: number;
    /** Begun at a time; the others wait their turn. */
    readonly atOnce: number;
    /** Begins sample `index`. */
    start(index: number): Generation;
    /** Waits until the engine may take a further request. @returns false when it takes none although it has none */
    room(): Promise<boolean>;
}

/** Longest stretch of work without giving the event loop a turn, in milliseconds. */
const longestTurnMs = 4;

/**
 * Draws samples in order, a few at a time. If one fails, so does all: the others are cancelled. A queue that is full is no
 * failure as long as something in it will end.
 */
export async function drawSamples({ count, atOnce, start, room }: SamplePlan): Promise<RastResult[]> {
    const results = new Array<RastResult>(count);
    const running = new Set<Generation>();
    let next = 0;
    let turnStart = performance.now();
    const draw = async (index: number): Promise<RastResult> => {
        for (;;) {
            const generation = start(index);
            running.add(generation);
            try {
                return await generation.result;
            } catch (error) {
                if (!isQueueFull(error) || next > count || !(await room())) throw error;
            } finally {
                running.delete(generation);
            }
        }
    };
    const worker = async (): Promise<void> => {
        while (next < count) {
            const index = next++;
            const result = await draw(index);
            results[index] = result;
            // After an abort every sample ends where it begins, without a turn of the event loop between them.
            if (result.stopReason === "abort" && performance.now() - turnStart > longestTurnMs) {
                await new Promise((resolve) => setImmediate(resolve));
                turnStart = performance.now();
            }
        }
    };
    try {
        await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker));
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
    if (core.requests.size === 0) return false;
    await new Promise<void>((resolve) => {
        const forget = watchSignal(signal, () => resolve());
        core.onRoom.add(() => {
            forget();
            resolve();
        });
    });
    return true;
}
