// What a token costs the server without models: CPU time of its process, user and system, over the tokens of streams that a stand-in for an
// engine draws at a steady pace. What holds of it on a busy machine is the least of many rounds.
//
//   node bench/server-tokens.mjs [--streams 4] [--tokens 400] [--period 2.5] [--rounds 25]
//
// The clients run in a process of their own.
import { fork } from "node:child_process";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Generation } from "../dist/engine/generation.js";
import { createApp, createLogger } from "../dist/server/app.js";
import { resolveServeOptions } from "../dist/server/options.js";
import { Shelf } from "../dist/server/shelf.js";
import { ask } from "./support.mjs";

const { values } = parseArgs({
    options: {
        streams: { type: "string", default: "4" },
        tokens: { type: "string", default: "400" },
        period: { type: "string", default: "2.5" },
        rounds: { type: "string", default: "25" }
    }
});
const [streams, tokens, periodMs, rounds] = [values.streams, values.tokens, values.period, values.rounds].map(Number);
const usage = { promptTokens: 1, cachedPromptTokens: 0, completionTokens: tokens, reasoningTokens: 0 };
const timings = { prefillMs: 1, decodeMs: 1, firstRoundTokens: 1, queueMs: 1, firstTokenMs: 1 };

if (process.send === undefined) await main();
else process.on("message", async ({ port }) => process.send(await clients(port)));

async function main() {
    const drawing = new Set();
    const draw = () => {
        for (const one of [...drawing]) {
            one.sink.part({ text: " word", reasoning: "", answer: " word", tokens: [7] });
            if (++one.drawn < tokens) continue;
            drawing.delete(one);
            const result = { mode: "rast", lambdas: [1], path: "host", stopReason: "maxTokens", usage, timings };
            one.sink.finish({ ...result, tokens: [], speculation: { drafted: 0, accepted: 0, rounds: 1 } });
        }
    };
    const rast = {
        info: { parallel: streams, contextSize: 4096, pairs: [{}], notes: [] },
        chatTemplate: null,
        generate: () =>
            new Generation((sink) => {
                drawing.add({ sink, drawn: 0 });
                return () => {};
            }),
        dispose: async () => {}
    };
    const options = resolveServeOptions({ models: ["stand-in"], port: 0 });
    const settings = { idleMs: 0, waitMs: 1000, maxLoaded: 1, load: async () => rast, tell: () => {} };
    const app = await createApp({
        options,
        shelf: new Shelf([{ name: "stand-in", load: {} }], settings),
        closing: new AbortController().signal,
        isClosing: () => false,
        version: "0",
        page: undefined,
        logger: createLogger(options)
    });
    await app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = app.server.address();
    const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
    let least = Infinity;
    for (let round = 0; round < rounds; round++) {
        const timer = setInterval(draw, periodMs);
        const before = process.cpuUsage();
        await ask(child, { port });
        const { user, system } = process.cpuUsage(before);
        clearInterval(timer);
        least = Math.min(least, (user + system) / (streams * tokens));
    }
    console.log(`${least.toFixed(1)} us a token`);
    child.disconnect();
    await app.close();
}

/** All streams at once, to their ends. */
async function clients(port) {
    const agent = new Agent({ keepAlive: true });
    const one = () =>
        new Promise((resolve, reject) => {
            const where = { port, host: "127.0.0.1", path: "/v1/completions", method: "POST", agent };
            const asking = request(where, (response) => response.resume().on("end", resolve));
            asking.on("error", reject);
            asking.end(JSON.stringify({ prompt: "a", stream: true, max_tokens: tokens }));
        });
    await Promise.all(Array.from({ length: streams }, one));
    agent.destroy();
    return true;
}
