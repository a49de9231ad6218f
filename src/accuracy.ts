// Shares of successes, as every score is one.

/** A share with its 95% interval. */
export interface Accuracy {
    readonly correct: number;
    readonly total: number;
    readonly value: number;
    readonly low: number;
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
