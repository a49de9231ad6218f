import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RastError, type GenerationPart, type LoadOptions, type Rast, type RastResult } from "../../dist/index.js";
import { prompt } from "../support/demo.js";
import { canSeeProcesses, engineProcesses, isRunning, until } from "../support/engine-processes.js";
import { errorOf, loadIsolated as load } from "../support/isolated.js";
import { root, run } from "../support/native.js";
import { size } from "../support/size.js";

const folder = mkdtempSync(join(tmpdir(), "rast-isolate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("an isolated engine is the one in this process", () => {
    const room = { parallel: 3, contextSize: 512 };
    let here: Rast;
    let apart: Rast;

    beforeAll(async () => {
        [here, apart] = await Promise.all([load({ ...room, isolate: false }), load(room)]);
    });

    afterAll(() => Promise.all([here.dispose(), apart.dispose()]));

    const plain = ({ text, tokens, stopReason, logprobs, usage, seed, mode }: RastResult): unknown => ({
        text,
        tokens,
        stopReason,
        logprobs,
        usage,
        seed,
        mode
    });

    it.each([
        { seed: 3 },
        { seed: 3, mode: "base" },
        { seed: 3, mode: "expert" },
        { seed: 5, topP: 1, temperature: 1.3, minP: 0.01, topK: 50, repetitionPenalty: 1.1 },
        { seed: 1, temperature: 0, logprobs: 5 },
        { seed: 2n ** 63n, logprobs: 0, maxTokens: 20, ignoreEos: true },
        { seed: 1, logitBias: new Map([[10, -Infinity]]), stop: ["+"] },
        { seed: 1, grammar: 'root ::= "4" [0-9]+ "."', maxTokens: 20 },
        { seed: 1, jsonSchema: { type: "integer" }, maxTokens: 20 },
        { seed: 9, speculation: { draft: 4 }, ignoreEos: true, maxTokens: 60 }
    ] as const)("for generate %o", async (options) => {
        const [expected, result] = await Promise.all(
            [here, apart].map((rast) => rast.complete({ prompt, maxTokens: 80, ...options }))
        );
        expect(plain(result!)).toEqual(plain(expected!));
        expect(Object.keys(result!)).toEqual(Object.keys(expected!));
    });

    it("for parts, samples and tokens", async () => {
        // which tokens come together depends on the drafts, which depend on times
        const parts = async (rast: Rast): Promise<{ text: string; tokens: readonly number[] }> => {
            const all: GenerationPart[] = [];
            for await (const part of rast.generate({ prompt, seed: 3 })) all.push(part);
            expect(all.length).toBeGreaterThan(3);
            return { text: all.map(({ text }) => text).join(""), tokens: all.flatMap(({ tokens }) => tokens) };
        };
        expect(await parts(apart)).toEqual(await parts(here));
        const samples = await Promise.all([here, apart].map((rast) => rast.completeMany({ prompt, seed: 7 }, 6)));
        expect(samples[1]!.map(plain)).toEqual(samples[0]!.map(plain));
        const tokens = await apart.tokenize("12 + 3 = \u{1f600}\n");
        expect(tokens).toEqual(await here.tokenize("12 + 3 = \u{1f600}\n"));
        expect(await apart.detokenize(tokens)).toBe(await here.detokenize(tokens));
        expect((await apart.measureDecodes({ tokens: 3 })).length).toBe(3);
        const { loadMs, backend, ...facts } = here.info;
        const timeless = (value: unknown): unknown =>
            JSON.parse(JSON.stringify(value, (key, one: unknown) => (/Ms$|Free/.test(key) ? 0 : one)) ?? "null");
        expect(timeless(apart.info)).toEqual(timeless({ ...facts, loadMs, backend }));
    });

    it("for states, from one to the other, by paths that are relative", async () => {
        const file = join(folder, "state.bin");
        const saved = await apart.saveState(relative(process.cwd(), file), { prompt });
        expect((await here.loadState(file)).tokens.length).toBe(saved.tokens);
        expect((await apart.loadState(file)).tokens).toEqual((await here.loadState(file)).tokens);
    });

    it("for errors", async () => {
        const calls: ((rast: Rast) => Promise<unknown>)[] = [
            (rast) => rast.complete({ prompt: "" }),
            (rast) => rast.complete({ prompt: "1".repeat(5000) }),
            (rast) => rast.complete({ prompt, temperature: -1 }),
            (rast) => rast.complete({ prompt, grammar: "root ::= (" }),
            (rast) => rast.complete({ prompt, jsonSchema: { $ref: "#/nowhere" } }),
            (rast) => rast.loadState(join(folder, "missing.bin")),
            (rast) => rast.measureDecodes({ tokens: 100_000 })
        ];
        for (const call of calls) {
            const [expected, error] = await Promise.all([errorOf(call(here)), errorOf(call(apart))]);
            expect(error.toJSON()).toMatchObject({
                code: expected.code,
                message: expected.message,
                details: expected.toJSON().details
            });
            expect(error.cause instanceof Error).toBe(expected.cause instanceof Error);
        }
    });

    it("for aborts, at once and later", async () => {
        const whole = await here.complete({ prompt, temperature: 0, ignoreEos: true, maxTokens: 400 });
        for (const delay of [0, 2, 15, 40]) {
            const signal = AbortSignal.timeout(delay);
            const result = await apart.complete({ prompt, temperature: 0, ignoreEos: true, maxTokens: 400, signal });
            expect(result.stopReason).toBe("abort");
            expect(whole.text.startsWith(result.text)).toBe(true);
        }
    });
});

