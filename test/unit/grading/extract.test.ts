import { describe, expect, test } from "vitest";
import { extractAnswer } from "../../../src/grading/extract.js";
import { goldOf } from "../../../src/grading/gold.js";
import { compareAnswers } from "../../../src/grading/equivalence.js";
import { hedgedTexts, unmarkedTexts } from "./pairs.js";

function found(text: string, gold = "1"): readonly [by: string, candidates: readonly string[]] {
    const extracted = extractAnswer(text, gold);
    return "missing" in extracted ? ["missing", [extracted.missing]] : [extracted.by, extracted.candidates];
}

describe("extraction", () => {
    test.each<[text: string, by: string, first: string]>([
        ["So \\boxed{1}. The final answer is $2$. I hope it is correct.", "final answer", "2"],
        ["The answer is 3, \\boxed{4}", "boxed", "4"],
        ["\\boxed{1} then \\boxed{2}", "boxed", "2"],
        ["\\boxed{\\frac{1}{2}}", "boxed", "\\frac{1}{2}"],
        ["\\boxed{\\{1, 2\\}}", "boxed", "\\{1, 2\\}"],
        ["\\boxed{\\boxed{5}}", "boxed", "{5}"],
        ["\\fbox{7}", "boxed", "7"],
        ["\\boxed 5 and so on", "boxed", "5"],
        ["\\boxed {6}", "boxed", "6"],
        ["<think>\\boxed{1}</think> It is \\boxed{2}.", "boxed", "2"],
        ["Hence the answer is 12. It was easy.", "answer is", "12"],
        ["the answer is 1, no, the answer is $\\frac{3}{4}$.", "answer is", "\\frac{3}{4}"],
        ["**Answer:** 42", "answer is", "42"],
        ["Answer: x = 3", "answer is", "x = 3"],
        ["She adds.\n#### 18", "answer is", "18"],
        ["The final answer is: $\\boxed{9}$", "boxed", "9"],
        ["First 3, then 4, so she has 18 apples left over in the end.", "last number", "18"],
        ["We find that it comes to 1,234.5 dollars in total.", "whole text", "1,234.5 dollars"],
        ["In the end we find a chance of \\frac{3}{4} for that", "last number", "\\frac{3}{4}"],
        ["x = 5", "whole text", "x = 5"],
        ["\\frac{1}{2}", "whole text", "\\frac{1}{2}"],
        ["x=3 or x=-2", "whole text", "x=3 or x=-2"],
        ["Evelyn", "whole text", "Evelyn"]
    ])("%s: %s", (text, by, first) => {
        const [how, candidates] = found(text);
        expect([how, candidates[0]]).toEqual([by, first]);
    });

    test.each([
        ["\\boxed{1} and then \\boxed{2", "does not end"],
        ["\\boxed{", "does not end"],
        ["it is \\boxed{}", "is empty"],
        ["it is \\boxed{ }", "is empty"],
        ["", "empty"],
        [" \n ", "empty"],
        [`no number ${"at all ".repeat(200)}`, "no number"]
    ])("%s has none", (text, why) => {
        const [how, [reason]] = found(text);
        expect(how).toBe("missing");
        expect(reason).toContain(why);
    });

    test("boxes beside each other: the last alone, then all", () => {
        expect(found("\\boxed{2} and \\boxed{3}")[1]).toEqual(["3", "2, 3"]);
        expect(found("\\boxed{2}, which gives \\boxed{3}")[1]).toEqual(["3"]);
    });

    test("a choice, where the gold is a letter", () => {
        expect(found("I think it is (B), not (C). So the answer is (B).", "B")).toEqual(["answer is", ["(B)", "B"]]);
        expect(found("Of all of them I choose (D) in 2024", "A")).toEqual(["last choice", ["D"]]);
    });

    test("takes a time that grows with the text alone", () => {
        const texts = ["\\boxed{", "\\boxed{1} ", "the answer is ", "$", "#### ", "1,", "(A) ", "</think>"];
        for (const text of texts) expect(found(text.repeat(1_000_000 / text.length), "A")).toBeDefined();
    }, 60_000);
});

test.each([...unmarkedTexts(), ...hedgedTexts()])("$text for $gold is $right", ({ gold, text, right }) => {
    const extracted = extractAnswer(text, gold);
    const candidates = "candidates" in extracted ? extracted.candidates : [];
    expect(candidates.some((one) => compareAnswers(one, gold).right)).toBe(right);
});

test("what a text says beside its answer takes a time that grows with it alone", () => {
    const parts = [
        ", I think",
        " (I think",
        ", I",
        "I think that ",
        "I ",
        ", as ",
        "so ",
        "a, ",
        " - ",
        ". I am",
        "x,"
    ];
    for (const part of parts) expect(found(part.repeat(2000 / part.length), "1")).toBeDefined();
    for (const part of parts) expect(found(`The answer is ${part.repeat(2000 / part.length)}`, "1")).toBeDefined();
}, 10_000);

test("golds as data sets write them", () => {
    expect(goldOf("16 - 3 = <<16-3=13>>13\n#### 1,300")).toBe("1,300");
    expect(goldOf("Hence $\\boxed{\\frac{1}{2}}$.")).toBe("\\frac{1}{2}");
    expect(goldOf(" 27.0 ")).toBe("27.0");
    expect(goldOf("\\boxed{1")).toBe("\\boxed{1");
});
