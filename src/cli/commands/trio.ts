import { counted } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { expandHome, fileFlag, numberFlag, readFlags, switchFlag, textFlag } from "../flag.js";

const flags = {
    out: fileFlag("--out <file>", "the trio file (default trio.json)"),
    name: textFlag("--name <text>", "its name (default: that of the file, or of its folder)"),
    description: textFlag("--description <text>", "one line about it"),
    lambda: numberFlag("--lambda <number>", "strength of the delta, -10 to 10 (default 1)"),
    replace: switchFlag("--replace", "write over a file that is there")
};

/** `rast trio init`: a trio file for three models. */
export const trio: CommandDeclaration = {
    name: "trio",
    description: "write a trio file for three models of your own",
    operands: { usage: "<what...>", description: "init BASE EXPERT ANTIEXPERT: files of models (GGUF)" },
    examples: [
        [
            "rast trio init large.gguf small-rl.gguf small.gguf",
            "trio.json beside them: then --trio . or --trio trio.json."
        ]
    ],
    flags,
    run
};

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    const [action, ...files] = operands;
    if (action !== "init" || files.length !== 3) {
        const received = action === "init" ? `init with ${counted(files.length, "file")}` : operands.join(" ");
        const message = `Expected init BASE EXPERT ANTIEXPERT, received ${received}.`;
        throw new RastError("ERR_INVALID_ARGUMENT", message, { details: { operands } });
    }
    const { writeTrioFile } = await import("../../trio/write-trio.js");
    const [base, expert, antiexpert] = files.map(expandHome) as [string, string, string];
    const file = await writeTrioFile({ base, expert, antiexpert, ...readFlags(flags, typed) });
    io.stdout.write(`${file}\n`);
    const shown = /\s/.test(file) ? JSON.stringify(file) : file;
    io.stderr.write(`rast: whether they are a trio says rast check --trio ${shown}\n`);
    return exitCodes.ok;
}
