// Rows that were measured in several loads as one.
import { caseKey } from "../record/cases.js";
import type { BenchNetwork, BenchNoise, BenchResult, BenchShares } from "../record/schema.js";
import { mean, median } from "../record/statistics.js";

/** Rows of the same case become one, whose samples are those of all its loads in their order. */
export function mergeLoads(results: readonly BenchResult[]): BenchResult[] {
    const byCase = new Map<string, BenchResult[]>();
    for (const row of results) {
        const key = caseKey(row);
        byCase.set(key, [...(byCase.get(key) ?? []), row]);
    }
    return [...byCase.values()].map((rows) => (rows.length === 1 ? rows[0]! : merged(rows)));
}

function merged(rows: readonly BenchResult[]): BenchResult {
    const known = <T>(of: (row: BenchResult) => T | null): T[] => rows.flatMap((row) => of(row) ?? []);
    const average = (values: readonly number[]): number | null => (values.length === 0 ? null : mean(values));
    const steps = known(({ stepMs }) => stepMs);
    return {
        ...rows[0]!,
        samples: rows.flatMap(({ samples }) => samples),
        idealSamples: rows.flatMap(({ idealSamples }) => idealSamples),
        hostBytesPerToken: average(known(({ hostBytesPerToken }) => hostBytesPerToken)),
        shares: meanShares(known(({ shares }) => shares)),
        stepMs: steps.length === 0 ? null : median(steps),
        agreement: average(known(({ agreement }) => agreement)),
        tokensPerRound: average(known(({ tokensPerRound }) => tokensPerRound)),
        network: meanNetwork(known(({ network }) => network)),
        noise: mergedNoise(known(({ noise }) => noise))
    };
}

function meanShares(all: readonly BenchShares[]): BenchShares | null {
    if (all.length === 0) return null;
    const of = (part: keyof BenchShares): number => mean(all.map((shares) => shares[part]));
    return {
        base: of("base"),
        expert: of("expert"),
        antiexpert: of("antiexpert"),
        sampling: of("sampling"),
        overhead: of("overhead")
    };
}

function meanNetwork(all: readonly BenchNetwork[]): BenchNetwork | null {
    if (all.length === 0) return null;
    const of = (part: keyof BenchNetwork): number => mean(all.map((network) => network[part]));
    return {
        bytes: of("bytes"),
        networkMs: of("networkMs"),
        workerMs: of("workerMs"),
        hereMs: of("hereMs"),
        waits: of("waits")
    };
}

function mergedNoise(all: readonly BenchNoise[]): BenchNoise | null {
    if (all.length === 0) return null;
    const of = (name: "othersCpus" | "stealShare" | "throttledShare"): number | null => {
        const values = all.flatMap((one) => one[name] ?? []);
        return values.length < all.length ? null : mean(values);
    };
    return {
        yardstickMs: all.flatMap(({ yardstickMs }) => yardstickMs),
        othersCpus: of("othersCpus"),
        stealShare: of("stealShare"),
        throttledShare: of("throttledShare")
    };
}
