// Engines over workers: the same texts as here, and what becomes of them when workers go.
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { loadRast, type LoadOptions, type Rast, type RastResult } from "../../dist/index.js";
import { demo, prompt } from "../support/demo.js";
import { canSeeProcesses, engineProcesses, until } from "../support/engine-processes.js";
import { textsOf } from "../support/every-text.js";
import { errorOf } from "../support/isolated.js";
import { heavy, size } from "../support/size.js";
import { wideDemo } from "../support/test-models.js";
import { slowNetwork, startWorker, stopWorkers, workersWithLayers, type TestWorker } from "../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "rast-workers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterAll(stopWorkers);

const trio = { base: demo.base, expert: demo.strongExpert, antiexpert: demo.strongAntiexpert, threads: 1 } as const;
const greedy = { prompt, temperature: 0, maxTokens: 40, ignoreEos: true } as const;
const asked = { prompt, maxTokens: 40, grammar: 'root ::= ([0-9] | "+" | "=" | "\\n")+', folder };

// In F32, as who draws beside whom depends on the moment, and quantized rows on who is beside them.
const exact = async (): Promise<LoadOptions> => {
    const { base, strongExpert, strongAntiexpert } = await wideDemo();
    return { base, expert: strongExpert, antiexpert: strongAntiexpert, threads: 1, flashAttention: false };
};

// Spread over all of them, where placing would take one.
const load = async (workers: readonly TestWorker[], options: LoadOptions = {}): Promise<Rast> =>
    loadRast({
        ...(await exact()),
        base: { path: (await wideDemo()).base, device: workers.map((_, index) => `RPC${index}`), gpuLayers: 5 },
        rpc: workers.map(({ address }) => address),
        ...options
    });

let workers: TestWorker[] = [];
let here: Record<string, unknown>;
beforeAll(async () => {
    workers = await Promise.all(Array.from({ length: size(2, 3) }, () => startWorker()));
    const local = await loadRast({ ...(await exact()), gpuLayers: 0, parallel: 3 });
    here = await textsOf(local, asked);
    await local.dispose();
}, 60_000);

describe("texts", () => {
    it.each(heavy ? [1, 2, 3] : [2])("over %i workers are those of this machine", async (count) => {
        const rast = await load(workers.slice(0, count), { parallel: 3 });
        expect(rast.info.base).toMatchObject({
            device: "CPU",
            gpuLayers: 5,
            devices: ["RPC0", "RPC1", "RPC2"].slice(0, count)
        });
        expect(workersWithLayers(rast)).toBe(count);
        expect(rast.info.pairs[0]!.expert.devices).toEqual([]);
        expect(await textsOf(rast, asked)).toEqual(here);
        await rast.dispose();
    });

    it("take rows as wide as the embedding from the network, one for each token, and none as wide as the vocabulary", async () => {
        const rast = await load(workers.slice(0, 1));
        const { network, speculation } = await rast.complete({ ...greedy, maxTokens: 33, speculation: "off" });
        expect(speculation.rounds).toBe(33);
        const { waits, receivedBytes, bytesPerToken, networkMsPerRound, workerMs, waitMs } = network!;
        // 32 decodes behind the first: a frame and a row each, and answers without a row
        const embeddingBytes = 4 * 128;
        expect(waits).toBeGreaterThanOrEqual(32);
        expect(receivedBytes).toBeLessThanOrEqual(32 * embeddingBytes + 64 * waits);
        expect(bytesPerToken).toBeGreaterThan(embeddingBytes);
        expect(networkMsPerRound).toBeGreaterThan(0);
        expect(workerMs).toBeLessThan(waitMs);
        await rast.dispose();
    });

    it("send a graph once for each shape of batch, and then a few bytes that name it", async () => {
        const rast = await load(workers.slice(0, 1));
        const drafted = { ...greedy, speculation: { draft: 3 } } as const;
        const first = await rast.complete(drafted);
        const again = await rast.complete(drafted);
        expect(again.text).toBe(first.text);
        expect(again.speculation.rounds).toBeGreaterThan(3);
        // a graph of these layers has over 60 KiB; what comes beside it are rows, positions and masks
        expect(again.network!.sentBytes / again.speculation.rounds).toBeLessThan(16_384);
        await rast.dispose();
    });

    it("have no figures of a network without one", async () => {
        const rast = await loadRast({ ...trio, gpuLayers: 0 });
        expect((await rast.complete({ ...greedy, maxTokens: 2 })).network).toBeNull();
        await rast.dispose();
    });
});

