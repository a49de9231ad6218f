// Statistics of samples.

/** A number for each repetition. */
export type Samples = readonly number[];

/** Arithmetic mean; NaN for nothing. */
export function mean(samples: Samples): number {
    return samples.reduce((sum, value) => sum + value, 0) / samples.length;
}

/** Of a sample, so over n - 1; 0 for a single value. */
export function standardDeviation(samples: Samples): number {
    if (samples.length < 2) return 0;
    const centre = mean(samples);
    return Math.sqrt(samples.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (samples.length - 1));
}

/** The middle value, or the mean of the middle two; NaN for nothing. */
export function median(samples: Samples): number {
    const sorted = [...samples].sort((a, b) => a - b);
    const half = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The values below which a quarter and three quarters lie, between neighbours by their distance; NaN for nothing. */
export function quartiles(samples: Samples): readonly [low: number, high: number] {
    const sorted = [...samples].sort((a, b) => a - b);
    const at = (share: number): number => {
        const place = share * (sorted.length - 1);
        const [below, above] = [sorted[Math.floor(place)] ?? NaN, sorted[Math.ceil(place)] ?? NaN];
        return below + (above - below) * (place - Math.floor(place));
    };
    return [at(0.25), at(0.75)];
}

/** Sample by sample, the ratio of two series that were measured in turn; empty where there is no second one. */
export function pairedRatios(samples: Samples, others: Samples): number[] {
    return samples.slice(0, others.length).map((value, index) => value / others[index]!);
}

/** A value and where it may lie. */
export interface Estimate {
    readonly value: number;
    /** At 95%; null where there are too few samples for one. */
    readonly interval: readonly [low: number, high: number] | null;
}

/**
 * The median and its 95% interval by order statistics, which assumes nothing of the distribution: the outermost pair of
 * samples between which the true median lies with at least that probability. Under six samples there is none.
 */
export function medianWithInterval(samples: Samples): Estimate {
    const sorted = [...samples].sort((a, b) => a - b);
    const n = sorted.length;
    let below = -1;
    let mass = 0.5 ** n; // of exactly below + 1 of n samples under the median, fair coins
    let tail = mass;
    while (tail <= 0.025) {
        below += 1;
        mass *= (n - below) / (below + 1);
        tail += mass;
    }
    return { value: median(sorted), interval: below < 0 ? null : [sorted[below]!, sorted[n - 1 - below]!] };
}
