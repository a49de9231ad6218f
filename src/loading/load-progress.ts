import { watchPromise } from "../checks.js";
import type { NativeProgress, NativeWorkerTraffic } from "../native/addon-types.js";
import type { LoadProgress, WorkerProgress } from "./load-options.js";
import type { ModelChoice } from "./model-set.js";

/** Turns the progress of single models into that of the load. */
export interface ProgressReporter {
    /** @returns false when the load should end, as the callback failed */
    report(progress: NativeProgress): boolean;
    /** What the callback threw. */
    readonly failure: { readonly error: unknown } | undefined;
}

function progressOf({ worker, sentBytes, cachedBytes }: NativeWorkerTraffic): WorkerProgress {
    return { worker, sentBytes, cachedBytes };
}

/**
 * @param onProgress the caller's own function
 * @param bytes size of each model; large ones count for more
 */
export function progressReporter(
    onProgress: ((progress: LoadProgress) => void) | undefined,
    bytes: ReadonlyMap<ModelChoice, number>
): ProgressReporter {
    const key = ({ role, pair }: { role: string; pair: number }): string => `${role}/${pair}`;
    const weights = new Map([...bytes].map(([model, size]) => [key(model), size]));
    const total = [...weights.values()].reduce((sum, size) => sum + size, 0);
    const done = new Map<string, number>();
    let overall = 0;
    let failure: { readonly error: unknown } | undefined;
    const fail = (error: unknown): void => {
        failure ??= { error };
    };
    return {
        get failure() {
            return failure;
        },
        report({ role, pair, fraction, workers = [] }) {
            if (failure !== undefined) return false;
            done.set(key({ role, pair }), fraction * (weights.get(key({ role, pair })) ?? 0));
            const sum = [...done.values()].reduce((left, right) => left + right, 0);
            overall = Math.max(overall, Math.min(1, total > 0 ? sum / total : 0));
            const got = workers.length === 0 ? {} : { workers: workers.map(progressOf) };
            try {
                watchPromise(onProgress?.({ role, pair, fraction, overall, ...got }), fail);
            } catch (error) {
                fail(error);
            }
            return failure === undefined;
        }
    };
}
