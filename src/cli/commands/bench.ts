import { rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, isAbsolute } from "node:path";
import type { BenchOptions } from "../../bench/measure/options.js";
import { compareRecords } from "../../bench/record/compare.js";
import { parseRecord } from "../../bench/record/parse.js";
import { comparisonFormats, printComparison } from "../../bench/print/comparison.js";
import { printRecord, recordFormats } from "../../bench/print/record.js";
import type { BenchRecord } from "../../bench/record/schema.js";
import { runBench } from "../../bench/measure/run.js";
import { checkOneOf } from "../../checks.js";
import { RastError } from "../../errors.js";
import { benchPage } from "../../bench/page/page.js";
import { camelCase, given, number, readLoadOptions, text, toNumber, type Flags } from "../flags.js";
import { readInput } from "../input.js";
import { Interruption } from "../interruption.js";
import { exitCodes, StatusLine } from "../output.js";

/** `rast bench`: measures a matrix, prints its record, or compares two records. */
export async function runBenchCommand(files: readonly string[], flags: Flags): Promise<void> {
    const format = text(flags["format"]) ?? "md";
    const targets = [text(flags["output"]), text(flags["html"])];
    if (flags["compare"] === true) {
        checkOneOf("--format", format, comparisonFormats);
        if (files.length !== 2) throw wrong(`Expected two records for --compare, received ${files.length}.`);
        if (targets[1] !== undefined) throw wrong("--html shows one record: leave it out with --compare.");
        await checkTargets(targets);
        const [a, b] = await Promise.all(files.map(readRecord));
        const comparison = compareRecords(a!, b!, { a: files[0]!, b: files[1]! });
        const printed = printComparison(comparison, format as (typeof comparisonFormats)[number]);
        await deliver(printed, targets[0]);
        return;
    }
    checkOneOf("--format", format, recordFormats);
    await checkTargets(targets);
    const record = files.length > 0 ? await shownRecord(files, flags) : await measured(flags);
    if (record === undefined) return;
    await deliver(printRecord(record, format as (typeof recordFormats)[number]), targets[0]);
    if (targets[1] !== undefined) await write(targets[1], benchPage(record));
}

// A record that was made before, in another format or as a page.
async function shownRecord(files: readonly string[], flags: Flags): Promise<BenchRecord> {
    const models = ["trio", "base", "expert", "antiexpert"].find((name) => flags[name] !== undefined);
    if (models !== undefined) throw wrong(`Expected either models (--${models}) or a record, received both.`);
    if (files.length > 1) throw wrong(`Expected one record, received ${files.length}; --compare takes two.`);
    return readRecord(files[0]!);
}

async function readRecord(path: string): Promise<BenchRecord> {
    return parseRecord(await readInput(path, "the record"), path);
}

async function measured(flags: Flags): Promise<BenchRecord | undefined> {
    const options = await readBenchOptions(flags);
    const interruption = new Interruption();
    const status = new StatusLine();
    try {
        return await runBench({
            ...options,
            signal: interruption.signal,
            onProgress: (what, fraction) => status.show(`${String(Math.floor(fraction * 100)).padStart(3)}% ${what}`)
        });
    } catch (error) {
        if (!interruption.happened) throw error;
        process.exitCode = exitCodes.interrupted;
        return undefined;
    } finally {
        status.clear();
        interruption.end();
    }
}

/** Options of a benchmark from the command's flags. */
export async function readBenchOptions(flags: Flags): Promise<BenchOptions> {
    const { trio, base, expert, antiexpert, pairs, device, mmap, flashAttention } = readLoadOptions({
        ...flags,
        lambda: undefined,
        threads: undefined,
        gpuLayers: undefined,
        kvType: undefined,
        batchSize: undefined
    });
    const list = <T>(name: string, read: (item: string) => T): T[] | undefined =>
        text(flags[camelCase(name)])
            ?.split(",")
            .map((item) => read(item.trim()));
    const numbers = (name: string): number[] | undefined => list(name, (item) => toNumber(item, `--${name}`));
    const promptFile = text(flags["promptFile"]);
    return {
        models: given({ trio, base, expert, antiexpert, pairs, device, mmap, flashAttention }),
        modes: list("mode", (item) => item) as BenchOptions["modes"],
        peers: list("peer", (item) => item) as BenchOptions["peers"],
        prompts: numbers("prompt"),
        generates: numbers("generate"),
        depths: numbers("depth"),
        sequences: numbers("sequences"),
        threads: numbers("threads"),
        gpuLayers: list("gpu-layers", (item) => (item === "auto" ? item : toNumber(item, "--gpu-layers"))),
        kvTypes: list("kv-type", (item) => item),
        lambdas: numbers("lambda"),
        temperatures: numbers("temperature"),
        topP: number(flags, "top-p"),
        repetitions: number(flags, "repetitions"),
        batchSize: number(flags, "batch-size"),
        seed: number(flags, "seed"),
        ideal: flags["ideal"] === false ? false : undefined,
        promptText: promptFile === undefined ? undefined : await readInput(promptFile, "the prompts"),
        command: commandLine(process.argv.slice(2))
    };
}

// Folders are nobody's business, and differ where the rest is the same.
function commandLine(args: readonly string[]): string {
    const shown = args.map((arg) => (isAbsolute(arg) || arg.includes("/") ? basename(arg) : arg));
    return ["rast", ...shown.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : JSON.stringify(arg)))].join(" ");
}

// What cannot be written is said before hours of measuring.
async function checkTargets(paths: readonly (string | undefined)[]): Promise<void> {
    for (const path of paths) {
        if (path === undefined) continue;
        const folder = await stat(dirname(path)).catch(() => undefined);
        if (folder?.isDirectory() !== true) throw wrong(`The folder of ${path} does not exist.`);
        const there = await stat(path).catch(() => undefined);
        if (there?.isDirectory() === true) throw wrong(`${path} is a folder.`);
    }
}

// What took hours to measure is not lost with a disk that is full.
async function deliver(printed: string, target: string | undefined): Promise<void> {
    if (target === undefined) {
        process.stdout.write(printed);
        return;
    }
    try {
        await write(target, printed);
    } catch (error) {
        process.stdout.write(printed);
        throw error;
    }
}

// Whole or not at all.
async function write(path: string, content: string): Promise<void> {
    const temporary = `${path}.${process.pid}.part`;
    try {
        await writeFile(temporary, content);
        await rename(temporary, path);
    } catch (error) {
        await rm(temporary, { force: true });
        throw new RastError("ERR_INVALID_OPTION", `${path} cannot be written: ${(error as Error).message}`, {
            details: { path },
            cause: error
        });
    }
}

function wrong(message: string): RastError {
    return new RastError("ERR_INVALID_OPTION", message);
}
