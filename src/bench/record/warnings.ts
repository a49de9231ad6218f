// When a row must not be believed as it stands, and why.
import { hasPossibleIdeal, idealEstimate } from "./ideal.js";
import type { BenchResult } from "./schema.js";
import { median, quartiles, type Samples } from "./statistics.js";

/** The middle half of the samples, of few all, spans more than this share of their median. */
const mostSpread = 0.15;
/** Under so many there is no middle half. */
const few = 4;
/** The fixed piece of work took so many times what it takes at best in the same run. */
const mostDrift = 1.25;
/** CPUs' worth that others use of those that the row's threads want. */
const mostOthers = 0.15;
const mostSteal = 0.02;
const mostThrottled = 0.02;

/** What else is known of the run that a row is of. */
export interface RunFacts {
    readonly cores: number;
    /** Milliseconds of the fixed piece of work where nothing disturbs it: see {@link quickestYardstick}. */
    readonly yardstickMs: number | null;
}

/** How long the fixed piece of work takes at best: the lower quartile over all rows; null where nobody measured it. */
export function quickestYardstick(rows: readonly Pick<BenchResult, "noise">[]): number | null {
    const all = rows.flatMap(({ noise }) => noise?.yardstickMs ?? []);
    return all.length === 0 ? null : quartiles(all)[0];
}

/** Why a row must not be believed, a sentence each without an end; empty where nothing speaks against it. */
export function warningsOf(row: BenchResult, { cores, yardstickMs }: RunFacts): string[] {
    const { samples, noise, threads } = row;
    const out: string[] = [];
    const spread = spreadOf(samples);
    if (spread > mostSpread) {
        const which = samples.length < few ? "the samples span" : "the middle half of the samples spans";
        out.push(`${which} ${percent(spread)} of their median`);
    }
    if (!hasPossibleIdeal(row)) {
        const value = idealEstimate(row)!.value.toFixed(2);
        out.push(`${value} of the ideal is more than there can be: the baseline was disturbed`);
    }
    if (noise === null) return out;
    if (yardstickMs !== null && noise.yardstickMs.length > 0) {
        const drift = median(noise.yardstickMs) / yardstickMs;
        if (drift > mostDrift) {
            out.push(`a fixed piece of work beside the samples took ${drift.toFixed(2)} times as long as at best`);
        }
    }
    const others = noise.othersCpus ?? 0;
    if (others > Math.max(0, cores - threads) + mostOthers) {
        out.push(`other programs used ${others.toFixed(2)} of ${cores} CPUs`);
    }
    const [steal, throttled] = [noise.stealShare ?? 0, noise.throttledShare ?? 0];
    if (steal > mostSteal) out.push(`a hypervisor took ${percent(steal)} of the CPUs' time`);
    if (throttled > mostThrottled) out.push(`a quota held threads back for ${percent(throttled)} of the time`);
    return out;
}

// Between the quartiles; of few samples, between the outermost.
function spreadOf(samples: Samples): number {
    if (samples.length < 2) return 0;
    const [low, high] = samples.length < few ? [Math.min(...samples), Math.max(...samples)] : quartiles(samples);
    return (high - low) / median(samples);
}

function percent(share: number): string {
    return `${Math.round(100 * share)}%`;
}
