import type { PlanOptions } from "../../planning/plan-options.js";
import { RastError } from "../../errors.js";
import type { PlannedModel, TrioPlan } from "../../planning/plan-trio.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { flagNames, inFlags as errorInFlags } from "../flag-names.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import {
    expandHome,
    fileFlag,
    listFlag,
    numberFlag,
    readFlags,
    switchFlag,
    textFlag,
    under,
    valueFlag,
    wrongFlag
} from "../flag.js";
import { modelFlags } from "../flags/models.js";
import { drawingFlags, placementFlags, readSpeculation } from "../flags/placement.js";
import { interruptible } from "../interruption.js";
import type { CommandIo } from "../io.js";
import { formatBytes, painter, StatusLine } from "../output.js";

const machineFlags = under("The machine that is asked about", {
    vram: listFlag(
        "--vram <size>[,<size>]",
        "memory of each card, e.g. 24G or 24G,24G; 0 for none (default: this machine's)",
        toBytes
    ),
    ram: valueFlag("--ram <size>", "main memory, e.g. 32G (default: what is available here)", toBytes),
    bandwidth: listFlag("--bandwidth <GB/s>[,<GB/s>]", "of each card (default: a table of usual cards)", toRate),
    hostBandwidth: numberFlag("--ram-bandwidth <GB/s>", "of main memory (assumed unless given: 50)"),
    agreement: numberFlag("--agreement <number>", "how often drafts are right, 0 to 1 (default 0.8)")
});

const quantizationFlags = under("Of a trio that is not here yet", {
    quantization: textFlag("--quantization <type>", "of the base, e.g. Q4_K_M (default: the largest that fits)"),
    pairQuantization: textFlag("--pair-quantization <type>", "of expert and antiexpert (default likewise)")
});

const flags = {
    // Its own, as without any all of the catalog is meant, whatever trio is set for other commands.
    trio: fileFlag("--trio <name|file>", "the same as the operand"),
    base: modelFlags.base,
    expert: valueFlag("--expert <file>", "the small model after its training", expandHome),
    antiexpert: valueFlag("--antiexpert <file>", "the same small model before it", expandHome),
    ...machineFlags,
    ...quantizationFlags,
    rpc: placementFlags.rpc,
    contextSize: placementFlags.contextSize,
    parallel: numberFlag("--parallel <integer>", "texts generated together, 1 to 64 (default 1)"),
    cacheSize: placementFlags.cacheSize,
    batchSize: placementFlags.batchSize,
    kvType: placementFlags.kvType,
    flashAttention: placementFlags.flashAttention,
    speculation: drawingFlags.speculation,
    json: switchFlag("--json", "print one JSON object, of all the catalog a list; errors as JSON, too")
};

