import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { hashOf, loadData, select } from "../../../../src/eval/data/load-data.js";
import { namedSets } from "../../../../src/eval/data/named-sets.js";
import { readProblems, type ProblemFields } from "../../../../src/eval/data/read-problems.js";
import { StandInHub } from "../../../support/stand-in-hub.js";

const read = (text: string, name = "some.jsonl", fields: ProblemFields = {}): ReturnType<typeof readProblems> =>
    readProblems(Buffer.from(text), name, fields);

describe("layouts", () => {
    test.each<[name: string, record: object, problem: object]>([
        [
            "question and answer",
            { question: "1+1?", answer: 2 },
            { id: "0", question: "1+1?", answer: "2", solution: "2" }
        ],
        ["GSM8K", { question: "?", answer: "1+1\n#### 2", idx: 7 }, { id: "7", answer: "1+1\n#### 2" }],
        [
            "MATH500",
            { problem: "?", solution: "So \\boxed{2}", answer: "2", unique_id: "test/a/1.json" },
            { id: "test/a/1.json", question: "?", answer: "2", solution: "So \\boxed{2}" }
        ],
        ["AMC23", { id: 3, problem: "?", answer: 27, question: "??" }, { id: "3", question: "??", answer: "27" }],
        ["Minerva", { problem: "?", solution: "It is \\boxed{1.6} cm" }, { answer: "It is \\boxed{1.6} cm" }],
        [
            "OlympiadBench",
            { question: "?", final_answer: ["$2$", "$3$"], solution: ["a"] },
            { answer: "$2$, $3$", solution: "$2$, $3$" }
        ]
    ])("%s", async (_, record, problem) => {
        expect(await read(JSON.stringify(record))).toMatchObject([problem]);
    });

    test("fields of other names", async () => {
        const [problem] = await read('{"q": "?", "a": "!", "question": "no"}', "x.jsonl", {
            question: "q",
            answer: "a"
        });
        expect(problem).toMatchObject({ question: "?", answer: "!" });
    });

    test("a list in JSON, and CSV with commas, quotes, lines and empty lines in a cell", async () => {
        expect(await read('\uFEFF [{"question": "?", "answer": 1}]', "x.json")).toHaveLength(1);
        const csv = 'id,question,answer\r\n\r\na,"one, ""two""\n\nthree",3\nb,?,"4"\n';
        expect(await read(csv, "x.csv")).toEqual([
            { id: "a", question: 'one, "two"\n\nthree', answer: "3", solution: "3" },
            { id: "b", question: "?", answer: "4", solution: "4" }
        ]);
    });
});

test.each([
    ["x.jsonl", (row: string) => row],
    ["x.json", (row: string) => `[${row}]`]
])("%s: numbers keep the digits that a double lacks", async (name, made) => {
    const row = '{"id": 12345678901234567890, "question": "?", "answer": 9007199254740993, "solution": "x"}';
    expect(await read(made(row), name)).toEqual([
        { id: "12345678901234567890", question: "?", answer: "9007199254740993", solution: "x" }
    ]);
    expect(await read(made('{"question": "?", "answer": [1e999, 2]}'), name)).toMatchObject([{ answer: "1e999, 2" }]);
});

test("a list in JSON, whatever its entries hold", async () => {
    const rows = ['a ] "b', "\\", "[{,", "日本", '\\"'].map((question, at) => ({
        question,
        answer: at,
        more: [{ a: [] }]
    }));
    for (const text of [JSON.stringify(rows), ` \n${JSON.stringify(rows, undefined, 4)}\n \t`])
        expect((await read(text, "x.json")).map(({ question }) => question)).toEqual(
            rows.map(({ question }) => question)
        );
});

