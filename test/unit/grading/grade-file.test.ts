import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gradeFile, type BadLine, type GradedLine, type GradeSummary } from "../../../src/grading/grade-file.js";
import { linesOf, rowsOf, type Line, type Row } from "../../../src/grading/lines.js";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "rast-grade-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

interface All {
    readonly graded: GradedLine[];
    readonly bad: BadLine[];
    readonly summary: GradeSummary;
}

async function gradeAll(text: string, name = "outputs.jsonl", options: object = {}): Promise<All> {
    const file = join(folder, name);
    await writeFile(file, text);
    const graded: GradedLine[] = [];
    const bad: BadLine[] = [];
    const summary = await gradeFile(file, {
        ...options,
        onGraded: (one) => void graded.push(one),
        onBadLine: (one) => void bad.push(one)
    });
    return { graded, bad, summary };
}

const json = (...records: readonly object[]): string => records.map((record) => JSON.stringify(record)).join("\n");

describe("layouts", () => {
    test.each<[name: string, record: object]>([
        ["ours", { id: "q", result: { text: "It is \\boxed{8}." }, answer: "8" }],
        ["output and answer", { output: "\\boxed{8}", answer: 8 }],
        ["response and gold", { response: "\\boxed{8}", gold: "8.0" }],
        ["several names", { question: "?", completion: "the answer is 8", ground_truth: "8" }],
        ["GSM8K's answer", { prediction: "8 apples", answer: "4 + 4 = 8\n#### 8" }],
        ["MATH's solution", { generated_text: "\\boxed{8}", solution: "So \\boxed{8}." }],
        ["SimpleRL's", { code: ["\\boxed{8}"], gt: "8" }],
        ["Math-Verify's", { answer: "Thus \\boxed{8}", gold: "$8$" }],
        ["OlympiadBench's list", { output: "\\boxed{8}", final_answer: ["$8$"] }],
        [
            "lm-eval's",
            {
                doc_id: 3,
                doc: { question: "?" },
                target: "8",
                resps: [["\\boxed{8}"]],
                filtered_resps: ["[invalid]"],
                filter: "none"
            }
        ],
        ["lm-eval's without a target", { doc_id: 3, doc: { answer: "8" }, target: "", resps: [["\\boxed{8}"]] }],
        ["OpenAI's messages", { output: { content: "\\boxed{8}" }, answer: "8" }]
    ])("%s", async (_, record) => {
        const { graded, summary } = await gradeAll(json(record));
        expect(graded).toMatchObject([{ line: 1, sample: 0, right: true }]);
        expect(summary.accuracy).toMatchObject({ correct: 1, total: 1, value: 1 });
    });

    test("several samples of one record", async () => {
        const { graded, summary } = await gradeAll(
            json({ id: "a", outputs: ["\\boxed{1}", "\\boxed{2}", "\\boxed{"], answer: 2 })
        );
        expect(graded.map(({ sample, right }) => [sample, right])).toEqual([
            [0, false],
            [1, true],
            [2, false]
        ]);
        expect(summary).toMatchObject({ records: 1, withoutAnswer: 1, accuracy: { correct: 1, total: 3 } });
    });

    test("a record that lm-eval repeats for a further filter counts once", async () => {
        const record = { doc_id: 1, target: "8", resps: [["\\boxed{8}"]] };
        const { summary } = await gradeAll(json({ ...record, filter: "strict" }, { ...record, filter: "flexible" }));
        expect(summary).toMatchObject({ records: 1, repeatedLines: 1, accuracy: { total: 1 } });
    });

    test("fields of other names", async () => {
        const { graded } = await gradeAll(
            json({ said: "\\boxed{8}", wanted: "8", output: "\\boxed{9}", answer: "9" }),
            "own.jsonl",
            {
                outputField: "said",
                answerField: "wanted"
            }
        );
        expect(graded).toMatchObject([{ right: true, gold: "8" }]);
    });

    test("CSV with a head", async () => {
        const { graded, bad } = await gradeAll(
            'answer,gold\n"So \\boxed{1,\n2}, ""x""","1, 2"\r\n5,6\n1,2,3\n"open',
            "table.csv"
        );
        expect(graded.map(({ line, right }) => [line, right])).toEqual([
            [2, true],
            [4, false]
        ]);
        expect(bad.map(({ line }) => line)).toEqual([5, 6]);
    });
});

