import { describe, expect, test } from "vitest";
import { idealEstimate, ratioToIdeal } from "../../../../src/bench/record/ideal.js";
import { mean, median, pairedRatios } from "../../../../src/bench/record/statistics.js";

describe("the ratio to the baseline", () => {
    const samples = [1, 4, 8, 6];
    const others = [8, 8, 8, 24];

    test("is taken pair by pair", () => {
        expect(pairedRatios(samples, others)).toEqual([0.125, 0.5, 1, 0.25]);
        expect(pairedRatios([3, 4, 5], [6])).toEqual([0.5]);
        expect(pairedRatios([3], [6, 1, 1])).toEqual([0.5]);
        expect(pairedRatios([3, 4], [])).toEqual([]);
    });

    test("is the median of the pairs' ratios, not the ratio of medians or means", () => {
        expect(ratioToIdeal({ samples, idealSamples: others })).toBe(0.375);
        expect(median(samples) / median(others)).toBe(0.625);
        expect(mean(samples) / mean(others)).toBeCloseTo(0.396, 3);
        expect(ratioToIdeal({ samples, idealSamples: [] })).toBeNull();
    });
});

test("the ratio to the ideal is that of the pairs", () => {
    expect(idealEstimate({ samples: [1, 2, 9], idealSamples: [2, 4, 10] })?.value).toBe(0.5);
    expect(idealEstimate({ samples: [1, 2, 9], idealSamples: [] })).toBeNull();
});
