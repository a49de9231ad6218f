import { basename, isAbsolute } from "node:path";
import type { BenchOptions } from "../../bench/measure/options.js";
import type { BenchMode, BenchPeer, BenchRecord } from "../../bench/record/schema.js";
import { checkOneOf } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode, type InterruptingSignal } from "../exit-codes.js";
import {
    attributeName,
    fileFlag,
    listFlag,
    longName,
    numberFlag,
    readFlags,
    switchFlag,
    textFlag,
    toLayers,
    toNumber,
    under,
    type FlagValues
} from "../flag.js";
import { drawsSeed } from "../flags/draws.js";
import { chooseModels, modelFlags } from "../flags/models.js";
import { pullFlags } from "../flags/pulling.js";
import { placementFlags } from "../flags/placement.js";
import { samplingFlags } from "../flags/sampling.js";
import { readInput } from "../input.js";
import { interruptible } from "../interruption.js";
import { assurePulled } from "../offer-pull.js";
import { StatusLine } from "../output.js";
import { checkTargets, deliver, writeTarget } from "../targets.js";

const { batchSize, device, flashAttention, mmap, rpc } = placementFlags;
const loadingFlags = { device, rpc, flashAttention, mmap };
const sharedFlags = { topP: samplingFlags.topP, seed: drawsSeed, batchSize };
const word = <T extends string>(text: string): T => text as T;

/** The matrix and how it is measured, by names of `BenchOptions`. */
const matrixFlags = under("Matrix", {
    modes: listFlag("--mode <list>", "base, host, device, draft (default base,device,draft)", word<BenchMode>),
    peers: listFlag("--peer <list>", "peers to measure in the same run: node-llama-cpp", word<BenchPeer>),
    prompts: listFlag("-p, --prompt <list>", "tokens of prompts to decode, 0 = none (default 512)", toNumber),
    generates: listFlag("-n, --generate <list>", "tokens to generate, 0 = none (default 128)", toNumber),
    depths: listFlag("-d, --depth <list>", "tokens in the context before (default 0)", toNumber),
    sequences: listFlag("-s, --sequences <list>", "generations that run together (default 1)", toNumber),
    threads: listFlag("-t, --threads <list>", "CPU threads (default: physical cores)", toNumber),
    gpuLayers: listFlag("-g, --gpu-layers <list>", "layers on the GPU, or auto (default auto)", toLayers),
    kvTypes: listFlag("--kv-type <list>", "f16, q8_0, ...: type of the KV cache (default f16)", word),
    lambdas: listFlag("--lambda <list>", "strength of the delta (default: the trio's, else 1)", toNumber),
    temperatures: listFlag("--temperature <list>", "0 = greedy (default 1)", toNumber),
    repetitions: numberFlag("-r, --repetitions <integer>", "measurements of every row (default 5)"),
    loads: numberFlag(
        "--loads <integer>",
        "load every engine so often: some figures change from load to load (default 1)"
    ),
    waitQuiet: numberFlag("--wait-quiet <seconds>", "wait at most so long for a machine on which nothing else runs"),
    ideal: switchFlag("--no-ideal", "leave out the baseline: bare decodes beside every sample")
});

const ownFlags = under("Record", {
    promptText: fileFlag("--prompt-file <file>", "take prompts from this text instead of random tokens"),
    format: textFlag("-o, --format <md|csv|json|jsonl>", "how to print the record (default md)"),
    output: fileFlag("--output <file>", "print to a file instead of stdout"),
    html: fileFlag("--html <file>", "write a page with plots as well"),
    compare: switchFlag("--compare", "print two records side by side, with ratios")
});

/** `rast bench`: measures a matrix, prints its record, or compares two records. */
export const bench: CommandDeclaration = {
    name: "bench",
    description: "measure tokens per second; or show or compare records of it",
    operands: { usage: "[record...]", description: "a record to show in another format, or two with --compare" },
    needsSettings: true,
    examples: [
        ["rast bench --trio demo -p 64 -n 64", "Prompts of 64 tokens, and 64 tokens generated."],
        ["rast bench --trio demo -o json --output new.json", "Keep the record."],
        ["rast bench --compare old.json new.json", "Two records side by side."]
    ],
    flags: { ...modelFlags, ...pullFlags, ...matrixFlags, ...sharedFlags, ...loadingFlags, ...ownFlags },
    aliases: { pairs: "--expert given twice" },
    run
};

type Own = FlagValues<typeof ownFlags>;

