// Tokens per second of the base alone, of RAST without drafts, with drafts of its own choice and of fixed lengths, on
// shaped trios whose agreement is set by construction. Interleaved: every repetition runs all of them in turn.
//   node bench/speculation.mjs [--record FILE] [--models FOLDER] [--base NAME] [--small NAME] [--agreements 1,0.95]
//       [--lengths 1,3,7,15] [--tokens N] [--repetitions N] [--paper] [--trio NAME]
// --paper samples at temperature 1 and top-p 0.95 instead of taking the largest logit. --trio measures a bundled trio on
// its own problems instead, eight at a time.
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
        agreements: { type: "string", default: "1,0.95,0.8,0.5,0" },
        lengths: { type: "string", default: "1,3,7,15" },
        tokens: { type: "string", default: "64" },
        repetitions: { type: "string", default: "5" },
        paper: { type: "boolean", default: false },
        trio: { type: "string" }
    }
});
const numbers = (text) => text.split(",").filter(Boolean).map(Number);
const lengths = numbers(values.lengths);
const repetitions = Number(values.repetitions);
const folder = values.models ?? mkdtempSync(join(tmpdir(), "rast-speculation-"));
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// Median, and its 95% interval by order statistics; under six samples it is all of them.
function spread(list) {
    const sorted = [...list].sort((a, b) => a - b);
    const n = sorted.length;
    let below = 0;
    let chance = 0.5 ** n; // of k or fewer of n below the median
    for (let k = 0, sum = chance; 2 * sum <= 0.05; chance *= (n - k) / (k + 1), ++k, sum += chance) below = k;
    return { median: median(list), interval: [sorted[below], sorted[n - 1 - below]] };
}

const kinds = [
    { name: "base alone", options: { mode: "base" } },
    { name: "RAST, off", options: { speculation: "off" } },
    { name: "RAST, auto", options: { speculation: "auto" } },
    ...lengths.map((draft) => ({ name: `RAST, drafts of ${draft}`, options: { speculation: { draft } } }))
];
const sampling = values.paper ? { temperature: 1, topP: 0.95 } : { temperature: 0 };
const results = [];
let info;
const pairedWith = (own, other) => spread(own.map((rate, i) => rate / other[i]));
const problems =
    values.trio === undefined
        ? []
        : readFileSync(join(root, "models", "demo", "problems.jsonl"), "utf8")
              .trim()
              .split("\n")
              .map(JSON.parse);
const problemsAtATime = 8;

// Tokens per second and drafts of one repetition.
async function generate(rast, repetition, options) {
    const common = { ...sampling, ...options, seed: repetition };
    if (values.trio === undefined) {
        // another prompt each time: other tokens of the cycle, the same for all kinds
        const tokens = [300 + repetition, 400, 500, 600];
        const { timings, speculation } = await rast.complete({
            tokens,
            ...common,
            maxTokens: Number(values.tokens),
            ignoreEos: true
        });
        return { rate: timings.tokensPerSecond, ...speculation };
    }
    let [tokens, ms, rounds, weighted] = [0, 0, 0, 0];
    for (let i = 0; i < problemsAtATime; ++i) {
        const { prompt } = problems[(repetition * problemsAtATime + i) % problems.length];
        const { usage, timings, speculation } = await rast.complete({ prompt, ...common });
        tokens += usage.completionTokens;
        ms += timings.decodeMs;
        rounds += speculation.rounds;
        weighted += speculation.agreement === null ? NaN : speculation.agreement * usage.completionTokens;
    }
    return {
        rate: (1000 * tokens) / ms,
        agreement: Number.isNaN(weighted) ? null : weighted / tokens,
        tokensPerRound: rounds > 0 ? tokens / rounds : null
    };
}

for (const agreement of values.trio === undefined ? numbers(values.agreements) : [null]) {
    process.stderr.write(agreement === null ? `${values.trio} ...\n` : `agreement ${agreement} ...\n`);
    const speculation = { maxDraft: Math.max(15, ...lengths) };
    let rast;
    if (agreement === null) {
        rast = await loadRast({ trio: values.trio, speculation });
    } else {
        const shapes = { base: knownShapes[values.base], small: knownShapes[values.small] };
        const trio = await writeShapedTrio(folder, { ...shapes, type: "q4_0", agreement, certainty: 16 });
        rast = await loadRast({ ...trio, contextSize: 1024, speculation });
    }
    info = rast.info;
    const samples = kinds.map(() => ({ rates: [], agreement: [], tokensPerRound: [] }));
    for (let repetition = 0; repetition <= repetitions; ++repetition) {
        for (const [index, kind] of kinds.entries()) {
            const { rate, agreement: seen, tokensPerRound } = await generate(rast, repetition, kind.options);
            if (repetition === 0) continue; // warm-up
            samples[index].rates.push(rate);
            if (seen !== null) samples[index].agreement.push(seen);
            if (tokensPerRound !== null) samples[index].tokensPerRound.push(tokensPerRound);
        }
    }
    await rast.dispose();
    results.push({
        agreement,
        kinds: kinds.map((kind, index) => {
            const { rates, agreement: seen, tokensPerRound } = samples[index];
            return {
                name: kind.name,
                tokensPerSecond: median(rates),
                rates,
                // of pairs that ran one after the other
                againstOff: pairedWith(rates, samples[1].rates),
                againstBase: pairedWith(rates, samples[0].rates),
                agreement: seen.length > 0 ? seen.reduce((a, b) => a + b) / seen.length : null,
                tokensPerRound: tokensPerRound.length > 0 ? median(tokensPerRound) : null
            };
        })
    });
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
    command: `node bench/speculation.mjs ${process.argv.slice(2).join(" ")}`
        .replace(/ ?--(record|models) \S+/g, "")
        .trim(),
    models: [info.base, ...info.pairs.flatMap(({ expert, antiexpert }) => [expert, antiexpert])].map(
        ({ description, parameterCount, modelBytes }) => ({ description, parameterCount, modelBytes })
    ),
    results
};
process.stdout.write(
    `${record.cpu}, ${record.threads} threads, ${record.device}, ${record.date}; base ${info.base.parameterCount} ` +
        `parameters, small ${info.pairs[0].expert.parameterCount}; ${values.paper ? "temperature 1, top-p 0.95" : "greedy"}\n\n` +
        "| agreement | | tokens/s | against off | against base alone | seen agreement | tokens a round |\n" +
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: |\n"
);
const ratio = ({ median: value, interval }) => `${value.toFixed(2)} [${interval.map((x) => x.toFixed(2)).join(", ")}]`;
const fixed = (value, digits) => (value === null ? "" : value.toFixed(digits));
for (const { agreement, kinds: rows } of results) {
    for (const row of rows) {
        process.stdout.write(
            `| ${agreement ?? values.trio} | ${row.name} | ${row.tokensPerSecond.toFixed(1)} | ${ratio(row.againstOff)} | ` +
                `${ratio(row.againstBase)} | ${fixed(row.agreement, 2)} | ${fixed(row.tokensPerRound, 1)} |\n`
        );
    }
}
if (values.record !== undefined) {
    mkdirSync(dirname(values.record), { recursive: true });
    writeFileSync(values.record, `${JSON.stringify(record, null, 4)}\n`);
}