/** `rast plan`: what a trio takes, and where it would go. */
export const plan: CommandDeclaration = {
    name: "plan",
    description: "say what a trio takes, where it would go, and how fast it can be",
    operands: {
        usage: "[trio]",
        description: "a trio by its name, here or in the catalog, its file or folder; none for all of the catalog",
        advice: "One trio at a time; without any, all of the catalog are listed."
    },
    examples: [
        ["rast plan --vram 12G", "which trios of the catalog fit a card"],
        ["rast plan qwen2.5-14b-simplerl-1.5b --vram 24G --context-size 8192", "one of them in full"]
    ],
    flags,
    run
};

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    const { json, expert, antiexpert, base, trio: named, ...rest } = readFlags(flags, typed);
    const options: PlanOptions = { ...rest, ...readSpeculation(typed) };
    if (named !== undefined && operands[0] !== undefined) {
        throw new RastError("ERR_INVALID_OPTION", "Expected either a trio or --trio, received both.", {
            details: { option: "trio" }
        });
    }
    const trio = named ?? (operands[0] === undefined ? undefined : expandHome(operands[0]));
    const paths = { base, expert, antiexpert };
    const missing = (["base", "expert", "antiexpert"] as const).filter((role) => paths[role] === undefined);
    if (trio === undefined && missing.length > 0 && missing.length < 3) {
        const flagsOf = missing.map((role) => `--${role}`).join(" and ");
        const message = `Give --base, --expert and --antiexpert together, or the name of a trio: ${flagsOf} ${missing.length === 1 ? "is" : "are"} missing.`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: missing[0] } });
    }
    const isOne = trio !== undefined || missing.length === 0;
    const { planCatalog, planTrio } = await import("../../planning/plan-trio.js");
    const status = new StatusLine(io);
    status.show("reading headers");
    const { value: found, interruptedBy } = await interruptible(
        io.signals,
        async (signal): Promise<TrioPlan | TrioPlan[]> =>
            isOne ? planTrio({ ...options, trio, ...paths, signal }) : planCatalog({ ...options, signal })
    ).finally(() => status.clear());
    if (found === undefined) return exitCodeOf(interruptedBy!);
    if (json === true) io.stdout.write(`${JSON.stringify(found)}\n`);
    else if (Array.isArray(found)) printAll(found, io);
    else printOne(found, io);
    return !Array.isArray(found) && found.fit === "no" ? exitCodes.unfit : exitCodes.ok;
}

const units: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

function assumed(place: string): string {
    return `assumed: ${place === "main memory" ? "--ram-bandwidth" : "--bandwidth"} says better`;
}

// Notes name options as errors do.
function inFlags(note: string): string {
    return errorInFlags(new RastError("ERR_INSUFFICIENT_MEMORY", note), flagNames(plan)).message;
}

/** "24G", "24GiB", "24576M", "24.5 G": powers of 1,024, as cards are sold. */
function toBytes(text: string, name: string): number {
    const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
    if (match === null) throw wrongFlag(name, 'a size such as "24G"', text);
    const bytes = Math.round(Number(match[1]) * units[match[2]!.toUpperCase()]!);
    // nobody means 24 bytes
    if (match[2] === "" && bytes > 0 && bytes < fewestBytes) {
        throw wrongFlag(name, "a size with its unit", text, `${match[1]}G is ${match[1]} GB.`);
    }
    return bytes;
}

const fewestBytes = 1_048_576;

function toRate(text: string, name: string): number {
    const rate = Number(text);
    if (text.trim() === "" || !(rate > 0)) throw wrongFlag(name, "a number above 0", text);
    return rate;
}

const fits: Readonly<Record<TrioPlan["fit"], string>> = {
    devices: "whole on the devices",
    partly: "partly in main memory",
    host: "in main memory",
    disk: "more than main memory holds: read from disk again and again",
    no: "does not fit"
};

function printAll(plans: readonly TrioPlan[], io: CommandIo): void {
    const rows = plans.map(({ name, chosen, fit, models, speed }) => [
        name ?? "",
        chosen?.base ?? "",
        chosen?.pair ?? "",
        fit === "partly" ? `base ${layersOf(models[0]!)} on the devices` : fits[fit],
        speed === null ? "" : rates(speed)
    ]);
    writeTable(["trio", "base", "pair", "where", "tokens/s"], rows, io);
    io.stdout.write(
        "\ntokens/s: expected from bandwidth, without and with drafts; an estimate. `rast plan NAME` says more.\n"
    );
}

function rates({ plain, drafted }: NonNullable<TrioPlan["speed"]>): string {
    const shown = (rate: number): string => rate.toFixed(rate < 10 ? 1 : 0);
    return drafted === null ? shown(plain) : `${shown(plain)}, ${shown(drafted)}`;
}

