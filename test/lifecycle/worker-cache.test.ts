// Weights that a worker keeps: sent once, never others than those of the model, whatever has become of the files.
import {
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    truncateSync,
    utimesSync,
    writeFileSync
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadRast, type LoadOptions, type WorkerProgress } from "../../dist/index.js";
import { heavy } from "../support/size.js";
import { shapedTrio } from "../support/test-models.js";
import { startWorker, stopWorkers, type TestWorker } from "../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "rast-worker-cache-"));
const cache = join(folder, "weights");
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterAll(stopWorkers);

// Tensors of 12 MiB in F32: three in each of two layers. llama.cpp's client asks for those over 10 MiB by their hash.
const hidden = 49_152;
const tensorBytes = 64 * hidden * 4;
const tensors = 6;
const greedy = { prompt: "Q: 12+3=?", temperature: 0, maxTokens: 16, ignoreEos: true } as const;

async function options(): Promise<LoadOptions> {
    const { base, expert, antiexpert } = await shapedTrio({ base: 512, small: 512, baseHidden: hidden });
    return { base, expert, antiexpert, threads: 1, contextSize: 256, flashAttention: false };
}

let here = "";
beforeAll(async () => {
    const local = await loadRast({ ...(await options()), gpuLayers: 0 });
    here = (await local.complete({ ...greedy, speculation: "off" })).text;
    await local.dispose();
}, 60_000);

const files = (): string[] => readdirSync(cache).sort();

// What one load over a worker sends and what the worker had, as the client sees it and as the worker says afterwards.
async function loadOver(worker: TestWorker): Promise<{ sentBytes: number; cachedBytes: number }> {
    const { base, ...others } = await options();
    const ended = worker.events.filter(({ event }) => event === "ended").length;
    let last: WorkerProgress | undefined;
    const rast = await loadRast({
        ...others,
        base: { path: base as string, device: "RPC0", gpuLayers: 3 },
        rpc: worker.address,
        onProgress: ({ workers }) => (last = workers?.[0] ?? last)
    });
    expect((await rast.complete({ ...greedy, speculation: "off" })).text).toBe(here);
    await rast.dispose();
    await worker.said("ended", ended + 1);
    const said = worker.events.findLast((one) => one.event === "ended")!;
    expect(last!.cachedBytes).toBe(said.cachedBytes);
    return { sentBytes: said.receivedBytes, cachedBytes: said.cachedBytes };
}

// Everything but those weights: the rest of the layers, and a text.
const restBytes = 4 << 20;

async function expectAllCached(): Promise<void> {
    const worker = await startWorker(["--cache", cache]);
    const { sentBytes, cachedBytes } = await loadOver(worker);
    expect(cachedBytes).toBe(tensors * tensorBytes);
    expect(sentBytes).toBeLessThan(restBytes);
    await worker.stop();
}

it("are sent once, and kept beyond the worker's end", async () => {
    const worker = await startWorker(["--cache", cache]);
    const first = await loadOver(worker);
    expect(first.cachedBytes).toBe(0);
    expect(first.sentBytes).toBeGreaterThan(tensors * tensorBytes);
    expect(files()).toHaveLength(tensors);
    for (const file of files()) expect(statSync(join(cache, file)).size).toBe(tensorBytes);
    await worker.stop();
    await expectAllCached();
}, 30_000);

it("that were damaged, cut or lost are sent again, the others not", async () => {
    const [damaged, cut, lost] = files().map((file) => join(cache, file));
    const bytes = readFileSync(damaged!);
    bytes[1_000_000]! ^= 1;
    writeFileSync(damaged!, bytes);
    truncateSync(cut!, tensorBytes / 2);
    rmSync(lost!);
    const worker = await startWorker(["--cache", cache]);
    const { sentBytes, cachedBytes } = await loadOver(worker);
    expect(cachedBytes).toBe((tensors - 3) * tensorBytes);
    expect(sentBytes).toBeGreaterThan(3 * tensorBytes);
    expect(sentBytes).toBeLessThan(3 * tensorBytes + restBytes);
    await worker.stop();
    for (const file of files()) expect(statSync(join(cache, file)).size).toBe(tensorBytes);
    if (heavy) await expectAllCached();
}, 30_000);

it.runIf(heavy)(
    "of a worker that was killed while it wrote them are whole or not there",
    async () => {
        rmSync(cache, { recursive: true });
        const worker = await startWorker(["--cache", cache]);
        const kill = setInterval(() => {
            try {
                if (readdirSync(cache).length < 3) return;
            } catch {
                return; // no folder yet
            }
            clearInterval(kill);
            process.kill(worker.serving(), "SIGKILL");
        }, 1);
        await loadOver(worker).catch(() => {});
        clearInterval(kill);
        await worker.stop();
        for (const file of files().filter((name) => name.endsWith(".tensor"))) {
            expect(statSync(join(cache, file)).size).toBe(tensorBytes);
        }
        // an unfinished one is nobody's after an hour
        const old = join(cache, "0-1.unfinished");
        writeFileSync(old, "half");
        utimesSync(old, new Date(0), new Date(0));
        const again = await startWorker(["--cache", cache]);
        await loadOver(again);
        await again.stop();
        expect(files().filter((name) => name.endsWith(".tensor"))).toHaveLength(tensors);
        expect(files()).not.toContain("0-1.unfinished");
        await expectAllCached();
    },
    60_000
);

it.runIf(heavy)(
    "are not kept where no folder was given",
    async () => {
        const worker = await startWorker();
        for (let load = 0; load < 2; ++load) {
            const { sentBytes, cachedBytes } = await loadOver(worker);
            expect(cachedBytes).toBe(0);
            expect(sentBytes).toBeGreaterThan(tensors * tensorBytes);
        }
        await worker.stop();
    },
    30_000
);
