import { describe, expect, test } from "vitest";
import { likeliestAt } from "../../../src/explain/at-lambda.js";
import { generator } from "../../../src/random.js";
import type { ScoredAlternative } from "../../../src/engine/token-scores.js";

/** Rows of logits: a base, and what lambda 1 adds. */
const rows = (next: () => number, count: number): { base: number[]; delta: number[] } => {
    const value = (): number => (next() % 4000) / 500 - 4;
    return { base: Array.from({ length: count }, value), delta: Array.from({ length: count }, value) };
};
const logSoftmax = (logits: readonly number[]): number[] => {
    const most = Math.max(...logits);
    const sum = Math.log(logits.reduce((total, one) => total + Math.exp(one - most), 0)) + most;
    return logits.map((one) => one - sum);
};

describe("the likeliest token at another strength", () => {
    test("is that of the whole row wherever it is certain, and most places up to the recorded strength are", () => {
        const next = generator(7);
        let [certain, all, outsideRight] = [0, 0, 0];
        for (let round = 0; round < 200; round++) {
            const { base, delta } = rows(next, 60);
            const b = logSoftmax(base);
            const r = logSoftmax(base.map((one, index) => one + delta[index]!));
            const list = (of: readonly number[]): ScoredAlternative[] =>
                of
                    .map((_, token) => token)
                    .sort((x, y) => of[y]! - of[x]!)
                    .slice(0, 8)
                    .map((token) => ({ token, base: b[token]!, rast: r[token]! }));
            const score = { top: { base: list(b), rast: list(r) } };
            for (const factor of [0, 0.25, 0.5, 0.9, 1, 1.5, 2]) {
                const whole = base.map((one, index) => one + factor * delta[index]!);
                const found = likeliestAt(score, factor);
                const right = found.token === whole.indexOf(Math.max(...whole));
                if (factor > 1) {
                    expect(found.certain).toBe(false);
                    outsideRight += right ? 1 : 0;
                    continue;
                }
                all++;
                if (found.certain) {
                    certain++;
                    expect(right).toBe(true);
                }
            }
        }
        expect(certain / all).toBeGreaterThan(0.5);
        expect(outsideRight).toBeGreaterThan(0);
    });

    test("is certain everywhere where the lists hold all tokens that may be drawn", () => {
        const list = [
            { token: 3, base: Math.log(0.7), rast: Math.log(0.4) },
            { token: 5, base: Math.log(0.3), rast: Math.log(0.6) }
        ];
        const score = { top: { base: list, rast: [...list].reverse() } };
        expect(likeliestAt(score, 0, 2)).toEqual({ token: 3, certain: true });
        expect(likeliestAt(score, 1, 2)).toEqual({ token: 5, certain: true });
        expect(likeliestAt(score, 2, 2)).toEqual({ token: 5, certain: true });
        // equal at ln(7/3) / (ln(7/3) + ln(3/2)) = 0.676
        expect(likeliestAt(score, 0.67, 2).token).toBe(3);
        expect(likeliestAt(score, 0.68, 2).token).toBe(5);
        expect(likeliestAt(score, 2).certain).toBe(false);
    });

    test("takes the smaller id of equal ones, and tokens that never come last", () => {
        const score = {
            top: {
                base: [
                    { token: 9, base: Math.log(0.5), rast: Math.log(0.5) },
                    { token: 2, base: Math.log(0.5), rast: Math.log(0.5) },
                    { token: 1, base: -Infinity, rast: -Infinity }
                ],
                rast: []
            }
        };
        expect(likeliestAt(score, 0.5, 3).token).toBe(2);
        expect(likeliestAt(score, 2, 3).token).toBe(2);
    });
});
