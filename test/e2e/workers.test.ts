// What the command says of workers: those it uses, and being one.
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BenchRecord } from "../../dist/bench/record/schema.js";
import type { TrioPlan } from "../../dist/index.js";
import { root, run } from "../support/native.js";
import { startWorker, stopWorkers, type TestWorker } from "../support/workers.js";

afterAll(stopWorkers);

const env = { ...process.env, RAST_BACKEND: "cpu" };
const rast = async (...args: string[]): Promise<Awaited<ReturnType<typeof run>>> =>
    run(process.execPath, [join(root, "dist", "cli", "main.js"), ...args], { env });

let workers: TestWorker[] = [];
let rpc = "";
beforeAll(async () => {
    workers = await Promise.all([startWorker(), startWorker(["--memory", "2G"])]);
    rpc = workers.map(({ address }) => address).join();
}, 30_000);

describe("--rpc", () => {
    it("rast plan counts them in: the base by their memory, small models here", async () => {
        const { code, stdout, stderr } = await rast("plan", "demo", "--rpc", rpc, "--json");
        expect([code, stderr]).toEqual([0, ""]);
        const plan = JSON.parse(stdout) as TrioPlan;
        expect(plan.models.map(({ role, devices }) => [role, devices])).toEqual([
            ["base", ["RPC0"]],
            ["expert", []],
            ["antiexpert", []]
        ]);
        expect(plan.places.map(({ name }) => name)).toEqual(["RPC0", "RPC1", "main memory"]);
        const [most, least] = plan.places;
        expect(most!.parts).toMatchObject({ results: 0, sampler: 0 });
        expect(least).toMatchObject({ freeBytes: 2 ** 31, takenBytes: 0 });
    });

    it("rast plan and rast bench say in a line that one is not there", async () => {
        for (const command of [
            ["plan", "demo"],
            ["bench", "--trio", "demo", "-n", "2", "-p", "0"]
        ]) {
            const { code, stdout, stderr } = await rast(...command, "--rpc", "127.0.0.1:1");
            expect([code, stdout]).toEqual([1, ""]);
            expect(stderr).toMatch(
                /^rast: The worker 127\.0\.0\.1:1 cannot be reached: .+ \[ERR_WORKER_UNREACHABLE\]\n$/
            );
        }
    });

    it("rast bench says what a token needs of workers, and of the way there", async () => {
        const matrix = ["-p", "0", "-n", "24", "-t", "1", "-r", "2", "--no-ideal", "-o", "json"];
        const { code, stdout } = await rast("bench", "--trio", "demo", "--rpc", rpc, ...matrix);
        expect(code).toBe(0);
        const { results } = JSON.parse(stdout) as BenchRecord;
        expect(results.map(({ mode }) => mode)).toEqual(["base", "device", "draft"]);
        for (const { network, stepMs, tokensPerRound } of results) {
            // one worker holds the base: an answer for each round
            expect(network!.waits).toBeCloseTo(tokensPerRound === null ? 1 : 1 / tokensPerRound, 0);
            expect(network!.bytes).toBeGreaterThan(4 * 128);
            expect(network!.bytes).toBeLessThan(100_000);
            const sum = network!.hereMs + network!.workerMs + network!.networkMs;
            expect(sum * (tokensPerRound ?? 1)).toBeGreaterThan(stepMs! / 4);
        }
    });
});

describe("rast worker", () => {
    it.each([
        [["--port", "70000"], "for --port"],
        [["--host", "203.0.113.9"], "Cannot listen at 203.0.113.9:0"],
        [["--host", "no.such.invalid"], "its name is not known"],
        [["--devices", "NOPE"], "There is no device NOPE"],
        [["--devices", "CPU,CPU"], "each once for --devices"],
        [["--devices", ","], "for --devices"],
        [["--cache", join(root, "package.json", "weights")], "cannot be made"],
        [["--allow", "10.0.0.0/40"], "for --allow"],
        [["--max-connections", "0"], "for --max-connections"],
        [["--memory", "0"], "for --memory"],
        [["--threads", "0"], "for --threads"]
    ])("refuses %j in a line", async (args, words) => {
        const port = args.includes("--port") ? [] : ["--port", "0"];
        const { code, stdout, stderr } = await rast("worker", ...port, ...args);
        expect([code, stdout]).toEqual([2, ""]);
        const lines = stderr.split("\n").filter((line) => line !== "" && !line.includes("can use the devices"));
        expect(lines).toHaveLength(1);
        expect(lines[0]).toContain(words);
    });

    it("says that somebody else listens there", async () => {
        const other = createServer().listen(0, "127.0.0.1");
        await once(other, "listening");
        const { port } = other.address() as { port: number };
        const { code, stderr } = await rast("worker", "--port", String(port));
        expect([code, stderr]).toEqual([2, expect.stringMatching(/^rast: Cannot listen at [^\n]+\n$/)]);
        other.close();
    });
});
