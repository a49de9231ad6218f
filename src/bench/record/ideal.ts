// How near a row comes to what bare decodes alone would give.
import type { BenchResult } from "./schema.js";
import { median, medianWithInterval, pairedRatios, type Estimate } from "./statistics.js";

type Paired = Pick<BenchResult, "samples" | "idealSamples">;

/** Beyond what there can be by more than this is beyond noise. */
const tolerance = 1.15;

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

/**
 * Whether the ratio to the baseline is one that there can be: nothing is quicker than its own decodes, but for drafts, which
 * give as many tokens a round at most. Beside other programs a baseline may be a sixth of what it should be.
 */
export function hasPossibleIdeal(result: Paired & Pick<BenchResult, "mode" | "tokensPerRound">): boolean {
    const ratio = ratioToIdeal(result);
    const most = result.mode === "draft" ? (result.tokensPerRound ?? Infinity) : 1;
    return ratio === null || ratio <= tolerance * most;
}