test("lines that are damaged are named, and the others graded, in the order of the file", async () => {
    const right = JSON.stringify({ output: "\\boxed{8}", answer: "8" });
    const text = [
        right,
        "",
        "{",
        '{"output": "x"}',
        '{"answer": "x"}',
        "[]",
        '{"output": {"a": 1}, "answer": "8"}',
        '{"output": "8", "answer": " "}',
        '{"output": [["-12.3", "False"]], "answer": "8"}',
        right
    ].join("\n");
    const { graded, bad, summary } = await gradeAll(text);
    expect(graded.map(({ line }) => line)).toEqual([1, 10]);
    expect(bad.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(bad[0]!.reason).toContain("it is not JSON");
    expect(bad[1]!.reason).toContain("it has no right answer");
    expect(bad[2]!.reason).toContain("it has no output");
    expect(summary).toMatchObject({ badLines: 7, accuracy: { correct: 2, total: 2 } });
});

describe("what cannot be graded at all", () => {
    test.each<[text: string, words: string]>([
        ["", "it has no lines"],
        ["\n\n", "it has no lines"],
        ["{\n", "line 1: it is not JSON"],
        ['{"question": "?"}', "line 1: it has no right answer"]
    ])("%j", async (text, words) => {
        await expect(gradeAll(text)).rejects.toMatchObject({
            code: "ERR_GRADE_FILE",
            message: expect.stringContaining(words)
        });
    });

    test("files that are none", async () => {
        await expect(gradeFile(join(folder, "nothing"))).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
        await expect(gradeFile(folder)).rejects.toMatchObject({ code: "ERR_IS_DIRECTORY" });
        await expect(gradeFile("x", { field: "y" } as object)).rejects.toMatchObject({ code: "ERR_UNKNOWN_OPTION" });
        await expect(gradeFile("x", { outputField: 5 } as object)).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION"
        });
        await expect(gradeFile(5 as unknown as string)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    });
});

test("an abort ends it with what was graded until then", async () => {
    const controller = new AbortController();
    const record = JSON.stringify({ output: "\\boxed{8}", answer: "8" });
    const file = join(folder, "long.jsonl");
    await writeFile(file, `${record}\n`.repeat(500));
    const graded = gradeFile(file, {
        signal: controller.signal,
        onGraded: ({ line }) => {
            if (line === 20) controller.abort(new Error("enough"));
        }
    });
    await expect(graded).rejects.toMatchObject({
        code: "ERR_ABORTED",
        details: { accuracy: { correct: 20, total: 20 } }
    });
});

test("what a callback throws is the caller's", async () => {
    const onGraded = (): never => {
        throw new Error("mine");
    };
    const stream = Readable.from([Buffer.from(json({ output: "1", answer: "1" }))]);
    await expect(gradeFile(stream, { onGraded })).rejects.toThrow("mine");
});

test("a stream is read no further ahead than it is graded", async () => {
    let read = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) {
            read++;
            yield Buffer.from(`${JSON.stringify({ output: "\\boxed{8}", answer: "8" })}\n`);
        }
    }
    let told = 0;
    const onGraded = (): void => {
        told++;
        expect(read - told).toBeLessThan(50);
        if (told === 200) throw new Error("enough");
    };
    await expect(gradeFile(endless(), { onGraded })).rejects.toThrow("enough");
});

