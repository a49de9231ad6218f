import { expect, test } from "vitest";
import { measuredBytes, memoryByPart } from "../../../../src/bench/record/memory.js";
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
