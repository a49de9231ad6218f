import {
    appendFile,
    link,
    mkdir,
    mkdtemp,
    readdir,
    readFile,
    rm,
    stat,
    symlink,
    truncate,
    utimes,
    writeFile
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { differenceOf } from "../../../../src/eval/record/parse.js";
import { readRecordFile, RecordFile } from "../../../../src/eval/record/record-file.js";
import { evalContestant, evalHead, evalSample } from "../../../support/eval-samples.js";

let folder: string;
let path: string;
beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rast-record-"));
    path = join(folder, "run.jsonl");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const base = evalContestant("base");

async function writeSome(count: number): Promise<void> {
    const record = await RecordFile.open(path, evalHead());
    await record.name(base);
    await Promise.all(Array.from({ length: count }, (_, sample) => record.add(evalSample("base", 0, sample, true))));
    await record.close();
}

describe("a record", () => {
    test("has what was added, by many at once, and nothing beside it when it is closed", async () => {
        await writeSome(20);
        const { head, contestants, samples } = await readRecordFile(path);
        expect(head).toEqual(evalHead());
        expect([...contestants.values()]).toEqual([base]);
        expect(samples.size).toBe(20);
        expect(await readdir(folder)).toEqual(["run.jsonl"]);
        expect((await readFile(path, "utf8")).trimEnd().split("\n")).toHaveLength(22);
    });

    test("goes on where it ends, with further contestants", async () => {
        await writeSome(2);
        const record = await RecordFile.open(path, evalHead());
        expect(record.content.samples.size).toBe(2);
        expect(record.has({ contestant: "base", problem: 0, sample: 1 })).toBe(true);
        expect(record.has({ contestant: "base", problem: 0, sample: 2 })).toBe(false);
        await record.name(base);
        await record.name(evalContestant("expert", { role: "expert" }));
        await record.add(evalSample("expert", 0, 0, false));
        await expect(record.add(evalSample("base", 0, 1, false))).rejects.toThrow(/in the record already/);
        await record.close();
        expect((await readRecordFile(path)).samples.size).toBe(3);
    });

    test("loses a last line that was not written to its end, wherever it was cut", async () => {
        await writeSome(2);
        const whole = await readFile(path);
        const lines = whole.toString("utf8").trimEnd().split("\n");
        const cut = Buffer.byteLength(`${lines.slice(0, -1).join("\n")}\n`);
        for (const end of [cut + 1, cut + 40, whole.length - 2, whole.length - 1]) {
            await writeFile(path, whole);
            await truncate(path, end);
            const record = await RecordFile.open(path, evalHead());
            expect(record.content.samples.size).toBe(1);
            await record.name(base);
            await record.add(evalSample("base", 0, 1, true));
            await record.close();
            expect((await readRecordFile(path)).samples.size).toBe(2);
        }
    });

    test("that has half a head begins anew; another file is left as it is", async () => {
        await writeFile(path, '{"type":"head","for');
        await (await RecordFile.open(path, evalHead())).close();
        expect((await readRecordFile(path)).head).toEqual(evalHead());
        await writeFile(path, "My diary");
        await expect(RecordFile.open(path, evalHead())).rejects.toMatchObject({ code: "ERR_EVAL_RECORD" });
        expect(await readFile(path, "utf8")).toBe("My diary");
    });

    test.each([
        [
            "seed",
            { seed: 2 },
            /^The record .*run\.jsonl is of another evaluation \(seed: 1 there, 2 here\): choose another file\.$/
        ],
        [
            "data",
            { data: { ...evalHead().data, sha256: "0".repeat(64) } },
            /\(data\.sha256: dddddddddddd\.\.\. there, 000000000000\.\.\. here\)/
        ],
        ["style", { prompt: { ...evalHead().prompt, style: "chat" } }, /\(prompt\.style: abel there, chat here\)/],
        ["sampling", { sampling: { ...evalHead().sampling, topP: 1 } }, /\(sampling\.topP: 0\.95 there, 1 here\)/],
        [
            "version",
            { versions: { rast: "9.9.9", llamaCpp: "v0.5.0" } },
            /\(versions\.rast: 0\.1\.0 there, 9\.9\.9 here\)/
        ]
    ])("of another %s is refused, and stays as it is", async (_, changes, message) => {
        await writeSome(1);
        const before = await readFile(path);
        await expect(RecordFile.open(path, evalHead(changes))).rejects.toMatchObject({
            code: "ERR_EVAL_RECORD",
            message: expect.stringMatching(message)
        });
        expect(await readFile(path)).toEqual(before);
        expect(await readdir(folder)).toEqual(["run.jsonl"]);
    });

    test("of another model is refused", async () => {
        await writeSome(1);
        const record = await RecordFile.open(path, evalHead());
        const other = { ...base, models: [{ ...base.models[0]!, fingerprint: "a".repeat(64) }] };
        await expect(record.name(other)).rejects.toMatchObject({
            code: "ERR_EVAL_RECORD",
            message: expect.stringMatching(
                /has another base \(models\.base\.fingerprint: ffffffffffff\.\.\. there, aaaaaaaaaaaa\.\.\. here\): choose another file\.$/
            )
        });
        await record.close();
    });

    test.each([
        ["not json", /^Line 3 of the record .* is not JSON: "not json"\.$/],
        ['{"type":"note"}', /Line 3 .* is neither a contestant nor a sample/],
        ["[]", /Line 3 .* is neither a contestant nor a sample/],
        ['{"type":"sample"}', /Line 3 .* is a sample whose contestant is missing or wrong/],
        [JSON.stringify(evalSample("nobody", 0, 0, true)), /is of "nobody", which no line before it names/],
        [JSON.stringify({ ...base, trio: "other" }), /names "base" once more/]
    ])("that is damaged at %j is refused by its line", async (line, message) => {
        await writeSome(0);
        await appendFile(path, `${line}\n`);
        await expect(RecordFile.open(path, evalHead())).rejects.toMatchObject({
            code: "ERR_EVAL_RECORD",
            message: expect.stringMatching(message)
        });
    });

    describe("with a field that is missing or wrong is refused by its line", () => {
        const wrong = {
            head: {
                "data.name": [1],
                "data.source": [null],
                "data.sha256": [undefined],
                "data.problems": [-1, 0.5, "3"],
                "data.grading": ["maths"],
                "prompt.style": [3, undefined],
                "prompt.shots": [-1],
                "prompt.sha256": [0],
                "prompt.stop": ["a", [1]],
                "prompt.thinking": ["yes", undefined],
                sampling: [[], { topP: "1" }, { topP: null }],
                seed: [-1, 0.5, "1"],
                "versions.rast": [1],
                "versions.llamaCpp": [undefined]
            },
            contestant: {
                label: [1],
                role: ["best"],
                trio: [undefined, 1],
                lambda: [1, ["1"], [null], undefined],
                models: [{}, [null], [{ ...base.models[0]!, file: 1 }], [{ ...base.models[0]!, adapters: [{}] }]],
                server: [undefined, {}, { url: "x", model: 1 }]
            },
            sample: {
                contestant: [1],
                problem: [-1, 10, 0.5, "0", 2 ** 60],
                id: [1],
                sample: [-1, 0.5],
                seed: [-1, null],
                ordinal: [-1],
                output: [null],
                answer: [8],
                right: [1],
                extracted: [8, undefined],
                reason: [null],
                timedOut: ["no"],
                stop: [null],
                tokens: [-1, 0.5, "3", undefined],
                ms: [-1, null, "5"]
            }
        };
        const lines = {
            head: evalHead(),
            contestant: evalContestant("other"),
            sample: evalSample("base", 0, 0, true)
        };

        test.each(
            Object.entries(wrong).flatMap(([type, fields]) =>
                Object.entries(fields).flatMap(([field, values]) =>
                    (values as unknown[]).map((value) => [type as keyof typeof lines, field, value] as const)
                )
            )
        )("%s: %s is %j", async (type, field, value) => {
            const line = structuredClone(lines[type]) as unknown as Record<string, Record<string, unknown>>;
            const [outer, inner] = field.split(".") as [string, string?];
            if (inner === undefined) (line as Record<string, unknown>)[outer] = value;
            else line[outer]![inner] = value;
            const before = type === "head" ? [] : [evalHead(), base];
            await writeFile(path, [...before, line].map((one) => `${JSON.stringify(one)}\n`).join(""));
            await expect(readRecordFile(path)).rejects.toMatchObject({
                code: "ERR_EVAL_RECORD",
                message: expect.stringContaining(`is a ${type} whose ${field} is missing or wrong`),
                details: { line: before.length + 1 }
            });
        });
    });

    test("has no sample twice", async () => {
        await writeSome(1);
        await appendFile(path, `${JSON.stringify(evalSample("base", 0, 0, false))}\n`);
        await expect(readRecordFile(path)).rejects.toMatchObject({
            message: expect.stringMatching(/was there before/)
        });
    });

    test("has lines that are there already, letter by letter, passed over", async () => {
        await writeSome(2);
        const whole = await readFile(path);
        await appendFile(path, whole);
        expect((await readRecordFile(path)).samples.size).toBe(2);
        const record = await RecordFile.open(path, evalHead());
        await record.name(base);
        await record.add(evalSample("base", 0, 2, true));
        await record.close();
        expect((await readRecordFile(path)).samples.size).toBe(3);
    });

    test.runIf(process.platform !== "win32")("belongs to one at a time by whatever names it is called", async () => {
        const elsewhere = await mkdtemp(join(tmpdir(), "rast-record-"));
        try {
            const names = ["link.jsonl", "chain.jsonl", "relative.jsonl"].map((name) => join(elsewhere, name));
            await symlink(path, names[0]!);
            await symlink("link.jsonl", names[1]!);
            await symlink(join("..", basename(folder), "run.jsonl"), names[2]!);
            await symlink(folder, join(elsewhere, "folder"));
            names.push(join(elsewhere, "folder", "run.jsonl"), path);
            // New at first, then there.
            for (let turn = 0; turn < 2; turn++) {
                for (const own of names) {
                    if (turn === 0) await rm(path, { force: true });
                    const record = await RecordFile.open(own, evalHead());
                    await Promise.all(
                        (own === path ? names : [path]).map((other) =>
                            expect(RecordFile.open(other, evalHead())).rejects.toMatchObject({
                                code: "ERR_EVAL_RECORD",
                                message: expect.stringMatching(/^Another process writes the record /)
                            })
                        )
                    );
                    await record.close();
                    expect((await readRecordFile(own)).head).toEqual(evalHead());
                }
            }
            expect(await readdir(folder)).toEqual(["run.jsonl"]);
            await symlink("circle", join(elsewhere, "circle"));
            await expect(RecordFile.open(join(elsewhere, "circle"), evalHead())).rejects.toMatchObject({
                code: expect.stringMatching(/^ERR_FILE_UN/)
            });
        } finally {
            await rm(elsewhere, { recursive: true, force: true });
        }
    });

    test("belongs to one at a time where it has several names", async () => {
        await writeSome(1);
        const other = join(folder, "other.jsonl");
        // The first while it has one name alone.
        for (const [one, another] of [
            [path, other],
            [path, other],
            [other, path]
        ] as const) {
            const record = await RecordFile.open(one, evalHead());
            await link(path, other).catch(() => undefined);
            await expect(RecordFile.open(another, evalHead())).rejects.toMatchObject({
                code: "ERR_EVAL_RECORD",
                message: `Another process writes the record ${another}.`
            });
            await record.close();
        }
        const { dev, ino } = await stat(path);
        const marks = (await readdir(tmpdir())).filter((name) => name.startsWith(`rast-record-${dev}-${ino}`));
        expect([marks, (await readdir(folder)).sort()]).toEqual([[], ["other.jsonl", "run.jsonl"]]);
    });

    test("whose folder of temporary files is gone is written all the same", async () => {
        await writeSome(1);
        await link(path, join(folder, "other.jsonl"));
        vi.stubEnv("TMPDIR", join(folder, "nowhere"));
        vi.stubEnv("TEMP", join(folder, "nowhere"));
        try {
            await (await RecordFile.open(path, evalHead())).close();
        } finally {
            vi.unstubAllEnvs();
        }
    });

    test("of a later format is refused", async () => {
        await writeFile(path, `${JSON.stringify({ ...evalHead(), format: "rast-eval/9" })}\n`);
        await expect(readRecordFile(path)).rejects.toMatchObject({
            message: expect.stringMatching(/has the format "rast-eval\/9", this version reads rast-eval\/1/)
        });
    });

    test("belongs to one at a time", async () => {
        const record = await RecordFile.open(path, evalHead());
        await expect(RecordFile.open(path, evalHead())).rejects.toMatchObject({
            code: "ERR_EVAL_RECORD",
            message: expect.stringMatching(/^Another process writes the record /)
        });
        await record.close();
        await (await RecordFile.open(path, evalHead())).close();
    });

    test("of a process of another machine or container belongs to it while its mark is renewed, and for a minute more", async () => {
        const mark = join(folder, `run.jsonl.new.123-456-ffffffff-${"0".repeat(12)}.part`);
        await writeFile(mark, "");
        await expect(RecordFile.open(path, evalHead())).rejects.toMatchObject({ code: "ERR_EVAL_RECORD" });
        const before = new Date(Date.now() - 61_000);
        await utimes(mark, before, before);
        await (await RecordFile.open(path, evalHead())).close();
    });

    test("of two that begin at once, one gets it at least, and never both", async () => {
        for (let turn = 0; turn < 10; turn++) {
            const both = await Promise.allSettled([1, 2].map(() => RecordFile.open(path, evalHead())));
            const got = both.filter((one) => one.status === "fulfilled");
            expect(got.length).toBeLessThan(2);
            for (const one of got) await one.value.close();
        }
        expect(await readdir(folder)).not.toContainEqual(expect.stringMatching(/\.part$/));
    });

    test("cannot be a folder, or lie in none", async () => {
        await mkdir(path);
        await expect(RecordFile.open(path, evalHead())).rejects.toMatchObject({ code: "ERR_IS_DIRECTORY" });
        await expect(RecordFile.open(join(folder, "no", "x.jsonl"), evalHead())).rejects.toMatchObject({
            code: "ERR_FILE_UNWRITABLE"
        });
        await expect(readRecordFile(join(folder, "no.jsonl"))).rejects.toMatchObject({ code: "ERR_FILE_NOT_FOUND" });
    });
});

test("differences in words", () => {
    expect(differenceOf({ a: 1, b: [1] }, { b: [1], a: 1 })).toBeUndefined();
    expect(differenceOf({ a: 1 }, {})).toBe("a: 1 there, nothing here");
    expect(differenceOf([1, 2], [1])).toBe(": 2 there, 1 here");
    expect(differenceOf({ a: 0 }, { a: -0 })).toBeUndefined();
    expect(differenceOf({ a: null }, { a: "x" })).toBe("a: null there, x here");
});
