// Does `auto` choose well? Tokens per second by the caller's clock, from the call to the end of the last text, of the base
// alone, RAST without drafts, with drafts of its own choice and of fixed lengths, on shaped trios whose agreement is set by
// construction. Rows are shape x agreement x sampling x sequences x tokens; each is measured over several first loads (nothing
// is known of the machine) and second ones (what the load before has learned is there), all kinds in turn.
//   node bench/speculation.mjs [--record FILE] [--models FOLDER] [--shapes llama-1.2b+tiny-0.07b,...] [--agreements 1,0.95]
//       [--samplings greedy,paper] [--sequences 1,4,8,1after4] [--tokens 64,32] [--lengths 1,3,7,15] [--loads N]
//       [--repetitions N] [--threads N] [--busy N] [--first-only] [--trio NAME] [--plan] [--show]
// With --record every load is kept as it ends, and a run that is begun again with the same record goes on where it was.
// --busy N: beside so many programs that spin. --trio measures a bundled trio on its own problems instead. --plan says which
// rows there are and what is done of them, --show prints the record; both measure nothing.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readDemoProblems } from "../dist/eval/sums.js";
import { writeShapedTrio } from "../dist/gguf/shaped-trio.js";
import { knownShapes } from "../dist/gguf/shapes.js";
import { activityBetween, readActivity } from "../dist/machine/activity.js";
import { measureLoad } from "./speculation-load.mjs";
import { summarize } from "./speculation-summary.mjs";
import { busyPrograms, progress, readArguments, recordHead, table } from "./support.mjs";

const values = readArguments({
    models: undefined,
    shapes: ["llama-1.2b+tiny-0.07b", "qwen2.5-0.5b+tiny-0.08b", "qwen2.5-1.5b+qwen2.5-0.5b"],
    agreements: [1, 0.95, 0.8, 0.5, 0],
    samplings: ["greedy", "paper"],
    sequences: ["1", "4", "8", "1after4"],
    tokens: [64, 32],
    lengths: [1, 3, 7, 15],
    loads: 5,
    repetitions: 7,
    threads: 0,
    busy: 0,
    "first-only": false,
    trio: undefined,
    plan: false,
    show: false
});

function refuse(what) {
    process.stderr.write(`speculation: ${what}\n`);
    process.exit(2);
}

const samplings = { greedy: { temperature: 0 }, paper: { temperature: 1, topP: 0.95 } };
const lengthName = (draft) => String(draft);
const kinds = {
    base: { mode: "base" },
    off: { speculation: "off" },
    auto: { speculation: "auto" },
    ...Object.fromEntries(values.lengths.map((draft) => [lengthName(draft), { speculation: { draft } }]))
};
const maxDraft = Math.max(15, ...values.lengths);
const fixedKinds = ["off", ...values.lengths.map(lengthName)];
const whiches = values["first-only"] ? ["first"] : ["first", "second"];

// "4" and "1after4": four at once; one at a time, each after four at once.
function readSequences(text) {
    const [, sequences, after] = /^(\d+)(?:after(\d+))?$/.exec(text) ?? refuse(`--sequences ${text}`);
    return { sequences: Number(sequences), after: Number(after ?? 0) };
}

function plannedRows() {
    const out = [];
    const ofTrio = values.trio !== undefined;
    for (const shape of ofTrio ? [values.trio] : values.shapes) {
        const [base, small] = shape.split("+");
        if (!ofTrio && !(base in knownShapes && small in knownShapes)) refuse(`no shape ${shape}`);
        for (const sequences of values.sequences) {
            readSequences(sequences);
            for (const sampling of values.samplings) {
                if (!(sampling in samplings)) refuse(`no sampling ${sampling}`);
                for (const tokens of ofTrio ? [null] : values.tokens) {
                    for (const agreement of ofTrio ? [null] : values.agreements) {
                        out.push({ shape, agreement, sampling, sequences, tokens, busy: values.busy });
                    }
                }
            }
        }
    }
    return out;
}

const keyOf = ({ shape, agreement, sampling, sequences, tokens, busy }) =>
    [shape, agreement, sampling, sequences, tokens, busy].join(" ");

// The record so far, with every row that is planned.
function openRecord(rows) {
    const head = recordHead();
    const there = values.record !== undefined && existsSync(values.record);
    const record = there
        ? JSON.parse(readFileSync(values.record, "utf8"))
        : { ...head, cores: cpus().length, rows: [] };
    if (values.show) return record;
    for (const name of ["cpu", "node"]) {
        if (record[name] !== head[name]) refuse(`${values.record} is of another ${name}: ${record[name]}`);
    }
    if (JSON.stringify(record.versions) !== JSON.stringify(head.versions))
        refuse(`${values.record} is of other versions`);
    record.commands = [...new Set([...(record.commands ?? [record.command]), head.command])];
    const known = new Set(record.rows.map(keyOf));
    record.rows.push(...rows.filter((row) => !known.has(keyOf(row))).map((row) => ({ ...row, loads: [] })));
    return record;
}

