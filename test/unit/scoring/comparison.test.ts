import { describe, expect, test } from "vitest";
import { compareTraces } from "../../../src/scoring/comparison.js";
import { TextTrace } from "../../../src/scoring/text-trace.js";
import { scoreOf, type Row } from "../../support/explanations.js";

const trace = (rows: readonly Row[], tokens: readonly number[], top = 3): TextTrace => {
    const made = new TextTrace(top);
    made.add(rows.map((row, index) => scoreOf(tokens[index]!, row, null, top)));
    return made;
};
const kl = (p: readonly number[], q: readonly number[]): number =>
    p.reduce((sum, one, index) => sum + one * Math.log(one / q[index]!), 0);

const rowsA: readonly Row[] = [
    { 0: [0.5, 0.7], 1: [0.3, 0.2], 2: [0.2, 0.1] },
    { 0: [0.1, 0.2], 1: [0.8, 0.2], 2: [0.1, 0.6] }
];
const rowsB: readonly Row[] = [
    { 0: [0.4, 0.6], 1: [0.4, 0.3], 2: [0.2, 0.1] },
    { 0: [0.2, 0.5], 1: [0.7, 0.3], 2: [0.1, 0.2] }
];

describe("one ensemble over a text", () => {
    const a = trace(rowsA, [0, 2]);

    test("perplexities of all four, by hand", () => {
        const { base, rast, expert, antiexpert } = a.perplexity;
        expect(base.value).toBeCloseTo(1 / Math.sqrt(0.5 * 0.1), 9);
        expect(rast.value).toBeCloseTo(1 / Math.sqrt(0.7 * 0.6), 9);
        expect(expert!.value).toBeCloseTo(rast.value, 9);
        expect(antiexpert!.value).toBeCloseTo(base.value, 9);
    });

    test("how far it is from its base, and where both say the same", () => {
        expect(a.divergence.mean.value).toBeCloseTo(
            (kl([0.7, 0.2, 0.1], [0.5, 0.3, 0.2]) + kl([0.2, 0.2, 0.6], [0.1, 0.8, 0.1])) / 2,
            9
        );
        expect(a.sameTop.value).toBe(0.5);
        expect([a.greedy("base").value, a.greedy("rast").value]).toEqual([0.5, 1]);
    });

    test("without a pair there is no expert", () => {
        const alone = new TextTrace(1);
        const score = scoreOf(0, rowsA[0]!, null, 1);
        alone.add([{ ...score, logprob: { ...score.logprob, expert: null, antiexpert: null } }]);
        expect(alone.perplexity.expert).toBeNull();
        expect(alone.perplexity.base.value).toBeCloseTo(2, 9);
    });
});

describe("two ensembles over a text", () => {
    const compared = compareTraces(trace(rowsA, [0, 2]), trace(rowsB, [0, 2]));

    test("KL and agreement of the ensembles, by hand", () => {
        const each = [kl([0.7, 0.2, 0.1], [0.6, 0.3, 0.1]), kl([0.2, 0.2, 0.6], [0.5, 0.3, 0.2])];
        const { divergence, rest, sameTop, probability, ratio, referencePerplexity, perplexity } = compared.rast;
        expect(divergence.mean.value).toBeCloseTo((each[0]! + each[1]!) / 2, 6);
        expect(divergence.spread.maximum).toBeCloseTo(Math.max(...each), 6);
        expect(rest).toBe(0);
        expect(sameTop.value).toBe(0.5);
        expect(probability.mean.value).toBeCloseTo((0.6 - 0.7 + 0.2 - 0.6) / 2, 9);
        expect(probability.rms.value).toBeCloseTo(Math.sqrt((0.01 + 0.16) / 2), 9);
        expect(ratio.value).toBeCloseTo(perplexity.value / referencePerplexity.value, 9);
    });

    test("and of their bases", () => {
        expect(compared.base.divergence.mean.value).toBeCloseTo(
            (kl([0.5, 0.3, 0.2], [0.4, 0.4, 0.2]) + kl([0.1, 0.8, 0.1], [0.2, 0.7, 0.1])) / 2,
            6
        );
        expect(compared.base.sameTop.value).toBe(1);
    });

    test("with shorter lists it is a lower bound, and says how much it does not see", () => {
        const short = compareTraces(trace(rowsA, [0, 2], 1), trace(rowsB, [0, 2], 1));
        expect(short.rast.divergence.mean.value).toBeLessThan(compared.rast.divergence.mean.value);
        expect(short.rast.rest).toBeGreaterThan(0.1);
        expect(short.rast.sameTop.value).toBe(compared.rast.sameTop.value);
    });

    test("with itself there is no difference", () => {
        const { rast } = compareTraces(trace(rowsA, [0, 2]), trace(rowsA, [0, 2]));
        expect(rast.divergence.mean).toEqual({ value: 0, error: 0 });
        expect(rast.sameTop.value).toBe(1);
        expect(rast.logRatio.value).toBe(0);
        expect(rast.correlation).toBeCloseTo(1, 9);
    });
});
