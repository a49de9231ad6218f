import { Worker } from "node:worker_threads";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadRast, RastError, type LoadOptions, type Rast } from "../../dist/index.js";
import { demo, prompt } from "../support/demo.js";
import { root, run } from "../support/native.js";
import { size } from "../support/size.js";

const trio = { base: demo.base, expert: demo.expert, antiexpert: demo.antiexpert, gpuLayers: 0, threads: 1 } as const;
const endless = { prompt, ignoreEos: true, maxTokens: 400 } as const;

const load = (options: LoadOptions = {}): Promise<Rast> => loadRast({ ...trio, ...options });

async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
    try {
        await (typeof work === "function" ? work() : work);
    } catch (error) {
        if (error instanceof RastError) return error.code;
        throw error;
    }
    return "none";
}

describe("an engine's life", () => {
    it("refuses every use after dispose, and disposes twice", async () => {
        const rast = await load();
        await rast.dispose();
        await rast.dispose();
        expect(await codeOf(() => rast.complete({ prompt }))).toBe("ERR_DISPOSED");
        expect(await codeOf(() => rast.tokenize("1"))).toBe("ERR_DISPOSED");
        expect(await codeOf(() => rast.detokenize([5]))).toBe("ERR_DISPOSED");
        expect(await codeOf(async () => rast.generate({ prompt }).result)).toBe("ERR_DISPOSED");
    });

    it("ends running and queued generations with abort when disposed of", async () => {
        const rast = await load();
        const running = rast.complete(endless);
        const queued = rast.complete(endless);
        await new Promise((resolve) => setTimeout(resolve, 15));
        await rast.dispose();
        expect((await running).stopReason).toBe("abort");
        expect((await queued).stopReason).toBe("abort");
        expect((await queued).usage.completionTokens).toBe(0);
    });

    it("serves generations in the order of the calls, whatever their preparation takes", async () => {
        const rast = await load();
        const tokens = await rast.tokenize(prompt);
        const ended: number[] = [];
        const started = [
            { prompt, jsonSchema: { type: "integer" } },
            { ...endless, prompt: prompt.repeat(8) },
            { prompt, signal: AbortSignal.abort() },
            { ...endless, prompt: undefined, tokens }
        ].map((options, index) => rast.complete({ ...options, maxTokens: 8 }).then(() => ended.push(index)));
        await Promise.all(started);
        // the third waits for nobody
        expect(ended).toEqual([2, 0, 1, 3]);
        await rast.dispose();
    });

    it("aborts a generation at any moment and keeps the text so far", async () => {
        const rast = await load();
        const whole = await rast.complete({ ...endless, temperature: 0 });
        for (const delay of [0, 1, 3, 10, 30]) {
            const controller = new AbortController();
            const running = rast.complete({ ...endless, temperature: 0, signal: controller.signal });
            setTimeout(() => controller.abort(), delay);
            const result = await running;
            expect(result.stopReason).toBe("abort");
            expect(whole.text.startsWith(result.text)).toBe(true);
        }
        // nothing is left of the aborted ones
        expect((await rast.complete({ ...endless, temperature: 0 })).tokens).toEqual(whole.tokens);
        await rast.dispose();
    });

    it("aborts a load at any moment", async () => {
        for (const delay of [0, 1, 2, 4, 8]) {
            const controller = new AbortController();
            const loading = loadRast({ ...trio, signal: controller.signal });
            setTimeout(() => controller.abort(), delay);
            const result = await loading.catch((error: unknown) => error);
            if (result instanceof RastError) expect(result.code).toBe("ERR_LOAD_ABORTED");
            else await (result as Rast).dispose(); // it was quicker
        }
        const aborted = AbortSignal.abort();
        expect(await codeOf(loadRast({ ...trio, signal: aborted }))).toBe("ERR_LOAD_ABORTED");
    });

    it("aborts a load from its own progress report", async () => {
        const controller = new AbortController();
        const loading = loadRast({ ...trio, signal: controller.signal, onProgress: () => controller.abort() });
        expect(await codeOf(loading)).toBe("ERR_LOAD_ABORTED");
    });

    it("runs two engines side by side, each with its own text", async () => {
        const [first, second] = await Promise.all([load(), load()]);
        const alone = await first.complete({ prompt, seed: 3, topP: 1 });
        const results = await Promise.all([
            first.complete({ prompt, seed: 3, topP: 1 }),
            second.complete({ prompt, seed: 3, topP: 1 }),
            second.complete({ prompt, seed: 4, topP: 1 })
        ]);
        expect(results[0].tokens).toEqual(alone.tokens);
        expect(results[1].tokens).toEqual(alone.tokens);
        await first.dispose();
        expect((await second.complete({ prompt, seed: 3, topP: 1 })).tokens).toEqual(alone.tokens);
        await second.dispose();
    });

    it("stays flat over 50 loads and disposals", async () => {
        const once = async (): Promise<void> => {
            const rast = await load();
            await rast.complete({ prompt, maxTokens: 4 });
            await rast.dispose();
        };
        for (let i = 0; i < 75; ++i) await once(); // the allocator's arenas reach their size: some 80 loads, then nothing grows
        globalThis.gc?.();
        const before = process.memoryUsage.rss();
        for (let i = 0; i < 50; ++i) await once();
        globalThis.gc?.();
        const grown = process.memoryUsage.rss() - before;
        // one trio's weights and caches are over 6 MB: a leak of any part of it would show 50 times
        expect(grown / 1024 / 1024).toBeLessThan(24);
    });

    it("stays flat over many drafted rounds, aborted ones among them", async () => {
        const rast = await load({ speculation: { maxDraft: 6 } });
        let rounds = 0;
        const once = async (draft: number): Promise<void> => {
            const signal = draft === 5 ? AbortSignal.timeout(3) : undefined;
            const options = { prompt, maxTokens: 200, ignoreEos: true, speculation: { draft }, seed: draft };
            rounds += (await rast.complete({ ...options, ...(signal === undefined ? {} : { signal }) })).speculation
                .rounds;
        };
        for (let i = 0; i < 7; ++i) await once(i);
        globalThis.gc?.();
        const before = process.memoryUsage.rss();
        for (let i = 0; i < size(14, 56); ++i) await once(i % 7);
        globalThis.gc?.();
        const grown = process.memoryUsage.rss() - before;
        await rast.dispose();
        expect(rounds).toBeGreaterThan(1000);
        expect(grown / 1024 / 1024).toBeLessThan(16);
    });
});

