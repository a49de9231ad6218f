import { expect, it } from "vitest";
import { accuracyOf } from "../../../src/eval/metrics.js";

it("gives Wilson's interval", () => {
    // as R's binom::binom.wilson(50, 100) and (0, 10)
    expect(accuracyOf(50, 100)).toMatchObject({ value: 0.5 });
    expect(accuracyOf(50, 100).low).toBeCloseTo(0.4038, 3);
    expect(accuracyOf(50, 100).high).toBeCloseTo(0.5962, 3);
    expect(accuracyOf(0, 10).low).toBe(0);
    expect(accuracyOf(0, 10).high).toBeCloseTo(0.2775, 3);
    expect(accuracyOf(0, 0)).toMatchObject({ low: 0, high: 1 });
});
