import { describe, expect, it } from "vitest";
import { successors } from "../../../src/gguf/shaped-model.js";

describe("successors", () => {
    it("are one cycle through all tokens", () => {
        const next = successors(500, () => false);
        const seen = new Set<number>();
        for (let id = 0; !seen.has(id); id = next[id]!) seen.add(id);
        expect(seen.size).toBe(500);
    });

    it("differ exactly where they are to, and stay a permutation", () => {
        const plain = successors(500, () => false);
        const other = successors(500, (id) => id % 3 === 0);
        expect(new Set(other).size).toBe(500);
        for (let id = 0; id < 500; ++id) expect(other[id] !== plain[id]).toBe(id % 3 === 0);
    });
});
