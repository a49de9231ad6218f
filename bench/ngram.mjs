// What drafts from the text give, or cost, in time: tokens per second by the caller's clock, with them and without, in turn.
//   node bench/ngram.mjs [--record FILE] [--models FOLDER] [--base NAME] [--small NAME] [--agreement N] [--tokens N]
//       [--repetitions N] [--loads N]           a shaped trio, whose greedy text does not repeat itself within 900 tokens:
//       what it costs to look for repeats that are not there
//   node bench/ngram.mjs --trio NAME|FILE --prompt FILE [--tokens N] ...      a trio of your own on a text, greedy
import { readFileSync } from "node:fs";
import { loadRast } from "../dist/index.js";
import { keepRecord, progress, readArguments, recordHead, spread, table, withModels } from "./support.mjs";

const values = readArguments({
    models: undefined,
    base: "qwen2.5-0.5b",
    small: "tiny-0.08b",
    agreement: 0.5,
    trio: undefined,
    prompt: undefined,
    tokens: 900,
    repetitions: 5,
    loads: 3
});
const kinds = {
    off: "off",
    "the expert's": { ngram: false },
    auto: "auto",
    "all from the text": { ngram: true }
};
const names = Object.keys(kinds);

async function measure(trio, prompts) {
    const samples = Object.fromEntries(
        names.map((name) => [name, { rates: [], perRound: [], drafted: 0, accepted: 0 }])
    );
    const texts = new Set();
    for (let load = 0; load < values.loads; ++load) {
        const rast = await loadRast({
            ...trio,
            contextSize: 4096,
            reusePrefixes: false,
            tryModels: false,
            learned: false
        });
        try {
            await rast.complete({ ...prompts(0), maxTokens: 8, temperature: 0 });
            for (let repetition = 0; repetition < values.repetitions; ++repetition) {
                for (let turn = 0; turn < names.length; ++turn) {
                    const name = names[(turn + repetition + load) % names.length];
                    progress(
                        `load ${load + 1} of ${values.loads}, ${name}, ${repetition + 1} of ${values.repetitions}`
                    );
                    const start = performance.now();
                    const result = await rast.complete({
                        ...prompts(repetition),
                        maxTokens: values.tokens,
                        temperature: 0,
                        speculation: kinds[name]
                    });
                    const sample = samples[name];
                    sample.rates.push((1000 * result.tokens.length) / (performance.now() - start));
                    sample.perRound.push(result.tokens.length / result.speculation.rounds);
                    sample.drafted += result.speculation.ngram.drafted;
                    sample.accepted += result.speculation.ngram.accepted;
                    texts.add(`${repetition} ${result.tokens.join(" ")}`);
                }
            }
        } finally {
            await rast.dispose();
        }
    }
    return { samples, texts: texts.size };
}

const shaped = ({ base, expert, antiexpert }) =>
    measure({ base, expert, antiexpert }, (repetition) => ({
        tokens: [300 + repetition, 400, 500, 600],
        ignoreEos: true
    }));
const text = values.prompt === undefined ? undefined : readFileSync(values.prompt, "utf8");
const found =
    values.trio === undefined
        ? await withModels(values, async (write) => shaped(await write(values.agreement)))
        : await measure({ trio: values.trio }, () => ({ prompt: text }));
const rows = names.map((name) => {
    const { rates, perRound, drafted, accepted } = found.samples[name];
    return { name, rate: spread(rates), perRound: spread(perRound), drafted, accepted };
});
const without = rows.find(({ name }) => name === "the expert's").rate.median;
const head = recordHead();
process.stdout.write(`${head.cpu}, ${head.date}, medians\n\n`);
process.stdout.write(
    table(
        ["drafts", "tokens/s:", "against the expert's:", "tokens a round:", "from the text, accepted:"],
        rows.map(({ name, rate, perRound, drafted, accepted }) => [
            name,
            rate.median.toFixed(1),
            (rate.median / without).toFixed(2),
            perRound.median.toFixed(2),
            drafted === 0 ? "" : `${accepted} of ${drafted}`
        ])
    )
);
process.stdout.write(`${found.texts} different texts of ${values.repetitions} prompts\n`);
keepRecord(values.record, { ...head, rows, texts: found.texts });
