// Many sequences at once, on a shaped trio: tokens per second by their number, n samples of one prompt against n
// prompts, and the first token of a short request while a long prompt is decoded.
//   node bench/parallel.mjs [--record FILE] [--models FOLDER] [--base NAME] [--small NAME] [--sequences 1,2,4]
//       [--tokens N] [--repetitions N] [--long N]
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeShapedTrio } from "../dist/gguf/shaped-trio.js";
import { knownShapes } from "../dist/gguf/shapes.js";
import { loadRast } from "../dist/index.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
    options: {
        record: { type: "string" },
        models: { type: "string" },
        base: { type: "string", default: "llama-1.2b" },
        small: { type: "string", default: "tiny-0.07b" },
        sequences: { type: "string", default: "1,2,4,8,16,32" },
        tokens: { type: "string", default: "32" },
        repetitions: { type: "string", default: "3" },
        long: { type: "string", default: "2000" }
    }
});
const sequences = values.sequences.split(",").map(Number);
const most = Math.max(...sequences);
const repetitions = Number(values.repetitions);
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const folder = values.models ?? mkdtempSync(join(tmpdir(), "rast-parallel-"));
const shapes = { base: knownShapes[values.base], small: knownShapes[values.small] };
const trio = await writeShapedTrio(folder, { ...shapes, type: "q4_0", agreement: 0.8, certainty: 16 });
// distinct prompts: nothing is shared unless it is meant to be
const promptOf = (i, length) => Array.from({ length }, (_, k) => 300 + ((i * 7919 + k * 31) % 20000));
const progress = (text) => process.stderr.write(`${text} ...\n`);

// ---- tokens per second
const rast = await loadRast({ ...trio, contextSize: 256, parallel: most, reusePrefixes: false });
const kinds = [
    { name: "base alone", options: { mode: "base" } },
    { name: "RAST, off", options: { speculation: "off" } },
    { name: "RAST, auto", options: { speculation: "auto" } }
];
const rates = new Map(kinds.map((kind) => [kind.name, sequences.map(() => [])]));
for (let repetition = 0; repetition <= repetitions; ++repetition) {
    progress(`repetition ${repetition} of ${repetitions}`);
    for (const [index, n] of sequences.entries()) {
        for (const kind of kinds) {
            const start = performance.now();
            const results = await Promise.all(
                Array.from({ length: n }, (_, i) => {
                    const tokens = promptOf(repetition * most + i, 4);
                    const maxTokens = Number(values.tokens);
                    return rast.complete({
                        tokens,
                        maxTokens,
                        ignoreEos: true,
                        temperature: 1,
                        seed: i,
                        ...kind.options
                    });
                })
            );
            const drawn = results.reduce((sum, one) => sum + one.usage.completionTokens, 0);
            if (repetition > 0) rates.get(kind.name)[index].push((1000 * drawn) / (performance.now() - start));
        }
    }
}
const { info } = rast;
await rast.dispose();
const throughput = kinds.map(({ name }) => {
    const tokensPerSecond = rates.get(name).map(median);
    return { name, tokensPerSecond, scaling: tokensPerSecond.map((rate) => rate / tokensPerSecond[0]) };
});

// ---- 32 samples
progress("samples of one prompt");
const samples = {};
for (const reusePrefixes of [true, false]) {
    const engine = await loadRast({ ...trio, contextSize: 256, parallel: 8, reusePrefixes });
    const start = performance.now();
    const results = await engine.completeMany({ tokens: promptOf(1, 128), maxTokens: 4, ignoreEos: true, seed: 1 }, 32);
    const decoded = results.reduce((sum, one) => sum + one.usage.promptTokens - one.usage.cachedPromptTokens, 0);
    samples[reusePrefixes ? "shared" : "separate"] = { ms: performance.now() - start, promptTokensDecoded: decoded };
    await engine.dispose();
}

// ---- fairness
progress("a short request beside a long prompt");
const fairness = {};
for (const prefillChunk of ["auto", "off"]) {
    const length = Number(values.long);
    const engine = await loadRast({ ...trio, contextSize: length + 256, batchSize: 2048, parallel: 3, prefillChunk });
    await engine.complete({ tokens: promptOf(9, 200), maxTokens: 2, ignoreEos: true });
    const stream = engine.generate({ tokens: promptOf(2, 4), maxTokens: 200, ignoreEos: true, seed: 1 });
    let longest = 0;
    let last = performance.now();
    const streaming = (async () => {
        for await (const part of stream) {
            if (part.tokens.length === 0) continue;
            longest = Math.max(longest, performance.now() - last);
            last = performance.now();
        }
    })();
    await new Promise((resolve) => setTimeout(resolve, 300));
    longest = 0;
    const long = engine.complete({ tokens: promptOf(3, length), maxTokens: 1, ignoreEos: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const short = await engine.complete({ tokens: promptOf(4, 8), maxTokens: 1, ignoreEos: true });
    const slow = await long;
    fairness[prefillChunk] = {
        shortFirstTokenMs: short.timings.firstTokenMs,
        longFirstTokenMs: slow.timings.firstTokenMs,
        longestPauseMs: longest
    };
    stream.cancel();
    await streaming;
    await engine.dispose();
}
if (values.models === undefined) rmSync(folder, { recursive: true, force: true });

const versions = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const record = {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0].model,
    threads: info.base.threads,
    device: info.base.device,
    node: process.version,
    versions: { "rast-llama": versions.version, "node-llama-cpp": versions.dependencies["node-llama-cpp"] },
    command: `node bench/parallel.mjs ${process.argv.slice(2).join(" ")}`
        .replace(/ ?--(record|models) \S+/g, "")
        .trim(),
    parameters: { base: info.base.parameterCount, small: info.pairs[0].expert.parameterCount },
    sequences,
    throughput,
    samples,
    fairness
};
const row = (cells) => `| ${cells.join(" | ")} |\n`;
process.stdout.write(
    `${record.cpu}, ${record.threads} threads, ${record.device}, ${record.date}\n\n` +
        row(["tokens/s", ...sequences.map((n) => `${n}`)]) +
        row(["---", ...sequences.map(() => "---:")]) +
        throughput
            .map(({ name, tokensPerSecond, scaling }) =>
                row([name, ...tokensPerSecond.map((rate, i) => `${rate.toFixed(1)} (${scaling[i].toFixed(2)})`)])
            )
            .join("") +
        `\n32 samples: ${JSON.stringify(samples)}\nfairness: ${JSON.stringify(fairness)}\n`
);
if (values.record !== undefined) {
    mkdirSync(dirname(values.record), { recursive: true });
    writeFileSync(values.record, `${JSON.stringify(record, null, 4)}\n`);
}