describe("what is wrong is one line that names the line", () => {
    const good = '{"question": "?", "answer": 1}\n';

    test.each<[text: string, name: string, message: RegExp, fields?: ProblemFields]>([
        ["", "x.jsonl", /^There are no problems in x\.jsonl: it is empty\.$/],
        ["\n \n", "x.jsonl", /it is empty/],
        ["question,answer\n", "x.csv", /it has a head alone/],
        [`${good.repeat(6)}{"question": "?", "answer"\n${good}`, "x.jsonl", /^Line 7 of x\.jsonl is not JSON: /],
        [`${good}[1]`, "x.jsonl", /^Line 2 of x\.jsonl is no object with a question and an answer\.$/],
        [
            '{"text": "?", "answer": 1}',
            "x.jsonl",
            /^Line 1 of x\.jsonl has no question under a usual name: its fields are "text", "answer"\. Name it with questionField\.$/
        ],
        ['{"question": "?"}', "x.jsonl", /has no answer under a usual name.*answerField/],
        ["{}", "x.jsonl", /it has no fields/],
        [
            good,
            "x.jsonl",
            /has no "qestion": its fields are "question", "answer"\. Did you mean question\?$/,
            { question: "qestion" }
        ],
        [good, "x.jsonl", /has no "gold"/, { answer: "gold" }],
        ['{"question": 3, "answer": 1}', "x.jsonl", /its "question" is no text/],
        ['{"question": "?", "answer": {}}', "x.jsonl", /its "answer" is no text/],
        ["[]", "x.json", /^There are no problems in x\.json/],
        [" [ \n ] ", "x.json", /^There are no problems in x\.json/],
        [`[${good},]`, "x.json", /^Entry 2 of x\.json is not JSON/],
        [`[,${good}]`, "x.json", /^Entry 1 of x\.json is not JSON/],
        [`[${good}${good}]`, "x.json", /^Entry 1 of x\.json is not JSON/],
        [`[${good}] ${good}`, "x.json", /^x\.json is not JSON: something stands behind its list\.$/],
        [`[${good}, "`, "x.json", /^x\.json is not JSON: its list does not end\.$/],
        ["[1", "x.json", /^x\.json is not JSON/],
        ["[1]", "x.json", /^Entry 1 of x\.json is no object/],
        ["question,answer\n?,1,2\n", "x.csv", /^Line 2 of x\.csv: it has 3 cells where the head has 2\.$/],
        ['question,answer\n?,"1\n', "x.csv", /its last quote does not close/],
        [
            'question,answer\n"a"junk,2\n',
            "x.csv",
            /^Line 2 of x\.csv: there is text between a cell's last quote and the comma\.$/
        ],
        ['"question"x,answer\n?,2\n', "x.csv", /^Line 1 of x\.csv: there is text between/],
        [
            "question,answer, question\n?,2,!\n",
            "x.csv",
            /^Line 1 of x\.csv: the head has two columns named "question"\.$/
        ],
        [`${good}\u0000\u0001\n`, "x.bin", /^Line 2 of x\.bin: it has NUL bytes/]
    ])("%j in %s", async (text, name, message, fields) => {
        await expect(read(text, name, fields)).rejects.toMatchObject({
            code: "ERR_DATA_SET",
            message: expect.stringMatching(message)
        });
    });
});

test("a list in JSON that is deep, or has an entry that is long", async () => {
    await expect(read(`[${"[".repeat(1_000_000)}`, "x.json")).rejects.toThrow(
        /^x\.json is not JSON: its list does not end\.$/
    );
    const long = `[{"question": "?", "answer": 1}, "${"x".repeat(17_000_000)}"]`;
    await expect(read(long, "x.json")).rejects.toThrow(/^Entry 2 of x\.json: it has more than \d+ bytes\.$/);
});

test("a list in JSON that is no UTF-8", async () => {
    const bytes = Buffer.concat([Buffer.from('[{"question": "'), Buffer.of(0xff), Buffer.from('", "answer": 1}]')]);
    await expect(readProblems(bytes, "x.json")).rejects.toMatchObject({
        code: "ERR_DATA_SET",
        message: "Entry 1 of x.json: it is not UTF-8 text."
    });
});

test("columns without a name may be several", async () => {
    expect(await read("question,answer,,\n?,2,,\n", "x.csv")).toMatchObject([{ question: "?", answer: "2" }]);
});

test.each([
    ["x.jsonl", '{"question": "?", "answer": 1}\n'.repeat(100_000)],
    ["x.csv", `question,answer\n${"?,1\n".repeat(100_000)}`],
    ["x.json", `[${'{"question": "?", "answer": 1},'.repeat(100_000)}{"question": "?", "answer": 1}]`]
])("an abort is heard while %s is read", async (name, text) => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const reading = readProblems(Buffer.from(text), name, {}, stop.signal);
    queueMicrotask(() => stop.abort(reason));
    await expect(reading).rejects.toBe(reason);
});

