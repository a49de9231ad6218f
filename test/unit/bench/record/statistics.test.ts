import { describe, expect, test } from "vitest";
import { idealEstimate } from "../../../../src/bench/record/ideal.js";
import { measuredBytes, memoryByPart } from "../../../../src/bench/record/memory.js";
import { medianWithInterval } from "../../../../src/bench/record/statistics.js";
import { someMemory } from "../../../support/bench-records.js";

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

test("the ratio to the ideal is that of the pairs", () => {
    expect(idealEstimate({ samples: [1, 2, 9], idealSamples: [2, 4, 10] })?.value).toBe(0.5);
    expect(idealEstimate({ samples: [1, 2, 9], idealSamples: [] })).toBeNull();
});

test("memory by part adds up over models, and measured memory over host and device", () => {
    const memory = someMemory();
    const parts = memoryByPart(memory);
    expect(parts.map((bytes) => bytes / 1_048_576)).toEqual([1536, 96, 192, 3, 6]);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(memory.accountedBytes);
    const repacked = memory.models.map((model) => ({ ...model, repackedBytes: 1_048_576 }));
    expect(memoryByPart({ models: repacked })[0]! / 1_048_576).toBe(1536 + 3);
    expect(measuredBytes(someMemory({ peakBytes: 5, deviceBytes: 7 }))).toBe(12);
    expect(measuredBytes(someMemory({ peakBytes: 5 }))).toBe(5);
    expect(measuredBytes(someMemory({ peakBytes: null, deviceBytes: 7 }))).toBeNull();
});
