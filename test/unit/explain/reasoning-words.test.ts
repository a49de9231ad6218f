import { describe, expect, test } from "vitest";
import { reasoningKindOf } from "../../../src/explain/reasoning-words.js";

/** The stretch between brackets. */
const kind = (marked: string): string => {
    const from = marked.indexOf("[");
    const text = marked.replace("[", "").replace("]", "");
    return reasoningKindOf(text, from, marked.indexOf("]") - 1);
};

describe("the step that a token is part of", () => {
    test.each([
        ["So 12.[ Wait], no", "backtracking"],
        ["So 12. Wa[it], no", "backtracking"],
        ["[ However], this", "backtracking"],
        ["x = 2.[ But] then", "backtracking"],
        ["x = 2 but[,] then", "other"],
        ["[Alternatively], we", "branching"],
        ["Altern[atively], we", "branching"],
        ["Try[ another] way", "branching"],
        ["x = 1[ or] x = 2", "branching"],
        ["the w[or]d", "other"],
        ["[OR]", "branching"],
        ["Let me[ check] this", "self-verification"],
        ["[Let] me see.", "self-verification"],
        ["Let[ me] see.", "self-verification"],
        ["Let me[ solve] it", "other"],
        ["double[-]check", "self-verification"],
        ["Let\u2019s[ see]", "self-verification"],
        ["a[ checker]board", "other"],
        ["= 40[#]40", "other"],
        ["", "other"]
    ])("%s: %s", (marked, expected) => {
        expect(kind(marked)).toBe(expected);
    });

    test("words of a verification win over those within", () => {
        expect(kind("[But] let me check")).toBe("backtracking");
        expect(kind("[ is that right] or")).toBe("self-verification");
    });

    test("letters whose lower case is longer do no harm", () => {
        expect(reasoningKindOf("\u0130\u0130 wait", 2, 7)).toBe("other");
    });
});
