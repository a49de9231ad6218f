// What scores cost, on a shaped trio: tokens per second of given texts by the rows of a round, one at a time and several
// together, against a prefill of the same texts; and generations with `explain` against those without.
//   node bench/scores.mjs [--record FILE] [--models FOLDER] [--base NAME] [--small NAME] [--rows 1,16,64]
//       [--tokens N] [--repetitions N]
import { loadRast } from "../dist/index.js";
import { keepRecord, median, progress, ratiosOf, readArguments, recordHead, table, withModels } from "./support.mjs";

const values = readArguments({
    models: undefined,
    base: "llama-1.2b",
    small: "tiny-0.07b",
    rows: [1, 4, 16, 64],
    tokens: 128,
    repetitions: 5
});
const textOf = (i, length) => Array.from({ length }, (_, k) => 300 + ((i * 7919 + k * 31) % 20000));
const rate = async (tokens, work) => {
    const start = performance.now();
    await work();
    return (1000 * tokens) / (performance.now() - start);
};

// Tokens per second of each way, in turn, so that all see the same machine; the first turn warms up.
async function inTurn(ways) {
    const rates = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
    for (let repetition = 0; repetition <= values.repetitions; ++repetition) {
        progress(`repetition ${repetition} of ${values.repetitions}`);
        for (const [name, way] of Object.entries(ways)) {
            const one = await way(repetition);
            if (repetition > 0) rates[name].push(one);
        }
    }
    return rates;
}

async function measureGiven(trio, rows) {
    const parallel = 4;
    const options = { contextSize: 2 * values.tokens, batchSize: 512, reusePrefixes: false };
    const alone = await loadRast({ ...trio, ...options, parallel: 1, speculation: { maxDraft: rows - 1 } });
    const many = await loadRast({ ...trio, ...options, parallel, speculation: { maxDraft: rows - 1 } });
    const score = (rast, i, top = 0) => rast.score({ tokens: [300], completionTokens: textOf(i, values.tokens), top });
    const rates = await inTurn({
        prefill: (i) =>
            rate(values.tokens, () =>
                alone.complete({ tokens: textOf(i, values.tokens), maxTokens: 1, ignoreEos: true })
            ),
        score: (i) => rate(values.tokens, () => score(alone, i)),
        "with 20 alternatives": (i) => rate(values.tokens, () => score(alone, i, 20)),
        [`${parallel} together`]: (i) =>
            rate(parallel * values.tokens, () =>
                Promise.all(Array.from({ length: parallel }, (_, k) => score(many, i * parallel + k)))
            )
    });
    await alone.dispose();
    await many.dispose();
    return rates;
}

async function measureExplained(trio) {
    const rast = await loadRast({ ...trio, contextSize: 512, reusePrefixes: false });
    const tokens = values.tokens / 2;
    const draw = (i, more) =>
        rate(tokens, () =>
            rast.complete({ tokens: textOf(i, 4), maxTokens: tokens, ignoreEos: true, seed: i, ...more })
        );
    const rates = await inTurn({
        plain: (i) => draw(i, {}),
        "explain: true": (i) => draw(i, { explain: true }),
        "explain: { top: 20 }": (i) => draw(i, { explain: { top: 20 } })
    });
    await rast.dispose();
    return rates;
}

const record = await withModels(values, async (write) => {
    const trio = await write(0.8);
    const given = {};
    for (const rows of values.rows) given[rows] = await measureGiven(trio, rows);
    return { ...recordHead(), given, explained: await measureExplained(trio) };
});
const names = Object.keys(record.given[values.rows[0]]);
process.stdout.write(
    `${record.cpu}, ${record.date}\n\n` +
        table(
            ["tokens/s", ...names.map((name) => `${name}:`)],
            values.rows.map((rows) => [
                `${rows} rows`,
                ...names.map((name) => median(record.given[rows][name]).toFixed(1))
            ])
        ) +
        "\n" +
        table(
            ["drawn", "tokens/s:", "of plain:"],
            Object.entries(record.explained).map(([name, rates]) => [
                name,
                median(rates).toFixed(1),
                median(ratiosOf(rates, record.explained.plain)).toFixed(2)
            ])
        )
);
keepRecord(values.record, record);
