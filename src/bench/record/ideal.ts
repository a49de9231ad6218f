// How near a row comes to what bare decodes alone would give.
import type { BenchResult } from "./schema.js";
import { median, medianWithInterval, pairedRatios, type Estimate } from "./statistics.js";

type Paired = Pick<BenchResult, "samples" | "idealSamples">;

/** The ratio to the baseline: median of the pairs; null where it was not measured. */
export function ratioToIdeal(result: Paired): number | null {
    const ratios = pairedRatios(result.samples, result.idealSamples);
    return ratios.length === 0 ? null : median(ratios);
}

/** The ratio to the baseline with its interval; null where it was not measured. */
export function idealEstimate(result: Paired): Estimate | null {
    const ratios = pairedRatios(result.samples, result.idealSamples);
    return ratios.length === 0 ? null : medianWithInterval(ratios);
}
