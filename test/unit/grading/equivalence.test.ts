import { describe, expect, test } from "vitest";
import { choiceOf, compareAnswers } from "../../../src/grading/equivalence.js";
import { furtherPairs, isSetAside, labelledPairs, type LabelledPair } from "./pairs.js";

const pairs = labelledPairs();
const tuned = pairs.filter((pair) => !isSetAside(pair));
const aside = pairs.filter(isSetAside);

describe("labelled pairs", () => {
    test("are many, half of them wrong answers, a quarter set aside, each once", () => {
        expect(pairs.length).toBeGreaterThanOrEqual(400);
        const wrong = pairs.filter(({ right }) => !right).length;
        expect(Math.abs(wrong / pairs.length - 0.5)).toBeLessThan(0.02);
        expect(aside.length).toBeGreaterThan(pairs.length / 5);
        expect(new Set(pairs.map(({ gold, answer }) => `${gold}\n${answer}`)).size).toBe(pairs.length);
    });

    test.each(tuned.map((pair) => [pair.gold, pair.answer, pair] as const))(
        "%s and %s",
        (gold: string, answer: string, { right, reason }: LabelledPair) => {
            expect(compareAnswers(answer, gold).right, reason).toBe(right);
        }
    );

    test("pairs that were thought of later", () => {
        for (const { gold, answer, right } of furtherPairs()) {
            expect(compareAnswers(answer, gold).right, `${answer} for ${gold}`).toBe(right);
        }
    });

    test("set aside: precision and recall stay", () => {
        const called = aside.map((pair) => ({ pair, right: compareAnswers(pair.answer, pair.gold).right }));
        const hits = called.filter(({ pair, right }) => right && pair.right).length;
        const precision = hits / called.filter(({ right }) => right).length;
        const recall = hits / called.filter(({ pair }) => pair.right).length;
        expect(precision).toBeGreaterThanOrEqual(0.98);
        expect(recall).toBeGreaterThanOrEqual(0.98);
    });

    test("every gold is the right answer to itself, in any of the ways to set it", () => {
        for (const gold of new Set(pairs.map((pair) => pair.gold))) {
            for (const answer of [gold, `$${gold}$`, ` ${gold} `, `\\displaystyle ${gold}`, `{${gold}}`]) {
                expect(compareAnswers(answer, gold).right, `${answer} for ${gold}`).toBe(true);
            }
        }
    });
});

describe("reasons", () => {
    test.each([
        ["1/2", "1/2", "the same text"],
        ["0.5", "\\frac12", "the same value"],
        ["", "1", "it is empty"],
        ["2", "1", "another value"],
        ["(C)", "\\text{(C)}", "the same letter"],
        ["B", "\\text{(C)}", "another letter"],
        ["Evelyn", "\\text{Evelyn}", "the same words"],
        ["((((5", "5", "it is not read as mathematics"],
        [`1${"0".repeat(200_000)}`, "1", "it has more than 100000 characters"],
        [`x+${"y+".repeat(3000)}1`, "1", "too long to be read as mathematics"]
    ])("%s for %s: %s", (answer, gold, reason) => {
        expect(compareAnswers(answer, gold).reason).toContain(reason);
    });
});

test("letters of a choice", () => {
    expect(choiceOf("\\text{(C)}")).toBe("C");
    expect(choiceOf("\\textbf{B}")).toBe("B");
    expect(choiceOf("D.")).toBe("D");
    expect(choiceOf("x")).toBeUndefined();
    expect(choiceOf("AB")).toBeUndefined();
    expect(choiceOf("12")).toBeUndefined();
});

test.each([
    ["100000000", "100000000.0001", false],
    ["100000000.0001", "100000000", false],
    ["12345", "12345.6", false],
    ["-7", "-7.0001", false],
    ["4", "3.9999999999999996", true],
    ["602214076000000000000000", "6.022e23", true],
    ["10^{10}", "\\sqrt{10^{20}+1}", false],
    ["\\sqrt[3]{10^{30}+1}", "10^{10}", false],
    ["10^{20}\\pi", "10^{20}\\pi+1", false],
    ["10^{10}x", "\\sqrt{10^{20}+1}x", false],
    ["0", "\\sqrt{10^{40}+1}-10^{20}", false],
    ["\\sqrt{2}+\\sqrt{3}", "\\sqrt{5+2\\sqrt{6}}", true],
    ["\\frac{1}{\\sqrt{10^{20}+1}-10^{10}}", "\\sqrt{10^{20}+1}+10^{10}", true],
    ["e^2\\sqrt{\\pi}", "\\sqrt{e^4\\pi}", true]
])("exactly: %s and %s", (gold, answer, same) => {
    expect(compareAnswers(answer, gold).right).toBe(same);
});
