// What HTTP costs: tokens a second of the server beside the engine's own with as many texts at a time, and times to first token, as
// llama-server's clients count them (from sending a request to its first event with text).
//
//   node bench/server.mjs [--trio demo] [--streams 1,4,8] [--tokens 128] [--texts 12] [--rounds 3]
//
// A round is so many texts for each stream: long enough for the number of threads to be found.
//
// Both sides draw the same texts from the same seeds, so many at a time, each behind the one before. The clients run in a process of their own
// and do no more than take what comes, as they share the processors with the models.
import { fork } from "node:child_process";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadRast } from "../dist/index.js";
import { serve } from "../dist/server/index.js";
import { ask, drawAll, seedOf } from "./support.mjs";

const { values } = parseArgs({
    options: {
        trio: { type: "string", default: "demo" },
        streams: { type: "string", default: "1,4,8" },
        tokens: { type: "string", default: "128" },
        texts: { type: "string", default: "12" },
        rounds: { type: "string", default: "3" },
        prompt: { type: "string", default: "Q: 6+34+63+39?\n" }
    }
});
const prompt = values.prompt;
const tokens = Number(values.tokens);
const texts = Number(values.texts);
const rounds = Number(values.rounds);
const quantile = (numbers, share) =>
    [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(share * numbers.length))];

if (process.send === undefined) await main();
else process.on("message", async (order) => process.send(await clients(order)));

async function main() {
    const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
    const table = [];
    for (const streams of values.streams.split(",").map(Number)) {
        const load = { trio: values.trio, parallel: streams };
        const row = { streams, engine: [], server: [], firstTokenMs: [] };
        // each side alone in memory and on the processors, in turns
        for (let round = 0; round < rounds; round++) {
            const rast = await loadRast(load);
            await engineRate(rast, streams, round);
            row.engine.push(await engineRate(rast, streams, round));
            await rast.dispose();

            const server = await serve({ models: [load], port: 0 });
            await server.ready;
            await ask(child, { url: server.url, streams, round });
            const { rate, first } = await ask(child, { url: server.url, streams, round });
            row.server.push(rate);
            row.firstTokenMs.push(...first);
            await server.close();
        }
        const [engine, through] = [quantile(row.engine, 0.5), quantile(row.server, 0.5)];
        table.push({
            streams,
            "engine tok/s": engine.toFixed(1),
            "server tok/s": through.toFixed(1),
            ratio: (through / engine).toFixed(3),
            "first token p50 ms": quantile(row.firstTokenMs, 0.5).toFixed(1),
            "p95 ms": quantile(row.firstTokenMs, 0.95).toFixed(1)
        });
    }
    console.table(table);
    child.disconnect();
}

/** Tokens a second of the engine by itself. */
async function engineRate(rast, streams, round) {
    const start = performance.now();
    const drawn = await drawAll(rast, { prompt, tokens, streams, texts: texts * streams, round });
    return (1000 * drawn) / (performance.now() - start);
}

/** The same through the server. */
async function clients({ url, streams, round }) {
    const first = [];
    let drawn = 0;
    let next = 0;
    const agent = new Agent({ keepAlive: true });
    const start = performance.now();
    const one = (index) =>
        new Promise((resolve, reject) => {
            const sent = performance.now();
            const parts = [];
            const asking = request(`${url}/v1/completions`, { method: "POST", agent }, (response) => {
                response.on("data", (part) => {
                    if (parts.length === 0) first.push(performance.now() - sent);
                    parts.push(part);
                });
                response.on("end", () => {
                    const text = Buffer.concat(parts).toString("utf8");
                    drawn += Number(/"completion_tokens":(\d+)/.exec(text)[1]);
                    resolve();
                });
            });
            asking.on("error", reject);
            asking.end(
                JSON.stringify({
                    prompt,
                    max_tokens: tokens,
                    ignore_eos: true,
                    stop: [],
                    seed: seedOf(round, index),
                    stream: true,
                    stream_options: { include_usage: true }
                })
            );
        });
    const worker = async () => {
        while (next < texts * streams) await one(next++);
    };
    await Promise.all(Array.from({ length: streams }, worker));
    agent.destroy();
    return { rate: (1000 * drawn) / (performance.now() - start), first };
}
