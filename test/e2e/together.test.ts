import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterAll, describe, expect, it } from "vitest";
import { loadRast, RastError, type LoadOptions, type Rast } from "../../dist/index.js";
import { demo, prompt } from "../support/demo.js";
import { wideDemo } from "../support/test-models.js";

const trio = { base: demo.base, expert: demo.expert, antiexpert: demo.antiexpert, gpuLayers: 0, threads: 1 } as const;
const load = (options: LoadOptions = {}): Promise<Rast> => loadRast({ ...trio, contextSize: 256, ...options });
const endless = { prompt, ignoreEos: true, maxTokens: 200 } as const;
const problem = (i: number): string => `Q: ${10 + (i % 80)}+${11 + ((7 * i) % 80)}+5+3?\n`;

async function codeOf(work: Promise<unknown>): Promise<string> {
    try {
        await work;
    } catch (error) {
        if (error instanceof RastError) return error.code;
        throw error;
    }
    return "none";
}

describe("several samples of one prompt", () => {
    it("are what one at a time gives, and decode the prompt once", async () => {
        // without quantized batches of other shapes: a prompt that is decoded once is the same for all
        const rast = await load({ parallel: 8 });
        const long = prompt.repeat(8);
        const samples = await rast.completeMany({ prompt: long, seed: 5, maxTokens: 12 }, 20);
        const prefilled = samples.reduce((sum, one) => sum + one.usage.promptTokens - one.usage.cachedPromptTokens, 0);
        expect(samples).toHaveLength(20);
        expect(new Set(samples.map((one) => one.text)).size).toBeGreaterThan(3);
        // all of it once, and the last token of each
        expect(prefilled).toBe(samples[0]!.usage.promptTokens + 19);
        expect(await codeOf(rast.completeMany({ prompt }, 0))).toBe("ERR_INVALID_OPTION");
        expect(await codeOf(rast.completeMany({ prompt, topP: 2 }, 3))).toBe("ERR_INVALID_OPTION");
        await rast.dispose();
    });
});

describe("common beginnings", () => {
    it("are decoded once: the next turn of a conversation brings only what is new", async () => {
        const rast = await load({ parallel: 2 });
        const first = await rast.complete({ prompt, seed: 1 });
        const start = await rast.tokenize(prompt, { addSpecial: true });
        const more = await rast.tokenize("Q: 1+2+3+4?\n");
        const second = await rast.complete({ tokens: [...start, ...first.tokens, ...more], seed: 1 });
        expect(first.usage.cachedPromptTokens).toBe(0);
        expect(second.usage.cachedPromptTokens).toBe(start.length + first.tokens.length - 1);
        const without = await load({ parallel: 2, reusePrefixes: false });
        await without.complete({ prompt, seed: 1 });
        expect((await without.complete({ prompt, seed: 1 })).usage.cachedPromptTokens).toBe(0);
        await Promise.all([rast.dispose(), without.dispose()]);
    });
});

describe("states while every slot has a generation", () => {
    it("are refused as a full queue, the first time too", async () => {
        const file = join(mkdtempSync(join(tmpdir(), "rast-busy-")), "state");
        const writer = await load();
        await writer.saveState(file, { prompt });
        await writer.dispose();
        const rast = await load({ contextSize: 512 });
        const generation = rast.generate({ ...endless, maxTokens: 480, speculation: "off" });
        await generation[Symbol.asyncIterator]().next();
        expect(await codeOf(rast.loadState(file))).toBe("ERR_QUEUE_FULL");
        generation.cancel();
        await generation.result;
        expect((await rast.loadState(file)).tokens.length).toBeGreaterThan(0);
        await rast.dispose();
        const without = await load({ reusePrefixes: false });
        await expect(without.loadState(file)).rejects.toThrow(/beginnings are not reused/);
        await without.dispose();
        rmSync(dirname(file), { recursive: true });
    });
});

