// Servers under load, closed, cut, killed and crashed; models that come and go.
// Answers are read as they come.
/* eslint-disable @typescript-eslint/no-unsafe-member-access */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { afterEach, describe, expect, it } from "vitest";
import type { RastServer } from "../../dist/server/index.js";
import { canSeeProcesses, engineProcesses, until } from "../support/engine-processes.js";
import {
    busySlots,
    chatModel,
    events,
    get,
    plainModel,
    post,
    question,
    startServer,
    untilIdle,
    type Json
} from "../support/http-server.js";
import { root, run } from "../support/native.js";
import { heavy, size } from "../support/size.js";

const completions = "/v1/completions";
const chat = "/v1/chat/completions";
const endless = { model: "demo", prompt: "Q: 6+34?\n", max_tokens: 400, ignore_eos: true } as const;

let server: RastServer | undefined;
afterEach(async () => {
    await server?.close({ graceSeconds: 0 });
    server = undefined;
});

/** A stream that has begun; `end` is what became of it. */
async function begun(target: Pick<RastServer, "url">, body: object = endless, path = completions) {
    const abort = new AbortController();
    let count = 0;
    let first!: () => void;
    const started = new Promise<void>((resolve) => (first = resolve));
    const end = (async () => {
        let last: Json;
        for await (const event of events(target, path, body, abort.signal)) {
            last = event;
            if (++count === 2) first();
        }
        return last;
    })();
    end.catch(() => first());
    await started;
    return { end, abort: () => abort.abort() };
}

describe("load", () => {
    const streams = size(24, 64);
    const total = size(150, 1000);

    it(`${total} requests, ${streams} at a time, a third cut: no error but 429, every slot back, memory flat`, async () => {
        server = await startServer({
            models: [{ ...plainModel, parallel: 8, maxQueue: 48, contextSize: 256 }],
            maxRequests: 48
        });
        const target = server;
        const delay = monitorEventLoopDelay({ resolution: 10 });
        const outcomes = { whole: 0, cut: 0, full: 0 };
        const faults: string[] = [];
        const one = async (index: number): Promise<void> => {
            const body = { ...endless, max_tokens: 24, seed: index };
            const abort = new AbortController();
            const isCut = index % 3 === 0;
            try {
                let count = 0;
                let last: Json;
                for await (const event of events(target, completions, body, abort.signal)) {
                    last = event;
                    if (isCut && ++count === 1 + (index % 5)) abort.abort();
                }
                if (last === "[DONE]") outcomes.whole += 1;
                else faults.push(`${index} ends with ${JSON.stringify(last)}`);
            } catch (error) {
                if (abort.signal.aborted) outcomes.cut += 1;
                else if (/^429/.test((error as Error).message)) {
                    outcomes.full += 1;
                    await later(undefined, 20);
                    await one(index);
                } else faults.push(`${index}: ${String(error)}`);
            }
        };
        const wave = async (from: number, count: number): Promise<void> => {
            let next = from;
            const worker = async (): Promise<void> => {
                while (next < from + count) await one(next++);
            };
            await Promise.all(Array.from({ length: streams }, worker));
        };
        await wave(0, Math.floor(total / 3));
        globalThis.gc?.();
        const before = process.memoryUsage().rss;
        delay.enable();
        await wave(Math.floor(total / 3), total - Math.floor(total / 3));
        delay.disable();
        await untilIdle(target);
        globalThis.gc?.();
        const grown = process.memoryUsage().rss - before;
        expect(faults).toEqual([]);
        expect(outcomes.whole).toBeGreaterThan(total / 2);
        expect(outcomes.cut).toBeGreaterThan(total / 6);
        // this process is server, engine, client and test at once, and its heap is collected when V8 likes
        expect(grown).toBeLessThan(150 * 2 ** 20);
        expect(delay.percentile(99) / 1e6).toBeLessThan(500);
        const { body } = await get(target, "/metrics");
        expect(body).toMatch(/^llamacpp:requests_processing 0$/m);
        expect(body).toMatch(/^llamacpp:requests_deferred 0$/m);
        expect((await post(target, completions, { ...endless, max_tokens: 2 })).status).toBe(200);
    });

    it("a full house is 429 with Retry-After, and those inside are not disturbed", async () => {
        server = await startServer({ models: [{ ...plainModel, parallel: 1, maxQueue: 2 }], maxRequests: 3 });
        const inside = [await begun(server)];
        inside.push(await Promise.race([begun(server), later({ end: Promise.resolve(), abort: () => {} })]));
        const waiting = [1, 2].map(() => post(server!, completions, { ...endless, max_tokens: 1 }));
        await untilAsync("all wait", async () => (await props()).active >= 3);
        const full = await post(server, completions, endless);
        expect(full.status).toBe(429);
        expect(full.headers.get("retry-after")).toBe("1");
        expect(full.body.error).toMatchObject({ type: "rate_limit_error" });
        inside[0]!.abort();
        for (const one of inside) one.abort();
        await Promise.allSettled(inside.map(({ end }) => end));
        expect((await Promise.all(waiting)).map(({ status }) => status).sort()).toContain(200);
        await untilIdle(server);
    });

    async function props(): Promise<{ active: number }> {
        return (await get(server!, "/props")).body.rast.models[0] as { active: number };
    }
});

