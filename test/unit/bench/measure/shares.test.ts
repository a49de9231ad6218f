import { expect, it } from "vitest";
import { sharesOf } from "../../../../src/bench/measure/shares.js";
import type { RastResult } from "../../../../src/engine/results.js";

// 100 ms of 10 steps: 50 + 20 + 20 in decodes, of which 10 + 2 + 0 sampling, if the engine says so.
const role = (decodeMs: number, samplingMs: number) => ({ decodeMs, samplingMs, decodeSteps: 10 });
const result = {
    timings: { decodeMs: 100, roles: { base: role(50, 10), expert: role(20, 2), antiexpert: role(20, 0) } }
} as unknown as RastResult;

it("takes sampling from the engine's own clock on the CPU", () => {
    const shares = sharesOf([result, result], [], true)!;
    expect(shares.base).toBeCloseTo(0.4);
    expect(shares.expert).toBeCloseTo(0.18);
    expect(shares.antiexpert).toBeCloseTo(0.2);
    expect(shares.sampling).toBeCloseTo(0.12);
    expect(shares.overhead).toBeCloseTo(0.1);
});

it("takes it from the baseline on a device, where bare decodes are never longer than those with sampling", () => {
    const shares = sharesOf([result], [{ base: 4, expert: 1.5, antiexpert: 99 }], false)!;
    expect(shares.base).toBeCloseTo(0.4);
    expect(shares.expert).toBeCloseTo(0.15);
    expect(shares.antiexpert).toBeCloseTo(0.2);
    expect(shares.sampling).toBeCloseTo(0.15);
    expect(shares.overhead).toBeCloseTo(0.1);
});

it("says nothing of a device without a baseline", () => {
    expect(sharesOf([result], [], false)).toBeNull();
});

it("adds up to 1 where clocks disagree", () => {
    const longer = { timings: { ...result.timings, decodeMs: 80 } } as RastResult;
    const shares = sharesOf([longer], [], true)!;
    expect(Object.values(shares).reduce((sum, share) => sum + share)).toBeCloseTo(1);
    expect(shares.overhead).toBe(0);
});
