// pass@k, majorities, recovery rates and intervals: counted by hand, and against what numpy, scipy and statsmodels say
// (scripts/metric-fixtures.py).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { accuracyOf, wilsonInterval } from "../../../../src/accuracy.js";
import { bootstrap, meanOf, quantile } from "../../../../src/eval/metrics/bootstrap.js";
import { majorityAtK, type Vote } from "../../../../src/eval/metrics/majority.js";
import { passAtK, shownKs } from "../../../../src/eval/metrics/pass-at-k.js";
import { recoveryRate } from "../../../../src/eval/metrics/recovery-rate.js";

interface Fixtures {
    readonly passAtK: readonly (readonly [n: number, right: number, k: number, value: number])[];
    readonly wilson: readonly (readonly [right: number, total: number, low: number, high: number])[];
}

const fixtures = JSON.parse(readFileSync(new URL("./fixtures.json", import.meta.url), "utf8")) as Fixtures;

describe("pass@k", () => {
    test.each([
        // of the six pairs of four samples, one of them right, three have it
        [4, 1, 2, 0.5],
        // one minus the one pair of two wrong ones of six
        [4, 2, 2, 5 / 6],
        [4, 0, 4, 0],
        [4, 1, 4, 1],
        [1, 1, 1, 1],
        // ten of C(5,3) = 10 triples less the one triple of the three wrong ones
        [5, 2, 3, 0.9]
    ])("of %i samples, %i right, at %i: %f", (n, right, k, value) => {
        expect(passAtK(n, right, k)).toBeCloseTo(value, 12);
    });

    test("as counted, as binomials and as the paper's own product have it", () => {
        expect(fixtures.passAtK.length).toBeGreaterThan(300);
        for (const [n, right, k, value] of fixtures.passAtK) expect(passAtK(n, right, k)).toBeCloseTo(value, 11);
    });

    test("at 1 is the share of right samples", () => {
        for (let right = 0; right <= 7; right++) expect(passAtK(7, right, 1)).toBeCloseTo(right / 7, 12);
    });

    test.each([
        [0, 0, 1],
        [4, 5, 1],
        [4, -1, 1],
        [4, 1, 5],
        [4, 1, 0],
        [4, 1.5, 2]
    ])("nothing of %f samples, %f right, at %f", (n, right, k) => {
        expect(() => passAtK(n, right, k)).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
    });

    test("is drawn at powers of two and at all samples", () => {
        expect([1, 2, 4, 6, 32].map(shownKs)).toEqual([[1], [1, 2], [1, 2, 4], [1, 2, 4, 6], [1, 2, 4, 8, 16, 32]]);
    });
});

describe("majority@k", () => {
    const votes = (text: string, right = "a"): Vote[] =>
        [...text].map((one) => ({ answer: one === "-" ? null : one, right: one === right }));

    test.each([
        ["aab", 3, 1],
        ["abb", 3, 0],
        // a tie of two, one of them right
        ["ab", 2, 0.5],
        // of three, one of them right
        ["abc", 3, 1 / 3],
        // no answer is no vote
        ["a--", 3, 1],
        ["--", 2, 0],
        ["b-", 2, 0],
        // groups of two: a tie, then right
        ["abaa", 2, 0.75],
        // the last one is left over
        ["abaab", 2, 0.75],
        // each by itself
        ["abaa", 1, 0.75]
    ])("%s at %i: %f", (text, k, value) => {
        expect(majorityAtK(votes(text), k)).toBeCloseTo(value, 12);
    });

    test.each([[0], [4], [1.5]])("nothing at %f of three", (k) => {
        expect(() => majorityAtK(votes("abc"), k)).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
    });
});