describe("a queue without room", () => {
    it("holds samples up and refuses others", async () => {
        const rast = await load({ maxQueue: 0 });
        const samples = await rast.completeMany({ prompt, seed: 7, maxTokens: 20 }, 5);
        expect(samples.map(({ usage }) => usage.completionTokens > 0)).toEqual(new Array(5).fill(true));
        const [first, second] = [rast.complete({ prompt }), errorOf(rast.complete({ prompt }))];
        expect((await second).code).toBe("ERR_QUEUE_FULL");
        expect((await first).stopReason).not.toBe("abort");
        await rast.dispose();
    });
});

describe("loading an isolated engine", () => {
    it("reports progress, and is aborted at any moment", async () => {
        const seen: number[] = [];
        const rast = await load({ onProgress: ({ overall }) => seen.push(overall) });
        expect(seen.at(-1)).toBe(1);
        await rast.dispose();
        for (const delay of [0, 20, 60, 120, 200]) {
            const loading = load({ signal: AbortSignal.timeout(delay) });
            const outcome = await loading.catch((error: unknown) => error);
            if (outcome instanceof RastError) expect(outcome.code).toBe("ERR_LOAD_ABORTED");
            else await (outcome as Rast).dispose(); // it was quicker
        }
        const controller = new AbortController();
        const error = await errorOf(load({ signal: controller.signal, onProgress: () => controller.abort("enough") }));
        expect(error).toMatchObject({ code: "ERR_LOAD_ABORTED", cause: "enough" });
        if (canSeeProcesses) await until("no process is left", () => engineProcesses().length === 0);
    });

    it("fails as it does in this process, and leaves no process", async () => {
        for (const options of [
            { base: join(folder, "none.gguf") },
            { base: join(root, "package.json") },
            { device: "X9" }
        ]) {
            const [expected, error] = [
                await errorOf(load({ ...options, isolate: false })),
                await errorOf(load(options))
            ];
            expect([error.code, error.message]).toEqual([expected.code, expected.message]);
        }
        const nowhere = await errorOf(load({ isolate: { execPath: join(folder, "no-node") } }));
        expect(nowhere.code).toBe("ERR_INVALID_OPTION");
        expect(nowhere.message).toMatch(/^isolate\.execPath, .*no-node, does not run as Node\.js .*ENOENT/);
        const plain = join(folder, "plain.txt");
        writeFileSync(plain, "no program");
        const notRunnable = await errorOf(load({ isolate: { execPath: plain } }));
        expect([notRunnable.code, notRunnable.details["option"]]).toEqual(["ERR_INVALID_OPTION", "isolate.execPath"]);
        if (canSeeProcesses) await until("no process is left", () => engineProcesses().length === 0);
    });

    it.each([
        [{ isolate: "yes" }, "ERR_INVALID_OPTION"],
        [{ isolate: { restart: "always" } }, "ERR_INVALID_OPTION"],
        [{ isolate: { maxRestarts: -1 } }, "ERR_INVALID_OPTION"],
        [{ isolate: { graceMs: 0.5 } }, "ERR_INVALID_OPTION"],
        [{ isolate: { onCrash: 5 } }, "ERR_INVALID_OPTION"],
        [{ isolate: { execPath: "" } }, "ERR_INVALID_OPTION"],
        [{ isolate: { grace: 5 } }, "ERR_UNKNOWN_OPTION"]
    ])("refuses %o", async (options, code) => {
        expect((await errorOf(load(options as LoadOptions))).code).toBe(code);
    });
});