// Whole or not at all: hours of measuring are in it.
function keep(record) {
    if (values.record === undefined) return;
    mkdirSync(dirname(values.record), { recursive: true });
    writeFileSync(`${values.record}.part`, `${JSON.stringify(record, null, 1)}\n`);
    renameSync(`${values.record}.part`, values.record);
}

async function trioOf({ shape, agreement }, folder) {
    if (values.trio !== undefined) return { trio: values.trio };
    const [base, small] = shape.split("+");
    return writeShapedTrio(folder, {
        base: knownShapes[base],
        small: knownShapes[small],
        type: "q4_0",
        agreement,
        certainty: 16
    });
}

const isDone = (row, load, which) => row.loads.some((one) => one.load === load && one.which === which);

// One row: first load and second load, as often as wanted. A second load needs its first one before it.
async function measureRow(row, record, { folder, cache, problems, done, all }) {
    const trio = await trioOf(row, folder);
    const { sequences, after } = readSequences(row.sequences);
    const threads = values.threads > 0 ? values.threads : undefined;
    const planned = {
        trio,
        threads,
        sequences,
        after,
        tokens: row.tokens ?? 128,
        sampling: samplings[row.sampling],
        problems
    };
    for (let load = 1; load <= values.loads; ++load) {
        if (whiches.every((which) => isDone(row, load, which))) continue;
        row.loads = row.loads.filter((one) => one.load !== load);
        rmSync(cache, { recursive: true, force: true });
        for (const which of whiches) {
            progress(`${done()} of ${all}: ${keyOf(row)}, ${which} load ${load}`);
            const before = await readActivity();
            const { info, load: measured } = await measureLoad(planned, kinds, {
                maxDraft,
                repetitions: values.repetitions
            });
            const { othersCpus, stealShare } = activityBetween(before, await readActivity(), cpus().length);
            row.models ??= [info.base, info.pairs[0].expert, info.pairs[0].antiexpert].map((one) => one.parameterCount);
            row.threads = info.base.threads;
            row.device = info.base.device;
            row.loads.push({ load, which, date: new Date().toISOString(), othersCpus, stealShare, ...measured });
            keep(record);
        }
    }
}

// ---- printing

const two = (value) => value.toFixed(2);
const medianAndLeast = (ratio) => (ratio === null ? "" : `${two(ratio.median)} (${two(ratio.least)})`);

function print({ cpu, cores, date, versions, rows }) {
    const cells = rows.map((row) => {
        const summary = summarize(row, fixedKinds);
        if (summary === null) return undefined;
        const { best, firstRequest, first, second, companyFirst, byKind } = summary;
        const later = second.best === null ? first : second;
        const name = [row.shape, row.agreement ?? "", row.sampling, row.sequences, row.tokens ?? "", row.busy || ""];
        return [
            ...name.map(String),
            `${best}: ${two(byKind[best])}`,
            medianAndLeast(firstRequest.best),
            medianAndLeast(first.best),
            medianAndLeast(second.best),
            medianAndLeast(companyFirst.best),
            medianAndLeast(later.off),
            medianAndLeast(later.base)
        ];
    });
    const heads = ["shape", "agreement:", "sampling", "sequences:", "tokens:", "busy:", "best, against base"];
    heads.push("auto/best: first request:", "first load:", "second load:", "all in turn:", "auto/off:", "RAST/base:");
    process.stdout.write(
        `${cpu}, ${cores} cores, ${date}, rast-llama ${versions["rast-llama"]}, node-llama-cpp ${versions["node-llama-cpp"]}\n` +
            `Medians over loads, the least load in brackets.\n\n${table(heads, cells.filter(Boolean))}`
    );
}

// ---- the run

const rows = plannedRows();
const record = openRecord(rows);
if (values.show) {
    print(record);
    process.exit(0);
}
const wanted = new Set(rows.map(keyOf));
const chosen = record.rows.filter((row) => wanted.has(keyOf(row)));
const all = chosen.length * values.loads * whiches.length;
const done = () => chosen.reduce((sum, { loads }) => sum + loads.length, 0);
if (values.plan) {
    for (const row of chosen)
        process.stdout.write(`${keyOf(row)}: ${row.loads.length} of ${values.loads * whiches.length} loads\n`);
    process.stdout.write(`${done()} of ${all} loads\n`);
    process.exit(0);
}
const work = mkdtempSync(join(tmpdir(), "rast-speculation-"));
const cache = join(work, "cache");
process.env.RAST_CACHE = cache;
const spinning = busyPrograms(values.busy);
try {
    const problems = values.trio === undefined ? undefined : await readDemoProblems();
    const folder = values.models ?? join(work, "models");
    for (const row of chosen) await measureRow(row, record, { folder, cache, problems, done, all });
} finally {
    for (const child of spinning) child.kill("SIGKILL");
    rmSync(work, { recursive: true, force: true });
}
print({ ...record, rows: chosen });
