// What the command says of workers: those it uses, and being one.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BenchRecord } from "../../dist/bench/record/schema.js";
import type { RastResult, TrioPlan } from "../../dist/index.js";
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
        expect(plan.workers.map(({ worker, devices }) => [worker, devices])).toEqual([
            [workers[0]!.address, ["RPC0"]],
            [workers[1]!.address, ["RPC1"]]
        ]);
        const { roundTripMs } = plan.workers[0]!;
        expect(roundTripMs).toBeGreaterThan(0);
        // a decode waits for the one worker that has layers, and for no other
        expect(plan.speed!.networkMs).toBeCloseTo(roundTripMs, 6);
        expect(plan.speed!.networkShare).toBeCloseTo((roundTripMs * plan.speed!.plain) / 1000, 6);
        // they are processors, and nobody knows their bandwidth
        expect(plan.bandwidths.filter(({ name }) => name.startsWith("RPC"))).toEqual([
            { name: "RPC0", gigabytesPerSecond: 50, by: "assumed" },
            { name: "RPC1", gigabytesPerSecond: 50, by: "assumed" }
        ]);
    });

    it("rast plan says who was asked, how far it is, and what the way costs", async () => {
        const [one, two] = workers.map(({ address }) => address) as [string, string];
        const { code, stdout, stderr } = await rast("plan", "--trio", "demo", "--rpc", one, "--rpc", two);
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).toMatch(new RegExp(`^worker ${one}: RPC0, \\d+\\.\\d\\d ms there and back$`, "m"));
        expect(stdout).toMatch(new RegExp(`^worker ${two}: RPC1, \\d+\\.\\d\\d ms there and back; not needed$`, "m"));
        expect(stdout).toContain(`RPC0 at ${one} 50 GB/s, assumed: --bandwidth says better`);
        expect(stdout).toMatch(/^of a token's [\d.]+ ms the way to workers takes [\d.]+ \([\d.]+%\)/m);
        const here = await rast("plan", "demo");
        expect(here.stdout).not.toMatch(/worker/);
        const both = await rast("plan", "demo", "--trio", "demo");
        expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("either a trio or --trio")]);
    });

    it("rast devices --rpc adds to those before, and says what a worker's device is", async () => {
        const [one, two] = workers.map(({ address }) => address) as [string, string];
        const { code, stdout } = await rast("devices", "--rpc", one, "--rpc", two);
        expect(code).toBe(0);
        for (const [name, address] of [
            ["RPC0", one],
            ["RPC1", two]
        ]) {
            expect(stdout).toMatch(new RegExp(`^  ${name} +cpu, .+ at ${address}, `, "m"));
        }
    });

    it("rast generate names the worker that was used, in words and as JSON", async () => {
        const [one, two] = workers.map(({ address }) => address) as [string, string];
        const text = [
            "generate",
            "--trio",
            "demo",
            "--max-tokens",
            "8",
            "--threads",
            "1",
            "--rpc",
            one,
            "--rpc",
            two,
            "2+2="
        ];
        const { code, stderr } = await rast(...text);
        expect(code).toBe(0);
        expect(stderr).toMatch(new RegExp(`; base: 4 layers on RPC0 at ${one}; network [^;]+ a token`));
        const json = JSON.parse((await rast(...text, "--json")).stdout) as RastResult;
        expect(json.devices.base).toEqual({
            device: "CPU",
            workers: [{ device: "RPC0", worker: one, layers: 4 }],
            gpuLayers: 5,
            layers: 4
        });
        expect(json.devices.pairs[0]!.expert.workers).toEqual([]);
        for (const { waitMs, workerMs, networkMs } of [json.network!, json.network!.prompt]) {
            expect(workerMs).toBeLessThanOrEqual(waitMs);
            expect(networkMs).toBeGreaterThan(0);
        }
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
        const { backend, results } = JSON.parse(stdout) as BenchRecord;
        expect(backend).toBe("CPU,RPC");
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
        [["--host", "203.0.113.9"], "Cannot listen at 203.0.113.9:0: it is no address of this machine. [ERR_LISTEN]"],
        [["--host", "no.such.invalid"], "Cannot listen at no.such.invalid:0: its name is not known. [ERR_LISTEN]"],
        [["--host", "127.0.0.1:50055"], "without a port, which is an option of its own for --host"],
        [["--host", "300.0.0.1"], "an address of IPv4"],
        [["--devices", "NOPE"], "There is no device NOPE to offer. Devices here: CPU."],
        [["--devices", "CPU,CPU"], "each once for --devices"],
        [["--devices", "CPU,cpu"], "each once for --devices"],
        [["--devices", ","], "for --devices"],
        [["--cache", join(root, "package.json", "weights")], "cannot be made"],
        [["--allow", "10.0.0.0/40"], "for --allow"],
        [["--max-connections", "0"], "for --max-connections"],
        [["--memory", "0"], 'Expected a size of at least 1M for --memory, received "0".'],
        [
            ["--memory", "16"],
            'at least 1M for --memory, received "16". A number alone is bytes: 16M and 16G are larger.'
        ],
        [["--memory", "16k"], 'Expected a size of at least 1M for --memory, received "16k".'],
        [["--threads", "0"], "for --threads"]
    ])("refuses %j in a line", async (args, words) => {
        const port = args.includes("--port") ? [] : ["--port", "0"];
        const { code, stdout, stderr } = await rast("worker", ...port, ...args);
        expect([code, stdout]).toEqual([2, ""]);
        const lines = stderr.split("\n").filter((line) => line !== "");
        expect(lines).toHaveLength(1);
        expect(lines[0]).toContain(words);
    });

    it("says that somebody else listens there", async () => {
        const other = createServer().listen(0, "127.0.0.1");
        await once(other, "listening");
        const { port } = other.address() as { port: number };
        const { code, stderr } = await rast("worker", "--port", String(port));
        expect([code, stderr]).toEqual([
            2,
            `rast: Cannot listen at 127.0.0.1:${port}: another program listens there, perhaps another worker; ` +
                "--port chooses another port, --port 0 a free one. [ERR_LISTEN]\n"
        ]);
        other.close();
    });

    it.each(["CPU", "cpu"])("lists the device that --devices %s offers", async (name) => {
        const worker = await startWorker(["--devices", name]);
        expect(worker.events).toMatchObject([{ event: "listening", devices: [{ name: "CPU", type: "cpu" }] }]);
        await worker.stop();
    });

    const listening = async (host: string): Promise<{ stdout: string; stderr: string }> => {
        const child = spawn(
            process.execPath,
            [join(root, "dist/cli/main.js"), "worker", "--port", "0", "--host", host],
            { env }
        );
        let stdout = "";
        let stderr = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        await new Promise<void>((resolve) =>
            child.stdout.setEncoding("utf8").on("data", (text: string) => {
                stdout += text;
                if (stdout.includes(" free\n")) resolve();
            })
        );
        child.kill("SIGTERM");
        await once(child, "close");
        return { stdout, stderr };
    };

    it("says what others type where it listens at every address, and warns", async () => {
        const { stdout, stderr } = await listening("0.0.0.0");
        const port = /^listening at 0\.0\.0\.0:(\d+)\n/.exec(stdout)![1];
        const mine = Object.values(networkInterfaces())
            .flatMap((all) => all ?? [])
            .filter(({ family, internal }) => family === "IPv4" && !internal);
        const said = stdout.split("\n").filter((line) => line.includes("--rpc"));
        expect(said).toEqual(mine.map(({ address }) => `  elsewhere: --rpc ${address}:${port}`));
        expect(stderr).toMatch(/^rast: Everybody who reaches this address can use the devices[^\n]+\n$/);
    });

    it("takes an address in brackets, and warns of nothing at this machine's own", async () => {
        const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
        const [host, shown] = hasIPv6
            ? ["[::1]", /^listening at \[::1\]:\d+\n  CPU/]
            : ["127.0.0.1", /^listening at 127\.0\.0\.1:\d+\n  CPU/];
        const { stdout, stderr } = await listening(host);
        expect(stdout).toMatch(shown);
        expect(stderr).toBe("");
    });
});