function later<T>(value: T, ms = 100): Promise<T> {
    return new Promise((resolve) => setTimeout(resolve, ms, value));
}

async function untilAsync(what: string, check: () => Promise<boolean>, ms = 20_000): Promise<void> {
    const end = Date.now() + ms;
    while (!(await check())) {
        if (Date.now() > end) throw new Error(`After ${ms} ms not yet: ${what}`);
        await later(undefined, 10);
    }
}

describe("clients that go away", () => {
    it("free their slots, streaming or not, at work or waiting", async () => {
        server = await startServer({ models: [{ ...plainModel, parallel: 2, contextSize: 4096 }] });
        const streams = [
            await begun(server, { ...endless, max_tokens: 4000 }),
            await begun(server, { ...endless, max_tokens: 4000 })
        ];
        const abort = new AbortController();
        const waiting = post(server, completions, { ...endless, max_tokens: 4000 }, {}, abort.signal).catch(
            () => "gone"
        );
        await untilAsync("the third waits", async () =>
            /^llamacpp:requests_deferred 1$/m.test((await get(server!, "/metrics")).body as string)
        );
        abort.abort();
        expect(await waiting).toBe("gone");
        await untilAsync("nobody waits", async () =>
            /^llamacpp:requests_deferred 0$/m.test((await get(server!, "/metrics")).body as string)
        );
        expect(await busySlots(server)).toBe(2);
        for (const stream of streams) stream.abort();
        await untilIdle(server);
        await Promise.allSettled(streams.map(({ end }) => end));
        // in the middle of a body
        const socket = connect(server.port, "127.0.0.1");
        socket.write("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
        await later(undefined, 50);
        socket.destroy();
        expect((await post(server, completions, { ...endless, max_tokens: 1 })).status).toBe(200);
    });

    // the system's buffers hold many megabytes of it; unit tests of event streams fill them without drawing
    it.runIf(heavy)("those that read nothing are cut, and slow nobody down", async () => {
        server = await startServer({
            models: [{ ...plainModel, contextSize: 2048, parallel: 4 }],
            stallSeconds: 1,
            maxUnreadBytes: 65_536
        });
        // alternatives of every token make many bytes
        const body = JSON.stringify({ ...endless, max_tokens: 2000, logprobs: 20, stream: true, n: 3 });
        const socket = connect(server.port, "127.0.0.1");
        const closed = once(socket, "close");
        socket.on("error", () => {});
        socket.write(
            `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`
        );
        socket.pause();
        const { status } = await post(server, completions, { ...endless, max_tokens: 20 });
        expect(status).toBe(200);
        await untilIdle(server, 60_000);
        socket.resume();
        await closed;
        expect((await get(server, "/health")).status).toBe(200);
    });
});

describe("bounds of a request", () => {
    it("cut its text, and refuse its prompt", async () => {
        server = await startServer({ models: [plainModel], maxTokens: 7, maxPromptTokens: 12 });
        const { body } = await post(server, completions, endless);
        expect(body).toMatchObject({ usage: { completion_tokens: 7 }, choices: [{ finish_reason: "length" }] });
        const long = await post(server, completions, { ...endless, prompt: "Q: 6+34+5+6?\n" });
        expect([long.status, long.body.error.code]).toEqual([400, "context_length_exceeded"]);
    });

    it("end it when its time is over", async () => {
        server = await startServer({ models: [{ ...plainModel, contextSize: 16_384 }], timeoutSeconds: 1 });
        const all = { ...endless, max_tokens: 16_000 };
        const { status, body } = await post(server, completions, all);
        expect([status, body.choices[0].finish_reason]).toEqual([200, "length"]);
        expect(body.usage.completion_tokens).toBeLessThan(16_000);
        const { end } = await begun(server, all);
        expect(await end).toBe("[DONE]");
        await untilIdle(server);
    });
});

describe("closing", () => {
    it("lets those at work end, and takes nobody new", async () => {
        server = await startServer({ models: [plainModel] });
        const { end } = await begun(server, { ...endless, max_tokens: 60 });
        const closed = server.close({ graceSeconds: 60 });
        await expect(post(server, completions, endless)).rejects.toThrow();
        expect(await end).toBe("[DONE]");
        await closed;
    });

    it("cuts them when their time is over, and says so", async () => {
        server = await startServer({ models: [{ ...plainModel, contextSize: 4096 }] });
        const { end } = await begun(server, { ...endless, max_tokens: 4000 });
        const whole = post(server, completions, { ...endless, max_tokens: 4000 });
        await untilAsync("both run", async () => (await busySlots(server!)) === 2);
        await server.close({ graceSeconds: 0.2 });
        expect(await end).toMatchObject({ error: { code: "shutting_down" } });
        expect(await whole).toMatchObject({ status: 503, body: { error: { code: "shutting_down" } } });
    });

    it("a second call shortens the time", async () => {
        server = await startServer({ models: [{ ...plainModel, contextSize: 4096 }] });
        const { end } = await begun(server, { ...endless, max_tokens: 4000 });
        const first = server.close({ graceSeconds: 600 });
        await server.close({ graceSeconds: 0 });
        await first;
        expect(await end).toMatchObject({ error: { code: "shutting_down" } });
    });
});

describe("models that come and go", () => {
    it("are loaded when asked for, one at a time, and unloaded when idle", async () => {
        server = await startServer({ models: [chatModel, plainModel], lazy: true, maxLoaded: 1, idleSeconds: 0.5 });
        const states = async (): Promise<string[]> =>
            ((await get(server!, "/props")).body.rast.models as { state: string }[]).map(({ state }) => state);
        expect(await states()).toEqual(["unloaded", "unloaded"]);
        const both = await Promise.all([
            post(server, chat, { messages: question, max_tokens: 3 }),
            post(server, completions, { ...endless, max_tokens: 3 })
        ]);
        expect(both.map(({ status }) => status)).toEqual([200, 200]);
        expect((await states()).filter((state) => state === "loaded").length).toBeLessThanOrEqual(1);
        await untilAsync("both are put away", async () => (await states()).every((state) => state === "unloaded"));
        expect((await post(server, chat, { messages: question, max_tokens: 3 })).status).toBe(200);
    });

    it("a request to one that takes long is 503, with Retry-After and its progress", async () => {
        server = await startServer({ models: [chatModel], lazy: true, loadWaitSeconds: 0 });
        const { status, headers, body } = await post(server, chat, { messages: question, max_tokens: 3 });
        expect([status, headers.get("retry-after")]).toEqual([503, "5"]);
        expect(body.error).toMatchObject({ code: "model_loading", type: "unavailable_error" });
        await untilAsync(
            "it is loaded",
            async () => (await get(server!, "/props")).body.rast.models[0].state === "loaded"
        );
        expect((await post(server, chat, { messages: question, max_tokens: 3 })).status).toBe(200);
    });

    it("one that cannot be loaded fails its own requests alone", async () => {
        const folder = await mkdtemp(join(tmpdir(), "rast-server-"));
        const base = join(folder, "broken.gguf");
        await writeFile(base, "GGUF and nothing more");
        server = await startServer({ models: [chatModel, { base, name: "broken" }] });
        const { status, body } = await post(server, completions, { model: "broken", prompt: "x" });
        expect(status).toBe(503);
        expect(body.error).toMatchObject({ code: "model_load_failed" });
        expect(body.error.message).not.toContain(folder);
        await rm(folder, { recursive: true });
        expect((await post(server, chat, { messages: question, max_tokens: 3 })).status).toBe(200);
    });

    it("one that is leased is never put away", async () => {
        server = await startServer({
            models: [{ ...plainModel, contextSize: 2048 }, chatModel],
            maxLoaded: 1,
            loadWaitSeconds: 0.2
        });
        const { end, abort } = await begun(server, { ...endless, max_tokens: 2000 });
        const other = await post(server, chat, { model: "demo-chat", messages: question, max_tokens: 3 });
        expect(other.status).toBe(503);
        expect(await busySlots(server)).toBe(1);
        abort();
        await end.catch(() => {});
        await untilAsync(
            "the other is there",
            async () =>
                (await post(server!, chat, { model: "demo-chat", messages: question, max_tokens: 3 })).status === 200
        );
    });
});

describe.skipIf(!canSeeProcesses)("an isolated engine that crashes", () => {
    it("fails those at work with 500, and the next is answered", async () => {
        server = await startServer({ models: [{ ...plainModel, isolate: true, contextSize: 2048 }] });
        const stream = await begun(server, { ...endless, max_tokens: 2000 });
        const whole = post(server, completions, { ...endless, max_tokens: 2000 });
        await untilAsync("both run", async () => (await busySlots(server!)) === 2);
        const [pid] = engineProcesses();
        process.kill(pid!, "SIGSEGV");
        expect(await stream.end).toMatchObject({ error: { type: "server_error", code: "ERR_ENGINE_CRASHED" } });
        const { status, body } = await whole;
        expect([status, body.error.code]).toEqual([500, "ERR_ENGINE_CRASHED"]);
        expect((await post(server, completions, { ...endless, max_tokens: 3 })).status).toBe(200);
    });
});

describe("the command", () => {
    const main = join(root, "dist", "cli", "main.js");
    const children: ChildProcessWithoutNullStreams[] = [];
    afterEach(() => {
        for (const child of children.splice(0)) child.kill("SIGKILL");
    });

    async function start(...args: string[]) {
        const child = spawn(process.execPath, [
            main,
            "serve",
            "--trio",
            "demo",
            "--threads",
            "1",
            "--port",
            "0",
            "--json",
            ...args
        ]);
        children.push(child);
        let [stdout, stderr] = ["", ""];
        child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
        child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        const exit = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
        await until("it listens", () => stdout.includes("\n") || child.exitCode !== null, 90_000);
        const { url, port } = JSON.parse(stdout) as { url: string; port: number };
        return { child, url, port, exit, output: () => ({ stdout, stderr }) };
    }

    it("says where it listens on stdout and nothing else, logs without texts, and ends with 0 on SIGTERM", async () => {
        const { child, url, exit, output } = await start();
        const secret = "Q: 6+34 zyxwv?\n";
        const { status } = await post({ url }, completions, { prompt: secret, max_tokens: 5 });
        expect(status).toBe(200);
        await post({ url }, completions, `{"prompt": "zyxwv`);
        const stream = await begun({ url }, { ...endless, max_tokens: 40 });
        child.kill("SIGTERM");
        expect(await stream.end).toBe("[DONE]");
        expect(await exit).toEqual([0, null]);
        const { stdout, stderr } = output();
        expect(stdout.trim().split("\n")).toHaveLength(1);
        expect(stderr).not.toContain("zyxwv");
        const lines = stderr
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line));
        expect(lines.some((line) => line.route === completions && line.status === 200)).toBe(true);
    });

    it("a second signal cuts at once, and the code is 0 as well", async () => {
        const { child, url, exit } = await start("--grace", "10m", "--context-size", "4096");
        const stream = await begun({ url }, { ...endless, max_tokens: 4000 });
        child.kill("SIGINT");
        await later(undefined, 100);
        child.kill("SIGTERM");
        expect(await stream.end.catch((error: unknown) => error)).toBeDefined();
        expect(await exit).toEqual([0, null]);
    });

    it("killed under load and started again it serves at once", async () => {
        const first = await start();
        const streams = await Promise.all(Array.from({ length: 4 }, (_, seed) => begun(first, { ...endless, seed })));
        first.child.kill("SIGKILL");
        await Promise.allSettled(streams.map(({ end }) => end));
        await first.exit;
        const second = await start("--port", String(first.port));
        expect(second.port).toBe(first.port);
        expect((await post(second, completions, { ...endless, max_tokens: 3 })).status).toBe(200);
    });
});

