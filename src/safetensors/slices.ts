// Long loops over what strangers wrote, in slices, so that no file holds up the event loop.
import { setImmediate } from "node:timers/promises";

const sliceMs = 8;
/** Steps between two looks at the clock. */
const stride = 256;

/** Ends slices: `if (slices.over()) await slices.next()` in a loop lets others run every few milliseconds. */
export class Slices {
    #until = performance.now() + sliceMs;
    #steps = 0;

    /** @param weight of what is done until the next call: 1 for a microsecond or less */
    over(weight = 1): boolean {
        this.#steps += weight;
        if (this.#steps < stride) return false;
        this.#steps = 0;
        return performance.now() > this.#until;
    }

    async next(): Promise<void> {
        await setImmediate();
        this.#until = performance.now() + sliceMs;
    }
}

/** Items sorted in slices, stable: runs by the runtime's own sort, which are then merged. What is in order already is only looked at. */
export async function sortedInSlices<T>(
    items: readonly T[],
    compare: (one: T, other: T) => number
): Promise<readonly T[]> {
    const slices = new Slices();
    let isSorted = true;
    for (let i = 1; i < items.length && isSorted; ++i) {
        isSorted = compare(items[i - 1]!, items[i]!) <= 0;
        if (slices.over()) await slices.next();
    }
    if (isSorted) return items;
    let runs: T[][] = [];
    for (let from = 0; from < items.length; from += runLength) {
        runs.push(items.slice(from, from + runLength).sort(compare));
        if (slices.over(stride)) await slices.next();
    }
    while (runs.length > 1) {
        const merged: T[][] = [];
        for (let k = 0; k < runs.length; k += 2) {
            merged.push(k + 1 < runs.length ? await mergedRuns(runs[k]!, runs[k + 1]!, compare, slices) : runs[k]!);
        }
        runs = merged;
    }
    return runs[0]!;
}

const runLength = 4096;

async function mergedRuns<T>(
    left: readonly T[],
    right: readonly T[],
    compare: (one: T, other: T) => number,
    slices: Slices
): Promise<T[]> {
    const out: T[] = [];
    for (let [i, j] = [0, 0]; i < left.length || j < right.length;) {
        const takesLeft = j >= right.length || (i < left.length && compare(left[i]!, right[j]!) <= 0);
        out.push(takesLeft ? left[i++]! : right[j++]!);
        if (slices.over()) await slices.next();
    }
    return out;
}
