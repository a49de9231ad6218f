// The command with the demo's models: small, and the same whatever was killed or run beside it.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EvalReport } from "../../src/eval/metrics/report.js";
import { StandInServer } from "../support/stand-in-server.js";
import { root, run } from "../support/native.js";
import { size } from "../support/size.js";

const folder = mkdtempSync(join(tmpdir(), "rast-eval-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = (name: string): string => join(folder, name);

interface Ran {
    readonly code: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

const evaluate = (...args: readonly string[]): Promise<Ran> =>
    run(process.execPath, [join(root, "dist", "cli", "main.js"), "eval", ...args]);

async function report(...args: readonly string[]): Promise<EvalReport> {
    const { code, stdout, stderr } = await evaluate("--json", ...args);
    expect([code, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as EvalReport;
}

const limit = String(size(12, 200));
const figures = ({ contestants, ...rest }: EvalReport): object => ({
    ...rest,
    contestants: contestants.map((one) => ({ ...one, tokensPerSecond: null }))
});

describe("the demo's sums", () => {
    let first: EvalReport;
    beforeAll(async () => {
        first = await report(
            "--limit",
            limit,
            "--samples",
            "2",
            "--sweep",
            "lambda=0:1:0.5",
            "--record",
            path("a.jsonl"),
            "--html",
            path("a.html")
        );
    });

    test("accuracies, pass@k, a sweep and the recovery rate come of one command", () => {
        expect(first.contestants.map(({ label }) => label)).toEqual([
            ...["base", "expert", "rast λ 0", "rast λ 0.5", "rast λ 1", "reference"]
        ]);
        const value = (label: string): number => first.contestants.find((one) => one.label === label)!.accuracy.value;
        expect(value("rast λ 1")).toBeGreaterThan(value("base"));
        expect(value("reference")).toBeGreaterThan(0.5);
        expect(first.recovery.map(({ contestant }) => contestant)).toEqual(["rast λ 0", "rast λ 0.5", "rast λ 1"]);
        for (const { passAtK, tokens, tokensPerSecond } of first.contestants) {
            expect(passAtK[1]!.value).toBeGreaterThanOrEqual(passAtK[0]!.value);
            expect(tokens!.mean).toBeGreaterThan(1);
            expect(tokensPerSecond).toBeGreaterThan(0);
        }
        expect(readFileSync(path("a.html"), "utf8")).toContain("By strength of the delta");
    });

    test("without a delta RAST draws what the base draws", () => {
        const of = (label: string): object => {
            const { accuracy, passAtK, tokens } = first.contestants.find((one) => one.label === label)!;
            return { accuracy, passAtK, tokens };
        };
        expect(of("rast λ 0")).toEqual(of("base"));
    });

    test("the record grades as it was graded, and shows the same figures without a model", async () => {
        expect(figures(await report(path("a.jsonl")))).toEqual(figures(first));
    });

    test("a seed gives the same texts, whatever was asked before", async () => {
        const one = await report(
            "--limit",
            "1",
            "--offset",
            "5",
            "--samples",
            "2",
            "--lambda",
            "1",
            "--record",
            path("b.jsonl")
        );
        expect(one.data.asked).toBe(1);
        const samples = (name: string): string[] =>
            readFileSync(path(name), "utf8")
                .split("\n")
                .filter((line) => line.includes('"problem":5,') && line.includes('"rast λ 1"'))
                .map(
                    (line) =>
                        (JSON.parse(line) as { sample: number; output: string }).sample +
                        line.replace(/.*"output":|,"answer".*/g, "")
                )
                .sort();
        expect(samples("b.jsonl")).toEqual(samples("a.jsonl"));
    });

    test("a record of other models is refused in one line, and left as it is", async () => {
        const before = readFileSync(path("a.jsonl"));
        const { code, stdout, stderr } = await evaluate("--trio", "demo-strong", "--record", path("a.jsonl"));
        expect([code, stdout]).toEqual([2, ""]);
        expect(stderr).toMatch(
            /^rast: The record .*a\.jsonl has another \w+ \(.* there, .* here\): choose another file\. \[ERR_EVAL_RECORD\]\n$/
        );
        expect(readFileSync(path("a.jsonl"))).toEqual(before);
    });
});

test("a chat, with the model's own template", async () => {
    const { data, contestants, prompt } = await report("--trio", "demo-chat", "--limit", "6", "--samples", "1");
    expect([data.name, prompt.style, prompt.thinking]).toEqual(["chat-sums", "chat-plain", "auto"]);
    expect(contestants.map(({ label }) => label)).toEqual(["base", "expert", "rast λ 1"]);
    expect(contestants.some(({ accuracy }) => accuracy.correct > 0)).toBe(true);
});

test("texts drawn together are other draws of the same kind", async () => {
    const { contestants, notes } = await report(
        "--batched",
        "--threads",
        "1",
        "--parallel",
        "4",
        "--limit",
        "8",
        "--samples",
        "4",
        "--mode",
        "rast",
        "--lambda",
        "1"
    );
    expect(contestants[0]!.accuracy.total).toBe(32);
    expect(contestants[0]!.accuracy.value).toBeGreaterThan(0.1);
    expect(notes).toHaveLength(1);
});

test("a server answers the same problems", async () => {
    const server = await StandInServer.start();
    try {
        server.say = () => "#111";
        const args = ["--server", server.url, "--model", "m", "--data", "sums", "--style", "plain", "--limit", "3"];
        const { contestants } = await report(...args);
        expect(contestants).toMatchObject([{ label: "server: m", accuracy: { correct: 1, total: 3 } }]);
        server.fault = () => ({ status: 500, body: "out of memory" });
        const { code, stdout, stderr } = await evaluate(...args, "--retries", "0");
        expect([code, stdout]).toEqual([1, ""]);
        expect(stderr).toMatch(
            /^rast: The server at .* failed at problem \d, sample 0: it answers with 500 \(out of memory\)\. \[ERR_SERVER\]\n$/
        );
    } finally {
        await server.stop();
    }
});
