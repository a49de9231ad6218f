import { expect, it } from "vitest";
import { findExamples, type ExampleKind, type Voice } from "../../../src/eval/examples.js";

const problems = ["A 1", "2", "A 3", "4", "A 5", "A 6"].map((prompt) => ({ prompt }));
// who is right about which problem
const right: Readonly<Partial<Record<Voice, number[]>>> = {
    base: [0],
    weakExpert: [2, 5],
    weakRast: [0, 2, 4, 5],
    strongRast: [1, 2, 3]
};

async function found(kinds: readonly ExampleKind[]): Promise<{ seen: unknown[]; asked: string[] }> {
    const asked: string[] = [];
    const seen = [];
    const isRight = async (voice: Voice, ordinal: number): Promise<boolean> => {
        asked.push(`${voice} ${ordinal}`);
        return right[voice]!.includes(ordinal);
    };
    for await (const { kind, problem, ordinal, lookedAt } of findExamples(problems, kinds, isRight)) {
        seen.push([kind.where, problem.prompt, ordinal, lookedAt]);
    }
    return { seen, asked };
}

const inWords = { where: "in words", wording: /^A/, wrong: ["base"], right: ["weakRast"] } as const;
const better = { where: "better", wording: /^A/, wrong: ["base", "weakExpert"], right: ["weakRast"] } as const;
const inFigures = { where: "in figures", wording: /^\d/, wrong: ["weakRast"], right: ["strongRast"] } as const;

it("are the first of their kind, each with how many were looked at", async () => {
    const { seen, asked } = await found([inWords, inFigures]);
    expect(seen).toEqual([
        ["in words", "A 3", 2, 2],
        ["in figures", "2", 1, 1]
    ]);
    expect(asked).toEqual(["base 0", "base 2", "weakRast 2", "weakRast 1", "strongRast 1"]);
});

it("are not shown twice, and one that there is not is left out", async () => {
    expect((await found([inWords, inWords, inWords, inWords, inFigures, inFigures, inFigures])).seen).toEqual([
        ["in words", "A 3", 2, 2],
        ["in words", "A 5", 4, 2],
        ["in words", "A 6", 5, 2],
        ["in figures", "2", 1, 1],
        ["in figures", "4", 3, 1]
    ]);
    expect((await found([better])).seen).toEqual([["better", "A 5", 4, 3]]);
});
