// Numbers on which mean, median, ratio of medians and median of ratios differ.
import { describe, expect, test } from "vitest";
import { mean, median, medianWithInterval, standardDeviation } from "../../../../src/bench/record/statistics.js";

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

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);

describe("medianWithInterval", () => {
    // tables of the sign test: the k-th smallest and largest of n hold the median with at least 95%
    test.each([
        [6, [1, 6]],
        [7, [1, 7]],
        [8, [1, 8]],
        [9, [2, 8]],
        [12, [3, 10]],
        [20, [6, 15]],
        [25, [8, 18]],
        [100, [40, 61]]
    ])("of %i samples", (n, interval) => {
        expect(medianWithInterval(upTo(n).reverse()).interval).toEqual(interval);
    });

    test("has no interval under six samples", () => {
        expect(medianWithInterval([3, 1, 2])).toEqual({ value: 2, interval: null });
        expect(medianWithInterval(upTo(5)).interval).toBeNull();
        expect(medianWithInterval([7])).toEqual({ value: 7, interval: null });
    });
});
