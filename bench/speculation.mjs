// Tokens per second of the base alone, of RAST without drafts, with drafts of its own choice and of fixed lengths, on
// shaped trios whose agreement is set by construction. Interleaved: every repetition runs all of them in turn.
//   node bench/speculation.mjs [--record FILE] [--models FOLDER] [--base NAME] [--small NAME] [--agreements 1,0.95]
//       [--lengths 1,3,7,15] [--tokens N] [--repetitions N] [--paper] [--trio NAME]
// --paper samples at temperature 1 and top-p 0.95 instead of taking the largest logit. --trio measures a bundled trio on
// its own problems instead, eight at a time.
import { readDemoProblems } from "../dist/eval/sums.js";
import { loadRast } from "../dist/index.js";
import {
    keepRecord,
    mean,
    median,
    progress,
    ratiosOf,
    readArguments,
    recordHead,
    spread,
    table,
    withModels
} from "./support.mjs";

const values = readArguments({
    models: undefined,
    base: "llama-1.2b",
    small: "tiny-0.07b",
    agreements: [1, 0.95, 0.8, 0.5, 0],
    lengths: [1, 3, 7, 15],
    tokens: 64,
    repetitions: 5,
    paper: false,
    trio: undefined
});
const kinds = [
    { name: "base alone", options: { mode: "base" } },
    { name: "RAST, off", options: { speculation: "off" } },
    { name: "RAST, auto", options: { speculation: "auto" } },
    ...values.lengths.map((draft) => ({ name: `RAST, drafts of ${draft}`, options: { speculation: { draft } } }))
];
const sampling = values.paper ? { temperature: 1, topP: 0.95 } : { temperature: 0 };
const speculation = { maxDraft: Math.max(15, ...values.lengths) };
const problemsAtATime = 8;

// Tokens per second and drafts of one repetition on a shaped trio.
async function continueCycle(rast, repetition, options) {
    // another prompt each time: other tokens of the cycle, the same for all kinds
    const tokens = [300 + repetition, 400, 500, 600];
    const { timings, speculation: seen } = await rast.complete({
        tokens,
        ...options,
        maxTokens: values.tokens,
        ignoreEos: true
    });
    return { rate: timings.tokensPerSecond, ...seen };
}

// The same of a trio on its problems.
async function solveProblems(rast, repetition, options, problems) {
    let [tokens, ms, rounds, weighted] = [0, 0, 0, 0];
    for (let i = 0; i < problemsAtATime; ++i) {
        const { prompt } = problems[(repetition * problemsAtATime + i) % problems.length];
        const { usage, timings, speculation: seen } = await rast.complete({ prompt, ...options });
        tokens += usage.completionTokens;
        ms += timings.decodeMs;
        rounds += seen.rounds;
        weighted += seen.agreement === null ? NaN : seen.agreement * usage.completionTokens;
    }
    return {
        rate: (1000 * tokens) / ms,
        agreement: Number.isNaN(weighted) ? null : weighted / tokens,
        tokensPerRound: rounds > 0 ? tokens / rounds : null
    };
}

// All kinds in turn, repetition by repetition. @param generate one of the two above
async function measure(rast, agreement, generate) {
    const samples = kinds.map(() => []);
    for (let repetition = 0; repetition <= values.repetitions; ++repetition) {
        for (const [index, { options }] of kinds.entries()) {
            const sample = await generate(rast, repetition, { ...sampling, ...options, seed: repetition });
            if (repetition > 0) samples[index].push(sample); // the first warms up
        }
    }
    const { info } = rast;
    await rast.dispose();
    const [base, off] = samples.map(ratesOf);
    const summary = kinds.map(({ name }, index) => {
        const rates = ratesOf(samples[index]);
        const seen = samples[index].flatMap((one) => one.agreement ?? []);
        const tokensPerRound = samples[index].flatMap((one) => one.tokensPerRound ?? []);
        return {
            name,
            tokensPerSecond: median(rates),
            rates,
            againstOff: spread(ratiosOf(rates, off)),
            againstBase: spread(ratiosOf(rates, base)),
            agreement: seen.length > 0 ? mean(seen) : null,
            tokensPerRound: tokensPerRound.length > 0 ? median(tokensPerRound) : null
        };
    });
    return { info, result: { agreement, kinds: summary } };
}

function ratesOf(samples) {
    return samples.map(({ rate }) => rate);
}

async function measureBundled() {
    progress(values.trio);
    const problems = await readDemoProblems();
    const rast = await loadRast({ trio: values.trio, speculation });
    const generate = (...args) => solveProblems(...args, problems);
    return [await measure(rast, null, generate)];
}

async function measureShaped(write) {
    const all = [];
    for (const agreement of values.agreements) {
        progress(`agreement ${agreement}`);
        const rast = await loadRast({ ...(await write(agreement)), contextSize: 1024, speculation });
        all.push(await measure(rast, agreement, continueCycle));
    }
    return all;
}

const measured = values.trio === undefined ? await withModels(values, measureShaped) : await measureBundled();
const { info } = measured.at(-1);
const models = [info.base, ...info.pairs.flatMap(({ expert, antiexpert }) => [expert, antiexpert])];
const record = {
    ...recordHead(),
    threads: info.base.threads,
    device: info.base.device,
    models: models.map(({ description, parameterCount, modelBytes }) => ({ description, parameterCount, modelBytes })),
    results: measured.map(({ result }) => result)
};

const ratio = ({ median: value, interval }) => `${value.toFixed(2)} [${interval.map((x) => x.toFixed(2)).join(", ")}]`;
const fixed = (value, digits) => (value === null ? "" : value.toFixed(digits));
const rows = record.results.flatMap(({ agreement, kinds: all }) =>
    all.map((row) => [
        String(agreement ?? values.trio),
        row.name,
        row.tokensPerSecond.toFixed(1),
        ratio(row.againstOff),
        ratio(row.againstBase),
        fixed(row.agreement, 2),
        fixed(row.tokensPerRound, 1)
    ])
);
const heads = [
    "agreement:",
    "",
    "tokens/s:",
    "against off:",
    "against base alone:",
    "seen agreement:",
    "tokens a round:"
];
process.stdout.write(
    `${record.cpu}, ${record.threads} threads, ${record.device}, ${record.date}; base ${info.base.parameterCount} ` +
        `parameters, small ${info.pairs[0].expert.parameterCount}; ${values.paper ? "temperature 1, top-p 0.95" : "greedy"}\n\n` +
        table(heads, rows)
);
keepRecord(values.record, record);
