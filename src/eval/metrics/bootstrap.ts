// Intervals of what is made of shares, by drawing problems anew.
import { setImmediate } from "node:timers/promises";
import { generator } from "../../random.js";

/** A figure with its 95% interval. */
export interface Estimate {
    /** The figure of all problems. */
    readonly value: number;
    /** Lower end of the 95% interval. */
    readonly low: number;
    /** Its upper end. */
    readonly high: number;
}

const resamples = 10_000;
const longestTurnMs = 20;

/**
 * A figure of means over problems, with the percentile interval of a paired bootstrap: 10,000 times problems are drawn with
 * replacement, all values of one together. The same seed gives the same interval.
 * @param rows values of each problem, such as the shares of two contestants; not empty
 * @param of the figure of the means; undefined where it has none: such draws are left out
 * @returns undefined where the figure of all rows has none
 */
export async function bootstrap(
    rows: readonly (readonly number[])[],
    of: (means: readonly number[]) => number | undefined,
    seed: number
): Promise<Estimate | undefined> {
    const width = rows[0]!.length;
    const value = of(Array.from({ length: width }, (_, at) => meanOf(rows.map((row) => row[at]!))));
    if (value === undefined) return undefined;
    const next = generator(seed);
    const found: number[] = [];
    const sums = new Array<number>(width);
    let turnStart = performance.now();
    for (let resample = 0; resample < resamples; resample++) {
        sums.fill(0);
        for (let draw = 0; draw < rows.length; draw++) {
            const row = rows[next() % rows.length]!;
            for (let at = 0; at < width; at++) sums[at]! += row[at]!;
        }
        const one = of(sums.map((sum) => sum / rows.length));
        if (one !== undefined) found.push(one);
        if (resample % 64 === 0 && performance.now() - turnStart > longestTurnMs) {
            await setImmediate();
            turnStart = performance.now();
        }
    }
    found.sort((a, b) => a - b);
    if (found.length === 0) return { value, low: value, high: value };
    return { value, low: quantile(found, 0.025), high: quantile(found, 0.975) };
}

/** Mean of numbers; 0 of none. */
export function meanOf(values: readonly number[]): number {
    return values.length === 0 ? 0 : values.reduce((sum, one) => sum + one, 0) / values.length;
}

/** A quantile of sorted numbers, between two of them where it falls there. @param share from 0 to 1 */
export function quantile(sorted: readonly number[], share: number): number {
    const at = share * (sorted.length - 1);
    const below = Math.floor(at);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below]! + (sorted[above]! - sorted[below]!) * (at - below);
}