describe("lines", () => {
    async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
        const kept: T[] = [];
        for await (const item of items) kept.push(item);
        return kept;
    }
    async function* bytes(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
        for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    }

    test("over chunks, wherever these are cut", async () => {
        const text = "äöü\nb\r\n\n  \nlast";
        const whole = Buffer.from(text);
        for (let size = 1; size <= whole.length; size++) {
            const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
                whole.subarray(at * size, (at + 1) * size)
            );
            expect(await all(linesOf(bytes(...chunks)))).toEqual<Line[]>([
                { at: 1, text: "äöü" },
                { at: 2, text: "b\r" },
                { at: 5, text: "last" }
            ]);
        }
    });

    test("one that is too long, or no text, is passed over", async () => {
        const lines = await all(
            linesOf(bytes("12345", "67890\nab\n", Buffer.from([0xff, 10]), "123456789"), { longest: 8 })
        );
        expect(lines).toEqual<Line[]>([
            { at: 1, bad: "it has more than 8 bytes" },
            { at: 2, text: "ab" },
            { at: 3, bad: "it is not UTF-8 text" },
            { at: 4, bad: "it has more than 8 bytes" }
        ]);
    });

    test("rows of CSV", async () => {
        const rows = await all(rowsOf(linesOf(bytes('a,b\n1,"x, ""y""\nz"\n,\n'))));
        expect(rows).toEqual<Row[]>([
            { at: 2, value: { a: "1", b: 'x, "y"\nz' } },
            { at: 4, value: { a: "", b: "" } }
        ]);
    });
});

describe("what does not end", () => {
    const aborts = (source: AsyncIterable<Uint8Array>, signal = AbortSignal.timeout(50)): Promise<unknown> =>
        gradeFile(source, { signal }).catch((error: unknown) => error);

    test("an abort ends a read that waits", async () => {
        expect(await aborts(new ReadableStream<Uint8Array>({}))).toMatchObject({ code: "ERR_ABORTED" });
        const waiting = new Readable({ read: () => undefined });
        expect(await aborts(waiting)).toMatchObject({ code: "ERR_ABORTED" });
        expect(waiting.destroyed).toBe(true);
    });

    test("an abort ends what keeps the event loop busy", async () => {
        const endless = async function* (byte: number): AsyncGenerator<Uint8Array> {
            for (;;) yield new Uint8Array(64).fill(byte);
        };
        expect(await aborts(endless(0))).toMatchObject({ code: "ERR_ABORTED" });
        expect(await aborts(endless(10))).toMatchObject({ code: "ERR_ABORTED" });
        expect(await aborts(endless(10), AbortSignal.abort())).toMatchObject({ code: "ERR_ABORTED" });
    });

    test("an abort before an empty stream, and no signal at all", async () => {
        expect(await aborts(Readable.from([]), AbortSignal.abort())).toMatchObject({ code: "ERR_ABORTED" });
        const wrong = gradeFile(Readable.from([]), { signal: 5 as unknown as AbortSignal });
        await expect(wrong).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
    });

    test.skipIf(process.platform === "win32")("a device is refused", async () => {
        await expect(gradeFile("/dev/zero")).rejects.toMatchObject({ code: "ERR_FILE_UNREADABLE" });
    });

    test("a line without an end is an error", async () => {
        const lines = linesOf(Readable.from([Buffer.alloc(600), Buffer.alloc(600)]), {
            longest: 10,
            longestSkipped: 1000
        });
        await expect(lines.next()).rejects.toMatchObject({ code: "ERR_GRADE_FILE", details: { line: 1 } });
    });
});

test("a line that is too deep or has too many texts is one bad line", async () => {
    const deep = (start: string, end: string, times: number): string => `${start.repeat(times)}"1"${end.repeat(times)}`;
    const right = '{"output":"1","answer":"1"}';
    const many = `[[${Array.from({ length: 300_000 }, () => '"1"').join()}]]`;
    const { graded, bad } = await gradeAll(
        [
            right,
            `{"output":"1","answer":${deep("[", "]", 5000)}}`,
            `{"output":${deep("[", "]", 20_000)},"answer":"1"}`,
            `{"output":${deep('{"text":', "}", 20_000)},"answer":"1"}`,
            `{"output":${many},"answer":"1"}`,
            right
        ].join("\n"),
        "deep.jsonl"
    );
    expect(graded.map(({ line }) => line)).toEqual([1, 6]);
    expect(bad.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
});
