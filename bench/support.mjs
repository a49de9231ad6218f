// What the benchmarks of this folder share: arguments, models, native and forked programs, texts drawn, statistics, tables and records.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { medianWithInterval } from "../dist/bench/record/statistics.js";
import { quantizeModel } from "../dist/gguf/quantize.js";
import { writeShapedTrio } from "../dist/gguf/shaped-trio.js";
import { knownShapes } from "../dist/gguf/shapes.js";
import { findLibraries } from "../dist/native/libraries.js";
import { llamaPackages, packageVersion } from "../dist/package-root.js";
import { markdownTable } from "../dist/report/tables.js";

export { mean, median } from "../dist/bench/record/statistics.js";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * What was typed, `--record FILE` among it: options by their defaults. A number is read as one, a list as what its first
 * item is, with commas between them, false is a switch, anything else is text.
 */
export function readArguments(defaults) {
    const all = Object.entries({ record: undefined, ...defaults });
    const options = all.map(([name, otherwise]) => [name, { type: otherwise === false ? "boolean" : "string" }]);
    const { values } = parseArgs({ options: Object.fromEntries(options) });
    const read = ([name, otherwise]) => {
        const typed = values[name];
        if (typed === undefined) return [name, otherwise];
        if (Array.isArray(otherwise)) {
            const items = typed.split(",").filter(Boolean);
            return [name, typeof otherwise[0] === "string" ? items : items.map(Number)];
        }
        return [name, typeof otherwise === "number" ? Number(typed) : typed];
    };
    return Object.fromEntries(all.map(read));
}

/** Says on stderr what is being done. */
export function progress(what) {
    process.stderr.write(`${what} ...\n`);
}

/**
 * Does work with a folder for models: the one that is kept, or one that is gone afterwards.
 * @param work given a function that writes a shaped trio there, in Q4_0
 */
export async function withModels({ models, base, small }, work) {
    const folder = models ?? mkdtempSync(join(tmpdir(), "rast-bench-"));
    const shapes = { base: knownShapes[base], small: knownShapes[small] };
    try {
        return await work((agreement) =>
            writeShapedTrio(folder, { ...shapes, type: "q4_0", agreement, certainty: 16 })
        );
    } finally {
        if (models === undefined) rmSync(folder, { recursive: true, force: true });
    }
}

/**
 * A trio with all of its models in another type, in a folder.
 * @param trio as `resolveTrio` finds it @returns what `loadRast` takes
 */
export async function quantizedTrio(trio, type, folder) {
    progress(type);
    const content = JSON.parse(readFileSync(trio.file, "utf8"));
    const made = { ...content, name: `${trio.name} ${type}` };
    for (const role of ["base", "expert", "antiexpert"]) {
        const output = join(folder, `${basename(content[role], ".gguf")}-${type}.gguf`);
        await quantizeModel({ input: join(dirname(trio.file), content[role]), output, type });
        made[role] = basename(output);
    }
    const file = join(folder, `${trio.name}-${type}.json`);
    writeFileSync(file, JSON.stringify(made, null, 4));
    return { trio: file };
}

/** A file that `node scripts/setup.mjs --tests` builds. @throws where it is not built */
export function built(name) {
    const places = [join(root, "build", name), join(root, "build", "Release", name)];
    const found = places.find((path) => existsSync(path));
    if (found === undefined) throw new Error(`${name} is not built: run node scripts/setup.mjs --tests`);
    return found;
}

/** Runs a benchmark of the native tests. @returns what it prints as JSON */
export async function runNative(name, args, env = process.env) {
    const { core } = await findLibraries();
    const all = [name, "--libraries", dirname(core.llama), ...args.map(String)];
    const stdio = ["ignore", "pipe", "inherit"];
    const result = spawnSync(built("rast-native-tests"), all, { encoding: "utf8", env, stdio });
    if (result.status !== 0) throw new Error(`${name} ${args.join(" ")}: ${result.stdout}`);
    return JSON.parse(result.stdout.slice(result.stdout.indexOf("{")));
}

/** Median and its 95% interval by order statistics; under six samples it is all of them. */
export function spread(samples) {
    const { value, interval } = medianWithInterval(samples);
    return { median: value, interval: interval ?? [Math.min(...samples), Math.max(...samples)] };
}

/** A sample below which lies a share of all. */
export function quantile(samples, share) {
    return [...samples].sort((a, b) => a - b)[Math.floor((samples.length - 1) * share)];
}

/** Of pairs that ran one after the other. */
export function ratiosOf(own, others) {
    return own.map((value, index) => value / others[index]);
}

/** How every record begins: when, on what, with which versions, by which command. */
export function recordHead(command = commandLine()) {
    return {
        date: new Date().toISOString().slice(0, 10),
        cpu: cpus()[0].model,
        node: process.version,
        versions: { "rast-llama": packageVersion(), "node-llama-cpp": Object.values(llamaPackages())[0] },
        command
    };
}

/** What was typed, without where records and models go. */
export function commandLine() {
    const typed = `node bench/${basename(process.argv[1])} ${process.argv.slice(2).join(" ")}`;
    return typed.replace(/ ?--(record|models) \S+/g, "").trim();
}

/** A markdown table. @param heads names; those that end in ":" are aligned to the right */
export function table(heads, rows) {
    const columns = heads.map((head) => ({
        name: head.replace(/:$/, ""),
        align: head.endsWith(":") ? "right" : "left"
    }));
    return markdownTable({ columns, rows });
}

/** Keeps a record where `--record` says, if it does. */
export function keepRecord(path, record) {
    if (path === undefined) return;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify(record, null, 4)}\n`);
}

const spinning = `
    process.stdin.on("close", () => process.exit()).resume();
    const spin = () => {
        for (const until = performance.now() + 50; performance.now() < until;);
        setImmediate(spin);
    };
    spin();`;

/**
 * Programs that each take a processor, until they are killed, or this one ends, however it does.
 * @returns child processes
 */
export function busyPrograms(count) {
    return Array.from({ length: count }, () => {
        const busy = spawn(process.execPath, ["-e", spinning], {
            stdio: ["pipe", "ignore", "ignore"]
        });
        busy.stdin.on("error", () => {});
        return busy;
    });
}

/** What a forked program answers to an order. */
export function ask(child, order) {
    return new Promise((resolve) => {
        child.once("message", resolve);
        child.send(order);
    });
}

/** Of a text, the same wherever it is drawn. */
export function seedOf(round, index) {
    return 1000 * round + index;
}

/**
 * Draws so many texts, part by part, as many at a time as there are streams, each behind the one before.
 * @returns how many tokens that were
 */
export async function drawAll(rast, { prompt, tokens, streams, texts, round }) {
    let [drawn, next] = [0, 0];
    const worker = async () => {
        while (next < texts) {
            const seed = seedOf(round, next++);
            const generation = rast.generate({ prompt, raw: true, maxTokens: tokens, ignoreEos: true, stop: [], seed });
            for await (const part of generation) void part;
            const { usage } = await generation.result;
            drawn += usage.completionTokens; // not before the await, as others add meanwhile
        }
    };
    await Promise.all(Array.from({ length: streams }, worker));
    return drawn;
}
