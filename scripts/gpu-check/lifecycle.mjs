// Ends engines at every kind of moment: node lifecycle.mjs aborts N | loads N | again N | workers PHASE N.
// Prints figures as JSON; throws what is wrong. RAST_TEST_GPU_LAYERS says how many layers go to the device.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { loadRast, RastError } from "../../dist/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const demo = (name) => join(root, "models", "demo", `${name}.gguf`);
const trio = {
    base: demo("demo-base"),
    expert: demo("demo-weak-expert"),
    antiexpert: demo("demo-weak-antiexpert"),
    gpuLayers: Number(process.env.RAST_TEST_GPU_LAYERS ?? 0)
};
const prompt = "Q: 6+34+63+39?\n";
const endless = { prompt, ignoreEos: true, maxTokens: 400 };
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function expect(condition, what) {
    if (!condition) throw new Error(what);
}

// Random, but the same every time.
let state = 12345;
function random() {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
}

async function aborts(times) {
    // greedy text is compared: drafts, company and reused prompts would change the shapes of batches, and rounding
    const plain = { ...endless, temperature: 0, speculation: "off" };
    const rast = await loadRast({ ...trio, reusePrefixes: false });
    const busy = await loadRast({ ...trio, parallel: 4 });
    const whole = await rast.complete(plain);
    const outcomes = { aborted: 0, finished: 0 };
    for (let i = 0; i < times; ++i) {
        const controller = new AbortController();
        const { signal } = controller;
        const alone = rast.complete({ ...plain, signal });
        const company = Array.from({ length: 4 }, (_, k) => busy.complete({ ...endless, seed: 4 * i + k, signal }));
        await sleep(random() * 60);
        controller.abort();
        for (const { stopReason } of await Promise.all([alone, ...company])) {
            outcomes[stopReason === "abort" ? "aborted" : "finished"] += 1;
        }
    }
    expect(outcomes.aborted > 0, "no generation was aborted");
    const after = await rast.complete(plain);
    expect(after.text === whole.text, "aborted generations left something behind");
    await busy.dispose();
    await rast.dispose();
    return outcomes;
}

async function loads(times) {
    const outcomes = { aborted: 0, loaded: 0 };
    for (let i = 0; i < times; ++i) {
        const controller = new AbortController();
        const loading = loadRast({ ...trio, signal: controller.signal });
        setTimeout(() => controller.abort(), random() * 100);
        try {
            const rast = await loading;
            outcomes.loaded += 1;
            await rast.dispose();
        } catch (error) {
            expect(error instanceof RastError && error.code === "ERR_LOAD_ABORTED", String(error));
            outcomes.aborted += 1;
        }
    }
    const rast = await loadRast(trio);
    expect((await rast.complete({ prompt, maxTokens: 4 })).usage.completionTokens > 0, "nothing is generated any more");
    await rast.dispose();
    return outcomes;
}

async function again(times) {
    const once = async () => {
        const rast = await loadRast(trio);
        await rast.complete({ prompt, maxTokens: 4 });
        await rast.dispose();
    };
    for (let i = 0; i < Math.ceil(times / 3); ++i) await once(); // allocators settle
    const before = process.memoryUsage.rss();
    for (let i = 0; i < times; ++i) await once();
    const grownBytes = process.memoryUsage.rss() - before;
    // one trio's weights and caches are over 6 MB: a leak of any part of it would show every time
    expect(grownBytes < (8 + times / 2) * 1024 * 1024, `main memory grew by ${grownBytes} bytes in ${times} loads`);
    return { times, grownBytes };
}

async function workers(phase, times) {
    const rast = await loadRast(trio);
    const wanted = { prompt, seed: 1, topP: 1, speculation: "off" };
    const expected = await rast.complete(wanted);
    for (let i = 0; i < times; ++i) {
        const worker = new Worker(join(root, "test", "lifecycle", "scripts", "worker.mjs"), { workerData: phase });
        await new Promise((resolve, reject) => {
            worker.once("message", resolve);
            worker.once("error", reject);
        });
        await sleep(random() * 10);
        await worker.terminate();
    }
    const after = await rast.complete(wanted);
    expect(after.text === expected.text, "a worker's end changed another engine's text");
    await rast.dispose();
    return { times };
}

const [what, first, second] = process.argv.slice(2);
const all = {
    aborts: () => aborts(Number(first)),
    loads: () => loads(Number(first)),
    again: () => again(Number(first))
};
const figures = await (what === "workers" ? workers(first, Number(second)) : all[what]());
process.stdout.write(`${JSON.stringify(figures)}\n`);