describe("data sets by name", () => {
    let hub: StandInHub;
    let folder: string;
    const before = process.env["RAST_CACHE"];
    beforeAll(async () => {
        hub = await StandInHub.start();
        folder = await mkdtemp(join(tmpdir(), "rast-data-"));
    });
    afterAll(async () => {
        await hub.stop();
        await rm(folder, { recursive: true, force: true });
    });
    afterEach(() => {
        process.env["RAST_CACHE"] = before;
        hub.seen.length = 0;
        hub.fault = () => undefined;
    });

    const settings = (): { hub: { endpoint: string } } => ({ hub: { endpoint: hub.endpoint } });
    const line = '{"problem": "?", "answer": "2"}\n';

    test("are fetched once, below datasets, and then read from the cache", async () => {
        process.env["RAST_CACHE"] = folder;
        hub.add("datasets/HuggingFaceH4/MATH-500/test.jsonl", Buffer.from(line));
        const data = await loadData("MATH500", {}, settings());
        expect(data).toMatchObject({ name: "math500", grading: "math", problems: [{ question: "?", answer: "2" }] });
        expect(data.source).toMatch(/^hf:datasets\/HuggingFaceH4\/MATH-500\/test\.jsonl#[0-9a-f]{40}$/);
        expect(hub.seen.length).toBeGreaterThan(0);
        hub.seen.length = 0;
        const again = await loadData("math500", {}, { hub: { offline: true } });
        expect(again).toEqual(data);
        expect(hub.seen).toEqual([]);
    });

    test("come from a further place where the first has none", async () => {
        hub.add("datasets/svc-huggingface/minerva-math/test.jsonl", {
            content: Buffer.from('{"problem": "?", "solution": "\\\\boxed{2}"}\n'),
            small: true
        });
        const data = await loadData("minerva", {}, settings());
        expect(data.source).toBe("hf:datasets/svc-huggingface/minerva-math/test.jsonl");
    });

    test("are said to be nowhere by the first place", async () => {
        await expect(loadData("aime24", {}, settings())).rejects.toMatchObject({ code: "ERR_HUB_NOT_FOUND" });
    });

    test("by a path of the hub", async () => {
        hub.add("datasets/me/mine/a/b.csv", Buffer.from("question,answer\n?,2\n"));
        const data = await loadData("hf:datasets/me/mine/a/b.csv", {}, settings());
        expect(data).toMatchObject({ name: "b.csv", problems: [{ question: "?" }] });
        await expect(loadData("hf:datasets/me/mine", {}, settings())).rejects.toMatchObject({ code: "ERR_DATA_SET" });
    });

    test("an abort ends the reading of a file", async () => {
        const file = join(folder, "aborted.jsonl");
        await writeFile(file, '{"question": "?", "answer": 1}\n');
        const reason = new Error("enough");
        await expect(loadData(file, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    });

    test("a word that is nothing", async () => {
        await expect(loadData("math50", {})).rejects.toMatchObject({
            code: "ERR_DATA_SET",
            message: expect.stringMatching(
                /^There is no data set "math50", .* Known are gsm8k, .*Did you mean math500\?$/
            )
        });
        await expect(loadData("./nowhere.jsonl", {})).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
        await expect(loadData(folder, {})).rejects.toMatchObject({ code: "ERR_IS_DIRECTORY" });
    });

    test("the demo's own", async () => {
        const sums = await loadData("sums", {});
        expect(sums.problems.length).toBe(1000);
        expect(sums).toMatchObject({
            grading: "sums",
            problems: expect.arrayContaining([{ id: "0", question: "64+65-55+37", answer: "111", solution: "111" }])
        });
        const chat = await loadData("chat-sums", {});
        expect(chat.problems[0]).toMatchObject({ question: "15+4-7", answer: "12" });
        expect(chat.problems.every(({ answer }) => /^-?\d+$/.test(answer))).toBe(true);
    });

    test("an empty file", async () => {
        const file = join(folder, "empty.jsonl");
        await writeFile(file, "");
        await expect(loadData(file, {})).rejects.toMatchObject({ code: "ERR_DATA_SET" });
    });
});

describe("the published files", () => {
    const folder =
        process.env["RAST_EVAL_DATA"] ?? fileURLToPath(new URL("../../../../../shared/data", import.meta.url));
    const files = { minerva: "minerva_math" } as Readonly<Record<string, string>>;

    test.skipIf(!existsSync(folder)).each(Object.entries(namedSets))("%s", async (name, { problems }) => {
        const data = await loadData(join(folder, `${files[name] ?? name}.jsonl`), {});
        expect(data.problems).toHaveLength(problems);
        expect(new Set(data.problems.map(({ id }) => id)).size).toBe(problems);
    });
});

describe("a selection", () => {
    const data = {
        name: "x",
        source: "x",
        grading: "math" as const,
        problems: Array.from({ length: 10 }, (_, at) => ({ id: String(at), question: "?", answer: "!", solution: "!" }))
    };
    const all = { offset: 0, limit: undefined, shuffleSeed: undefined };

    test("is in order, or shuffled the same way for a seed", () => {
        expect(select(data, { ...all, offset: 2, limit: 3 })).toEqual([2, 3, 4]);
        const shuffled = select(data, { ...all, shuffleSeed: 5 });
        expect(select(data, { ...all, shuffleSeed: 5 })).toEqual(shuffled);
        expect(shuffled).not.toEqual(select(data, all));
        expect([...shuffled].sort((a, b) => a - b)).toEqual(select(data, all));
    });

    test("of nothing is an error", () => {
        expect(() => select(data, { ...all, offset: 10 })).toThrow(
            /x has 10 problems: none is left behind the first 10/
        );
    });

    test("a data set's hash is of ids, questions and answers", () => {
        const hash = hashOf(data);
        expect(hash).toMatch(/^[0-9a-f]{64}$/);
        expect(
            hashOf({ problems: data.problems.map((one, at) => (at === 9 ? { ...one, answer: "?" } : one)) })
        ).not.toBe(hash);
    });
});
