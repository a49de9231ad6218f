// Shares of successes, as every score is one.

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

/** Share of successes with Wilson's score interval at 95%. */
export function accuracyOf(correct: number, total: number): Accuracy {
    if (total === 0) return { correct, total, value: 0, low: 0, high: 1 };
    const z = 1.959964;
    const value = correct / total;
    const centre = value + (z * z) / (2 * total);
    const spread = z * Math.sqrt((value * (1 - value)) / total + (z * z) / (4 * total * total));
    const scale = 1 + (z * z) / total;
    return { correct, total, value, low: Math.max(0, (centre - spread) / scale), high: (centre + spread) / scale };
}
