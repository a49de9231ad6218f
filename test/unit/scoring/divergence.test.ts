import { describe, expect, test } from "vitest";
import { generator } from "../../../src/random.js";
import { boundedDivergence } from "../../../src/scoring/divergence.js";

const logs = (...probabilities: number[]): Map<number, number> =>
    new Map(probabilities.map((one, token) => [token, Math.log(one)]));
const exact = (p: readonly number[], q: readonly number[]): number =>
    p.reduce((sum, one, index) => sum + (one > 0 ? one * Math.log(one / q[index]!) : 0), 0);

/** Of random weights. */
function distribution(next: () => number, count: number, sharpness: number): number[] {
    const weights = Array.from({ length: count }, () => Math.exp((sharpness * (next() % 1000)) / 1000));
    const sum = weights.reduce((a, b) => a + b, 0);
    return weights.map((one) => one / sum);
}

const likeliest = (p: readonly number[], n: number): number[] =>
    p
        .map((_, token) => token)
        .sort((a, b) => p[b]! - p[a]!)
        .slice(0, n);

describe("KL from the likeliest tokens", () => {
    test("of two lists that hold everything it is exact", () => {
        const found = boundedDivergence(logs(0.5, 0.3, 0.2), logs(0.2, 0.3, 0.5));
        expect(found.rest).toBe(0);
        expect(found.atLeast).toBeCloseTo(0.5 * Math.log(2.5) + 0.2 * Math.log(0.4), 12);
    });

    test("of equal distributions it is nothing, whatever is not known", () => {
        const found = boundedDivergence(logs(0.5, 0.3), logs(0.5, 0.3));
        expect(found.atLeast).toBeCloseTo(0, 12);
        expect(found.rest).toBeCloseTo(0.2, 12);
    });

    test("by hand: what is not known of both counts as one token", () => {
        // 0 is known of both; all else is 0.4 there and 0.9 here
        const found = boundedDivergence(
            new Map([
                [0, Math.log(0.6)],
                [1, Math.log(0.3)]
            ]),
            new Map([
                [0, Math.log(0.1)],
                [2, Math.log(0.5)]
            ])
        );
        expect(found.rest).toBeCloseTo(0.4, 12);
        expect(found.atLeast).toBeCloseTo(0.6 * Math.log(6) + 0.4 * Math.log(0.4 / 0.9), 12);
    });

    test("never more than it is, the nearer the longer the lists, and exact at the end: random rows", () => {
        const next = generator(11);
        for (let round = 0; round < 300; round++) {
            const size = 2 + (next() % 40);
            const p = distribution(next, size, next() % 12);
            const q = distribution(next, size, next() % 12);
            const whole = exact(p, q);
            for (const n of [1, 3, 8, 20, size]) {
                // as a trace knows them: the likeliest of both, where each knows its own list alone
                const known = (of: readonly number[]): Map<number, number> =>
                    new Map(likeliest(of, n).map((token) => [token, Math.log(of[token]!)]));
                const { atLeast, rest } = boundedDivergence(known(p), known(q));
                expect(atLeast).toBeLessThanOrEqual(whole + 1e-6);
                expect(atLeast).toBeGreaterThanOrEqual(0);
                expect(rest).toBeGreaterThanOrEqual(0);
                if (n === size) expect(Math.abs(atLeast - whole)).toBeLessThan(2e-5);
            }
        }
    });

    test("a token that the reference never has adds nothing; one that the other never has is infinitely far", () => {
        const never = new Map([
            [0, 0],
            [1, -Infinity]
        ]);
        expect(boundedDivergence(never, logs(0.5, 0.5)).atLeast).toBeCloseTo(Math.log(2), 12);
        expect(boundedDivergence(logs(0.5, 0.5), never).atLeast).toBe(Infinity);
    });
});
