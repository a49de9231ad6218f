import { expect, test } from "vitest";
import { measuredBytes, measuredRatio, memoryByPart } from "../../../../src/bench/record/memory.js";
import { someMemory } from "../../../support/bench-records.js";

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

test("measured over accounted is left out where the process's own memory is of that size", () => {
    const mebibyte = 1_048_576;
    const ratio = (accounted: number, peak: number | null): number | null =>
        measuredRatio(
            someMemory({ accountedBytes: accounted * mebibyte, peakBytes: peak === null ? null : peak * mebibyte })
        );
    expect(ratio(512, 520)).toBeCloseTo(1.0156);
    expect(ratio(256, 256)).toBe(1);
    expect(ratio(255, 425)).toBeNull();
    expect(ratio(0, 3)).toBeNull();
    expect(ratio(512, null)).toBeNull();
});
