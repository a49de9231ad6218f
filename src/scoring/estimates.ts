// Means with their uncertainty over the tokens of a text, computed as llama-perplexity does, so that figures can be held side by side.

/** A mean, and its standard error. */
export interface MeanEstimate {
    /** The mean; of a ratio or a perplexity what follows from it. */
    readonly value: number;
    /** One standard error, as if tokens did not depend on each other; 0 with less than two of them. */
    readonly error: number;
}

/** Sums of two series of values that belong together: enough for their means, errors and covariance. */
export class PairedSums {
    count = 0;
    #a = 0;
    #b = 0;
    #aa = 0;
    #bb = 0;
    #ab = 0;

    add(a: number, b: number): void {
        this.count++;
        this.#a += a;
        this.#b += b;
        this.#aa += a * a;
        this.#bb += b * b;
        this.#ab += a * b;
    }

    get first(): MeanEstimate {
        return estimate(this.count, this.#a, this.#aa);
    }

    get second(): MeanEstimate {
        return estimate(this.count, this.#b, this.#bb);
    }

    /** The mean of first - second: closer than either where both rise and fall together. */
    get difference(): MeanEstimate {
        const squares = this.#aa - 2 * this.#ab + this.#bb;
        return estimate(this.count, this.#a - this.#b, squares);
    }

    /** Correlation of the two, -1 to 1; 0 where one of them does not vary. */
    get correlation(): number {
        const n = this.count;
        const variance = (sum: number, squares: number): number => Math.max(0, squares / n - (sum / n) ** 2);
        const both = Math.sqrt(variance(this.#a, this.#aa) * variance(this.#b, this.#bb));
        return both > 0 ? (this.#ab / n - (this.#a / n) * (this.#b / n)) / both : 0;
    }
}

/** Sums of one series. */
export class Sums {
    count = 0;
    #sum = 0;
    #squares = 0;

    add(value: number): void {
        this.count++;
        this.#sum += value;
        this.#squares += value * value;
    }

    get mean(): MeanEstimate {
        return estimate(this.count, this.#sum, this.#squares);
    }
}

function estimate(count: number, sum: number, squares: number): MeanEstimate {
    const value = sum / count;
    if (count < 2) return { value, error: 0 };
    return { value, error: Math.sqrt(Math.max(0, squares / count - value * value) / (count - 1)) };
}

/** e to the mean, such as a perplexity from a mean of -log p. */
export function exponential({ value, error }: MeanEstimate): MeanEstimate {
    const raised = Math.exp(value);
    return { value: raised, error: raised * error };
}

/** The root of a mean of squares. */
export function root({ value, error }: MeanEstimate): MeanEstimate {
    const rooted = Math.sqrt(value);
    return { value: rooted, error: rooted > 0 ? (0.5 * error) / rooted : 0 };
}

/** A share of positions with its error. */
export function share(hits: number, count: number): MeanEstimate {
    const value = hits / count;
    return { value, error: count < 2 ? 0 : Math.sqrt((value * (1 - value)) / (count - 1)) };
}

/** How values are spread. */
export interface Spread {
    /** The least. */
    readonly minimum: number;
    /** A thousandth lies below. */
    readonly p001: number;
    /** A hundredth lies below. */
    readonly p01: number;
    /** A twentieth lies below. */
    readonly p05: number;
    /** A tenth lies below. */
    readonly p10: number;
    /** Half lies below. */
    readonly median: number;
    /** A tenth lies above. */
    readonly p90: number;
    /** A twentieth lies above. */
    readonly p95: number;
    /** A hundredth lies above. */
    readonly p99: number;
    /** A thousandth lies above. */
    readonly p999: number;
    /** The greatest. */
    readonly maximum: number;
}

/** @param values at least one; they are sorted in place */
export function spreadOf(values: Float64Array): Spread {
    values.sort();
    const at = (fraction: number): number => {
        const place = fraction * (values.length - 1);
        const below = Math.floor(place);
        const above = Math.min(below + 1, values.length - 1);
        return values[below]! + (place - below) * (values[above]! - values[below]!);
    };
    return {
        minimum: at(0),
        p001: at(0.001),
        p01: at(0.01),
        p05: at(0.05),
        p10: at(0.1),
        median: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        maximum: at(1)
    };
}
