import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startPeer, type PeerOptions } from "../../dist/bench/measure/peer.js";
import { loadRast, RastError } from "../../dist/index.js";
import { demo } from "../support/demo.js";
import { root, run } from "../support/native.js";

const trio = { base: demo.base, expert: demo.strongExpert, antiexpert: demo.strongAntiexpert };
const options: PeerOptions = { name: "node-llama-cpp", ...trio, contextSize: 256, threads: 1, gpu: false };
const greedy = { maxTokens: 40, temperature: 0, topP: 1, lambda: 1, seed: 1 };
const program = join(root, "bench", "peers", "node-llama-cpp.mjs");

async function failure(work: Promise<unknown>): Promise<RastError> {
    try {
        await work;
    } catch (error) {
        if (error instanceof RastError) return error;
        throw error;
    }
    throw new Error("it worked");
}

// Milliseconds of CPU time that a process has used.
function cpuMs(pid: number): number {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
}

function isAlive(pid: number): boolean {
    try {
        process.kill(pid, 0);
        return true;
    } catch {
        return false;
    }
}

async function ends(pid: number): Promise<boolean> {
    for (let waited = 0; waited < 10_000 && isAlive(pid); waited += 50) await sleep(50);
    return !isAlive(pid);
}

// Processes that this one has started and not seen the end of.
function children(): number[] {
    const folders = readdirSync(`/proc/${process.pid}/task`);
    return folders.flatMap((task) =>
        readFileSync(`/proc/${process.pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number)
    );
}

describe("node-llama-cpp as a peer", () => {
    it("gives the engine's greedy tokens", async () => {
        const rast = await loadRast({ ...trio, contextSize: 256, threads: 1, gpuLayers: 0 });
        const peer = await startPeer(options);
        expect(peer.info.vocabularySize).toBe(rast.info.vocabularySize);
        expect(peer.info.backend).toBe("cpu");
        for (const text of ["Q: 6+34+63+39?\n", "Q: 12+7+25+3?\n", "Q: 81+4+17+55?\n"]) {
            const tokens = await rast.tokenize(text, { addSpecial: true });
            for (const lambda of [1, 0.5]) {
                const wanted = { tokens, lambda, maxTokens: 40, temperature: 0, ignoreEos: true } as const;
                const ours = await rast.complete({ ...wanted, speculation: "off" });
                const theirs = await peer.generate({ ...greedy, tokens: [...tokens], lambda });
                expect(theirs.tokens).toEqual(ours.tokens);
                expect(theirs.ms).toBeGreaterThan(0);
                expect(theirs.firstTokenMs).toBeGreaterThan(0);
            }
        }
        await Promise.all([rast.dispose(), peer.dispose()]);
    });

    it("draws by temperature and top-p, the same for the same seed", async () => {
        const peer = await startPeer(options);
        const [tokens] = [[5, 6, 7, 8]];
        const draw = async (change: object): Promise<readonly number[]> =>
            (await peer.generate({ ...greedy, tokens, temperature: 1, ...change })).tokens;
        const likeliest = await draw({ temperature: 0 });
        expect(await draw({ seed: 2 })).toEqual(await draw({ seed: 2 }));
        expect(await draw({ seed: 2 })).not.toEqual(await draw({ seed: 3 }));
        expect(await draw({ topP: 1e-9, seed: 3 })).toEqual(likeliest);
        expect(await draw({ temperature: 0.001, seed: 4 })).toEqual(likeliest);
        expect(new Set(await draw({ temperature: 50, seed: 5 })).size).toBeGreaterThan(10);
        await peer.dispose();
    });

    it("says what is wrong, and goes on", async () => {
        const peer = await startPeer(options);
        const code = async (change: object): Promise<string> =>
            (await failure(peer.generate({ ...greedy, tokens: [5, 6], ...change }))).message;
        expect(await code({ tokens: [] })).toContain("tokens is missing or wrong");
        expect(await code({ tokens: [5, -1] })).toContain("tokens is missing or wrong");
        expect(await code({ tokens: [5, 4096] })).toContain("expected tokens below");
        expect(await code({ maxTokens: 256 })).toContain("do not fit into a context of 256");
        expect(await code({ topP: 2 })).toContain("topP");
        expect(await code({ temperature: Number.NaN })).toContain("temperature");
        // as much as the engine takes: the last token is not decoded
        const all = await peer.generate({ ...greedy, tokens: [5, 6], maxTokens: 255 });
        expect(all.tokens).toHaveLength(255);
        await peer.dispose();
    });

    it("is refused with its own words where it cannot load", async () => {
        const missing = await failure(startPeer({ ...options, expert: "/no/such/file.gguf" }));
        expect(missing).toMatchObject({ code: "ERR_PEER" });
        expect(missing.message).toContain("/no/such/file.gguf");
        const noModel = await failure(startPeer({ ...options, base: join(root, "package.json") }));
        expect(noModel.code).toBe("ERR_PEER");
        expect((await failure(startPeer({ ...options, threads: 0 }))).message).toContain("threads");
    });
});

// It is looked at through /proc.
describe.skipIf(process.platform !== "linux")("its process", () => {
    it("uses no time between commands, and ends with dispose", async () => {
        const peer = await startPeer({ ...options, threads: 2 });
        const [pid] = children() as [number];
        await peer.generate({ ...greedy, tokens: [5, 6] });
        await sleep(500); // its garbage collector may still have something to do
        const before = cpuMs(pid);
        await sleep(1000);
        expect(cpuMs(pid) - before).toBeLessThanOrEqual(50);
        await peer.dispose();
        await peer.dispose();
        expect((await failure(startPeer({ ...options, expert: "/no/such/file.gguf" }))).code).toBe("ERR_PEER");
        expect(children()).toEqual([]);
        expect(isAlive(pid)).toBe(false);
        expect((await failure(peer.generate({ ...greedy, tokens: [5] }))).code).toBe("ERR_DISPOSED");
    });

    it("ends in the middle of its work", async () => {
        const peer = await startPeer(options);
        const [pid] = children() as [number];
        const running = failure(peer.generate({ ...greedy, tokens: [5, 6], maxTokens: 250 }));
        await peer.dispose();
        expect((await running).code).toBe("ERR_DISPOSED");
        expect(isAlive(pid)).toBe(false);
    });

    it("ends by its signal, loading or generating", async () => {
        expect((await failure(startPeer({ ...options, signal: AbortSignal.abort() }))).code).toBe("ERR_LOAD_ABORTED");
        const loading = new AbortController();
        const load = failure(startPeer({ ...options, signal: loading.signal }));
        loading.abort("enough");
        expect(await load).toMatchObject({ code: "ERR_LOAD_ABORTED", cause: "enough" });
        const generating = new AbortController();
        const peer = await startPeer({ ...options, signal: generating.signal });
        const running = failure(peer.generate({ ...greedy, tokens: [5, 6], maxTokens: 250 }));
        generating.abort();
        expect((await running).code).toBe("ERR_PEER");
        expect(children()).toEqual([]);
        await peer.dispose();
    });

    it("is reported when it dies", async () => {
        const peer = await startPeer(options);
        const [pid] = children() as [number];
        const running = failure(peer.generate({ ...greedy, tokens: [5, 6], maxTokens: 250 }));
        process.kill(pid, "SIGKILL");
        expect(await running).toMatchObject({ code: "ERR_PEER" });
        expect((await running).message).toContain("ended unexpectedly (signal SIGKILL)");
        await peer.dispose();
    });

    it("ends with its parent, and keeps none alive", async () => {
        const script = (rest: string): string[] => [
            "--input-type=module",
            "-e",
            `import { startPeer } from ${JSON.stringify(join(root, "dist", "bench", "measure", "peer.js"))};
             const peer = await startPeer(${JSON.stringify(options)});
             ${rest}`
        ];
        // forgotten: the script ends by itself
        expect((await run(process.execPath, script(""))).code).toBe(0);
        const busy = spawn(
            process.execPath,
            script(
                `import { readFileSync } from "node:fs";
                 console.log(readFileSync("/proc/self/task/" + process.pid + "/children", "utf8"));
                 await peer.generate({ tokens: [5], maxTokens: 250, temperature: 0, topP: 1, lambda: 1, seed: 1 });
                 await new Promise(() => setInterval(() => {}, 1000));`
            ),
            { stdio: ["ignore", "pipe", "inherit"] }
        );
        const [line] = (await once(busy.stdout, "data")) as [Buffer];
        const pid = Number(line.toString().trim());
        expect(isAlive(pid)).toBe(true);
        busy.kill("SIGKILL");
        expect(await ends(pid)).toBe(true);
    });
});

describe("commands that make no sense", () => {
    it("are answered with an error", async () => {
        const child = fork(program, [], { stdio: ["ignore", "ignore", "inherit", "ipc"], execArgv: [] });
        const ask = async (message: unknown): Promise<unknown> => {
            child.send(message as object);
            return ((await once(child, "message")) as unknown[])[0];
        };
        for (const message of ["load", 5, null, {}, { load: null }, { dance: {} }, [], { generate: "x" }]) {
            expect(await ask(message)).toEqual({ error: "expected a command: load, generate or dispose" });
        }
        expect(await ask({ load: {} })).toEqual({ error: "load: base is missing or wrong" });
        expect(await ask({ load: { ...options, gpu: "yes" } })).toEqual({ error: "load: gpu is missing or wrong" });
        expect(await ask({ generate: { ...greedy, tokens: [1] } })).toEqual({ error: "no models are loaded" });
        expect(await ask({ load: { ...options } })).toMatchObject({ loaded: { backend: "cpu" } });
        expect(await ask({ load: { ...options } })).toEqual({ error: "models are loaded already" });
        expect(await ask({ dispose: true })).toEqual({ disposed: true });
        const [code] = (await once(child, "exit")) as [number];
        expect(code).toBe(0);
    });
});
