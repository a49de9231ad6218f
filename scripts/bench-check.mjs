// Is this checkout as fast as the committed record says? Measures a small trio of true vocabulary and compares with the
// record of the same kind of machine, by ratio to the baseline measured beside it, never by absolute time.
//   node scripts/bench-check.mjs [--record] [--tolerance 0.1] [--repetitions N]
// --record writes the record for this kind of machine instead. Exit codes: 0 as fast, 1 slower, 2 nothing to compare with.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseRecord } from "../dist/bench/record/parse.js";
import { ratioToIdeal } from "../dist/bench/record/ideal.js";
import { runBench } from "../dist/bench/measure/run.js";
import { writeShapedTrio } from "../dist/gguf/shaped-trio.js";
import { knownShapes } from "../dist/gguf/shapes.js";

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), "bench", "results");
const { values } = parseArgs({
    options: {
        record: { type: "boolean", default: false },
        tolerance: { type: "string", default: "0.1" },
        repetitions: { type: "string", default: "9" }
    }
});
const tolerance = Number(values.tolerance);
const repetitions = Number(values.repetitions);
if (!(tolerance > 0 && tolerance < 1))
    refuse(`expected a number in (0, 1) for --tolerance, received "${values.tolerance}"`);
if (!(Number.isInteger(repetitions) && repetitions > 0)) refuse(`expected an integer from 1 for --repetitions`);

function refuse(what) {
    process.stderr.write(`bench-check: ${what}\n`);
    process.exit(2);
}

const kindOf = ({ machine, backend }) => `${machine.cpu}, ${machine.cores} cores, ${backend}`;
const caseOf = ({ test, mode, sequences, temperature }) => `${test} x ${sequences} ${mode}, temperature ${temperature}`;

const work = mkdtempSync(join(tmpdir(), "rast-check-"));
let record;
try {
    const small = { width: 256, layers: 4, heads: 4, kvHeads: 2, hidden: 1024, vocabulary: 151936 };
    const options = { base: knownShapes["qwen2.5-0.5b"], small, type: "q4_0", agreement: 0.9, certainty: 16 };
    const models = await writeShapedTrio(work, options);
    record = await runBench({
        models,
        modes: ["base", "host", "device", "draft"],
        prompts: [256],
        generates: [32],
        sequences: [1, 4],
        temperatures: [0, 1],
        repetitions,
        command: "npm run bench:check -- --record",
        onProgress: (what, fraction) => {
            if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${Math.floor(fraction * 100)}% ${what}`);
        }
    });
} finally {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
    rmSync(work, { recursive: true, force: true });
}

if (values.record) {
    const slug = kindOf(record)
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-");
    const path = join(folder, `check-${slug}.json`);
    writeFileSync(path, `${JSON.stringify(record, null, 4)}\n`);
    process.stdout.write(`${path}\n`);
    process.exit(0);
}

const known = readdirSync(folder)
    .filter((name) => /^check-.*\.json$/.test(name))
    .map((name) => parseRecord(readFileSync(join(folder, name), "utf8"), name))
    .find((one) => kindOf(one) === kindOf(record));
if (known === undefined) refuse(`no record of this kind of machine (${kindOf(record)}): make one with --record`);

let slower = 0;
process.stdout.write(
    `${kindOf(record)}; record of ${known.date}\n| row | of ideal then | now | ratio |\n| --- | ---: | ---: | ---: |\n`
);
for (const now of record.results) {
    const then = known.results.find((one) => caseOf(one) === caseOf(now));
    if (then === undefined) refuse(`the record has no row ${caseOf(now)}: make it anew with --record`);
    const [before, after] = [ratioToIdeal(then), ratioToIdeal(now)];
    const ratio = after / before;
    slower += ratio < 1 - tolerance ? 1 : 0;
    const mark = ratio < 1 - tolerance ? " slower" : "";
    process.stdout.write(
        `| ${caseOf(now)} | ${before.toFixed(3)} | ${after.toFixed(3)} | ${ratio.toFixed(2)}${mark} |\n`
    );
}
if (slower > 0)
    process.stderr.write(
        `bench-check: ${slower} of ${record.results.length} rows are slower by more than ${tolerance * 100}%\n`
    );
process.exit(slower > 0 ? 1 : 0);
