// Right answers from elsewhere, and files that are no outputs at all.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AnswerBook, type GradeAnswer } from "../../../src/grading/answers.js";
import { gradeFile, type BadLine, type GradedLine } from "../../../src/grading/grade-file.js";
import { rast } from "../../support/command-io.js";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "rast-answers-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const answers: readonly GradeAnswer[] = [
    { id: "a", question: "1+1?", answer: "2" },
    { id: "b", question: "2+2?", answer: "4" },
    { id: "c", question: "4+4?", answer: "8" }
];

describe("an answer is found", () => {
    const book = new AnswerBook(answers);

    test.each<[how: string, record: object, line: number, answer: string]>([
        ["by id", { id: "b" }, 1, "4"],
        ["by lm-eval's id", { doc_id: "c" }, 1, "8"],
        ["by its question", { question: " 4+4? " }, 1, "8"],
        ["by a batch's prompt", { index: 0, request: { prompt: "2+2?" } }, 1, "4"],
        ["by a batch's messages", { request: { messages: [{ role: "user", content: "2+2?" }] } }, 1, "4"],
        [
            "by its index, where what was asked holds the question",
            { index: 2, request: { prompt: "Q: 4+4?\nA:" } },
            1,
            "8"
        ],
        ["by its line", { output: "8" }, 3, "8"],
        ["by its index alone", { index: 1, request: { tokens: [1] } }, 9, "4"]
    ])("%s", (_, record, line, answer) => {
        expect(book.find(record, line)).toMatchObject({ answer });
    });

    test.each<[record: unknown, line: number, reason: RegExp]>([
        [
            { index: 1, request: { prompt: "Q: 9+9?" } },
            1,
            /^what was asked is not the question of answer 2, nor of any other$/
        ],
        [{ output: "8" }, 4, /^there is no answer of it: there are 3$/],
        [{ id: "z" }, 1, /^no answer has its id "z"$/],
        [7, 1, /no object/]
    ])("for %j at %i there is none", (record, line, reason) => {
        expect(book.find(record, line)).toMatch(reason);
    });

    test("not by what several have, unless they say the same", () => {
        const twice = new AnswerBook([answers[0]!, { ...answers[1]!, question: "1+1?" }, { ...answers[2]!, id: "a" }]);
        expect(twice.find({ question: "1+1?" }, 2)).toMatchObject({ answer: "4" });
        const same = new AnswerBook([answers[0]!, { ...answers[0]!, id: "z" }]);
        expect(same.find({ question: "1+1?" }, 9)).toMatchObject({ answer: "2" });
    });
});

describe("grading with answers from elsewhere", () => {
    const batch = [
        '{"index": 0, "request": {"prompt": "1+1?"}, "result": {"text": "It is \\\\boxed{2}."}}',
        '{"index": 1, "request": {"prompt": "2+2?"}, "result": {"text": "It is \\\\boxed{5}."}}',
        '{"index": 2, "request": {"prompt": "other"}, "result": {"text": "\\\\boxed{8}"}}'
    ].join("\n");

    test("what a batch wrote", async () => {
        const graded: GradedLine[] = [];
        const bad: BadLine[] = [];
        const summary = await gradeFile(Readable.from([Buffer.from(batch)]), {
            answers,
            onGraded: (one) => void graded.push(one),
            onBadLine: (one) => void bad.push(one)
        });
        expect(graded.map(({ right, gold }) => [right, gold])).toEqual([
            [true, "2"],
            [false, "4"]
        ]);
        expect(bad).toMatchObject([{ line: 3 }]);
        expect(summary.accuracy).toMatchObject({ correct: 1, total: 2 });
    });

    test("by the command, from a data set", async () => {
        const [outputs, data] = [join(folder, "outputs.jsonl"), join(folder, "data.csv")];
        await writeFile(outputs, batch);
        await writeFile(data, "question,answer\n1+1?,2\n2+2?,4\n4+4?,8\n");
        const { code, stdout, stderr } = await rast(["grade", outputs, "--answers", data]);
        expect(stdout).toMatch(
            /^ {5}1 right 2: the same text\n {5}2 wrong 5 for 4: another value\n50\.0% right: 1 of 2/
        );
        expect(stderr).toMatch(
            /^rast: line 3 of .*: what was asked is not the question of answer 3, nor of any other\.\n$/
        );
        expect(code).toBe(1);
        const missing = await rast(["grade", outputs, "--answers", "nothing"]);
        expect([missing.code, missing.stdout]).toEqual([2, ""]);
        expect(missing.stderr).toMatch(/^rast: There is no data set "nothing".*\[ERR_DATA_SET\]\n$/);
    });

    test.each([[[]], [[{ question: "?" }]], ["x"]])("answers %j are none", async (given) => {
        await expect(gradeFile("x.jsonl", { answers: given as never })).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
    });
});

