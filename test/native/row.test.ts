import { describe, expect, it } from "vitest";
import { figure, nativeTest } from "../support/native.js";

describe("native units", () => {
    it("draws every row as a double-precision reference does, for every filter alone and combined", async () => {
        const output = await nativeTest("row", { rounds: 4000 });
        expect(figure(output, "rows")).toBe(4000);
        expect(figure(output, "near-ties")).toBeLessThanOrEqual(8);
        expect(figure(output, "with log-probabilities")).toBeGreaterThan(500);
    });

    it("gives valid UTF-8 at any token boundary and nothing of a stop string", async () => {
        await nativeTest("text");
    });

    it("tells reasoning from answers at any token boundary", async () => {
        const output = await nativeTest("reasoning", { rounds: 20000 });
        expect(figure(output, "reasoned")).toBeGreaterThan(4000);
        expect(figure(output, "answered")).toBeGreaterThan(800);
    });

    it("finds the singular values that a matrix was made of", async () => {
        await nativeTest("svd");
    });

    it("makes Philox's known answers", async () => {
        await nativeTest("philox");
        await nativeTest("numbers");
    });

    it("draws the right token where ties and bounds are exact", async () => {
        await nativeTest("exact");
    });
});
