// Is this checkout as fast as the committed record says? Measures a small trio of true vocabulary and compares with the record
// of the same kind of machine, by ratio to bare decodes measured beside every sample, never by absolute time.
//   node bench/check.mjs [--record] [--self-test] [--tolerance 0.08] [--loads N] [--repetitions N] [--rounds N] [--times N]
//       [--busy N]
// Half of the CPUs compute, so that another program has room. Rows that look slower by more than the tolerance are measured
// again, in up to --rounds rounds of several loads each, and are slower only where every round says so; so are all that generate
// together, by 0.6 of the tolerance.
// --record writes the record for this kind of machine instead, from twice as many loads. --times N checks so often, and says how
// often it passed; --busy N does so beside N programs that spin. --self-test checks this checkout, alone and beside one
// busy program, then an engine built from it that takes 15% longer for every round (in build/slow), which must fail.
// Exit codes: 0 as fast, 1 slower, 2 nothing to compare with.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { runBench } from "../dist/bench/measure/run.js";
import { parseRecord } from "../dist/bench/record/parse.js";
import { recordSchema } from "../dist/bench/record/schema.js";
import { writeShapedTrio } from "../dist/gguf/shaped-trio.js";
import { knownShapes } from "../dist/gguf/shapes.js";
import { caseOf, judge, together } from "./check-rows.mjs";
import { busyPrograms, keepRecord, readArguments, root, table } from "./support.mjs";

const values = readArguments({
    record: false,
    "self-test": false,
    records: join(root, "bench", "results"),
    tolerance: 0.08,
    loads: 3,
    repetitions: 4,
    rounds: 3,
    times: 1,
    busy: 0
});
const { tolerance } = values;
if (!(tolerance > 0 && tolerance < 1)) refuse("expected a number in (0, 1) for --tolerance");
for (const name of ["loads", "repetitions", "rounds", "times"]) {
    if (!(Number.isInteger(values[name]) && values[name] > 0)) refuse(`expected an integer from 1 for --${name}`);
}
const slowerBy = 15;

function refuse(what) {
    process.stderr.write(`bench-check: ${what}\n`);
    process.exit(2);
}

const kindOf = ({ machine, backend }) => `${machine.cpu}, ${machine.cores} cores, ${backend}`;

// Wide enough that decodes take what they take in use, small enough for many loads.
const base = { width: 384, layers: 6, heads: 6, kvHeads: 2, hidden: 1536, vocabulary: 151936 };
const shape = { base, small: knownShapes["tiny-0.08b"], type: "q4_0", agreement: 0.9, certainty: 16 };

// All rows, or those of some modes and numbers of sequences. What is learned in a load is there in the next of a round.
async function measure(models, loads, { modes, sequences }) {
    const { isTTY } = process.stderr;
    const cache = mkdtempSync(join(tmpdir(), "rast-check-cache-"));
    process.env.RAST_CACHE = cache;
    try {
        return await runBench({
            models,
            modes,
            sequences,
            threads: [Math.max(1, availableParallelism() >> 1)],
            prompts: [128],
            generates: [16],
            temperatures: [1],
            repetitions: values.repetitions,
            loads,
            command: "npm run bench:check -- --record",
            onProgress: (what, fraction) => {
                if (isTTY) process.stderr.write(`\r\u001b[K${Math.floor(fraction * 100)}% ${what}`);
            }
        });
    } finally {
        if (isTTY) process.stderr.write("\r\u001b[K");
        rmSync(cache, { recursive: true, force: true });
    }
}

const everything = { modes: ["base", "host", "device", "draft"], sequences: [1, 4] };

function recordLike(measured) {
    const found = readdirSync(values.records)
        .filter((name) => /^check-.*\.json$/.test(name))
        .map((name) => parseRecord(readFileSync(join(values.records, name), "utf8"), name))
        .find((one) => one.schema === recordSchema && kindOf(one) === kindOf(measured));
    return found ?? refuse(`no record of this kind of machine (${kindOf(measured)}): make one with --record`);
}