describe("a file that is no outputs is one line", () => {
    const noise = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * 7919 + (at >> 3)) % 256));

    test.each<[name: string, content: Buffer, words: RegExp]>([
        ["a binary", noise, /Nothing in .* could be graded: line 1: it (has NUL bytes|is not UTF-8 text)/],
        ["a text", Buffer.from("not a record\n".repeat(5000)), /could be graded: line 1: it is not JSON/],
        [
            "a record that has no answers yet",
            Buffer.from('{"type":"head","format":"rast-eval/1"}\n'),
            /could be graded: it is a record of rast eval without an answer\./
        ],
        [
            "a list",
            Buffer.from('[{"output": "8", "answer": 8}]\n'),
            /line 1: it is a list: each record stands on a line of its own\./
        ],
        ["JSON of another kind", Buffer.from('{"x": 1}\n'.repeat(5000)), /line 1: it has no right answer/]
    ])("%s", async (_, content, words) => {
        const file = join(folder, "other.jsonl");
        await writeFile(file, content);
        const { code, stdout, stderr } = await rast(["grade", file]);
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(words);
        expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });

    test("reading ends after the first thousand", async () => {
        let read = 0;
        const source = (async function* () {
            for (; read < 1000; read++) yield Buffer.from("nothing\n".repeat(100));
        })();
        await expect(gradeFile(source)).rejects.toMatchObject({ code: "ERR_GRADE_FILE", details: { badLines: 1000 } });
        expect(read).toBeLessThan(20);
    });

    test("of many bad lines among good ones twenty are named", async () => {
        const file = join(folder, "mixed.jsonl");
        await writeFile(file, `{"output": "8", "answer": "8"}\n${"bad\n".repeat(50)}`);
        const { code, stdout, stderr } = await rast(["grade", file]);
        expect(code).toBe(1);
        expect(stdout).toContain("50 lines could not be graded");
        const lines = stderr.trimEnd().split("\n");
        expect(lines).toHaveLength(21);
        expect(lines[20]).toBe("rast: further lines that cannot be graded are counted, not named.");
    });
});

test("CSV keeps the empty lines within its cells", async () => {
    const file = join(folder, "cells.csv");
    await writeFile(file, 'output,answer\n\n"We add.\n\nIt is \\boxed{8}.",8\n');
    const graded: GradedLine[] = [];
    await gradeFile(file, { onGraded: (one) => void graded.push(one) });
    expect(graded).toMatchObject([{ line: 3, right: true }]);
});

test("records of rast eval are graded again", async () => {
    const lines = [
        { type: "head", format: "rast-eval/1" },
        { type: "contestant", label: "base" },
        { type: "sample", id: "p1", output: "\\boxed{8}", answer: "8", reason: "x" }
    ];
    const { accuracy, badLines } = await gradeFile(
        Readable.from([Buffer.from(lines.map((one) => JSON.stringify(one)).join("\n"))])
    );
    expect([accuracy.correct, accuracy.total, badLines]).toEqual([1, 1, 0]);
});

test("records of the demo's sums are graded to the letter, as they were; an error is no answer", async () => {
    const sample = (output: string, stop: string, answer: string): object => ({
        type: "sample",
        id: "p",
        output,
        answer,
        stop
    });
    const head = (grading: string): object => ({ type: "head", format: "rast-eval/1", data: { grading } });
    const lines = [
        head("sums"),
        { type: "contestant", label: "base" },
        sample("S:6+34=40#40", "eos", "40"),
        sample("S:6+34=40#40", "maxTokens", "40"),
        sample("#40#40", "eos", "40"),
        sample("40", "eos", "40"),
        sample("#-7", "eos", "-7"),
        head("math"),
        sample("It is 40.", "eos", "40"),
        sample("The prompt has 40 tokens, and the context 40", "error", "40")
    ];
    const right: boolean[] = [];
    await gradeFile(Readable.from([Buffer.from(lines.map((one) => JSON.stringify(one)).join("\n"))]), {
        onGraded: (one) => void right.push(one.right)
    });
    expect(right).toEqual([true, false, false, false, true, true, false]);
});
