// What layers on other machines cost: here, on one worker and on two, with latency put in between, with and without drafts; and beside
// what was measured what arithmetic expects. Workers are processes of this machine with as many threads as the engine.
//   node bench/machines.mjs [--record FILE] [--base SHAPE --small SHAPE] [--agreement N] [--workers 0,1,2] [--latencies 0,0.1,1,10]
//       [--drafts 0,3,7] [--tokens N] [--rounds N] [--models FOLDER]
// Latency is a proxy's, as not every machine has netem: each direction late by half of it, whatever goes through.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { loadRast } from "../dist/index.js";
import { keepRecord, median, progress, readArguments, recordHead, root, table, withModels } from "./support.mjs";

const values = readArguments({
    base: "tiny-0.1b",
    small: "tiny-0.07b",
    agreement: 0.8,
    workers: [0, 1, 2],
    latencies: [0, 0.1, 1, 10],
    drafts: [0, 3, 7],
    tokens: 64,
    rounds: 3,
    models: undefined
});
const threads = Math.max(1, Math.floor(cpus().length / 2));

async function startWorker() {
    const command = [
        join(root, "dist", "cli", "main.js"),
        "worker",
        "--port",
        "0",
        "--threads",
        String(threads),
        "--json"
    ];
    const child = spawn(process.execPath, command, {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, RAST_BACKEND: "cpu" }
    });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    return { port: JSON.parse(line).port, stop: () => child.kill("SIGTERM") };
}

// Timers of Node.js are no finer than a millisecond.
const waiting = [];
function later(ms, run) {
    if (ms === 0) return run();
    waiting.push({ at: performance.now() + ms, run });
    if (waiting.length === 1) look();
}
function look() {
    while (waiting.length > 0 && waiting[0].at <= performance.now()) waiting.shift().run();
    if (waiting.length === 0) return;
    // who spins for long waits for a processor where others want one, too
    const left = waiting[0].at - performance.now();
    if (left > 3) setTimeout(look, left - 2);
    else setImmediate(look);
}

async function network(port, roundTripMs) {
    const server = createServer({ noDelay: true }, (near) => {
        const far = createConnection({ port, host: "127.0.0.1", noDelay: true });
        for (const [from, to] of [
            [near, far],
            [far, near]
        ]) {
            from.on("data", (bytes) => later(roundTripMs / 2, () => to.write(bytes)));
            from.on("close", () => later(roundTripMs / 2, () => to.destroy())).on("error", () => {});
        }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { address: `127.0.0.1:${server.address().port}`, close: () => server.close() };
}

async function measured(trio, addresses, drafts) {
    const count = addresses.length;
    const { path } = trio.base;
    const rast = await loadRast({
        ...trio,
        base:
            count === 0
                ? { path, gpuLayers: 0 }
                : { path, device: addresses.map((_, index) => `RPC${index}`), gpuLayers: 1e6 },
        ...(count === 0 ? { isolate: true } : { rpc: addresses }),
        gpuLayers: count === 0 ? 0 : "auto",
        contextSize: 512,
        threads,
        learned: false,
        speculation: { maxDraft: Math.max(1, ...drafts) }
    });
    try {
        const rows = [];
        for (const draft of drafts) {
            const speculation = draft === 0 ? "off" : { draft };
            const results = [];
            for (let round = 0; round <= values.rounds; ++round) {
                const options = {
                    prompt: "1 2 3 4 5 6 7 8",
                    temperature: 0,
                    ignoreEos: true,
                    maxTokens: values.tokens,
                    speculation
                };
                const result = await rast.complete(options);
                if (round > 0) results.push(result); // the first warms up
            }
            const per = (of) => median(results.map(of));
            const rounds = (one) => one.speculation.rounds - 1;
            rows.push({
                draft,
                tokensPerSecond: per(({ timings }) => timings.tokensPerSecond),
                tokensPerRound: per(({ speculation: { tokensPerRound } }) => tokensPerRound),
                roundMs: per((one) => one.timings.decodeMs / rounds(one)),
                networkMs: per((one) => (one.network?.networkMs ?? 0) / rounds(one)),
                workerMs: per((one) => (one.network?.workerMs ?? 0) / rounds(one)),
                waits: per((one) => (one.network?.waits ?? 0) / rounds(one)),
                bytes: per((one) => one.network?.bytesPerRound ?? 0)
            });
        }
        return rows;
    } finally {
        await rast.dispose();
    }
}

await withModels(values, async (write) => {
    progress("writing models");
    const { base, expert, antiexpert } = await write(values.agreement);
    const trio = { base: { path: base }, expert, antiexpert };
    const most = Math.max(...values.workers);
    const workers = [];
    for (let index = 0; index < most; ++index) workers.push(await startWorker());
    const all = [];
    try {
        for (const count of values.workers) {
            for (const latency of count === 0 ? [0] : values.latencies) {
                progress(`${count} workers, ${latency} ms`);
                const networks = await Promise.all(workers.slice(0, count).map(({ port }) => network(port, latency)));
                const addresses = networks.map(({ address }) => address);
                for (const row of await measured(trio, addresses, values.drafts))
                    all.push({ workers: count, latency, ...row });
                for (const one of networks) one.close();
            }
        }
    } finally {
        for (const worker of workers) worker.stop();
    }
    // A round is what it is without latency, and the latency for every answer that is waited for.
    const expected = (row) => {
        const near = all.find((one) => one.workers === row.workers && one.latency === 0 && one.draft === row.draft);
        return near === undefined ? undefined : near.roundMs + row.waits * row.latency;
    };
    const rows = all.map((row) => {
        const here = all.find((one) => one.workers === 0 && one.draft === row.draft);
        const plain = all.find((one) => one.workers === row.workers && one.latency === row.latency && one.draft === 0);
        const ms = (value) => (value === undefined ? "" : value.toFixed(2));
        return [
            String(row.workers),
            String(row.latency),
            String(row.draft),
            row.tokensPerSecond.toFixed(1),
            plain === undefined ? "" : (row.tokensPerSecond / plain.tokensPerSecond).toFixed(2),
            row.tokensPerRound.toFixed(2),
            ms(row.roundMs),
            row.workers === 0 ? "" : ms(expected(row)),
            row.workers === 0 ? "" : ms(row.networkMs),
            row.workers === 0 ? "" : ms(row.workerMs),
            row.workers === 0 || here === undefined ? "" : ms(row.roundMs - here.roundMs - row.networkMs),
            row.workers === 0 ? "" : row.waits.toFixed(1),
            row.workers === 0 ? "" : (row.bytes / 1024).toFixed(1)
        ];
    });
    const heads = [
        "workers:",
        "latency ms:",
        "drafts:",
        "tokens/s:",
        "against plain:",
        "tokens/round:",
        "round ms:",
        "expected:"
    ];
    process.stdout.write(
        `${table([...heads, "network:", "workers':", "rest, against here:", "answers:", "KiB:"], rows)}\n`
    );
    keepRecord(values.record, { ...recordHead(), settings: { ...values, threads }, rows: all });
});