// One check. @returns whether nothing is slower
async function check(models) {
    const start = performance.now();
    const rounds = [await measure(models, values.loads, everything)];
    const known = recordLike(rounds[0]);
    let rows = judge(known, rounds, tolerance);
    const unknown = rows.find(({ name, ratio }) => ratio === null && name !== together);
    if (unknown !== undefined) refuse(`the record has no row ${unknown.name}: make it anew with --record`);
    while (rows.some(({ isSlower }) => isSlower) && rounds.length < values.rounds) {
        const slow = new Set(rows.filter(({ isSlower }) => isSlower).map(({ name }) => name));
        const again = rounds[0].results.filter((row) => slow.has(together) || slow.has(caseOf(row)));
        const of = (field) => [...new Set(again.map((row) => row[field]))];
        rounds.push(await measure(models, values.loads, { modes: of("mode"), sequences: of("sequences") }));
        rows = judge(known, rounds, tolerance);
    }
    const warnings = new Map(rounds[0].results.map((row) => [caseOf(row), row.warnings.length]));
    const cells = rows.map(({ name, ratio, rounds: count, isSlower }) => [
        name,
        `${ratio.toFixed(2)}${isSlower ? " slower" : ""}`,
        String(count),
        String(warnings.get(name) ?? "")
    ]);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    const slower = rows.filter(({ isSlower }) => isSlower).length;
    process.stdout.write(`${kindOf(rounds[0])}; record of ${known.date}; ${seconds} s\n`);
    process.stdout.write(table(["row", "now / then:", "rounds:", "warnings:"], cells));
    if (slower > 0) {
        process.stderr.write(
            `bench-check: ${slower} of ${rows.length} rows are slower by more than ${tolerance * 100}%\n`
        );
    }
    return slower === 0;
}

async function checkOften(models) {
    let passed = 0;
    for (let time = 1; time <= values.times; ++time) passed += (await check(models)) ? 1 : 0;
    if (values.times > 1) process.stdout.write(`${passed} of ${values.times} checks passed\n`);
    return passed === values.times;
}

async function makeRecord(models) {
    const measured = await measure(models, 2 * values.loads, everything);
    const slug = kindOf(measured)
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, "-")
        .replace(/^-|-$/g, "");
    const path = join(values.records, `check-${slug}.json`);
    keepRecord(path, measured);
    process.stdout.write(`${path}\n`);
    const noisy = measured.results.filter(({ warnings }) => warnings.length > 0);
    if (noisy.length > 0)
        process.stderr.write(`bench-check: ${noisy.length} rows have warnings: make it anew on a quiet machine\n`);
}

// The same checks as programs of their own: what must pass, what must fail.
async function selfTest() {
    // what it needs is not in the copy that it makes
    const { buildSlower } = await import("./slower-build.mjs");
    progressLine("building an engine that is slower");
    const slow = buildSlower(slowerBy);
    const passOn = ["loads", "repetitions", "rounds", "tolerance", "times", "records"];
    const args = passOn.flatMap((name) => [`--${name}`, String(values[name])]);
    const cases = [
        ["this checkout", root, [], 0],
        ["this checkout beside a busy program", root, ["--busy", "1"], 0],
        [`${slowerBy}% slower`, slow, ["--times", "1"], 1],
        [`${slowerBy}% slower beside a busy program`, slow, ["--times", "1", "--busy", "1"], 1]
    ];
    const failed = cases.filter(([what, folder, more, expected]) => {
        progressLine(what);
        const { status } = spawnSync(process.execPath, [join(folder, "bench", "check.mjs"), ...args, ...more], {
            stdio: "inherit"
        });
        process.stdout.write(`${what}: exit code ${status}, expected ${expected}\n\n`);
        return status !== expected;
    });
    return failed.length === 0;
}

function progressLine(what) {
    process.stderr.write(`bench-check: ${what} ...\n`);
}

const spinning = busyPrograms(values.busy);
const work = mkdtempSync(join(tmpdir(), "rast-check-"));
try {
    if (values["self-test"]) process.exitCode = (await selfTest()) ? 0 : 1;
    else {
        const models = await writeShapedTrio(work, shape);
        if (values.record) await makeRecord(models);
        else process.exitCode = (await checkOften(models)) ? 0 : 1;
    }
} finally {
    for (const child of spinning) child.kill("SIGKILL");
    rmSync(work, { recursive: true, force: true });
}