describe("a worker that is not there, or is none", () => {
    const codeOf = async (options: LoadOptions): Promise<string> => {
        const started = Date.now();
        const { code, message, details } = await errorOf(loadRast({ ...trio, ...options }));
        expect(Date.now() - started).toBeLessThan(20_000);
        expect(message).toContain(details["worker"] as string);
        return code;
    };

    it("is ERR_WORKER_UNREACHABLE: nobody listens, nobody knows the name, nobody answers", async () => {
        const silent = createServer(() => {}).listen(0, "127.0.0.1");
        await once(silent, "listening");
        const { port } = silent.address() as { port: number };
        const all = ["127.0.0.1:1", "nowhere.invalid:50052", ...(heavy ? [`127.0.0.1:${port}`] : [])];
        for (const rpc of all) expect(await codeOf({ rpc }), rpc).toBe("ERR_WORKER_UNREACHABLE");
        silent.close();
    });

    it.each([
        [
            "another version",
            "no version 99 v9.9.9 1.2.3 7.7.7\n",
            /rast-llama 7\.7\.7 with llama\.cpp v9\.9\.9, ggml 1\.2\.3 and protocol 99; this is rast-llama \S+ with llama\.cpp \S+, ggml \S+ and protocol \d+\. Install the same version/
        ],
        [
            "one that names no versions",
            "no version\n",
            /is rast-llama \? with llama\.cpp \?, ggml \? and protocol \?; this/
        ],
        [
            "versions for a terminal",
            "no version \u001b[2J \u009b1m\n",
            /with llama\.cpp \?+1m, ggml \? and protocol \?\[2J; this/
        ],
        ["another program", "HTTP/1.1 400 Bad Request\r\n\r\n", /is no rast worker: it answers otherwise/],
        ["a program without lines", "\0".repeat(1000), /is no rast worker: it does not end what it says/],
        ["a program that never stops", "\0".repeat(300_000), /is no rast worker: what it says is too long/],
        ["one that says nothing", "", /closed the connection/]
    ])("is ERR_WORKER_VERSION: %s", async (_, answer, words) => {
        const other = createServer(
            (socket) => void socket.on("error", () => {}).once("data", () => socket.end(answer))
        );
        other.listen(0, "127.0.0.1");
        await once(other, "listening");
        const { port } = other.address() as { port: number };
        const error = await errorOf(loadRast({ ...trio, rpc: `127.0.0.1:${port}` }));
        expect(error).toMatchObject({ code: "ERR_WORKER_VERSION", message: expect.stringMatching(words) });
        other.close();
    });

    it.skipIf(!heavy)("is ERR_WORKER_VERSION: a program that says a byte now and then", async () => {
        const other = createServer((socket) => {
            const timer = setInterval(() => void socket.write("x"), 1000);
            socket.on("error", () => {}).on("close", () => clearInterval(timer));
        }).listen(0, "127.0.0.1");
        await once(other, "listening");
        const { port } = other.address() as { port: number };
        expect(await errorOf(loadRast({ ...trio, rpc: `127.0.0.1:${port}` }))).toMatchObject({
            code: "ERR_WORKER_VERSION",
            message: expect.stringContaining("it does not end what it says")
        });
        other.close();
    });

    it.each([
        ["no address 10.9.9.9\n", "which it sees as 10.9.9.9: start it with --allow 10.9.9.9."],
        ["no address\n", "it was started with --allow."],
        ["no room\n", "start it with a larger --max-connections."],
        ["no device\n", "cannot offer its devices: what it writes there says why."]
    ])("is ERR_WORKER_REFUSED with what to do: %j", async (answer, words) => {
        const other = createServer(
            (socket) => void socket.on("error", () => {}).once("data", () => socket.end(answer))
        ).listen(0, "127.0.0.1");
        await once(other, "listening");
        const { port } = other.address() as { port: number };
        expect(await errorOf(loadRast({ ...trio, rpc: `127.0.0.1:${port}` }))).toMatchObject({
            code: "ERR_WORKER_REFUSED",
            message: expect.stringContaining(words)
        });
        other.close();
    });

    it("is told in the worker's words which versions it has refused", async () => {
        const worker = workers[0]!;
        const refusals = worker.events.filter((one) => one.event === "refused").length;
        const socket = connect(worker.port, "127.0.0.1").on("error", () => {});
        socket.resume();
        socket.write("rast-worker 77 use v9.9.9 1.2.3 7.7.7\u001b[2J\n");
        await closed(socket);
        await worker.said("refused", refusals + 1);
        expect(worker.events.filter((one) => one.event === "refused").at(-1)).toMatchObject({
            why: "it is another version, rast-llama 7.7.7?[2J with llama.cpp v9.9.9, ggml 1.2.3 and protocol 77"
        });
    });

    it("is ERR_WORKER_REFUSED: an address that it does not allow", async () => {
        const strict = await startWorker(["--allow", "10.1.0.0/16,fd00::/8"]);
        expect(await errorOf(loadRast({ ...trio, rpc: strict.address }))).toMatchObject({
            code: "ERR_WORKER_REFUSED",
            message: `The worker ${strict.address} does not allow this machine's address, which it sees as 127.0.0.1: start it with --allow 127.0.0.1.`
        });
        await strict.said("refused");
        await strict.stop();
        const open = await startWorker(["--allow", "10.1.0.0/16,127.0.0.0/8", "--max-connections", "1"]);
        const rast = await loadRast({ ...trio, rpc: open.address });
        expect(await codeOf({ rpc: open.address })).toBe("ERR_WORKER_REFUSED");
        await rast.dispose();
        await open.stop();
    });
});

describe.skipIf(!canSeeProcesses)("a worker that goes", () => {
    afterEach(() => until("no process is left", () => engineProcesses().length === 0));

    const text = async (rast: Rast): Promise<RastResult> => rast.complete({ ...greedy, speculation: "off" });
    const endless = { ...greedy, maxTokens: 480, speculation: "off" } as const;

    it(
        "in the middle of a text ends that text with its name, and the next one connects anew",
        async () => {
            const rast = await load(workers);
            expect((await text(rast)).text).toBe(here["plain"]);
            const whole = (await rast.complete(endless)).text;
            const descriptors = readdirSync("/proc/self/fd").length;
            const kills = size(1, 100);
            let spared = 0;
            for (let kill = 0; kill < kills; ++kill) {
                const worker = workers[kill % workers.length]!;
                const listened = worker.events.filter((one) => one.event === "listening").length;
                const outcome = rast.complete(endless).catch((error: unknown) => error as Error);
                await new Promise((resolve) => setTimeout(resolve, size(20, 0) + Math.random() * size(40, 150)));
                process.kill(worker.serving(), "SIGKILL");
                const ended = await outcome;
                const details = { worker: worker.address };
                const wasLost = ended instanceof Error;
                if (wasLost) expect(ended).toMatchObject({ code: "ERR_WORKER_LOST", details });
                else {
                    // it had come to its end, or was not given to the process yet when that ended
                    expect(ended.text).toBe(whole);
                    ++spared;
                }
                const next = await text(rast).catch((error: unknown) => error as Error);
                if (next instanceof Error) {
                    // one that is killed again and again takes its time; and a loss is heard of by the next text at the latest
                    const code = wasLost ? "ERR_WORKER_UNREACHABLE" : /^ERR_WORKER_(UNREACHABLE|LOST)$/;
                    expect(next, `kill ${kill}, ${ended instanceof Error ? ended.message : "whole"}`).toMatchObject({
                        code: typeof code === "string" ? code : expect.stringMatching(code),
                        details
                    });
                    await worker.said("listening", listened + 1);
                }
                expect((await text(rast)).text).toBe(here["plain"]);
            }
            expect(spared).toBeLessThan(kills / 4);
            expect(readdirSync("/proc/self/fd").length).toBeLessThan(descriptors + 8);
            await rast.dispose();
        },
        size(30_000, 1_800_000)
    );

    it("for good is said, and found again when it is back", async () => {
        const worker = await startWorker();
        let losses = 0;
        const rast = await load([worker], { isolate: { onCrash: () => void ++losses } });
        expect((await text(rast)).text).toBe(here["plain"]);
        await worker.stop();
        await until("the engine's process has heard of it", () => losses === 1);
        expect(await errorOf(text(rast))).toMatchObject({
            code: "ERR_WORKER_UNREACHABLE",
            details: { worker: worker.address }
        });
        const again = await startWorker(["--port", String(worker.port)]);
        expect((await text(rast)).text).toBe(here["plain"]);
        await rast.dispose();
        await again.stop();
    }, 30_000);

    it("between two texts is not in the way of the next, also where that begins before anybody noticed", async () => {
        const worker = await startWorker();
        const network = await slowNetwork(worker.port, 0);
        let losses = 0;
        const { base, ...rest } = await exact();
        const rast = await loadRast({
            ...rest,
            base: { path: base as string, device: "RPC0", gpuLayers: 5 },
            rpc: network.address,
            isolate: { onCrash: () => void ++losses }
        });
        expect((await text(rast)).text).toBe(here["plain"]);
        for (let round = 1; round <= size(2, 10); ++round) {
            network.cut();
            const both = await Promise.all([text(rast), text(rast)]);
            expect(both.map((one) => one.text)).toEqual([here["plain"], here["plain"]]);
            expect(losses).toBe(round);
        }
        network.cut();
        // one with a grammar is lost, unless the process happened to look just before
        const withGrammar = await rast
            .complete({ ...greedy, grammar: asked.grammar })
            .catch((error: unknown) => error as Error);
        if (withGrammar instanceof Error) expect(withGrammar).toMatchObject({ code: "ERR_WORKER_LOST" });
        expect((await text(rast)).text).toBe(here["plain"]);
        await worker.stop();
        expect(await errorOf(text(rast))).toMatchObject({ details: { worker: network.address } });
        await rast.dispose();
        await network.close();
    }, 30_000);

    it("while models are loaded is an error of the load", async () => {
        const worker = workers[0]!;
        const crashes = worker.events.filter((one) => one.event === "crashed").length;
        let killed = false;
        const onProgress = (): void => {
            if (!killed) process.kill(worker.serving(), "SIGKILL");
            killed = true;
        };
        const outcome = await load([worker], { onProgress }).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "ERR_WORKER_LOST" });
        else await (outcome as Rast).dispose();
        await worker.said("listening", crashes + 2);
    });

    it("silent is lost after the time that was given, and not before", async () => {
        const network = await slowNetwork(workers[0]!.port, 0);
        const rast = await loadRast({
            ...(await exact()),
            base: { path: (await wideDemo()).base, device: "RPC0", gpuLayers: 5 },
            rpc: network.address,
            workerTimeoutMs: 1500
        });
        expect((await text(rast)).text).toBe(here["plain"]);
        const generation = rast.generate(endless);
        for await (const { tokens } of generation) if (tokens.length > 0) break;
        const other = rast.complete(endless);
        await new Promise((resolve) => setTimeout(resolve, 50));
        network.freeze();
        const frozen = Date.now();
        const error = await errorOf(other);
        expect(error).toMatchObject({
            code: "ERR_WORKER_LOST",
            message: expect.stringContaining("no sign of life for 2 s")
        });
        expect(Date.now() - frozen).toBeGreaterThan(1400);
        expect(Date.now() - frozen).toBeLessThan(15_000);
        await rast.dispose();
        await network.close();
    }, 30_000);
});

