import { readFile } from "node:fs/promises";
import { counted } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { CheckOptions, TrioCheck } from "../../pairing/check-trio.js";
import type { DeepCheck } from "../../pairing/deep-check.js";
import type { TrioFinding } from "../../pairing/findings.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { expandHome, fileFlag, longName, numberFlag, readFlags, switchFlag, under } from "../flag.js";
import { modelFlags, strengthFlags } from "../flags/models.js";
import { placementFlags } from "../flags/placement.js";
import { interruptible } from "../interruption.js";
import { formatBytes, painter, StatusLine } from "../output.js";
import type { CommandIo } from "../io.js";

const checkFlags = under("Check", {
    deep: switchFlag("--deep", "load the models, too, and run them over texts"),
    text: fileFlag("--text <file>", "with --deep: over this text, not the expert's answers to built-in prompts"),
    maxTokens: numberFlag("-n, --max-tokens <integer>", "with --deep: tokens of each answer (default 64)"),
    strict: switchFlag("--strict", "exit with 4 for warnings, too"),
    json: switchFlag("--json", "print one JSON object with all that was found; errors as JSON, too")
});

const flags = {
    trio: modelFlags.trio,
    specialTokens: strengthFlags.specialTokens,
    ...checkFlags,
    gpuLayers: placementFlags.gpuLayers,
    device: placementFlags.device,
    threads: placementFlags.threads
};

/** `rast check`: whether three models are a trio. */
export const check: CommandDeclaration = {
    name: "check",
    description: "say whether three models are a trio, and what differs",
    operands: {
        usage: "[models...]",
        description: "three model files (GGUF): BASE EXPERT ANTIEXPERT",
        advice: "A trio of several pairs is given with --trio FILE."
    },
    examples: [
        ["rast check big.gguf small-rl.gguf small.gguf", "by their headers"],
        ["rast check --trio demo --deep", "loaded and run, too"]
    ],
    flags,
    aliases: { "deep.maxTokens": "--max-tokens", "deep.text": "--text" },
    run
};

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    const { deep, text, maxTokens, strict, json, trio, specialTokens, ...load } = readFlags(flags, typed);
    if (deep !== true) {
        const idle = Object.entries({ text, maxTokens, ...load }).find(([, value]) => value !== undefined)?.[0];
        if (idle !== undefined) {
            const message = `Expected --deep beside ${longName(flags[idle as keyof typeof flags])}: models are not loaded without it.`;
            throw new RastError("ERR_INVALID_OPTION", message, { details: { option: idle } });
        }
    }
    const models = chosenModels(operands, trio);
    const words = text === undefined ? undefined : await readText(text);
    const { checkTrio } = await import("../../pairing/check-trio.js");
    const status = new StatusLine(io);
    status.show(deep === true ? "running the models" : "reading headers");
    const { value: found, interruptedBy } = await interruptible(io.signals, async (signal) =>
        checkTrio({
            ...models,
            specialTokens,
            deep: deep === true ? { text: words, maxTokens, load } : false,
            signal
        })
    ).finally(() => status.clear());
    if (found === undefined) return exitCodeOf(interruptedBy!);
    if (json === true) io.stdout.write(`${JSON.stringify(found)}\n`);
    else print(found, io);
    const warned = strict === true && found.findings.some(({ level }) => level === "warning");
    return found.fits && !warned ? exitCodes.ok : exitCodes.unfit;
}

function chosenModels(operands: readonly string[], trio: string | undefined): CheckOptions {
    const [base, expert, antiexpert] = operands.map(expandHome);
    if (trio !== undefined) {
        if (operands.length === 0) return { trio };
        const message = `Expected either --trio or three model files, received both: ${counted(operands.length, "file")} beside --trio.`;
        throw new RastError("ERR_INVALID_ARGUMENT", message);
    }
    if (operands.length === 3) return { base, expert, antiexpert };
    const received = operands.length === 0 ? "none" : `${operands.length}`;
    throw new RastError(
        "ERR_INVALID_ARGUMENT",
        `Expected three model files, BASE EXPERT ANTIEXPERT, or --trio NAME; received ${received}.`
    );
}