describe("processes and threads", () => {
    it("lets a script end that forgets to dispose, idle or mid-generation", async () => {
        for (const ending of ["idle", "running"]) {
            const script = join(root, "test", "lifecycle", "scripts", "forgetful.mjs");
            const result = await run(process.execPath, [script, ending]);
            expect(result).toMatchObject({ code: 0, signal: null });
            expect(result.stdout).toContain("done");
        }
    });

    it("survives process.exit in the middle of loading and of generating", async () => {
        for (const ending of ["exit-loading", "exit-running"]) {
            const script = join(root, "test", "lifecycle", "scripts", "forgetful.mjs");
            const result = await run(process.execPath, [script, ending]);
            expect(result).toMatchObject({ code: 3, signal: null });
        }
    });

    it("works in a worker thread", async () => {
        const result = await fromWorker("complete");
        expect(result).toMatchObject({ stopReason: "eos" });
    });

    it.each(["loading", "running", "finished"])("survives a worker that ends while %s", async (phase) => {
        const rast = await load();
        const expected = await rast.complete({ prompt, seed: 1, topP: 1 });
        for (let i = 0; i < 3; ++i) {
            const worker = new Worker(join(root, "test", "lifecycle", "scripts", "worker.mjs"), { workerData: phase });
            await new Promise((resolve, reject) => {
                worker.once("message", resolve);
                worker.once("error", reject);
            });
            await worker.terminate();
        }
        expect((await rast.complete({ prompt, seed: 1, topP: 1 })).tokens).toEqual(expected.tokens);
        await rast.dispose();
    });
});

function fromWorker(phase: string): Promise<unknown> {
    const worker = new Worker(join(root, "test", "lifecycle", "scripts", "worker.mjs"), { workerData: phase });
    return new Promise((resolve, reject) => {
        worker.once("message", (message: unknown) => {
            resolve(message);
            void worker.terminate();
        });
        worker.once("error", reject);
    });
}