describe("weights", () => {
    it("that a worker has no memory for are refused before they are sent", async () => {
        const poor = await startWorker(["--memory", "300M"]);
        expect(await errorOf(load([poor]))).toMatchObject({
            code: "ERR_INSUFFICIENT_MEMORY",
            message: expect.stringContaining(
                `on RPC0 (the worker ${poor.address}), where 300 MiB are free and 512 MiB are to stay free as a margin (`
            ),
            details: { device: "RPC0" }
        });
        await poor.stop();
    });
});

describe("hostile bytes", () => {
    const hello = async (port: number): Promise<string> => {
        const socket = connect(port, "127.0.0.1");
        let asked = "";
        socket.on("data", (bytes) => (asked += String(bytes)));
        socket.write(`rast-worker 1 ask v0 0 0\n`);
        await closed(socket);
        const [, protocol, versions] = /no version (\d+) (.*)\n/.exec(asked)!;
        return `rast-worker ${protocol} use ${versions}\n`;
    };

    it(
        "take no more than the worker's process, which comes back",
        async () => {
            const worker = workers.at(-1)!;
            const use = await hello(worker.port);
            const random = randomBytes(7);
            for (let round = 0; round < size(8, 500); ++round) {
                const socket = connect(worker.port, "127.0.0.1").on("error", () => {});
                if (round % 4 > 0) {
                    socket.write(use);
                    // llama.cpp's own hello, then anything
                    if (round % 4 > 1) socket.write(message(14, Buffer.alloc(24)));
                    const command = [...Array(19).keys(), 128, 129][round % 21]!; // with those for graphs that are kept
                    socket.write(round % 4 === 3 ? message(command, random(24 * (round % 20))) : random(300));
                } else socket.write(random(600));
                await Promise.race([closed(socket), new Promise((resolve) => setTimeout(resolve, size(100, 200)))]);
                socket.destroy();
            }
            await until("it listens", () => !isDown(worker), 60_000);
            const rast = await load([worker]);
            expect((await rast.complete({ ...greedy, speculation: "off" })).text).toBe(here["plain"]);
            await rast.dispose();
        },
        size(30_000, 1_200_000)
    );

    it.each([
        ["that was never kept", 129, [3, 0, 0, 0]],
        ["at a place that there is not", 129, [32, 0, 0, 0]],
        ["kept where there is no place", 128, [32, 0, 0, 0, 1, 2, 3]],
        ["without a graph", 128, [0, 0, 0, 0]],
        ["with half a place", 129, [0, 0]],
        ["that is none", 128, [0, 0, 0, 0, 9, 9]]
    ])("a graph %s ends that connection alone", async (_, command, body) => {
        const worker = workers.at(-1)!;
        const use = await hello(worker.port);
        const before = worker.events.length;
        const socket = connect(worker.port, "127.0.0.1").on("error", () => {});
        socket.resume();
        socket.write(use);
        socket.write(Buffer.concat([message(14, Buffer.alloc(24)), message(command, Buffer.from(body))]));
        await closed(socket);
        // of a client before, the end may be told only now
        await until("its end is told", () =>
            worker.events
                .slice(before)
                .some((one) => one.event === "ended" && one.why === "a request that cannot be met")
        );
    });

    it("lengths that nobody could mean take no memory", async () => {
        const worker = workers.at(-1)!;
        const use = await hello(worker.port);
        const crashes = worker.events.filter((one) => one.event === "crashed").length;
        const ends = worker.events.filter((one) => one.event === "ended").length;
        for (const bytes of [2n ** 40n, 2n ** 63n, 1n << 32n]) {
            const socket = connect(worker.port, "127.0.0.1").on("error", () => {});
            const head = Buffer.alloc(9);
            head[0] = 6; // a tensor
            head.writeBigUInt64LE(bytes, 1);
            socket.write(Buffer.concat([Buffer.from(use), message(14, Buffer.alloc(24)), head]));
            socket.resume();
            await closed(socket);
        }
        expect(worker.events.filter((one) => one.event === "crashed")).toHaveLength(crashes);
        await worker.said("ended", ends + 3);
        expect(worker.events.findLast((one) => one.event === "ended")).toMatchObject({
            event: "ended",
            why: "a request that is too long"
        });
    });
});

function closed(socket: Socket): Promise<void> {
    return new Promise((resolve) => socket.once("close", () => resolve()));
}

function isDown({ events }: TestWorker): boolean {
    const last = events.findLast((one) => one.event === "crashed" || one.event === "listening");
    return last?.event === "crashed";
}

function message(command: number, body: Buffer): Buffer {
    const head = Buffer.alloc(9);
    head[0] = command;
    head.writeBigUInt64LE(BigInt(body.length), 1);
    return Buffer.concat([head, body]);
}

// The same in every run.
function randomBytes(seed: number): (count: number) => Buffer {
    let state = seed;
    const next = (): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state >>> 24;
    };
    return (count) => Buffer.from(Array.from({ length: count }, next));
}