describe("keys", () => {
    it("are asked for everywhere but at /health, in any of the usual headers", async () => {
        server = await startServer({
            models: [plainModel],
            apiKeys: ["first-key", "second-key"],
            corsOrigins: ["http://page.example"]
        });
        const ask = { ...endless, max_tokens: 1 };
        for (const headers of [
            {},
            { authorization: "Bearer wrong" },
            { authorization: "first-key" },
            { "x-api-key": "" }
        ]) {
            const { status, body } = await post(server, completions, ask, headers);
            expect([status, body.error.type]).toEqual([401, "authentication_error"]);
        }
        for (const headers of [
            { authorization: "Bearer first-key" },
            { authorization: "bearer second-key" },
            { "x-api-key": "second-key" }
        ]) {
            expect((await post(server, completions, ask, headers as Record<string, string>)).status).toBe(200);
        }
        expect((await get(server, "/health")).status).toBe(200);
        for (const path of ["/v1/models", "/metrics", "/props", "/slots", "/nowhere"]) {
            expect((await get(server, path)).status, path).toBe(401);
        }
        const preflight = await fetch(`${server.url}${completions}`, {
            method: "OPTIONS",
            headers: {
                origin: "http://page.example",
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization"
            }
        });
        expect(preflight.status).toBe(204);
        expect(preflight.headers.get("access-control-allow-origin")).toBe("http://page.example");
        const answered = await post(server, completions, ask, {
            origin: "http://page.example",
            authorization: "Bearer first-key"
        });
        expect([answered.status, answered.headers.get("access-control-allow-origin")]).toEqual([
            200,
            "http://page.example"
        ]);
    });
});

it.runIf(heavy)("ten minutes of mixed work leave memory and handles as they were", { timeout: 900_000 }, async () => {
    const { code, stdout } = await run(process.execPath, ["--expose-gc", join(root, "bench", "server-soak.mjs"), "10"]);
    expect(code).toBe(0);
    const { slopeMiBPerHour, faults, handles } = JSON.parse(stdout);
    expect(faults).toEqual([]);
    expect(handles.after).toBeLessThanOrEqual(handles.before + 4);
    expect(slopeMiBPerHour).toBeLessThan(60);
});