describe("an isolated engine's life", () => {
    it("ends what runs with abort when it is disposed of, and refuses everything afterwards", async () => {
        const rast = await load();
        const running = rast.complete({ prompt, ignoreEos: true, maxTokens: 400 });
        const queued = rast.complete({ prompt, ignoreEos: true, maxTokens: 400 });
        await new Promise((resolve) => setTimeout(resolve, 30));
        await Promise.all([rast.dispose(), rast.dispose()]);
        expect([(await running).stopReason, (await queued).stopReason]).toEqual(["abort", "abort"]);
        for (const call of [() => rast.tokenize("1"), () => rast.complete({ prompt }), () => rast.loadState("x")]) {
            expect((await errorOf(call())).code).toBe("ERR_DISPOSED");
        }
    });

    it("is the same for the next process, which is told what the first found", async () => {
        const [here, first] = [await load({ isolate: false }), await load()];
        const next = await load();
        const before = process.env["RAST_BACKEND"];
        process.env["RAST_BACKEND"] = "cpu"; // another environment: nothing is taken over
        const other = await load().finally(() => {
            if (before === undefined) delete process.env["RAST_BACKEND"];
            else process.env["RAST_BACKEND"] = before;
        });
        const found = ({ info }: Rast): unknown => [info.libraries, info.backend];
        for (const rast of [first, next]) expect(found(rast)).toEqual(found(here));
        expect(other.info.backend.reason).toBe("RAST_BACKEND asks for cpu");
        for (const rast of [here, first, next, other]) await rast.dispose();
    });

    it("lies beside another, and one in this process", async () => {
        const all = await Promise.all([load(), load(), load({ isolate: false })]);
        const texts = await Promise.all(all.map(async (rast) => (await rast.complete({ prompt, seed: 3 })).text));
        expect(new Set(texts).size).toBe(1);
        await all[0].dispose();
        expect((await all[1].complete({ prompt, seed: 3 })).text).toBe(texts[0]);
        await Promise.all(all.map((rast) => rast.dispose()));
    });

    it("lets a script end that forgets to dispose, and survives process.exit", async () => {
        const script = join(root, "test", "lifecycle", "scripts", "isolated.mjs");
        for (const [ending, code] of [
            ["idle", 0],
            ["running", 0],
            ["throw", 1],
            ["exit-loading", 3],
            ["exit-running", 3]
        ] as const) {
            const result = await run(process.execPath, [script, ending]);
            expect({ ending, code: result.code, signal: result.signal }).toEqual({ ending, code, signal: null });
            const pid = Number(/engine (\d+)/.exec(result.stdout)?.[1]);
            if (canSeeProcesses) await until(`${ending}: the engine's process has ended`, () => !isRunning(pid));
        }
    });

    it("serves the command", async () => {
        const command = [join(root, "dist", "cli", "main.js"), "generate", "--trio", "demo", "--seed", "3", "--json"];
        const [here, apart] = [
            await run(process.execPath, [...command, "1+2"]),
            await run(process.execPath, [...command, "--isolate", "1+2"])
        ];
        expect(apart).toMatchObject({ code: 0, stderr: "" });
        expect((JSON.parse(apart.stdout) as RastResult).tokens).toEqual((JSON.parse(here.stdout) as RastResult).tokens);
    });

    it("is not touched by Ctrl+C, which the program decides about", async () => {
        const script = join(root, "test", "lifecycle", "scripts", "isolated.mjs");
        const result = await run(process.execPath, [script, "interrupt"]);
        expect(result).toMatchObject({ code: 0, signal: null });
        expect(result.stdout).toContain("abort");
    });

    it.each(["loading", "running", "finished"])("ends with a worker thread that ends while %s", async (phase) => {
        const script = join(root, "test", "lifecycle", "scripts", "isolated-worker.mjs");
        const worker = new Worker(script, { workerData: phase });
        const message = await new Promise((resolve, reject) => {
            worker.once("message", resolve);
            worker.once("error", reject);
        });
        expect(message).toBe(phase);
        const pids = canSeeProcesses ? engineProcesses() : [];
        await worker.terminate();
        if (canSeeProcesses) {
            expect(pids.length).toBe(1);
            await until("the engine's process has ended", () => !isRunning(pids[0]!));
        }
    });

    it("ends with a worker thread that has nothing left to do", async () => {
        const script = join(root, "test", "lifecycle", "scripts", "isolated-worker.mjs");
        const worker = new Worker(script, { workerData: "left alone" });
        expect(await new Promise((resolve) => worker.once("exit", resolve))).toBe(0);
        if (canSeeProcesses) await until("the engine's process has ended", () => engineProcesses().length === 0);
    });

    it("leaves nothing behind in this process over many loads", async () => {
        const once = async (): Promise<void> => {
            const rast = await load();
            await rast.complete({ prompt, maxTokens: 4 });
            await rast.dispose();
        };
        for (let i = 0; i < 4; ++i) await once();
        globalThis.gc?.();
        const before = process.memoryUsage.rss();
        const loads = size(8, 100);
        for (let i = 0; i < loads; ++i) await once();
        globalThis.gc?.();
        // a process's pipes, handles and listeners are some 100 kB; a heap that grows meanwhile is not a leak
        expect((process.memoryUsage.rss() - before) / 1024 / 1024).toBeLessThan(30);
        if (canSeeProcesses) expect(engineProcesses()).toEqual([]);
    });
});
