// Is this checkout as fast as the committed record says? Measures a small trio of true vocabulary and compares with the
// record of the same kind of machine, by ratio to the baseline measured beside it, never by absolute time.
//   node bench/check.mjs [--record] [--tolerance 0.1] [--repetitions N]
// --record writes the record for this kind of machine instead. Exit codes: 0 as fast, 1 slower, 2 nothing to compare with.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runBench } from "../dist/bench/measure/run.js";
import { ratioToIdeal } from "../dist/bench/record/ideal.js";
import { parseRecord } from "../dist/bench/record/parse.js";
import { writeShapedTrio } from "../dist/gguf/shaped-trio.js";
import { knownShapes } from "../dist/gguf/shapes.js";
import { keepRecord, readArguments, root, table } from "./support.mjs";

const folder = join(root, "bench", "results");
const { record: asRecord, tolerance, repetitions } = readArguments({ record: false, tolerance: 0.1, repetitions: 9 });
if (!(tolerance > 0 && tolerance < 1)) refuse("expected a number in (0, 1) for --tolerance");
if (!(Number.isInteger(repetitions) && repetitions > 0)) refuse("expected an integer from 1 for --repetitions");

function refuse(what) {
    process.stderr.write(`bench-check: ${what}\n`);
    process.exit(2);
}

const kindOf = ({ machine, backend }) => `${machine.cpu}, ${machine.cores} cores, ${backend}`;
const caseOf = ({ test, mode, sequences, temperature }) => `${test} x ${sequences} ${mode}, temperature ${temperature}`;

async function measure() {
    const work = mkdtempSync(join(tmpdir(), "rast-check-"));
    const { isTTY } = process.stderr;
    try {
        const small = { width: 256, layers: 4, heads: 4, kvHeads: 2, hidden: 1024, vocabulary: 151936 };
        const trio = { base: knownShapes["qwen2.5-0.5b"], small, type: "q4_0", agreement: 0.9, certainty: 16 };
        return await runBench({
            models: await writeShapedTrio(work, trio),
            modes: ["base", "host", "device", "draft"],
            prompts: [256],
            generates: [32],
            sequences: [1, 4],
            temperatures: [0, 1],
            repetitions,
            command: "npm run bench:check -- --record",
            onProgress: (what, fraction) => {
                if (isTTY) process.stderr.write(`\r\u001b[K${Math.floor(fraction * 100)}% ${what}`);
            }
        });
    } finally {
        if (isTTY) process.stderr.write("\r\u001b[K");
        rmSync(work, { recursive: true, force: true });
    }
}

function recordLike(measured) {
    const found = readdirSync(folder)
        .filter((name) => /^check-.*\.json$/.test(name))
        .map((name) => parseRecord(readFileSync(join(folder, name), "utf8"), name))
        .find((one) => kindOf(one) === kindOf(measured));
    return found ?? refuse(`no record of this kind of machine (${kindOf(measured)}): make one with --record`);
}

// Prints the rows. @returns how many are slower
function compare(measured, known) {
    const rows = measured.results.map((now) => {
        const then = known.results.find((one) => caseOf(one) === caseOf(now));
        if (then === undefined) refuse(`the record has no row ${caseOf(now)}: make it anew with --record`);
        const [before, after] = [ratioToIdeal(then), ratioToIdeal(now)];
        return { name: caseOf(now), before, after, isSlower: after / before < 1 - tolerance };
    });
    const cells = rows.map(({ name, before, after, isSlower }) => [
        name,
        before.toFixed(3),
        after.toFixed(3),
        `${(after / before).toFixed(2)}${isSlower ? " slower" : ""}`
    ]);
    process.stdout.write(`${kindOf(measured)}; record of ${known.date}\n`);
    process.stdout.write(table(["row", "of ideal then:", "now:", "ratio:"], cells));
    return rows.filter(({ isSlower }) => isSlower).length;
}

const measured = await measure();
if (asRecord) {
    const slug = kindOf(measured)
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-");
    const path = join(folder, `check-${slug}.json`);
    keepRecord(path, measured);
    process.stdout.write(`${path}\n`);
} else {
    const slower = compare(measured, recordLike(measured));
    if (slower > 0) {
        process.exitCode = 1;
        process.stderr.write(
            `bench-check: ${slower} of ${measured.results.length} rows are slower by more than ${tolerance * 100}%\n`
        );
    }
}
