// A server under mixed work for some minutes: streams, whole answers, cuts, errors, two models that take each other's place. Says how memory
// and handles went, and what a day of it would come to.
//
//   node --expose-gc bench/server-soak.mjs [minutes, default 10]
import { fileURLToPath } from "node:url";
import { serve } from "../dist/server/index.js";

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const outcome = await soak(Number(process.argv[2] ?? 10));
    console.log(JSON.stringify(outcome, undefined, 4));
    if (outcome.faults.length > 0) process.exitCode = 1;
}

export async function soak(minutes) {
    const server = await serve({
        models: [
            { trio: "demo", parallel: 8, tryModels: false },
            { trio: "demo-chat", parallel: 4, tryModels: false }
        ],
        port: 0,
        // so that none of the clients' connections is left when handles are counted
        keepAliveSeconds: 2
    });
    await server.ready;
    const end = Date.now() + 60_000 * minutes;
    const faults = [];
    const samples = [];
    let requests = 0;
    let seed = 0;
    const post = async (path, body, signal) =>
        fetch(`${server.url}${path}`, { method: "POST", body: JSON.stringify(body), ...(signal ? { signal } : {}) });
    const kinds = [
        async () => {
            const response = await post("/v1/completions", { prompt: "Q: 6+34?\n", max_tokens: 40, seed: seed++ });
            expectStatus(response, 200);
            await response.json();
        },
        async () => {
            const response = await post("/v1/chat/completions", {
                model: "demo-chat",
                messages: [{ role: "user", content: `What is ${seed++ % 50}+5-3?` }],
                max_tokens: 40,
                stream: true
            });
            expectStatus(response, 200);
            await response.text();
        },
        async () => {
            const abort = new AbortController();
            const response = await post(
                "/v1/completions",
                { prompt: "Q: 6+34?\n", max_tokens: 300, ignore_eos: true, stream: true, seed: seed++ },
                abort.signal
            );
            await response.body.getReader().read();
            abort.abort();
        },
        async () => expectStatus(await post("/v1/completions", { prompt: "x", temperature: "hot" }), 400),
        async () => {
            const response = await post("/v1/completions", {
                prompt: "Q: 6+34?\nS:40",
                echo: true,
                logprobs: 2,
                max_tokens: 0
            });
            expectStatus(response, 200);
            await response.json();
        },
        async () => {
            const response = await fetch(`${server.url}/metrics`);
            await response.text();
        }
    ];
    const expectStatus = (response, status) => {
        if (response.status !== status && response.status !== 429)
            throw new Error(`status ${response.status}, expected ${status}`);
    };
    const worker = async (first) => {
        for (let index = first; Date.now() < end; index++) {
            try {
                await kinds[index % kinds.length]();
                requests += 1;
            } catch (error) {
                if (error.name !== "AbortError" && faults.length < 20) faults.push(String(error));
            }
        }
    };
    const handles = () => process.getActiveResourcesInfo().filter((name) => !/^(Timeout|Immediate)$/.test(name)).length;
    const before = handles();
    const timer = setInterval(() => {
        globalThis.gc?.();
        samples.push({ minute: samples.length / 6, mib: process.memoryUsage().rss / 2 ** 20 });
    }, 10_000);
    await Promise.all(Array.from({ length: 12 }, (_, index) => worker(index)));
    clearInterval(timer);
    await new Promise((resolve) => setTimeout(resolve, 6000));
    const after = handles();
    const busy = (await (await fetch(`${server.url}/slots`)).json()).filter((slot) => slot.is_processing).length;
    if (busy > 0) faults.push(`${busy} slots are still at work`);
    await server.close();
    // the first third warms up
    const settled = samples.slice(Math.floor(samples.length / 3));
    const slope = slopeOf(settled);
    return {
        minutes,
        requests,
        faults,
        handles: { before, after },
        firstMiB: round(settled[0]?.mib),
        lastMiB: round(settled.at(-1)?.mib),
        slopeMiBPerHour: round(60 * slope),
        aDayMiB: round(24 * 60 * slope),
        rssMiB: samples.map(({ mib }) => round(mib))
    };
}

// Least squares, MiB a minute.
function slopeOf(samples) {
    const n = samples.length;
    if (n < 2) return 0;
    const mean = (of) => samples.reduce((sum, one) => sum + of(one), 0) / n;
    const [x, y] = [mean(({ minute }) => minute), mean(({ mib }) => mib)];
    const by = samples.reduce((sum, { minute }) => sum + (minute - x) ** 2, 0);
    return samples.reduce((sum, { minute, mib }) => sum + (minute - x) * (mib - y), 0) / by;
}

function round(value) {
    return value === undefined ? null : Math.round(10 * value) / 10;
}
