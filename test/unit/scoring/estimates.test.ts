import { describe, expect, test } from "vitest";
import { exponential, PairedSums, root, share, spreadOf, Sums } from "../../../src/scoring/estimates.js";

describe("means", () => {
    test("with their standard error, by hand", () => {
        const sums = new Sums();
        for (const value of [1, 2, 3, 6]) sums.add(value);
        // variance over n: (1 + 4 + 9 + 36) / 4 - 9 = 3.5
        expect(sums.mean).toEqual({ value: 3, error: Math.sqrt(3.5 / 3) });
        expect(exponential(sums.mean).value).toBeCloseTo(Math.exp(3), 9);
        expect(exponential(sums.mean).error).toBeCloseTo(Math.exp(3) * Math.sqrt(3.5 / 3), 9);
    });

    test("of one value there is no error", () => {
        const sums = new Sums();
        sums.add(5);
        expect(sums.mean).toEqual({ value: 5, error: 0 });
    });

    test("of pairs: what both share is no uncertainty of their difference", () => {
        const pairs = new PairedSums();
        for (const value of [1, 5, 2, 9]) pairs.add(value + 1, value);
        expect(pairs.difference.value).toBeCloseTo(1, 12);
        expect(pairs.difference.error).toBeCloseTo(0, 6);
        expect(pairs.correlation).toBeCloseTo(1, 9);
        expect(pairs.first.value - pairs.second.value).toBeCloseTo(1, 12);
    });

    test("a correlation of what does not vary is none", () => {
        const pairs = new PairedSums();
        pairs.add(1, 2);
        pairs.add(1, 3);
        expect(pairs.correlation).toBe(0);
    });

    test("roots and shares", () => {
        expect(root({ value: 4, error: 1 })).toEqual({ value: 2, error: 0.25 });
        expect(root({ value: 0, error: 0 })).toEqual({ value: 0, error: 0 });
        expect(share(3, 5).error).toBeCloseTo(Math.sqrt((0.6 * 0.4) / 4), 12);
    });
});

test("a spread has percentiles between neighbours, as llama-perplexity has them", () => {
    const spread = spreadOf(Float64Array.from({ length: 11 }, (_, index) => 10 - index));
    expect([spread.minimum, spread.p10, spread.median, spread.p90, spread.maximum]).toEqual([0, 1, 5, 9, 10]);
    expect(spread.p95).toBeCloseTo(9.5, 12);
    expect(spreadOf(Float64Array.of(3)).p999).toBe(3);
});