async function run(call: CommandCall): Promise<ExitCode> {
    const { operands: files, given } = call;
    const own = readFlags(ownFlags, call.typed);
    sayIdle(call, own);
    if (own.compare === true) return compare(call, own);
    const { printRecord, recordFormats } = await import("../../bench/print/record.js");
    const format = checkOneOf("--format", own.format ?? "md", recordFormats);
    await checkTargets([own.output, own.html]);
    const record = files.length > 0 ? await shownRecord(files, given) : await measured(call, own);
    if (typeof record === "string") return exitCodeOf(record);
    await deliver(call.io, printRecord(record, format), own.output);
    if (own.html !== undefined) {
        const { benchPage } = await import("../../bench/page/page.js");
        await writeTarget(own.html, benchPage(record));
    }
    return exitCodes.ok;
}

// What was measured before stays as it is.
function sayIdle({ io, operands, typed, given }: CommandCall, { compare }: Own): void {
    const shown = ["output", "format", "html", "compare"];
    const withRecord = compare === true ? "--compare" : operands.length > 0 ? "a record" : undefined;
    const { modes = [], temperatures = [] } = readFlags(matrixFlags, typed);
    const why = (option: string): string | undefined => {
        if (withRecord !== undefined)
            return shown.includes(option) || (option in modelFlags && compare !== true) ? undefined : withRecord;
        if (option === "lambdas" && modes.length > 0 && modes.every((mode) => mode === "base")) return "--mode base";
        const greedy = temperatures.length > 0 && temperatures.every((one) => one === 0);
        return option === "topP" && greedy ? "--temperature 0" : undefined;
    };
    for (const [option, flag] of Object.entries(bench.flags)) {
        const cause = given[attributeName(flag)] === undefined ? undefined : why(option);
        if (cause !== undefined) io.stderr.write(`rast: ${longName(flag)} has no effect with ${cause}.\n`);
    }
}

async function compare({ io, operands: files }: CommandCall, own: Own): Promise<ExitCode> {
    const { comparisonFormats, printComparison } = await import("../../bench/print/comparison.js");
    const { compareRecords } = await import("../../bench/record/compare.js");
    const format = checkOneOf("--format", own.format ?? "md", comparisonFormats);
    if (files.length !== 2) throw wrong(`Expected two records for --compare, received ${files.length}.`);
    if (own.html !== undefined) throw wrong("--html shows one record: leave it out with --compare.");
    await checkTargets([own.output]);
    const [a, b] = await Promise.all(files.map(readRecord));
    const comparison = compareRecords(a!, b!, { a: files[0]!, b: files[1]! });
    await deliver(io, printComparison(comparison, format), own.output);
    return exitCodes.ok;
}

// A record that was made before, in another format or as a page.
async function shownRecord(files: readonly string[], given: CommandCall["given"]): Promise<BenchRecord> {
    const models = Object.keys(readFlags(modelFlags, given))[0];
    if (models !== undefined) throw wrong(`Expected either models (--${models}) or a record, received both.`);
    if (files.length > 1) throw wrong(`Expected one record, received ${files.length}; --compare takes two.`);
    return readRecord(files[0]!);
}

async function readRecord(path: string): Promise<BenchRecord> {
    const { parseRecord } = await import("../../bench/record/parse.js");
    return parseRecord(await readInput(path, "the record"), path);
}

async function measured({ io, args, typed }: CommandCall, own: Own): Promise<BenchRecord | InterruptingSignal> {
    const ended = await assurePulled(readFlags(modelFlags, typed).trio, readFlags(pullFlags, typed).pull, io);
    if (ended !== undefined) return ended;
    const options: BenchOptions = {
        models: { ...(await chooseModels(readFlags(modelFlags, typed))), ...readFlags(loadingFlags, typed) },
        ...readFlags({ ...matrixFlags, ...sharedFlags }, typed),
        command: commandLine(args),
        ...(own.promptText === undefined ? {} : { promptText: await readInput(own.promptText, "the prompts") })
    };
    const { runBench } = await import("../../bench/measure/run.js");
    const status = new StatusLine(io);
    const onProgress = (what: string, fraction: number): void =>
        status.show(`${String(Math.floor(fraction * 100)).padStart(3)}% ${what}`);
    const work = (signal: AbortSignal): Promise<BenchRecord> =>
        runBench({ ...options, signal, onProgress }).finally(() => status.clear());
    // A peer that the same Ctrl-C ends is no failure either.
    const { value, interruptedBy } = await interruptible(io.signals, work, () => true);
    return value ?? interruptedBy!;
}

// Folders are nobody's business, and differ where the rest is the same.
function commandLine(args: readonly string[]): string {
    const shown = args.map((arg) => (isAbsolute(arg) || arg.includes("/") ? basename(arg) : arg));
    return ["rast", ...shown.map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : JSON.stringify(arg)))].join(" ");
}

function wrong(message: string): RastError {
    return new RastError("ERR_INVALID_OPTION", message);
}
