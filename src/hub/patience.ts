import type { PassingFailure } from "./hub-errors.js";

/** How long failures that may pass are borne. */
export interface Patience {
    /** Failures one after another, with nothing gained between them, after which it is given up. */
    readonly tries: number;
    /** The same before anything has ever answered: a machine without a network is told so soon. */
    readonly firstTries: number;
    /** First wait; each further one is twice as long. */
    readonly waitMs: number;
    /** Longest wait of one's own accord. */
    readonly mostWaitMs: number;
    /** Longest wait that a server may ask for. */
    readonly mostAskedMs: number;
    /** Silence after which a connection counts as broken. */
    readonly stallMs: number;
}

export const usualPatience: Patience = {
    tries: 7,
    firstTries: 3,
    waitMs: 400,
    mostWaitMs: 20_000,
    mostAskedMs: 300_000,
    stallMs: 30_000
};

/** How long to wait before the next try, or undefined to give up. @param failures how many there were without a gain */
export function waitBefore(
    failure: PassingFailure,
    failures: number,
    patience: Patience,
    known: boolean
): number | undefined {
    if (failures >= (known || failure.answered ? patience.tries : patience.firstTries)) return undefined;
    const { waitMs: asked } = failure;
    if (asked !== undefined) return asked > patience.mostAskedMs ? undefined : asked;
    const own = Math.min(patience.mostWaitMs, patience.waitMs * 2 ** (failures - 1));
    // So that several do not come back at the same moment.
    return own * (0.75 + Math.random() / 2);
}

/** Resolves after so many milliseconds. @throws the signal's reason */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
        const abort = (): void => {
            clearTimeout(timer);
            // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
            reject(signal!.reason);
        };
        const timer = setTimeout(() => {
            signal?.removeEventListener("abort", abort);
            resolve();
        }, ms);
        signal?.addEventListener("abort", abort, { once: true });
    });
}

/** What a server says of when to come back: seconds, or a date. @returns undefined where it does not say */
export function retryAfterMs(header: string | null, nowMs: number = Date.now()): number | undefined {
    if (header === null) return undefined;
    const text = header.trim();
    if (/^\d+$/.test(text)) return Number(text) * 1000;
    // Date.parse takes "-5" and "1.5" for days.
    const date = /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) : NaN;
    return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