function printOne(found: TrioPlan, io: CommandIo): void {
    const paint = painter(io);
    const from = {
        files: "from the files here",
        headers: "from headers on the hub",
        shapes: "from the catalog's dimensions"
    };
    io.stdout.write(`${found.name ?? "three models"}: ${fits[found.fit]} (${from[found.known]})\n\n`);
    const several = found.models.some(({ pair }) => pair > 0);
    const modelRows = found.models.map((model) => [
        several && model.role !== "base" ? `${model.role} ${model.pair}` : model.role,
        model.quantization ?? "",
        weightsOf(model),
        layersOf(model),
        model.devices.join(", ") || "-",
        formatBytes(model.deviceBytes),
        formatBytes(model.hostBytes)
    ]);
    writeTable(["model", "quantization", "weights", "layers", "devices", "there", "main memory"], modelRows, io);
    io.stdout.write("\n");
    const placeRows = found.places.map(({ name, freeBytes, marginBytes, takenBytes, parts }) => [
        name,
        ...[parts.weights, parts.cache, parts.compute, parts.results, parts.sampler, takenBytes].map(formatBytes),
        `${formatBytes(freeBytes)}${marginBytes > 0 ? `, ${formatBytes(marginBytes)} kept free` : ""}`
    ]);
    if (placeRows.length > 0) {
        writeTable(["place", "weights", "KV cache", "compute", "results", "sampler", "together", "of"], placeRows, io);
        io.stdout.write("\n");
    }
    const { speed, bandwidths, workers } = found;
    const placeOf = (name: string): string => {
        const at = workers.find(({ devices }) => devices.includes(name));
        return at === undefined ? name : `${name} at ${at.worker}`;
    };
    const used = new Set(found.models.flatMap(({ devices }) => devices));
    for (const { worker, devices, roundTripMs } of workers) {
        const isUsed = devices.some((name) => used.has(name));
        io.stdout.write(
            `worker ${worker}: ${devices.join(", ")}, ${roundTripMs.toFixed(2)} ms there and back${isUsed ? "" : "; not needed"}\n`
        );
    }
    if (workers.length > 0) io.stdout.write("\n");
    if (speed !== null) {
        const draft = speed.draft === null ? "" : `, ${speed.drafted!.toFixed(1)} with drafts of ${speed.draft}`;
        const by = bandwidths.map(
            ({ name, gigabytesPerSecond, by }) =>
                `${placeOf(name)} ${gigabytesPerSecond} GB/s${by === "given" ? "" : `, ${by === "table" ? "its maker's figure" : assumed(name)}`}`
        );
        io.stdout.write(
            `about ${speed.plain.toFixed(1)} tokens/s${draft}: an estimate from bandwidth (${by.join("; ")})\n`
        );
        if (speed.networkMs > 0) {
            const share = (100 * speed.networkShare).toFixed(speed.networkShare < 0.1 ? 1 : 0);
            io.stdout.write(
                `of a token's ${(1000 / speed.plain).toFixed(2)} ms the way to workers takes ${speed.networkMs.toFixed(2)} (${share}%), ` +
                    "with drafts it is paid once a round\n"
            );
        }
    }
    for (const note of found.notes) io.stdout.write(`${paint("dim", "note")}: ${inFlags(note)}\n`);
}

// What it adds: weights of a file that another role has are in memory once.
function weightsOf({ weightBytes, sharesWeights, adapterBytes }: PlannedModel): string {
    const own = sharesWeights ? "shared" : formatBytes(weightBytes);
    return adapterBytes === 0 ? own : `${own} + ${formatBytes(adapterBytes)} LoRA`;
}

function layersOf({ gpuLayers, layers, cpuMoeLayers }: PlannedModel): string {
    const all = `${gpuLayers} of ${layers}`;
    return cpuMoeLayers === 0 ? all : `${all}, experts of ${cpuMoeLayers} in main memory`;
}

function writeTable(head: readonly string[], rows: readonly (readonly string[])[], io: CommandIo): void {
    const all = [head, ...rows];
    const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
    for (const row of all) {
        io.stdout.write(
            `${row
                .map((cell, column) => cell.padEnd(widths[column]!))
                .join("  ")
                .trimEnd()}\n`
        );
    }
}
