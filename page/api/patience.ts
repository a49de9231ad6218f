// Asking again, where a server says when.
import { ServerError } from "./server-error.js";

/** How long models may take. */
const loadingLimitMs = 30 * 60_000;
const busyTries = 20;

/** What is told while it waits. */
export interface Waiting {
    readonly trouble: "loading" | "busy";
    readonly words: string;
    readonly ms: number;
}

/**
 * Does something until it is neither "loading" nor "busy".
 * @param wait resolves after so many milliseconds, rejects when it was given up
 * @throws the last error
 */
export async function withPatience<T>(
    attempt: () => Promise<T>,
    wait: (ms: number) => Promise<void>,
    onWait: (waiting: Waiting) => void
): Promise<T> {
    let waited = 0;
    for (let busy = 0; ;) {
        try {
            return await attempt();
        } catch (error) {
            if (!(error instanceof ServerError)) throw error;
            const { trouble, message, retryAfterMs } = error;
            if (trouble !== "loading" && trouble !== "busy") throw error;
            if (trouble === "busy" && ++busy >= busyTries) throw error;
            const ms = retryAfterMs ?? 1000;
            waited += ms;
            if (waited > loadingLimitMs) throw error;
            onWait({ trouble, words: message, ms });
            await wait(ms);
        }
    }
}

/** Resolves after so many milliseconds; rejects with an AbortError as soon as the signal says so. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        const stop = (): void => {
            clearTimeout(timer);
            reject(Object.assign(new Error("It was given up."), { name: "AbortError" }));
        };
        const timer = setTimeout(() => {
            signal.removeEventListener("abort", stop);
            resolve();
        }, ms);
        if (signal.aborted) stop();
        else signal.addEventListener("abort", stop, { once: true });
    });
}
