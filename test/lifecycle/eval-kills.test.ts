// An evaluation that is killed at any moment, and started again, has the figures of one that was not.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EvalReport } from "../../src/eval/metrics/report.js";
import { root, run } from "../support/native.js";
import { noise } from "../support/random-models.js";
import { size } from "../support/size.js";

const folder = mkdtempSync(join(tmpdir(), "rast-eval-kills-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const wanted = ["--limit", String(size(10, 60)), "--samples", "3", "--mode", "base,rast", "--lambda", "1", "--json"];
const command = (record: string): string[] => [
    join(root, "dist", "cli", "main.js"),
    "eval",
    ...wanted,
    "--record",
    record
];
const expectedSamples = size(10, 60) * 3 * 3;

const figures = (stdout: string): object => {
    const { contestants, ...rest } = JSON.parse(stdout) as EvalReport;
    return { ...rest, contestants: contestants.map((one) => ({ ...one, tokensPerSecond: null })) };
};

/** What stands in a record, without times, sorted. */
const samplesIn = (record: string): string[] =>
    readFileSync(record, "utf8")
        .trimEnd()
        .split("\n")
        .filter((line) => line.startsWith('{"type":"sample"'))
        .map((line) => line.replace(/,"ms":[\d.]+/, ""))
        .sort();

let expected: object;
let expectedLines: string[];
let wholeMs: number;
beforeAll(async () => {
    const record = join(folder, "whole.jsonl");
    const { code, stdout, ms } = await run(process.execPath, command(record));
    expect(code).toBe(0);
    expected = figures(stdout);
    expectedLines = samplesIn(record);
    expect(expectedLines).toHaveLength(expectedSamples);
    wholeMs = ms;
});

/** @returns whether it was killed before its end */
function killAfter(ms: number, record: string): Promise<boolean> {
    return new Promise((resolve) => {
        const child = spawn(process.execPath, command(record), { cwd: root, stdio: "ignore" });
        const timer = setTimeout(() => child.kill("SIGKILL"), ms);
        child.once("close", (_, signal) => {
            clearTimeout(timer);
            resolve(signal === "SIGKILL");
        });
    });
}

test("the same samples and figures, none twice", { timeout: 900_000 }, async () => {
    const next = noise(5);
    let killed = 0;
    for (let round = 0; round < size(1, 8); round++) {
        const record = join(folder, `killed${round}.jsonl`);
        for (let kill = 0; kill < size(4, 12); kill++) {
            killed += (await killAfter((next() / 3.4641 + 0.5) * wholeMs, record)) ? 1 : 0;
        }
        const { code, stdout } = await run(process.execPath, command(record));
        expect(code).toBe(0);
        expect(figures(stdout)).toEqual(expected);
        expect(samplesIn(record)).toEqual(expectedLines);
    }
    expect(killed).toBeGreaterThanOrEqual(size(1, 30));
    expect(readdirSync(folder).filter((name) => !/^(whole|killed\d)\.jsonl$/.test(name))).toEqual([]);
});

test(
    "two processes on one record: one does the work, the other is refused in a line",
    { timeout: 300_000 },
    async () => {
        const record = join(folder, "killed9.jsonl");
        const both = await Promise.all([1, 2].map(() => run(process.execPath, command(record))));
        const refused = both.filter(({ code }) => code === 2);
        const done = both.filter(({ code }) => code === 0);
        expect(refused.length + done.length).toBe(2);
        for (const { stderr } of refused)
            expect(stderr).toMatch(/"ERR_EVAL_RECORD".*Another process writes the record /);
        for (const { stdout } of done) expect(figures(stdout)).toEqual(expected);
        expect((await run(process.execPath, command(record))).code).toBe(0);
        expect(samplesIn(record)).toEqual(expectedLines);
    }
);
