/** A worker that is crashed again and again costs its machine a start every half minute, no more. */
const longestMs = 30_000;
const shortestMs = 100;

/** How long to wait after the n-th crash of the last minute. */
export function restartDelayMs(crashes: number): number {
    // the first few are as quick as can be: somebody may be waiting to come again
    return Math.min(longestMs, shortestMs * 2 ** Math.max(0, crashes - 3));
}
