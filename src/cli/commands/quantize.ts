import type { QuantizeResult, TensorTypeRule } from "../../gguf/quantize.js";
import { counted } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { expandHome, fileFlag, numberFlag, readFlags, repeatableFlag, wrongFlag } from "../flag.js";
import { madeFileFlags, quietFlag } from "../flags/files.js";
import { interruptible } from "../interruption.js";
import { formatBytes, StatusLine } from "../output.js";

const quantizeFlags = {
    imatrix: fileFlag("--imatrix <file>", "importance matrix, in GGUF or in the older format"),
    tensorTypes: repeatableFlag(
        "--tensor-type <pattern=type>",
        "another type for tensors whose name fits; repeatable, the first that fits counts",
        (texts, name): TensorTypeRule[] => texts.map((text) => toRule(text, name))
    ),
    threads: numberFlag("--threads <integer>", "CPU threads (default: physical cores)")
};

const ownFlags = { ...madeFileFlags, quiet: quietFlag };

/** `rast quantize`: a model in another quantization, by llama.cpp's own quantizer. */
export const quantize: CommandDeclaration = {
    name: "quantize",
    description: "write a model in another quantization",
    operands: {
        usage: "[input output type...]",
        description: "a GGUF file, the file to write, and F16, Q8_0, Q4_K_M, ...",
        advice: "rast quantize INPUT OUTPUT TYPE"
    },
    examples: [
        ["rast quantize base-f16.gguf base-q4_k_m.gguf Q4_K_M", "Four bits and a half a weight."],
        ["rast quantize b.gguf b-iq2.gguf IQ2_XS --imatrix b.imatrix", "The smallest types want a matrix."],
        ["rast quantize b.gguf o.gguf Q4_K_M --tensor-type attn_v=q6_K", "Other types for some tensors."]
    ],
    flags: { ...quantizeFlags, ...ownFlags },
    aliases: { type: "TYPE", input: "INPUT", output: "OUTPUT" },
    run
};

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    const [input, output, type] = operands;
    if (input === undefined || output === undefined || type === undefined || operands.length > 3) {
        const message = `Expected rast quantize INPUT OUTPUT TYPE, received ${counted(operands.length, "argument")}.`;
        throw new RastError("ERR_INVALID_ARGUMENT", message);
    }
    const { json, quiet } = readFlags(ownFlags, typed);
    const options = readFlags(quantizeFlags, typed);
    const { quantizeModel } = await import("../../gguf/quantize.js");
    const status = new StatusLine(io, quiet === true);
    const work = (signal: AbortSignal): Promise<QuantizeResult> =>
        quantizeModel({
            input: expandHome(input),
            output: expandHome(output),
            type,
            ...options,
            signal,
            onProgress: ({ tensor, fraction }) =>
                status.show(`${String(Math.floor(fraction * 100)).padStart(3)}% quantize ${tensor}`)
        }).finally(() => status.clear());
    const { value, interruptedBy } = await interruptible(io.signals, work);
    if (value === undefined) return exitCodeOf(interruptedBy!);
    if (quiet !== true && json !== true) for (const note of value.notes) io.stderr.write(`rast: ${note}\n`);
    const told = `${value.output}: ${value.quantization ?? "no stated quantization"}, ${formatBytes(value.bytes)}`;
    io.stdout.write(`${json === true ? JSON.stringify(value) : told}\n`);
    return exitCodes.ok;
}

function toRule(text: string, name: string): TensorTypeRule {
    const at = text.lastIndexOf("=");
    if (at < 1 || at === text.length - 1) throw wrongFlag(name, "PATTERN=TYPE", text);
    return { pattern: text.slice(0, at), type: text.slice(at + 1) };
}