async function readText(file: string): Promise<string> {
    const { fileSize, systemError } = await import("../../models/files.js");
    const purpose = { what: "the text", details: { option: "text" } };
    const size = await fileSize(file, purpose);
    if (size === 0 || size > mostTextBytes) {
        const what = size === 0 ? "it is empty" : `it has ${size} bytes, and ${mostTextBytes} are the most`;
        throw new RastError("ERR_INVALID_OPTION", `The text ${file} cannot be used: ${what}.`, {
            details: { option: "text" }
        });
    }
    return readFile(file, "utf8").catch((error: unknown) => {
        throw systemError(error, file, purpose);
    });
}

const mostTextBytes = 1_048_576;

function print({ fits, findings, models, deep }: TrioCheck, io: CommandIo): void {
    const paint = painter(io);
    const several = models.some(({ pair }) => pair > 0);
    const named = models.map((model) => ({
        ...model,
        label: several && model.role !== "base" ? `${model.role} ${model.pair}` : model.role
    }));
    const width = Math.max(...named.map(({ label }) => label.length)) + 2;
    for (const model of named) {
        const { label, path, architecture, quantization, parameterCount, fileBytes, vocabularySize, adapters } = model;
        const facts = [architecture, parameters(parameterCount), quantization ?? "unknown quantization"];
        const sizes = [formatBytes(fileBytes), `${vocabularySize} tokens`];
        io.stdout.write(`${label.padEnd(width)}${[...facts, ...sizes].join(", ")}\n${" ".repeat(width)}${path}\n`);
        for (const { path: adapter, scale, rank, tensors } of adapters) {
            const what = `rank ${rank}, ${counted(tensors, "matrix", "matrices")}, scale ${scale}`;
            io.stdout.write(`${" ".repeat(width)}with the adapter ${adapter} (${what})\n`);
        }
    }
    io.stdout.write("\n");
    for (const finding of findings) io.stdout.write(`${lines(finding, paint)}\n`);
    for (const one of deep) io.stdout.write(`${deepLines(one)}\n`);
    const warnings = findings.filter(({ level }) => level === "warning").length;
    const verdict = !fits
        ? paint("red", "These models cannot be a trio.")
        : warnings === 0
          ? paint("green", "These models are a trio.")
          : `These models can be loaded as a trio, with ${warnings} warning${warnings > 1 ? "s" : ""}.`;
    io.stdout.write(`${verdict}\n`);
}

function parameters(count: number): string {
    if (count >= 1e9) return `${(count / 1e9).toFixed(1)} B parameters`;
    return count >= 1e6 ? `${(count / 1e6).toFixed(1)} M parameters` : `${(count / 1e3).toFixed(0)} k parameters`;
}

function lines({ level, what, meaning, advice }: TrioFinding, paint: ReturnType<typeof painter>): string {
    const label =
        level === "error" ? paint("red", level) : level === "warning" ? paint("bold", level) : paint("dim", level);
    return `${label}: ${what}\n    ${[meaning, advice].filter((text) => text !== "").join(" ")}\n`;
}

function deepLines({ positions, agreement, divergence, coverage, entropy, expertText }: DeepCheck): string {
    const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
    const of = expertText ? "what the expert writes" : "what the expert would write";
    return [
        `over ${positions} positions of ${expertText ? "the expert's answers" : "the text"}`,
        `  expert and antiexpert   same likeliest token ${percent(agreement)}, KL ${divergence.toFixed(3)} nats`,
        `  base                    has ${of} first ${percent(coverage.top1)}, among 5 ${percent(coverage.top5)}, among 20 ${percent(coverage.top20)}`,
        `  entropy                 base ${entropy.base.toFixed(2)}, expert ${entropy.expert.toFixed(2)}, antiexpert ${entropy.antiexpert.toFixed(2)} nats`,
        ""
    ].join("\n");
}
