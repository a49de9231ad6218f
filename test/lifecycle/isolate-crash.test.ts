// The child process is ended from outside, as llama.cpp, a driver or the system would end it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { RastError, type Generation, type Rast } from "../../dist/index.js";
import { prompt } from "../support/demo.js";
import { canSeeProcesses, engineProcesses, isRunning, until } from "../support/engine-processes.js";
import { errorOf, loadIsolated as load } from "../support/isolated.js";
import { root } from "../support/native.js";
import { heavy, size } from "../support/size.js";

const endless = { prompt, ignoreEos: true, maxTokens: 450 } as const;
const folder = mkdtempSync(join(tmpdir(), "rast-crash-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function engine(): number {
    const [pid, ...more] = engineProcesses();
    if (pid === undefined || more.length > 0) throw new Error(`Expected one process, found ${[pid, ...more].join()}`);
    return pid;
}

/** A generation that has begun. */
async function begun(rast: Rast): Promise<Generation> {
    const generation = rast.generate(endless);
    for await (const { tokens } of iterateWithoutCancel(generation)) if (tokens.length > 0) break;
    return generation;
}

// Leaving a loop over a generation cancels it.
async function* iterateWithoutCancel<T>(parts: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = parts[Symbol.asyncIterator]();
    for (let one = await iterator.next(); one.done !== true; one = await iterator.next()) yield one.value;
}

describe.skipIf(!canSeeProcesses)("the engine's process ends by itself", () => {
    afterEach(() => until("no process is left", () => engineProcesses().length === 0));

    const signals = ["SIGABRT", "SIGSEGV", "SIGKILL"] as const;

    it.each(heavy ? signals : ["SIGSEGV"])("by %s while it loads", async (signal) => {
        let killed = false;
        const onProgress = (): void => {
            if (!killed) process.kill(engine(), signal);
            killed = true;
        };
        const outcome = await load({ onProgress }).catch((error: unknown) => error);
        if (outcome instanceof RastError) {
            expect(outcome).toMatchObject({ code: "ERR_ENGINE_CRASHED", details: { phase: "loading", signal } });
        } else {
            await (outcome as Rast).dispose(); // it had loaded when it was hit
        }
    });

    it("at any moment of its start", async () => {
        let crashes = 0;
        for (let delay = 0; delay < 400 && crashes < size(4, 40); delay += size(50, 5)) {
            const loading = load();
            const timer = setTimeout(() => engineProcesses().forEach((pid) => process.kill(pid, "SIGKILL")), delay);
            const outcome = await loading.catch((error: unknown) => error);
            clearTimeout(timer); // where loading was quicker, it would hit the next process
            if (outcome instanceof RastError) {
                expect(outcome).toMatchObject({ code: "ERR_ENGINE_CRASHED", details: { signal: "SIGKILL" } });
                crashes += 1;
            } else {
                await (outcome as Rast).dispose();
            }
        }
        expect(crashes).toBeGreaterThan(0);
    });

    it.each(heavy ? signals : ["SIGABRT"])(
        "by %s while it generates: all are told, and the next go on",
        async (signal) => {
            const crashes: RastError[] = [];
            const rast = await load({ parallel: 2, isolate: { onCrash: (error) => crashes.push(error) } });
            const whole = await rast.complete({ prompt, seed: 3 });
            const tokens = await rast.tokenize(prompt);
            const running = await begun(rast);
            // it stands still, so that nothing ends before all are there
            process.kill(engine(), "SIGSTOP");
            const queued = { ...endless, prompt: undefined, tokens };
            const others = [rast.complete(queued), rast.complete(queued), rast.complete({ tokens, seed: 3 })];
            const many = rast.completeMany({ ...queued, seed: 1 }, 3);
            await new Promise((resolve) => setTimeout(resolve, 500));
            const pid = engine();
            process.kill(pid, signal);
            if (signal !== "SIGKILL") process.kill(pid, "SIGCONT");
            const errors = await Promise.all([running.result, ...others, many].map((one) => errorOf(one)));
            for (const error of errors) {
                expect(error).toMatchObject({ code: "ERR_ENGINE_CRASHED", details: { phase: "generating", signal } });
            }
            const numbers = errors.map(({ details }) => details["request"] as number);
            const all = errors[0]!.details["requests"] as number[];
            expect(new Set(numbers).size).toBe(numbers.length);
            for (const number of numbers) expect(all).toContain(number);
            expect(crashes.map(({ code }) => code)).toEqual(["ERR_ENGINE_CRASHED"]);
            // in their order, over a process that is not there yet
            const again = await Promise.all([3, 4, 3].map((seed) => rast.complete({ prompt, seed })));
            expect(again[0]!.tokens).toEqual(whole.tokens);
            expect(again[2]!.tokens).toEqual(whole.tokens);
            await rast.dispose();
        }
    );

    it("while it decodes a prompt", async () => {
        const rast = await load({ contextSize: 512, batchSize: 8 });
        const running = rast.complete({ prompt: prompt.repeat(30), maxTokens: 1 });
        await rast.tokenize("it is submitted");
        process.kill(engine(), "SIGSEGV");
        expect(await errorOf(running)).toMatchObject({ code: "ERR_ENGINE_CRASHED", details: { signal: "SIGSEGV" } });
        expect((await rast.complete({ prompt, maxTokens: 3 })).usage.completionTokens).toBe(3);
        await rast.dispose();
    });

    it("while all other calls wait", async () => {
        const rast = await load();
        const pid = engine();
        process.kill(pid, "SIGSTOP");
        const calls = [
            rast.tokenize("1"),
            rast.detokenize([5]),
            rast.saveState(join(folder, "s.bin"), { prompt }),
            rast.loadState(join(folder, "s.bin")),
            rast.measureDecodes({ tokens: 3 }),
            rast.complete({ prompt, jsonSchema: { type: "integer" } })
        ];
        await new Promise((resolve) => setTimeout(resolve, 20));
        process.kill(pid, "SIGKILL");
        for (const error of await Promise.all(calls.map((call) => errorOf(call)))) {
            expect(error).toMatchObject({ code: "ERR_ENGINE_CRASHED", details: { signal: "SIGKILL" } });
        }
        expect((await rast.tokenize("1")).length).toBe(1);
        await rast.dispose();
    });

    it("while it is idle: the next call starts it anew, and not for ever", async () => {
        const crashes: RastError[] = [];
        const rast = await load({ isolate: { maxRestarts: 1, onCrash: (error) => crashes.push(error) } });
        const crash = async (): Promise<void> => {
            const before = crashes.length;
            process.kill(engine(), "SIGABRT");
            await until("the crash is noticed", () => crashes.length > before);
        };
        await crash();
        expect(crashes[0]).toMatchObject({ code: "ERR_ENGINE_CRASHED", details: { phase: "idle", requests: [] } });
        // a generation makes a new row
        expect((await rast.complete({ prompt, maxTokens: 2 })).usage.completionTokens).toBe(2);
        await crash();
        await rast.tokenize("1");
        await crash();
        const error = await errorOf(rast.complete({ prompt }));
        expect(error).toMatchObject({ code: "ERR_ENGINE_CRASHED", cause: { code: "ERR_ENGINE_CRASHED" } });
        expect(error.message).toContain("2 times");
        expect(engineProcesses()).toEqual([]);
        await rast.dispose();
        expect((await errorOf(rast.complete({ prompt }))).code).toBe("ERR_DISPOSED");
    });

    it("and stays away, or comes back at once, as it was asked for", async () => {
        const never = await load({ isolate: { restart: "never" } });
        process.kill(engine(), "SIGKILL");
        await until("it has ended", () => engineProcesses().length === 0);
        expect((await errorOf(never.complete({ prompt }))).code).toBe("ERR_ENGINE_CRASHED");
        expect((await errorOf(never.tokenize("1"))).code).toBe("ERR_ENGINE_CRASHED");
        await never.dispose();
        const atOnce = await load({ isolate: { restart: "atOnce" } });
        const pid = engine();
        process.kill(pid, "SIGKILL");
        await until("another is there", () => engineProcesses().some((other) => other !== pid));
        expect((await atOnce.complete({ prompt, maxTokens: 2 })).usage.completionTokens).toBe(2);
        await atOnce.dispose();
    });

    it("while it is disposed of, or loads again", async () => {
        const disposed = await load();
        const running = await begun(disposed);
        const done = disposed.dispose();
        process.kill(engine(), "SIGKILL");
        await done;
        await running.result.catch((error: unknown) => expect(error).toMatchObject({ code: "ERR_ENGINE_CRASHED" }));
        let crashes = 0;
        const rast = await load({ isolate: { onCrash: () => (crashes += 1) } });
        process.kill(engine(), "SIGKILL");
        await until("the crash is noticed", () => crashes === 1);
        const waiting = [rast.complete({ prompt }), rast.tokenize("1")].map((call) => errorOf(call));
        await until("another starts", () => engineProcesses().length === 1);
        process.kill(engine(), "SIGKILL");
        const errors = await Promise.all(waiting);
        expect(errors.map(({ code }) => code)).toEqual(["ERR_ENGINE_CRASHED", "ERR_ENGINE_CRASHED"]);
        const late = rast.complete({ prompt });
        await until("a third starts", () => engineProcesses().length === 1);
        await rast.dispose();
        expect((await late).stopReason).toBe("abort");
    });

    it("never, as it hangs: dispose and abort end it", async () => {
        const rast = await load({ isolate: { graceMs: 200 } });
        const running = rast.complete(endless);
        process.kill(engine(), "SIGSTOP");
        const start = Date.now();
        await rast.dispose();
        // 0.2 s of grace, a second for the kill, and what a busy machine takes
        expect(Date.now() - start).toBeLessThan(5000);
        expect((await running).stopReason).toBe("abort");
        const controller = new AbortController();
        const loading = load({
            signal: controller.signal,
            onProgress: () => {
                process.kill(engine(), "SIGSTOP");
                setTimeout(() => controller.abort(), 10);
            }
        });
        const outcome = await loading.catch((error: unknown) => error);
        if (outcome instanceof RastError) expect(outcome.code).toBe("ERR_LOAD_ABORTED");
        else await (outcome as Rast).dispose();
    });
});

describe.skipIf(process.platform === "win32")("the words of a crash", () => {
    const program = (name: string, text: string): string => {
        const path = join(folder, name);
        writeFileSync(path, `#!/bin/sh\n${text}\n`);
        chmodSync(path, 0o755);
        return path;
    };

    it("are the last of the process", async () => {
        const assert = "/src/ggml.c:12: GGML_ASSERT(n > 0) failed";
        const execPath = program("aborts", `echo first >&2; echo "${assert}" >&2; echo last >&2; kill -ABRT $$`);
        const error = await errorOf(load({ isolate: { execPath } }));
        expect(error).toMatchObject({
            code: "ERR_INVALID_OPTION",
            message: `isolate.execPath, ${execPath}, does not run as Node.js 20 or newer: it was ended by SIGABRT: ${assert}.`,
            details: {
                option: "isolate.execPath",
                signal: "SIGABRT",
                exitCode: null,
                stderr: ["first", assert, "last"]
            }
        });
        const exits = program("exits", "exit 7");
        expect(await errorOf(load({ isolate: { execPath: exits } }))).toMatchObject({
            code: "ERR_INVALID_OPTION",
            message: `isolate.execPath, ${exits}, does not run as Node.js 20 or newer: it ended with exit code 7.`,
            details: { signal: null, exitCode: 7, stderr: [] }
        });
    });

    it("come from the program that was asked for", async () => {
        const execPath = program("node", `echo "said before" >&2; exec "${process.execPath}" "$@"`);
        const rast = await load({ isolate: { execPath, restart: "never" } });
        expect((await rast.complete({ prompt, seed: 3 })).text).not.toBe("");
        if (canSeeProcesses) {
            process.kill(engine(), "SIGSEGV");
            const { details } = await errorOf(rast.tokenize("1"));
            expect(details).toMatchObject({ signal: "SIGSEGV", stderr: ["said before"] });
        }
        await rast.dispose();
    });
});

describe.skipIf(!canSeeProcesses)("a program that is killed leaves no process", () => {
    const script = join(root, "test", "lifecycle", "scripts", "isolated.mjs");

    async function killAt(moment: string, ...args: string[]): Promise<void> {
        const program = spawn(process.execPath, [script, moment, ...args], { stdio: ["ignore", "pipe", "ignore"] });
        let said = "";
        program.stdout.on("data", (text: Buffer) => (said += text.toString()));
        try {
            await until(`${moment} is reached`, () => /engine \S+ /.test(said));
            const engines = engineProcesses(program.pid);
            // one that starts is not there yet, one that is disposed of may be gone
            if (moment !== "starting" && moment !== "disposing") expect(engines.length).toBe(1);
            program.kill("SIGKILL");
            await once(program, "exit");
            await until(`${moment}: its engine has ended`, () => !engines.some((pid) => isRunning(pid)));
        } finally {
            program.kill("SIGKILL");
        }
    }

    it.each(["loading", "waiting", "generating", "disposing"])("while %s", async (moment) => {
        for (let i = 0; i < size(1, 20); ++i) await killAt(moment);
    });

    it("while starting", async () => {
        for (const delay of heavy ? Array.from({ length: 60 }, (_, i) => i * 5) : [10, 40, 80]) {
            await killAt("starting", String(delay));
        }
    });
});
