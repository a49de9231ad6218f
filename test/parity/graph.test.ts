import { describe, expect, it } from "vitest";
import { figure, nativeTest, places } from "../support/native.js";

// The sampler's graph with rows made by the test: fused logits over the whole width within 2e-6 (relative), tokens
// equal or proven near-ties, log-probabilities within 2e-4. The test program fails beyond these.
describe.each(places)("the sampler's graph on %s", (place) => {
    const rounds = place === "CPU" ? 8 : 30;

    it.each([1, 2, 3])("with %i pairs, all candidates sorted", async (pairs) => {
        const output = await nativeTest("graph", { vocab: 32, pairs, rounds }, place);
        expect(figure(output, "host-finished")).toBe(0);
    });

    it("with more tokens than are sorted", async () => {
        const output = await nativeTest("graph", { vocab: 5003, pairs: 3, rounds }, place);
        expect(figure(output, "rows")).toBe(rounds * 4);
        expect(figure(output, "near-ties")).toBeLessThanOrEqual(rounds / 10);
    });

    it.runIf(place !== "CPU")("at the true widths of Qwen2.5", async () => {
        for (const vocab of [151936, 152064]) {
            const output = await nativeTest("graph", { vocab, pairs: 1, rounds: 10 }, place);
            expect(figure(output, "rows")).toBe(40);
        }
    });
});
