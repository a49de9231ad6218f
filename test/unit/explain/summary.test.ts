import { expect, test } from "vitest";
import { summaryOf } from "../../../src/explain/summary.js";
import { smallExplanation } from "../../support/explanations.js";

test("figures of nine tokens, by hand", () => {
    const { summary, rast, alignment } = smallExplanation();
    expect(summary).toMatchObject({ tokens: 9, changed: 5, swapped: 5, drafted: 3, firstDifference: 1 });
    expect(summary.pathCoverage).toBeCloseTo(4 / 9, 12);
    // 0.8 ln 8 + 0.15 ln(0.15 / 0.7) + 0.05 ln(0.05 / 0.2)
    expect(rast.tokens[1]!.divergence).toBeCloseTo(1.6635532 - 0.2310667 - 0.0693147, 6);
    expect(summary.meanDivergence).toBeCloseTo(rast.tokens.reduce((sum, one) => sum + one.divergence, 0) / 9, 12);
    expect(summary.kinds).toEqual({ "self-verification": 1, backtracking: 1, branching: 1, other: 2 });
    expect(rast.tokens.map(({ kind }) => kind)).toEqual([
        null,
        "backtracking",
        null,
        "other",
        "self-verification",
        "other",
        null,
        "branching",
        null
    ]);
    expect(alignment.map(({ kind }) => kind)).toEqual(["same", "apart"]);
});

test("of no tokens there are no means", () => {
    expect(summaryOf([], null)).toMatchObject({
        tokens: 0,
        pathCoverage: null,
        meanDivergence: null,
        meanEntropy: null
    });
});
