import type { GraftOptions, GraftResult } from "../../checkpoint/graft.js";
import { counted } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { expandHome, fileFlag, numberFlag, readFlags, repeatableFlag, textFlag } from "../flag.js";
import { madeFileFlags, quietFlag } from "../flags/files.js";
import { interruptible } from "../interruption.js";
import { formatBytes, StatusLine } from "../output.js";

const graftFlags = {
    template: fileFlag("--template <file>", "the GGUF file of the model that the checkpoint was trained from"),
    weights: repeatableFlag(
        "--weights <file|folder>",
        "the checkpoint: its folder, its safetensors file or index; repeat for several files",
        (texts) => (texts.length === 1 ? expandHome(texts[0]!) : texts.map(expandHome))
    ),
    output: fileFlag("--out <file>", "the GGUF file to write"),
    type: textFlag("--type <type>", "F16, BF16, Q8_0, Q4_K_M, ... (default: each tensor's own in the template)"),
    name: textFlag("--name <text>", "what the new model calls itself (default: the folder's name)"),
    threads: numberFlag("--threads <integer>", "conversions at a time (default: physical cores)")
};

const ownFlags = { ...madeFileFlags, quiet: quietFlag };

/** `rast graft`: the GGUF file of a checkpoint, with the metadata of the model that it was trained from. */
export const graft: CommandDeclaration = {
    name: "graft",
    description: "make an expert's GGUF file of a checkpoint and the antiexpert's",
    examples: [
        ["rast graft --template antiexpert.gguf --weights RL/ --out expert.gguf", "With the template's types."],
        ["rast graft --template a.gguf --weights RL/ --out e.gguf --type Q8_0", "In a quantization of your own."]
    ],
    flags: { ...graftFlags, ...ownFlags },
    run
};

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    if (operands.length > 0) throw new RastError("ERR_INVALID_ARGUMENT", "rast graft takes flags alone.");
    const { json, quiet } = readFlags(ownFlags, typed);
    const options = readFlags(graftFlags, typed);
    for (const name of ["template", "weights", "output"] as const) {
        if (options[name] !== undefined) continue;
        const flag = name === "output" ? "--out" : `--${name}`;
        throw new RastError("ERR_INVALID_OPTION", `Give --template, --weights and --out: ${flag} is missing.`);
    }
    const { graftModel } = await import("../../checkpoint/graft.js");
    const status = new StatusLine(io, quiet === true);
    const work = (signal: AbortSignal): Promise<GraftResult> =>
        graftModel({
            ...(options as GraftOptions),
            signal,
            onProgress: ({ step, tensor, fraction }) =>
                status.show(`${String(Math.floor(fraction * 100)).padStart(3)}% ${step} ${tensor}`)
        }).finally(() => status.clear());
    const { value, interruptedBy } = await interruptible(io.signals, work);
    if (value === undefined) return exitCodeOf(interruptedBy!);
    if (quiet !== true && json !== true) for (const note of value.notes) io.stderr.write(`rast: ${note}\n`);
    const { output, bytes, tensors, quantization } = value;
    const told = `${output}: ${counted(tensors, "tensor")}, ${quantization ?? "no stated quantization"}, ${formatBytes(bytes)}`;
    io.stdout.write(`${json === true ? JSON.stringify(value) : told}\n`);
    return exitCodes.ok;
}
