import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rast } from "../../support/command-io.js";

let folder: string;
let file: string;
const records = [
    '{"id": "a", "output": "So \\\\boxed{1/2}.", "answer": "0.5"}',
    '{"id": "b", "output": ["\\\\boxed{7}", "\\\\boxed{8}", "\\\\boxed{"], "answer": 8}',
    "not json"
];
beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-grade-"));
    file = join(folder, "outputs.jsonl");
    await writeFile(file, records.join("\n"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const totals = `50.0% right: 2 of 4 outputs (95%: 15.0% to 85.0%), of 2 records
25.0% without an answer: 1
1 line could not be graded
`;

describe("rast grade", () => {
    test("every answer with what was taken for it and why, bad lines by number, and totals", async () => {
        const { code, stdout, stderr } = await rast(["grade", file]);
        expect(stdout).toBe(`     1 right 1/2 for 0.5: the same value
     2 wrong 7 for 8: another value
   2.1 right 8: the same text
   2.2 wrong: no answer: its last \\boxed does not end
${totals}`);
        expect(stderr).toMatch(/^rast: line 3 of .*outputs\.jsonl: it is not JSON: [^\n]+\n$/);
        expect(code).toBe(1);
    });

    test("the totals alone, and what is wrong alone", async () => {
        expect((await rast(["grade", "-q", file])).stdout).toBe(totals);
        expect((await rast(["grade", "--wrong", file])).stdout).not.toContain("right 8");
    });

    test("as JSON, a line each", async () => {
        const { stdout, stderr } = await rast(["grade", "--json", file]);
        const lines = stdout
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as { type: string });
        expect(lines.map(({ type }) => type)).toEqual(["graded", "graded", "graded", "graded", "bad", "summary"]);
        expect(lines[0]).toMatchObject({ line: 1, id: "a", right: true, extracted: "1/2", gold: "0.5" });
        expect(lines[4]).toMatchObject({ line: 3 });
        expect(lines[5]).toMatchObject({ accuracy: { correct: 2, total: 4 }, withoutAnswer: 1, badLines: 1 });
        expect(stderr).toBe("");
    });

    test("from standard input", async () => {
        const { code, stdout } = await rast(["grade", "-"], { input: records[0]! });
        expect([code, stdout]).toEqual([
            0,
            "     1 right 1/2 for 0.5: the same value\n100.0% right: 1 of 1 output (95%: 20.7% to 100.0%)\n0.0% without an answer: 0\n"
        ]);
    });

    test.each<[args: string[], words: RegExp]>([
        [["grade", "nowhere.jsonl"], /does not exist: nowhere\.jsonl \[ERR_FILE_NOT_FOUND\]/],
        [["grade", tmpdir()], /is a folder.*\[ERR_IS_DIRECTORY\]/],
        [["grade"], /missing required argument 'file'|file/],
        [["grade", "a", "b"], /It grades one file at a time/]
    ])("%j is one line, and exit code 2", async (args, words) => {
        const { code, stdout, stderr } = await rast(args);
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(words);
        expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });

    test("a file of which nothing can be graded", async () => {
        const empty = join(folder, "empty.jsonl");
        await writeFile(empty, '{"question": "?"}\n');
        const { code, stderr } = await rast(["grade", empty]);
        expect(code).toBe(2);
        expect(stderr).toMatch(/Nothing in .* could be graded: line 1: it has no right answer/);
        expect(stderr).toContain("[ERR_GRADE_FILE]");
    });

    test("a terminal is nothing to grade", async () => {
        const { code, stderr } = await rast(["grade", "-"], { terminal: true });
        expect([code, stderr]).toEqual([2, expect.stringContaining("standard input is a terminal")]);
    });
});
