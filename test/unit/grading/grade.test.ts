import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { grade } from "../../../src/grading/grade.js";
import { gradingLimits, GradingThreads } from "../../../src/grading/grading-threads.js";

const ones = (separator: string, count: number): string => Array.from({ length: count }, () => "1").join(separator);

describe("grade", () => {
    test("says what it took for the answer, and why it is right or wrong", async () => {
        expect(await grade("So \\boxed{\\frac12}.", "0.5")).toEqual({
            right: true,
            extracted: "\\frac12",
            foundBy: "boxed",
            reason: "the same value",
            timedOut: false
        });
        expect(await grade("So \\boxed{\\frac12", "0.5")).toEqual({
            right: false,
            extracted: null,
            foundBy: null,
            reason: "no answer: its last \\boxed does not end",
            timedOut: false
        });
    });

    test("takes golds as data sets write them", async () => {
        expect((await grade("\\boxed{18}", "9 * 2 = 18\n#### 18")).right).toBe(true);
        expect((await grade("\\boxed{9}", "9 * 2 = 18\n#### 18")).right).toBe(false);
    });

    test("shows at most 2,000 characters of an answer", async () => {
        const { extracted } = await grade(`\\boxed{${"7".repeat(1_000_000)}}`, "7");
        expect(extracted).toHaveLength(2003);
    });

    test.each([
        [5, "1"],
        ["1", undefined],
        ["1", ""]
    ])("refuses %s and %s", async (output, gold) => {
        await expect(grade(output as string, gold as string)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    });

    test("hostile texts end, are wrong, and leave the event loop alone", async () => {
        const many = (piece: string, count: number): string => piece.repeat(count);
        const answers = [
            many("7", 1_000_000),
            many("(", 1_000_000),
            many("\\boxed{", 140_000),
            `\\boxed${many("{", 1_000_000)}`,
            `\\boxed{${many("(", 1000)}2${many(")", 1000)}}`,
            `\\boxed{${many("\\frac{1}{", 400)}2${many("}", 400)}}`,
            `\\boxed{1${many(" ", 1_000_000)}2}`,
            "\\boxed{9^{9^{9^{9^{9}}}}}",
            "\\boxed{100000!}",
            "\\boxed{((100!)!)!}",
            "\\boxed{\\binom{10^{9}}{5\\cdot10^8}}",
            `\\boxed{${many("\\pm 1", 200)}}`,
            `\\boxed{${ones(",", 1900)}}`,
            `\\boxed{${many("\\sin", 900)} x}`,
            `\\boxed{2${many("^2", 1500)}}`,
            `\\boxed{${many("-", 3900)}2}`,
            `\\boxed{${many("|", 3000)}}`,
            many("the answer is ", 70_000),
            many("$", 1_000_000),
            "\\boxed{\u0000}",
            "\\boxed{\ud800}"
        ];
        let longest = 0;
        let last = performance.now();
        const watch = setInterval(() => {
            longest = Math.max(longest, performance.now() - last);
            last = performance.now();
        }, 10);
        const graded = await Promise.all(answers.map((answer) => grade(answer, "7")));
        clearInterval(watch);
        expect(graded.filter(({ right }) => right)).toEqual([]);
        // The work is some seconds of threads; a second is far more than a busy machine adds to 10 ms.
        expect(longest).toBeLessThan(1000);
    });
});

describe("threads", () => {
    test("one that is not done in time is ended and replaced", async () => {
        const threads = new GradingThreads(1);
        // Any two of these are compared.
        const output = `\\boxed{${Array.from({ length: 390 }, (_, at) => `\\sqrt{${at + 2}x}`).join(",")}}`.slice(
            0,
            4000
        );
        const gold = Array.from({ length: 390 }, (_, at) => `\\sqrt{${500 - at}x}`)
            .join(",")
            .slice(0, 3990);
        const slow = threads.grade(
            { output: output.replace(/,[^,]*$/, "}"), gold: gold.replace(/,[^,]*$/, "") },
            { ...gradingLimits, deadlineMs: 1 }
        );
        const next = threads.grade({ output: "\\boxed{7}", gold: "7" });
        expect(await slow).toMatchObject({ ended: "time", reason: "it was not done after 0.001 s" });
        expect(await next).toMatchObject({ right: true });
    });

    test("one that cannot start, or ends by itself, fails its job alone", async () => {
        const script = join(await mkdtemp(join(tmpdir(), "rast-thread-")), "thread.mjs");
        await writeFile(script, 'import "a-package-that-is-not-there";');
        const threads = new GradingThreads(1, () => script);
        expect(await threads.grade({ output: "7", gold: "7" })).toMatchObject({
            ended: "failure",
            cause: { message: expect.stringContaining("a-package-that-is-not-there") }
        });
        await writeFile(
            script,
            'import { parentPort } from "node:worker_threads"; parentPort.on("message", ({ gold }) => gold === "end" ? process.exit(3) : parentPort.postMessage({ right: true, gold }));'
        );
        expect(await threads.grade({ output: "7", gold: "end" })).toMatchObject({ ended: "failure" });
        expect(await threads.grade({ output: "7", gold: "7" })).toMatchObject({ right: true });
        await writeFile(
            script,
            'import { parentPort } from "node:worker_threads"; parentPort.on("message", () => { const all = []; for (;;) all.push(new Array(1e5).fill(all.length)); });'
        );
        const small = new GradingThreads(1, () => script);
        const outcome = await small.grade({ output: "7", gold: "7" }, { deadlineMs: 30_000, maxHeapMiB: 32 });
        expect(outcome).toEqual({ ended: "memory", reason: "it took too much memory" });
        await rm(dirname(script), { recursive: true });
    });

    test("answers belong to their questions, however many", async () => {
        const threads = new GradingThreads(2);
        const graded = await Promise.all(
            Array.from({ length: 300 }, (_, at) =>
                threads.grade({ output: `\\boxed{${at}}`, gold: String(at - (at % 3)) })
            )
        );
        expect(graded.map((one) => "right" in one && one.right)).toEqual(graded.map((_, at) => at % 3 === 0));
    });
});
