import { describe, expect, test } from "vitest";
import { alignTokens, commonStart } from "../../../src/explain/alignment.js";
import { generator } from "../../../src/random.js";

const shown = (rast: readonly number[], base: readonly number[]): string[] =>
    alignTokens(rast, base).map(
        ({ kind, rast: [a, b], base: [c, d] }) => `${kind} ${rast.slice(a, b).join("")}|${base.slice(c, d).join("")}`
    );
const digits = (text: string): number[] => [...text].map(Number);

describe("aligned texts", () => {
    test.each([
        ["equal", "123", "123", ["same 123|123"]],
        ["both empty", "", "", []],
        ["one empty", "12", "", ["apart 12|"]],
        ["the other empty", "", "12", ["apart |12"]],
        ["nothing in common", "123", "456", ["apart 123|456"]],
        ["one is the other's beginning", "1234", "12", ["same 12|12", "apart 34|"]],
        ["they part and meet again", "1293456", "12883456", ["same 12|12", "apart 9|88", "same 3456|3456"]],
        ["they meet in the middle", "1299567", "1288568", ["same 12|12", "apart 99|88", "same 56|56", "apart 7|8"]],
        ["a single common token is no meeting", "12957", "12856", ["same 12|12", "apart 957|856"]],
        ["an insertion", "1234", "129934", ["same 12|12", "apart |99", "same 34|34"]]
    ])("%s", (_, rast, base, expected) => {
        expect(shown(digits(rast), digits(base))).toEqual(expected);
    });

    test("cover both texts from end to end, and what is the same is the same: random texts", () => {
        const next = generator(5);
        for (let round = 0; round < 300; round++) {
            const text = (): number[] => Array.from({ length: next() % 40 }, () => next() % 5);
            const [rast, base] = [text(), text()];
            let [a, b] = [0, 0];
            for (const stretch of alignTokens(rast, base)) {
                expect([stretch.rast[0], stretch.base[0]]).toEqual([a, b]);
                [a, b] = [stretch.rast[1], stretch.base[1]];
                const [left, right] = [rast.slice(...stretch.rast), base.slice(...stretch.base)];
                if (stretch.kind === "same") expect(left).toEqual(right);
                expect(left.length + right.length).toBeGreaterThan(0);
            }
            expect([a, b]).toEqual([rast.length, base.length]);
        }
    });

    test("long texts that differ are aligned at their ends alone, and soon", () => {
        const middle = (value: number): number[] => new Array<number>(5000).fill(value);
        const aligned = alignTokens([1, 2, ...middle(3), 8, 9], [1, 2, ...middle(4), 8, 9]);
        expect(aligned).toEqual([
            { kind: "same", rast: [0, 2], base: [0, 2] },
            { kind: "apart", rast: [2, 5002], base: [2, 5002] },
            { kind: "same", rast: [5002, 5004], base: [5002, 5004] }
        ]);
    });

    test("the common beginning", () => {
        expect(commonStart([1, 2, 3], [1, 2, 4])).toBe(2);
        expect(commonStart([], [1])).toBe(0);
    });
});
