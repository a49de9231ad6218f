// Many sequences at once, on a shaped trio: tokens per second by their number, n samples of one prompt against n
// prompts, and the first token of a short request while a long prompt is decoded.
//   node bench/parallel.mjs [--record FILE] [--models FOLDER] [--base NAME] [--small NAME] [--sequences 1,2,4]
//       [--tokens N] [--repetitions N] [--long N]
import { setTimeout as wait } from "node:timers/promises";
import { loadRast } from "../dist/index.js";
import { keepRecord, median, progress, readArguments, recordHead, table, withModels } from "./support.mjs";

const values = readArguments({
    models: undefined,
    base: "llama-1.2b",
    small: "tiny-0.07b",
    sequences: [1, 2, 4, 8, 16, 32],
    tokens: 32,
    repetitions: 3,
    long: 2000
});
const { sequences, repetitions } = values;
const most = Math.max(...sequences);
// distinct prompts: nothing is shared unless it is meant to be
const promptOf = (i, length) => Array.from({ length }, (_, k) => 300 + ((i * 7919 + k * 31) % 20000));
const kinds = [
    { name: "base alone", options: { mode: "base" } },
    { name: "RAST, off", options: { speculation: "off" } },
    { name: "RAST, auto", options: { speculation: "auto" } }
];

// Tokens per second of n sequences that run together.
async function rateOf(rast, n, repetition, options) {
    const common = { maxTokens: values.tokens, ignoreEos: true, temperature: 1, ...options };
    const start = performance.now();
    const results = await Promise.all(
        Array.from({ length: n }, (_, i) =>
            rast.complete({ ...common, tokens: promptOf(repetition * most + i, 4), seed: i })
        )
    );
    const drawn = results.reduce((sum, one) => sum + one.usage.completionTokens, 0);
    return (1000 * drawn) / (performance.now() - start);
}

async function measureThroughput(trio) {
    const rast = await loadRast({ ...trio, contextSize: 256, parallel: most, reusePrefixes: false });
    const rates = kinds.map(() => sequences.map(() => []));
    for (let repetition = 0; repetition <= repetitions; ++repetition) {
        progress(`repetition ${repetition} of ${repetitions}`);
        for (const [at, n] of sequences.entries()) {
            for (const [kind, { options }] of kinds.entries()) {
                const rate = await rateOf(rast, n, repetition, options);
                if (repetition > 0) rates[kind][at].push(rate); // the first warms up
            }
        }
    }
    const { info } = rast;
    await rast.dispose();
    const throughput = kinds.map(({ name }, kind) => {
        const tokensPerSecond = rates[kind].map(median);
        return { name, tokensPerSecond, scaling: tokensPerSecond.map((rate) => rate / tokensPerSecond[0]) };
    });
    return { info, throughput };
}

// 32 samples of one prompt, decoded once or each on its own.
async function measureSamples(trio, reusePrefixes) {
    const engine = await loadRast({ ...trio, contextSize: 256, parallel: 8, reusePrefixes });
    const start = performance.now();
    const results = await engine.completeMany({ tokens: promptOf(1, 128), maxTokens: 4, ignoreEos: true, seed: 1 }, 32);
    const promptTokensDecoded = results.reduce(
        (sum, { usage }) => sum + usage.promptTokens - usage.cachedPromptTokens,
        0
    );
    const ms = performance.now() - start;
    await engine.dispose();
    return { ms, promptTokensDecoded };
}

// A stream runs, a long prompt comes, then a short request.
async function measureFairness(trio, prefillChunk) {
    const { long: length } = values;
    const engine = await loadRast({ ...trio, contextSize: length + 256, batchSize: 2048, parallel: 3, prefillChunk });
    await engine.complete({ tokens: promptOf(9, 200), maxTokens: 2, ignoreEos: true });
    const stream = engine.generate({ tokens: promptOf(2, 4), maxTokens: 200, ignoreEos: true, seed: 1 });
    let longestPauseMs = 0;
    let last = performance.now();
    const streaming = (async () => {
        for await (const part of stream) {
            if (part.tokens.length === 0) continue;
            longestPauseMs = Math.max(longestPauseMs, performance.now() - last);
            last = performance.now();
        }
    })();
    await wait(300);
    longestPauseMs = 0;
    const long = engine.complete({ tokens: promptOf(3, length), maxTokens: 1, ignoreEos: true });
    await wait(50);
    const short = await engine.complete({ tokens: promptOf(4, 8), maxTokens: 1, ignoreEos: true });
    const slow = await long;
    const measured = {
        shortFirstTokenMs: short.timings.firstTokenMs,
        longFirstTokenMs: slow.timings.firstTokenMs,
        longestPauseMs
    };
    stream.cancel();
    await streaming;
    await engine.dispose();
    return measured;
}

const record = await withModels(values, async (write) => {
    const trio = await write(0.8);
    const { info, throughput } = await measureThroughput(trio);
    progress("samples of one prompt");
    const samples = { shared: await measureSamples(trio, true), separate: await measureSamples(trio, false) };
    progress("a short request beside a long prompt");
    const fairness = { auto: await measureFairness(trio, "auto"), off: await measureFairness(trio, "off") };
    return {
        ...recordHead(),
        threads: info.base.threads,
        device: info.base.device,
        parameters: { base: info.base.parameterCount, small: info.pairs[0].expert.parameterCount },
        sequences,
        throughput,
        samples,
        fairness
    };
});
const rows = record.throughput.map(({ name, tokensPerSecond, scaling }) => [
    name,
    ...tokensPerSecond.map((rate, i) => `${rate.toFixed(1)} (${scaling[i].toFixed(2)})`)
]);
process.stdout.write(
    `${record.cpu}, ${record.threads} threads, ${record.device}, ${record.date}\n\n` +
        table(["tokens/s", ...sequences.map((n) => `${n}:`)], rows) +
        `\n32 samples: ${JSON.stringify(record.samples)}\nfairness: ${JSON.stringify(record.fairness)}\n`
);
keepRecord(values.record, record);
