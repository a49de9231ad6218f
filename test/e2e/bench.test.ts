import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { BenchRecord } from "../../dist/bench/record/schema.js";
import { loadRast } from "../../dist/index.js";
import { demo } from "../support/demo.js";
import { root, run, vulkanEnvironment, vulkanLibrary, type Finished } from "../support/native.js";

const main = join(root, "dist", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "rast-bench-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bench = (args: readonly string[], env = process.env): Promise<Finished> =>
    run(process.execPath, [main, "bench", ...args], { env });
const quick = ["--trio", "demo-strong", "-p", "24", "-n", "12", "-r", "3"];

describe("rast bench", () => {
    it("measures all modes, peers among them, and writes record and page", async () => {
        const [file, page] = [join(folder, "a.json"), join(folder, "a.html")];
        const modes = ["--mode", "base,host,device,draft", "--peer", "node-llama-cpp", "-s", "1,3", "-d", "16"];
        const result = await bench([...quick, ...modes, "-o", "json", "--output", file, "--html", page]);
        expect(result).toMatchObject({ code: 0, stdout: "", stderr: "" });
        const record = JSON.parse(readFileSync(file, "utf8")) as BenchRecord;
        expect(record.command).toMatch(/^rast bench --trio demo-strong .*--output a.json --html a.html$/);
        expect(record.machine.cores).toBeGreaterThan(0);
        expect(record.models.map(({ role, file: name }) => [role, name])).toEqual([
            ["base", "demo-base.gguf"],
            ["expert", "demo-strong-expert.gguf"],
            ["antiexpert", "demo-strong-antiexpert.gguf"]
        ]);
        // 2 numbers of sequences: a prompt for the base and one mode of RAST, texts for four modes; the peer alone
        expect(record.results).toHaveLength(2 * (2 + 4) + 1);
        for (const one of record.results) {
            expect(one.samples).toHaveLength(3);
            expect(one.idealSamples).toHaveLength(3);
            expect(Math.min(...one.samples, ...one.idealSamples)).toBeGreaterThan(0);
        }
        // prompts are decoded, not found in a cache; a tiny model's time goes into handing them over
        for (const { samples, idealSamples } of record.results.filter(({ kind }) => kind === "pp")) {
            expect(Math.max(...samples) / Math.min(...idealSamples)).toBeGreaterThan(0.1);
        }
        const generated = record.results.filter(({ kind, mode }) => kind === "tg" && mode !== "node-llama-cpp");
        for (const { shares, stepMs, path, mode } of generated) {
            expect(Object.values(shares!).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
            expect(Math.min(...Object.values(shares!))).toBeGreaterThanOrEqual(0);
            expect(stepMs).toBeGreaterThan(0);
            expect(path.startsWith(mode === "host" ? "host: " : "device: ")).toBe(true);
        }
        const one = (mode: string) => generated.find((row) => row.mode === mode && row.sequences === 1)!;
        expect(one("device").hostBytesPerToken).toBeLessThanOrEqual(64);
        expect(one("host").hostBytesPerToken).toBeGreaterThanOrEqual(32 * 4); // the whole row of 32 tokens
        expect(one("draft").agreement).toBeGreaterThan(0);
        expect(one("base")).toMatchObject({ lambdas: [], agreement: null });
        expect(one("device").lambdas).toEqual([1]);
        expect(record.memory).toHaveLength(3);
        for (const { models, accountedBytes } of record.memory) {
            expect(models).toHaveLength(3);
            for (const { cacheBytes, computeBytes, samplerBytes } of models) {
                expect(cacheBytes).toBeGreaterThan(0);
                expect(computeBytes).toBeGreaterThan(0);
                expect(samplerBytes).toBeGreaterThanOrEqual(0);
            }
            // llama.cpp keeps copies of Q4_0 weights beside mapped ones on processors that have a layout for them
            for (const { repackedBytes, fileBytes } of models) {
                expect(repackedBytes).toBeGreaterThanOrEqual(0);
                expect(repackedBytes).toBeLessThanOrEqual(fileBytes);
            }
            expect(accountedBytes).toBeGreaterThan(models.reduce((sum, { fileBytes }) => sum + fileBytes, 0));
        }
        expect(readFileSync(page, "utf8")).toMatch(/^<!doctype html>/i);
    });

    it("prints a table, and shows and compares records later", async () => {
        const file = join(folder, "b.json");
        expect((await bench([...quick, "--mode", "base,device", "-o", "json", "--output", file])).code).toBe(0);
        const table = await bench([file]);
        expect(table.code).toBe(0);
        expect(table.stdout).toMatch(/\| model .*\| +test .*\| +t\/s /);
        expect(table.stdout).toContain("tg12");
        const lines = (await bench([file, "-o", "jsonl"])).stdout.trim().split("\n");
        expect(lines.map((line) => (JSON.parse(line) as { test: string }).test)).toEqual([
            "pp24",
            "pp24",
            "tg12",
            "tg12"
        ]);
        expect((await bench([file, "-o", "csv"])).stdout.trim().split(/\r?\n/)).toHaveLength(5);
        const compared = await bench(["--compare", file, file]);
        expect(compared.code).toBe(0);
        expect(compared.stdout).toContain("1.00");
    });

    it("says so when other programs disturb it, and keeps what it saw", async () => {
        const file = join(folder, "busy.json");
        const spinning = Array.from({ length: 2 }, () =>
            spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" })
        );
        try {
            // more threads would wait for each other, hundreds of times a decode
            const args = ["--mode", "base,device", "-t", "1", "--loads", "2", "--wait-quiet", "1"];
            const result = await bench([...quick, ...args, "-o", "json", "--output", file]);
            expect(result).toMatchObject({ code: 0, stdout: "", stderr: "" });
        } finally {
            for (const child of spinning) child.kill("SIGKILL");
        }
        const record = JSON.parse(readFileSync(file, "utf8")) as BenchRecord;
        expect(record).toMatchObject({ trio: "demo-strong", loads: 2, repetitions: 3 });
        expect(record.warnings).toEqual(["the machine was not quiet within 1 s"]);
        expect(record.activity!.waitedMs).toBeGreaterThanOrEqual(1000);
        expect(record.results).toHaveLength(4);
        for (const { samples, idealSamples, noise } of record.results) {
            expect([samples.length, idealSamples.length, noise!.yardstickMs.length]).toEqual([6, 6, 6]);
            expect(noise!.othersCpus).toBeGreaterThan(0.15);
        }
        const said = record.results.flatMap(({ warnings }) => warnings).join("\n");
        expect(said).toMatch(/other programs used \d+\.\d\d of \d+ CPUs/);
        const table = (await bench([file])).stdout;
        expect(table).toContain("Not to be believed as it stands");
        expect(table).toContain("llama 0.870M Q8_0 + 2 x llama 0.150M Q8_0");
    });

    it("measures a base alone", async () => {
        const result = await bench(["--base", demo.base, "-p", "0", "-n", "8", "-r", "1", "-o", "json"]);
        const record = JSON.parse(result.stdout) as BenchRecord;
        expect(record.results.map(({ test, mode }) => [test, mode])).toEqual([["tg8", "base"]]);
    });

    it("takes prompts from a text", async () => {
        const file = join(folder, "prompts.txt");
        writeFileSync(file, "Q: 6+34+63+39?\nS:6+34=40;40+63=103;103+39=142#142\n");
        const args = [
            "--trio",
            "demo-strong",
            "--mode",
            "draft",
            "-p",
            "0",
            "-n",
            "30",
            "-d",
            "10",
            "-r",
            "1",
            "-o",
            "json"
        ];
        const result = await bench([...args, "--prompt-file", file]);
        expect((JSON.parse(result.stdout) as BenchRecord).results).toHaveLength(1);
    });

    it.runIf(vulkanLibrary !== undefined)("measures a device", async () => {
        const args = ["--trio", "demo-strong", "--mode", "device,draft", "-p", "0", "-n", "6", "-r", "1", "-o", "json"];
        const record = JSON.parse((await bench(args, vulkanEnvironment())).stdout) as BenchRecord;
        expect(record.backend).toBe("Vulkan");
        expect(record.results.map(({ gpuLayers, mode }) => [gpuLayers, mode])).toEqual([
            [5, "device"],
            [5, "draft"]
        ]);
        expect(record.results[0]!.hostBytesPerToken).toBeLessThanOrEqual(64);
        expect(record.machine.devices.map(({ backend }) => backend)).toEqual(["Vulkan"]);
    });

    it("ends with 130 and writes nothing on Ctrl-C", async () => {
        const file = join(folder, "interrupted.json");
        const args = [main, "bench", ...quick, "-n", "400", "-r", "500", "-o", "json", "--output", file];
        const child = spawn(process.execPath, args, { stdio: "ignore" });
        setTimeout(() => child.kill("SIGINT"), 1500);
        expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130);
        expect(existsSync(file)).toBe(false);
    });
});

describe("misuse of rast bench", () => {
    const kept = join(folder, "kept.json");
    writeFileSync(kept, '{"schema": "something else"}');
    it.each([
        [["--trio", "demo", "--mode", "quick"], "--mode"],
        [["--trio", "demo", "--repetitions", "0"], "repetitions"],
        [["--trio", "demo", "-n", "many"], 'Expected a number for --generate, received "many"'],
        [["--trio", "demo", "-p", "0", "-n", "0"], "something to measure"],
        [["--base", demo.base, "--mode", "draft"], "needs an expert"],
        [["--trio", "demo", "-o", "xml"], "--format"],
        [["--trio", "demo", "-d", "100000"], "ontext"],
        [["--trio", "demo", "--output", "/nowhere/a.md"], "/nowhere"],
        [["--trio", "demo", "--output", folder], "folder"],
        [["--trio", "demo", "--html", folder], "folder"],
        [[kept], "ERR_BENCH_RECORD"],
        [["/nowhere.json"], "ERR_FILE_NOT_FOUND"],
        [["--compare", kept], "two records"],
        [["--compare", kept, kept], "ERR_BENCH_RECORD"],
        [[], "No models"]
    ])("%j: one line, exit code 2, nothing written over", async (args, expected) => {
        const result = await bench([...args, ...(args.includes("--output") ? [] : ["--output", kept])], {
            ...process.env,
            RAST_BACKEND: "cpu"
        });
        expect(result.stderr).toContain(expected);
        expect(result.stderr.trim().split("\n")).toHaveLength(1);
        expect(result.stdout).toBe("");
        expect(result.code).toBe(2);
        expect(readFileSync(kept, "utf8")).toBe('{"schema": "something else"}');
    });
});

describe("bare decodes", () => {
    it("are timed beside generations, for every model, and checked", async () => {
        const rast = await loadRast({ trio: "demo-strong", contextSize: 256, parallel: 2 });
        const running = rast.complete({ prompt: "6+34+63+39", seed: 3 });
        for (const role of ["base", "expert", "antiexpert"] as const) {
            const ms = await rast.measureDecodes({ role, tokens: 5, depth: 20, sequences: 2 });
            expect(ms).toHaveLength(5);
            expect(Math.min(...ms)).toBeGreaterThan(0);
        }
        expect(await rast.measureDecodes({ tokens: 100, prompt: true })).toHaveLength(1);
        const alone = await rast.complete({ prompt: "6+34+63+39", seed: 3 });
        expect((await running).text).toBe(alone.text);
        const refused = (options: object, code: string) =>
            expect(rast.measureDecodes(options as { tokens: number })).rejects.toMatchObject({ code });
        await refused({ tokens: 0 }, "ERR_INVALID_OPTION");
        await refused({ tokens: 1, role: "judge" }, "ERR_INVALID_OPTION");
        await refused({ tokens: 1, pair: 1 }, "ERR_INVALID_OPTION");
        await refused({ tokens: 1, sequences: 3 }, "ERR_INVALID_OPTION");
        await refused({ tokens: 1, steps: 3 }, "ERR_UNKNOWN_OPTION");
        await refused({ tokens: 100_000 }, "ERR_INVALID_ARGUMENT");
        const outcome = rast.measureDecodes({ tokens: 100, sequences: 2 }).then(
            () => "done",
            (error: { code: string }) => error.code
        );
        await rast.dispose();
        // never lost
        expect(["done", "ERR_DISPOSED", "ERR_DECODE"]).toContain(await outcome);
        await refused({ tokens: 1 }, "ERR_DISPOSED");
    });
});