describe("the queue", () => {
    it("does not hold up what is ready for what takes long to prepare", async () => {
        const rast = await load({ parallel: 2 });
        await rast.complete({ prompt, maxTokens: 1 });
        const values = Array.from({ length: 200_000 }, (_, i) => `v${i}`);
        let slow = true;
        const late = codeOf(rast.complete({ prompt, jsonSchema: { enum: values } })).then(() => (slow = false));
        const ready = await rast.complete({ prompt, maxTokens: 2 });
        expect(ready.usage.completionTokens).toBe(2);
        expect(slow).toBe(true);
        await late;
        await rast.dispose();
    });

    it("serves in order, refuses beyond its bound, and lets go of those who wait", async () => {
        const rast = await load({ maxQueue: 2 });
        const running = rast.complete(endless);
        const controller = new AbortController();
        const waiting = rast.complete({ prompt, maxTokens: 3, signal: controller.signal });
        const last = rast.complete({ prompt, maxTokens: 3 });
        expect(await codeOf(rast.complete({ prompt }))).toBe("ERR_QUEUE_FULL");
        controller.abort();
        expect(await waiting).toMatchObject({ stopReason: "abort", usage: { completionTokens: 0 } });
        expect((await running).usage.completionTokens).toBe(200);
        expect((await last).timings.queueMs).toBeGreaterThan(0);
        expect((await rast.complete({ prompt, maxTokens: 3 })).usage.completionTokens).toBeGreaterThan(0);
        await rast.dispose();
    });

    it("aborts any of them at a random moment, 1,000 times: others go on with the same tokens", async () => {
        const { base, expert, antiexpert } = await wideDemo();
        const exact = { base, expert, antiexpert, flashAttention: false } as const;
        const rast = await load({ ...exact, parallel: 4, reusePrefixes: false });
        const steady = { prompt, ignoreEos: true, maxTokens: 40, temperature: 0, speculation: "off" } as const;
        const { tokens } = await rast.complete(steady);
        let aborted = 0;
        let seed = 1;
        const chance = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
        const rss = (): number => process.memoryUsage.rss() / 1024 / 1024;
        let before = 0;
        for (let round = 0; aborted < 1000; ++round) {
            if (round === 20) before = rss();
            const kept = rast.complete(steady);
            const victims = Array.from({ length: 12 }, (_, i) => {
                const generation = rast.generate({ ...endless, prompt: problem(round * 12 + i), seed: i });
                setTimeout(() => generation.cancel(), chance() * 8);
                return generation.result;
            });
            for (const result of await Promise.all(victims)) aborted += result.stopReason === "abort" ? 1 : 0;
            expect((await kept).tokens).toEqual(tokens);
        }
        expect(rss() - before).toBeLessThan(48);
        // every slot is back
        const all = await Promise.all([1, 2, 3, 4].map(() => rast.complete({ prompt, maxTokens: 4 })));
        expect(Math.max(...all.map((one) => one.timings.queueMs))).toBeLessThan(1000);
        await rast.dispose();
    }, 180_000);
});

describe("the edge of the context", () => {
    it("ends the one that reaches it, and nobody else", async () => {
        const rast = await load({ parallel: 3, contextSize: 48 });
        const long = rast.complete({ prompt, ignoreEos: true });
        const others = [1, 2].map((seed) => rast.complete({ prompt, seed, maxTokens: 8, ignoreEos: true }));
        const end = await long;
        expect(end.stopReason).toBe("contextFull");
        expect(end.usage.promptTokens + end.usage.completionTokens).toBe(49); // the last one is not decoded
        for (const other of others) expect((await other).stopReason).toBe("maxTokens");
        await rast.dispose();
    });
});

