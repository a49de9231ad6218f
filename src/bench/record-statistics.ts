// Statistics beyond mean and median.
import { median, pairedRatios, type BenchMemory, type BenchResult, type Samples } from "./record.js";

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

/** The ratio to the yardstick with its interval; null where it was not measured. */
export function idealEstimate(result: Pick<BenchResult, "samples" | "idealSamples">): Estimate | null {
    const ratios = pairedRatios(result.samples, result.idealSamples);
    return ratios.length === 0 ? null : medianWithInterval(ratios);
}

/** Purposes of memory, in the order of the stack. */
export const memoryParts = ["weights", "kv cache", "compute", "output", "sampling"] as const;

/** Bytes of weights that are held a second time, over all models. */
export function repackedBytes({ models }: Pick<BenchMemory, "models">): number {
    return models.reduce((total, model) => total + model.repackedBytes, 0);
}

/** Bytes by purpose over all models, in the order of {@link memoryParts}. */
export function memoryByPart({ models }: Pick<BenchMemory, "models">): number[] {
    const sum = (of: (model: BenchMemory["models"][number]) => number): number =>
        models.reduce((total, model) => total + of(model), 0);
    return [
        sum((model) => model.fileBytes) + repackedBytes({ models }),
        sum((model) => model.cacheBytes),
        sum((model) => model.computeBytes),
        sum((model) => model.outputBytes),
        sum((model) => model.samplerBytes)
    ];
}

/** What was measured of an engine, on the host and on devices; null where the host's peak is not known. */
export function measuredBytes({ peakBytes, deviceBytes }: BenchMemory): number | null {
    return peakBytes === null ? null : peakBytes + (deviceBytes ?? 0);
}
