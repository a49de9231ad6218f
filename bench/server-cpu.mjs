// What a token costs the server's own thread: CPU time of the thread that runs JavaScript, system calls included, over the tokens that went
// through it. Other programs on the machine change it little, unlike tokens a second.
//
//   node bench/server-cpu.mjs [--trio demo-chat] [--streams 4] [--tokens 128] [--rounds 3]
//
// Linux alone: the time of one thread is /proc/self/task/ID/schedstat. "engine" is the same thread while a program of its own iterates over
// as many generations at a time; the rest of a row is what HTTP adds. Clients run in a process of their own.
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadRast } from "../dist/index.js";
import { serve } from "../dist/server/index.js";
import { ask, drawAll, seedOf } from "./support.mjs";

const { values } = parseArgs({
    options: {
        trio: { type: "string", default: "demo-chat" },
        streams: { type: "string", default: "4" },
        tokens: { type: "string", default: "128" },
        rounds: { type: "string", default: "3" },
        only: { type: "string" }
    }
});
const [streams, tokens, rounds] = [values.streams, values.tokens, values.rounds].map(Number);
const prompt = "Q: 6+34+63+39?\n";
const messages = [{ role: "user", content: "What is 12+5-3?" }];
const stream_options = { include_usage: true };
const drawn = { ignore_eos: true, stop: [], stream: true };

/** Every way to ask for a stream of so many tokens. */
const ways = {
    "/v1/completions": (seed) => ({ prompt, max_tokens: tokens, seed, stream_options, ...drawn }),
    "/v1/chat/completions": (seed) => ({ messages, max_tokens: tokens, seed, stream_options, ...drawn }),
    "/v1/responses": (seed) => ({ input: messages, max_output_tokens: tokens, seed, store: false, ...drawn }),
    "/v1/messages": (seed) => ({ model: values.trio, messages, max_tokens: tokens, rast: { seed }, stream: true }),
    "/api/chat": (seed) => ({ messages, options: { num_predict: tokens, seed } })
};

if (process.send === undefined) await main();
else process.on("message", async (order) => process.send(await clients(order)));

/** Nanoseconds that this thread has run. */
function threadNs() {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ")[0]);
}

async function main() {
    const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
    const load = { trio: values.trio, parallel: streams };
    const row = (cost) => Math.min(...cost).toFixed(1);
    const table = {};

    const rast = await loadRast(load);
    const alone = [];
    for (let round = 0; round <= rounds; round++) {
        const { count, ns } = await engineCost(rast, round);
        if (round > 0) alone.push(ns / count / 1000);
    }
    await rast.dispose();
    table["engine"] = { "us/token": row(alone) };

    const server = await serve({ models: [load], port: 0 });
    await server.ready;
    for (const path of Object.keys(ways).filter((path) => values.only === undefined || path === values.only)) {
        const cost = [];
        for (let round = 0; round <= rounds; round++) {
            const from = threadNs();
            const { count } = await ask(child, { url: server.url, path, round });
            if (round > 0) cost.push((threadNs() - from) / count / 1000);
        }
        table[path] = { "us/token": row(cost) };
    }
    await server.close();
    console.table(table);
    child.disconnect();
}

/** The engine by itself, part by part. */
async function engineCost(rast, round) {
    const from = threadNs();
    const count = await drawAll(rast, { prompt, tokens, streams, texts: 2 * streams, round });
    return { count, ns: threadNs() - from };
}

/** Twice as many requests as run together, so many at a time. */
async function clients({ url, path, round }) {
    let [count, next] = [0, 0];
    const one = async (index) => {
        const body = JSON.stringify(ways[path](seedOf(round, index)));
        const text = await (await fetch(`${url}${path}`, { method: "POST", body })).text();
        const counts = [...text.matchAll(/"(?:completion_tokens|output_tokens|eval_count)":(\d+)/g)];
        count += Number(counts.at(-1)[1]);
    };
    const worker = async () => {
        while (next < 2 * streams) await one(next++);
    };
    await Promise.all(Array.from({ length: streams }, worker));
    return { count };
}
