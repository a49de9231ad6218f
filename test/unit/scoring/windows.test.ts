import { describe, expect, test } from "vitest";
import { windowsOf } from "../../../src/scoring/windows.js";

const text = Int32Array.from({ length: 23 }, (_, index) => 100 + index);

describe("windows of a text", () => {
    test("stand side by side, and what fills none is left out", () => {
        const windows = [...windowsOf(text, 8, undefined, Infinity)];
        expect(windows.map(({ tokens }) => [...tokens])).toEqual([
            [100, 101, 102, 103, 104, 105, 106, 107],
            [108, 109, 110, 111, 112, 113, 114, 115]
        ]);
    });

    test("begin with the beginning of a sequence in place of their first token, and leave the text alone", () => {
        const windows = [...windowsOf(text, 8, 1, Infinity)];
        expect(windows.map(({ tokens }) => tokens[0])).toEqual([1, 1]);
        expect(text[0]).toBe(100);
    });

    test.each([
        [8, 5, 3],
        [7, 4, 3],
        [4, 3, 1]
    ])("of %i tokens are scored from %i on: %i of them, llama-perplexity's count", (size, from, scored) => {
        const [window] = windowsOf(text, size, undefined, 1);
        expect(window!.scoredFrom).toBe(from);
        expect(size - from).toBe(scored);
        expect(scored).toBe(size - Math.floor(size / 2) - 1);
    });

    test("are no more than wanted", () => {
        expect([...windowsOf(text, 5, undefined, 2)]).toHaveLength(2);
        expect([...windowsOf(text, 24, undefined, 2)]).toHaveLength(0);
    });
});