describe("Wilson's interval", () => {
    test("as statsmodels and scipy have it", () => {
        expect(fixtures.wilson.length).toBeGreaterThan(40);
        for (const [right, total, low, high] of fixtures.wilson) {
            const interval = wilsonInterval(right / total, total);
            expect(interval.low).toBeCloseTo(low, 6);
            expect(interval.high).toBeCloseTo(high, 6);
            expect(accuracyOf(right, total)).toEqual({ correct: right, total, value: right / total, ...interval });
        }
    });

    test("of all it reaches all, of none nothing", () => {
        for (let total = 1; total < 200; total++) {
            expect(wilsonInterval(1, total).high).toBe(1);
            expect(wilsonInterval(0, total).low).toBe(0);
        }
    });

    test.each([
        [33, 34],
        [-0.1, 5],
        [NaN, 5],
        [0.5, -1],
        [0.5, 1.5],
        [0.5, NaN]
    ])("%d of %d is refused", (share, total) => {
        expect(() => wilsonInterval(share, total)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    });

    test("of nothing is everything", () => expect(wilsonInterval(0, 0)).toEqual({ low: 0, high: 1 }));
});

describe("the recovery rate", () => {
    // The paper's table: the 32B base with the 14B delta on MATH500.
    test("of published accuracies is the published one", () => {
        expect(recoveryRate({ base: 0.686, rast: 0.807, reference: 0.813 })).toBeCloseTo(0.953, 3);
        expect(recoveryRate({ base: 0.1, rast: 0.05, reference: 0.6 })).toBeCloseTo(-0.1, 12);
        expect(recoveryRate({ base: 0.125, rast: 1, reference: 0.625 })).toBe(1.75);
    });

    test("is none where training gave nothing", () => {
        expect(recoveryRate({ base: 0.5, rast: 0.7, reference: 0.5 })).toBeUndefined();
        expect(recoveryRate({ base: 0.5, rast: 0.7, reference: 0.4 })).toBeUndefined();
    });

    test("takes shares alone", () => {
        expect(() => recoveryRate({ base: 68.6, rast: 80.7, reference: 81.3 })).toThrow(
            expect.objectContaining({ code: "ERR_INVALID_OPTION" })
        );
    });
});

describe("the paired bootstrap", () => {
    const difference = ([a, b]: readonly number[]): number => a! - b!;

    test("is the same for a seed, and another for another", async () => {
        const rows = Array.from({ length: 50 }, (_, at) => [at % 2, at % 5 === 0 ? 1 : 0]);
        const one = await bootstrap(rows, difference, 1);
        expect(await bootstrap(rows, difference, 1)).toEqual(one);
        expect(await bootstrap(rows, difference, 2)).not.toEqual(one);
        expect(one!.value).toBeCloseTo(0.5 - 0.2, 12);
        expect(one!.low).toBeLessThan(one!.value);
        expect(one!.high).toBeGreaterThan(one!.value);
    });

    test("has the width of the normal interval where that holds", async () => {
        // differences of +1, 0 and -1
        const rows = Array.from({ length: 400 }, (_, at) => [at % 4 === 0 ? 1 : 0, at % 8 === 1 ? 1 : 0]);
        const differences = rows.map(([a, b]) => a! - b!);
        const mean = meanOf(differences);
        const deviation = Math.sqrt(meanOf(differences.map((one) => (one - mean) ** 2)));
        const half = (1.96 * deviation) / Math.sqrt(rows.length);
        const { low, high } = (await bootstrap(rows, difference, 3))!;
        expect(low).toBeCloseTo(mean - half, 2);
        expect(high).toBeCloseTo(mean + half, 2);
    });

    test("pairs: what is the same for every problem has no interval", async () => {
        const rows = Array.from({ length: 20 }, (_, at) => [at % 2, at % 2]);
        expect(await bootstrap(rows, difference, 1)).toEqual({ value: 0, low: 0, high: 0 });
    });

    test("has none where the figure has none", async () => {
        expect(await bootstrap([[1]], () => undefined, 1)).toBeUndefined();
    });

    test("lets the event loop turn", async () => {
        let turns = 0;
        const timer = setInterval(() => turns++, 1);
        await bootstrap(
            Array.from({ length: 2000 }, () => [1, 0]),
            difference,
            1
        );
        clearInterval(timer);
        expect(turns).toBeGreaterThan(2);
    });

    test("quantiles lie between two values", () => {
        expect([0, 0.25, 0.5, 1].map((share) => quantile([1, 2, 3, 5], share))).toEqual([1, 1.75, 2.5, 5]);
        expect(quantile([4], 0.9)).toBe(4);
    });
});
