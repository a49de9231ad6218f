import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isCorrect, readDemoProblems, sumsTask } from "../../../src/eval/sums.js";
import { heavy } from "../../support/size.js";

const root = join(import.meta.dirname, "..", "..", "..");

describe("the held-out problems", () => {
    it("are 1,000 different sums with right answers", async () => {
        const problems = await readDemoProblems();
        expect(problems).toHaveLength(1000);
        expect(new Set(problems.map((problem) => problem.sum)).size).toBe(1000);
        for (const { sum, answer, prompt } of problems) {
            expect(sum).toMatch(/^\d+([+-]\d+){3,4}$/);
            const parts = sum.match(/[+-]?\d+/g)!.map(Number);
            expect(parts.reduce((a, b) => a + b)).toBe(answer);
            // every number of the sum is in the prompt, in order; at most one more is beside the point
            const numbers = prompt.match(/\d+/g)!.map(Number);
            const aside = /sees (\d+)/.exec(prompt)?.[1];
            if (aside !== undefined) numbers.splice(numbers.indexOf(Number(aside)), 1);
            expect(numbers.length).toBe(parts.length);
        }
        expect(problems.filter((problem) => /[a-z]/.test(problem.prompt)).length).toBeGreaterThan(500);
    });

    // Training draws by a hash of the sum, so that what is held out follows from the sum alone.
    const heldOut = (sum: string): boolean => createHash("sha256").update(sum).digest()[0]! % 20 === 0;

    it("are those of the hash that training passes over", async () => {
        for (const { sum } of await readDemoProblems()) expect(heldOut(sum), sum).toBe(true);
    });

    // All of it takes Python 20 s; a part of every stage shows that none of them draws what is held out.
    it(`are disjoint from what training saw (${heavy ? "all of it" : "the first 3% of each stage"})`, async (context) => {
        const script = join(root, "scripts", "demo-trio", "training_problems.py");
        const listed = spawnSync("python3", [script, heavy ? "1" : "0.03"], { encoding: "utf8", maxBuffer: 1 << 28 });
        if (listed.error !== undefined && process.env["CI"] === undefined) context.skip();
        expect(listed.status, listed.stderr).toBe(0);
        const trained = new Set(listed.stdout.trim().split("\n"));
        expect(trained.size).toBeGreaterThan(heavy ? 100_000 : 2000);
        expect([...trained].filter(heldOut)).toEqual([]);
        const shared = (await readDemoProblems()).filter((problem) => trained.has(problem.sum));
        expect(shared).toEqual([]);
    }, 120_000);

    it("are reported missing by name", async () => {
        await expect(readDemoProblems("/nowhere")).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    });
});

describe("grading", () => {
    const problem = { prompt: "1+2+3+4", answer: 10, sum: "1+2+3+4" };

    it.each([
        ["S:1+2=3;3+3=6;6+4=10#10", "eos", true],
        ["A:#10", "eos", true],
        ["A:#10", "maxTokens", false],
        ["A:#11", "eos", false],
        ["A:10", "eos", false],
        ["A:#10#10", "eos", false],
        ["A:#010", "eos", false],
        ["", "eos", false]
    ])("%s, ended by %s: %s", (text, stopReason, right) => {
        expect(isCorrect({ text, stopReason }, problem)).toBe(right);
    });

    it("knows what was worked out, right or wrong", () => {
        const { grade, promptOf } = sumsTask([problem]);
        expect(grade({ text: "S:1+2=4#4", stopReason: "eos" }, problem)).toEqual({ correct: false, workedOut: true });
        expect(grade({ text: "A:#10", stopReason: "eos" }, problem)).toEqual({ correct: true, workedOut: false });
        expect(promptOf(problem)).toBe("1+2+3+4");
    });
});