describe("the event loop", () => {
    it("is not held up while 16 sequences stream", async () => {
        const rast = await load({ parallel: 16 });
        const delay = monitorEventLoopDelay({ resolution: 1 });
        const streams = Array.from({ length: 16 }, (_, i) => rast.generate({ ...endless, seed: i }));
        delay.enable();
        await Promise.all(
            streams.map(async (stream) => {
                for await (const part of stream) expect(part.tokens.length).toBeGreaterThan(0);
            })
        );
        delay.disable();
        // milliseconds; the machine itself holds loops up now and then, hence the bound on the largest
        expect(delay.percentile(99) / 1e6).toBeLessThan(50);
        expect(delay.max / 1e6).toBeLessThan(500);
        await rast.dispose();
    });
});

describe("saved states", () => {
    const folder = mkdtempSync(join(tmpdir(), "rast-state-"));
    const file = join(folder, "chat.state");
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it("go on in another engine where they were saved", async () => {
        const one = await load();
        const long = prompt.repeat(6);
        const saved = await one.saveState(file, { prompt: long });
        const expected = await one.complete({ prompt: long, temperature: 0, maxTokens: 20 });
        expect(saved.tokens).toBe(expected.usage.promptTokens);
        await one.dispose();
        const other = await load();
        expect((await other.loadState(file)).tokens).toHaveLength(saved.tokens);
        const again = await other.complete({ prompt: long, temperature: 0, maxTokens: 20 });
        expect(again.usage.cachedPromptTokens).toBe(saved.tokens - 1);
        expect(again.tokens).toEqual(expected.tokens);
        await other.dispose();
    });

    it("are refused when damaged, cut, or of other models, and change nothing", async () => {
        const rast = await load();
        const { tokens } = await rast.complete({ prompt, temperature: 0, maxTokens: 10 });
        const good = readFileSync(file);
        const refused = async (content: Buffer): Promise<string> => {
            const path = join(folder, "bad.state");
            writeFileSync(path, content);
            return codeOf(rast.loadState(path));
        };
        expect(await refused(Buffer.alloc(0))).toBe("ERR_STATE_FILE");
        expect(await refused(Buffer.from("no state"))).toBe("ERR_STATE_FILE");
        expect(await refused(good.subarray(0, good.length - 1))).toBe("ERR_STATE_FILE");
        expect(await refused(Buffer.concat([good, Buffer.alloc(1)]))).toBe("ERR_STATE_FILE");
        for (const at of [8, 12, 16, 41, 60, good.length >> 1, good.length - 3]) {
            const damaged = Buffer.from(good);
            damaged[at]! ^= 0x40;
            expect([at, await refused(damaged)]).toEqual([at, "ERR_STATE_FILE"]);
        }
        for (let i = 0; i < 20; ++i) expect(await refused(good.subarray(0, 20 + i * 40))).toBe("ERR_STATE_FILE");
        expect(await codeOf(rast.loadState(join(folder, "none")))).toBe("ERR_FILE_NOT_FOUND");
        expect(await codeOf(rast.loadState(folder))).toBe("ERR_STATE_FILE");
        expect(await codeOf(rast.saveState(join(folder, "no", "such"), { prompt }))).toBe("ERR_STATE_FILE");
        const other = await load({ expert: demo.strongExpert, antiexpert: demo.strongAntiexpert });
        expect(await codeOf(other.loadState(file))).toBe("ERR_STATE_FILE");
        const otherCache = await load({ kvType: "f32" });
        expect(await codeOf(otherCache.loadState(file))).toBe("ERR_STATE_FILE");
        const small = await load({ contextSize: 32 });
        expect(await codeOf(small.loadState(file))).toBe("ERR_STATE_FILE");
        expect((await rast.complete({ prompt, temperature: 0, maxTokens: 10 })).tokens).toEqual(tokens);
        truncateSync(file, 0);
        await Promise.all([rast, other, otherCache, small].map((engine) => engine.dispose()));
        expect(await codeOf(rast.loadState(file))).toBe("ERR_DISPOSED");
    });
});
