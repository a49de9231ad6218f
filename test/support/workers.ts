// Workers as people start them, and a network that is slower than this machine's.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Rast } from "../../dist/index.js";
import type { WorkerEvent } from "../../src/workers/supervisor.js";
import { root } from "./native.js";

/** A running `rast worker`. */
export interface TestWorker {
    /** "127.0.0.1:port". */
    readonly address: string;
    readonly port: number;
    readonly process: ChildProcess;
    /** All that it has said. */
    readonly events: readonly WorkerEvent[];
    /** The process that serves, below the one that watches. */
    serving(): number;
    /** Until it has said something of that kind, as often as given. */
    said(event: WorkerEvent["event"], times?: number): Promise<void>;
    stop(): Promise<void>;
}

/** How many workers hold weights of an engine's base. */
export function workersWithLayers({ info }: Rast): number {
    const weights = info.base.buffers.filter(({ kind, place }) => kind === "model" && place.startsWith("RPC"));
    return new Set(weights.map(({ place }) => place)).size;
}

const running = new Set<TestWorker>();

/** Starts one on a free port, with one thread of the processor. */
export async function startWorker(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<TestWorker> {
    const command = [join(root, "dist", "cli", "main.js"), "worker", "--threads", "1", "--json", ...args];
    const port = args.includes("--port") ? [] : ["--port", "0"];
    const child = spawn(process.execPath, [...command, ...port], {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, RAST_BACKEND: "cpu", ...env }
    });
    const events: WorkerEvent[] = [];
    const heard = new Set<() => void>();
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    createInterface({ input: child.stdout }).on("line", (line) => {
        events.push(JSON.parse(line) as WorkerEvent);
        for (const look of heard) look();
    });
    const said = (event: WorkerEvent["event"], times = 1): Promise<void> =>
        new Promise((resolve, reject) => {
            const look = (): void => {
                if (events.filter((one) => one.event === event).length < times) return;
                clearTimeout(timer);
                heard.delete(look);
                resolve();
            };
            const timer = setTimeout(() => reject(new Error(`Not said: ${event}. ${errors}`)), 30_000);
            heard.add(look);
            look();
        });
    await Promise.race([
        said("listening"),
        once(child, "close").then(() => {
            throw new Error(`The worker ended: ${errors}`);
        })
    ]);
    const first = events.find((one) => one.event === "listening")!;
    const worker: TestWorker = {
        address: `127.0.0.1:${first.port}`,
        port: first.port,
        process: child,
        events,
        serving: () => servingBelow(child.pid!),
        said,
        stop: async () => {
            running.delete(worker);
            if (child.exitCode !== null || child.signalCode !== null) return;
            const ended = once(child, "close");
            child.kill("SIGTERM");
            await ended;
        }
    };
    running.add(worker);
    return worker;
}

/** For `afterAll`. */
export async function stopWorkers(): Promise<void> {
    await Promise.all([...running].map((worker) => worker.stop()));
}

function servingBelow(pid: number): number {
    const found = childrenOf(pid);
    if (found.length !== 1) throw new Error(`Expected one process below ${pid}, found ${found.join()}`);
    return found[0]!;
}

function childrenOf(pid: number): number[] {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/);
    return children.filter((one) => one !== "").map(Number);
}

/** A way to somewhere on which every byte takes its time. */
export interface SlowNetwork {
    readonly address: string;
    /** From now on nothing goes through, and nobody hears of it. */
    freeze(): void;
    /** Ends all connections. */
    cut(): void;
    close(): Promise<void>;
}

/**
 * Passes connections on to a port of this machine, each direction late by half of `roundTripMs`. Order is kept; what comes together
 * stays together.
 */
export async function slowNetwork(port: number, roundTripMs: number): Promise<SlowNetwork> {
    let frozen = false;
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (near) => {
        const far = createConnection({ port, host: "127.0.0.1", noDelay: true });
        for (const [from, to] of [
            [near, far],
            [far, near]
        ] as const) {
            sockets.add(from);
            from.on("data", (bytes) => later(roundTripMs / 2, () => void (frozen || to.write(bytes))));
            from.on("close", () => {
                sockets.delete(from);
                if (!frozen) later(roundTripMs / 2, () => to.destroy());
            });
            from.on("error", () => {});
        }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const cut = (): void => sockets.forEach((socket) => socket.destroy());
    return {
        address: `127.0.0.1:${(server.address() as { port: number }).port}`,
        freeze: () => (frozen = true),
        cut,
        close: async () => {
            cut();
            server.close();
        }
    };
}

// Timers of Node.js are no finer than a millisecond.
const waiting: { at: number; run: () => void }[] = [];

function later(ms: number, run: () => void): void {
    if (ms === 0) return run();
    waiting.push({ at: performance.now() + ms, run });
    if (waiting.length === 1) look();
}

function look(): void {
    while (waiting.length > 0 && waiting[0]!.at <= performance.now()) waiting.shift()!.run();
    if (waiting.length === 0) return;
    // who spins for long waits for a processor where others want one, too
    const left = waiting[0]!.at - performance.now();
    if (left > 3) setTimeout(look, left - 2);
    else setImmediate(look);
}
