// Shares of successes, as every score is one.
import { invalidOption } from "./checks.js";

/** A share with its 95% interval. */
export interface Accuracy {
    /** Successes. */
    readonly correct: number;
    /** Trials. */
    readonly total: number;
    /** Their share, from 0 to 1; 0 of none. */
    readonly value: number;
    /** Lower end of the 95% interval, from 0. */
    readonly low: number;
    /** Its upper end, up to 1. */
    readonly high: number;
}

/** An interval that holds a share with 95%. */
export interface ShareInterval {
    /** Lower end, from 0. */
    readonly low: number;
    /** Upper end, up to 1. */
    readonly high: number;
}

/**
 * Wilson's score interval at 95%.
 * @param share of successes, from 0 to 1; also a mean of shares, which varies less than one of successes: the interval is then
 *     rather too wide
 * @param total trials, an integer from 0; of none the interval is all there is
 * @throws ERR_INVALID_ARGUMENT where one of them is anything else
 * @example
 * ```ts
 * import { wilsonInterval } from "rast-llama";
 *
 * const { low, high } = wilsonInterval(0.5, 10);
 * console.log(low.toFixed(4), high.toFixed(4)); // 0.2366 0.7634
 * ```
 */
export function wilsonInterval(share: number, total: number): ShareInterval {
    if (!(share >= 0 && share <= 1)) throw invalidOption("share", "a share in [0, 1]", share, "ERR_INVALID_ARGUMENT");
    if (!Number.isSafeInteger(total) || total < 0)
        throw invalidOption("total", "an integer >= 0", total, "ERR_INVALID_ARGUMENT");
    if (total === 0) return { low: 0, high: 1 };
    const z = 1.959964;
    const centre = share + (z * z) / (2 * total);
    const spread = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
    const scale = 1 + (z * z) / total;
    // Rounding must not make less than all of all.
    return {
        low: share === 0 ? 0 : Math.max(0, (centre - spread) / scale),
        high: share === 1 ? 1 : Math.min(1, (centre + spread) / scale)
    };
}

/** Share of successes with Wilson's score interval at 95%. */
export function accuracyOf(correct: number, total: number): Accuracy {
    if (total === 0) return { correct, total, value: 0, low: 0, high: 1 };
    const value = correct / total;
    return { correct, total, value, ...wilsonInterval(value, total) };
}
