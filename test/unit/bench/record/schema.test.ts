// Numbers on which mean, median, ratio of medians and median of ratios differ.
import { describe, expect, test } from "vitest";
import { mean, median, pairedRatios, standardDeviation } from "../../../../src/bench/record/statistics.js";
import { ratioToIdeal } from "../../../../src/bench/record/ideal.js";

describe("statistics of samples", () => {
    test("mean", () => {
        expect(mean([1, 2, 9])).toBe(4);
        expect(mean([7])).toBe(7);
        expect(mean([])).toBeNaN();
    });

    test("standard deviation is of a sample: n - 1", () => {
        expect(standardDeviation([1, 2, 9])).toBe(Math.sqrt(19));
        expect(standardDeviation([2, 4])).toBe(Math.SQRT2);
        expect(standardDeviation([5])).toBe(0);
        expect(standardDeviation([])).toBe(0);
    });

    test("median sorts by size, not by digits, and leaves its input alone", () => {
        const samples = [10, 9, 100];
        expect(median(samples)).toBe(10);
        expect(samples).toEqual([10, 9, 100]);
        expect(median([100, 1, 9, 20])).toBe(14.5);
        expect(median([4, 8])).toBe(6);
        expect(median([7])).toBe(7);
        expect(median([])).toBeNaN();
    });
});

describe("the ratio to the yardstick", () => {
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
