import type { ExtractedLora } from "../../pairing/extract-lora.js";
import { counted } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { fileFlag, numberFlag, readFlags, switchFlag, textFlag, expandHome, type FlagValues } from "../flag.js";
import { interruptible } from "../interruption.js";
import { formatBytes, StatusLine } from "../output.js";

const flags = {
    out: fileFlag("-o, --out <file>", "the adapter to write (GGUF)"),
    rank: numberFlag("--rank <integer>", "extract: singular values per matrix (default 32)"),
    type: textFlag("--type <f16|f32>", "how its numbers are kept (default f16; f32 of what is converted)"),
    model: fileFlag("--model <file>", "convert: the model that the adapter is for (GGUF)"),
    measure: switchFlag("--no-measure", "extract: leave out what the adapter does to texts"),
    text: fileFlag("--text <file>", "extract: beginnings of texts to measure with, a line each"),
    threads: numberFlag("--threads <integer>", "extract: matrices at a time (default: physical cores)"),
    json: switchFlag("--json", "print one JSON object with all of it; errors as JSON, too")
};

type Flags = FlagValues<typeof flags>;

/** `rast lora`: adapters out of two models, or out of a PEFT folder. */
export const lora: CommandDeclaration = {
    name: "lora",
    description: "make a LoRA adapter: of two models' difference, or of a PEFT folder",
    operands: {
        usage: "[what...]",
        description: "extract EXPERT ANTIEXPERT, or convert FOLDER"
    },
    examples: [
        [
            "rast lora extract rl.gguf start.gguf --rank 32 --out rl-lora.gguf",
            "a full fine-tune as an adapter, and what of it is kept"
        ],
        ["rast lora convert my-peft --model start.gguf --out rl-lora.gguf", "a PEFT adapter as GGUF"]
    ],
    flags,
    run
};

async function run({ io, typed, operands }: CommandCall): Promise<ExitCode> {
    const [action, ...paths] = operands;
    const options = readFlags(flags, typed);
    if (action !== "extract" && action !== "convert") {
        throw misuse("Expected extract EXPERT ANTIEXPERT or convert FOLDER.");
    }
    if (options.out === undefined) throw misuse("Expected --out FILE, the adapter to write.");
    assertNoOthers(action, options);
    return action === "extract" ? extract(io, paths, options) : convert(io, paths, options);
}

function misuse(message: string): RastError {
    return new RastError("ERR_INVALID_OPTION", message);
}

function assertNoOthers(action: "extract" | "convert", options: Flags): void {
    const others =
        action === "extract"
            ? ([["model", "--model"]] as const)
            : ([
                  ["rank", "--rank"],
                  ["measure", "--no-measure"],
                  ["text", "--text"],
                  ["threads", "--threads"]
              ] as const);
    for (const [name, flag] of others) {
        if (options[name] !== undefined) throw misuse(`${flag} is not for rast lora ${action}.`);
    }
}

async function extract(io: CommandCall["io"], paths: readonly string[], options: Flags): Promise<ExitCode> {
    const [expert, antiexpert] = paths;
    if (expert === undefined || antiexpert === undefined || paths.length > 2) {
        throw misuse(`Expected two models, EXPERT ANTIEXPERT, behind extract; received ${paths.length}.`);
    }
    if (options.text !== undefined && options.measure === false) {
        throw misuse("Expected either --text or --no-measure, received both.");
    }
    const texts = options.text === undefined ? undefined : await readTexts(options.text);
    const status = new StatusLine(io);
    const { extractLora } = await import("../../pairing/extract-lora.js");
    const work = (signal: AbortSignal): Promise<ExtractedLora> =>
        extractLora({
            expert: expandHome(expert),
            antiexpert: expandHome(antiexpert),
            out: options.out!,
            rank: options.rank,
            type: options.type as "f16" | "f32" | undefined,
            threads: options.threads,
            measure: texts ?? options.measure,
            signal,
            onProgress: ({ step, tensor, fraction }) =>
                status.show(`${Math.floor(100 * fraction)}% ${step === "measure" ? "measuring" : tensor}`)
        });
    const { value, interruptedBy } = await interruptible(io.signals, work).finally(() => status.clear());
    if (value === undefined) return exitCodeOf(interruptedBy!);
    io.stdout.write(options.json === true ? `${JSON.stringify(value)}\n` : shown(value));
    return exitCodes.ok;
}

async function convert(io: CommandCall["io"], paths: readonly string[], options: Flags): Promise<ExitCode> {
    const [folder] = paths;
    if (folder === undefined || paths.length > 1) {
        throw misuse(`Expected one PEFT folder behind convert, received ${paths.length}.`);
    }
    if (options.model === undefined) throw misuse("Expected --model FILE, the model that the adapter is for.");
    const { convertAdapter } = await import("../../pairing/convert-adapter.js");
    const made = await convertAdapter({
        adapter: expandHome(folder),
        model: options.model,
        out: options.out!,
        type: options.type as "f16" | "f32" | undefined
    });
    const { path, bytes, rank, targets } = made;
    if (options.json !== true) for (const note of made.notes) io.stderr.write(`rast: ${note}\n`);
    const line = `${path}: ${formatBytes(bytes)}, rank ${rank}, ${counted(targets.length, "matrix", "matrices")}\n`;
    io.stdout.write(options.json === true ? `${JSON.stringify(made)}\n` : line);
    return exitCodes.ok;
}

async function readTexts(file: string): Promise<string[]> {
    const { readFile } = await import("node:fs/promises");
    const { systemError } = await import("../../models/files.js");
    const text = await readFile(file, "utf8").catch((error: unknown) => {
        throw systemError(error, file, { what: "--text" });
    });
    return text.split(/\r?\n/).filter((line) => line.trim() !== "");
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

function shown({ path, bytes, rank, type, keptShare, tensors, lost, effect }: ExtractedLora): string {
    // matrices may be narrower than others, or than what was asked for
    const ranks = tensors.every((tensor) => tensor.rank === rank) ? "" : " at most";
    const width = Math.max(...tensors.map(({ name }) => name.length), ...lost.map(({ name }) => name.length));
    const lines = [
        `${"matrix".padEnd(width)}  rank  difference    kept`,
        ...tensors.map((tensor) => {
            const difference = percent(tensor.relativeDifference).padStart(10);
            return `${tensor.name.padEnd(width)}  ${String(tensor.rank).padStart(4)}  ${difference}  ${percent(tensor.keptShare).padStart(6)}`;
        }),
        ...lost.map(({ name, relativeDifference, reason }) => {
            const difference = relativeDifference === null ? "-" : percent(relativeDifference);
            return `${name.padEnd(width)}  lost  ${difference.padStart(10)}  ${reason}`;
        }),
        "",
        `${path}: ${formatBytes(bytes)} (${type}), ${counted(tensors.length, "matrix", "matrices")} of rank ${rank}${ranks} ${tensors.length === 1 ? "holds" : "hold"} ${percent(keptShare)} of the difference (squared norms).`
    ];
    if (effect !== null) {
        const { positions, antiexpert, withAdapter } = effect;
        lines.push(
            `Over ${counted(positions, "token")}: the expert's likeliest token is the antiexpert's ${percent(antiexpert.agreement)} of the time, ` +
                `with the adapter ${percent(withAdapter.agreement)};`,
            `KL(expert || antiexpert) ${antiexpert.divergence.toFixed(4)} nats, with the adapter ${withAdapter.divergence.toFixed(4)}: ` +
                `${percent(effect.keptShare)} of the effect.`
        );
    }
    return `${lines.join("\n")}\n`;
}
