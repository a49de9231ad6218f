import { checkOneOf } from "../../checks.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";

/** `rast completion`: a script for a shell. */
export const completion: CommandDeclaration = {
    name: "completion",
    description: "print a script that completes commands and flags in bash, zsh or fish",
    operands: { usage: "<shell>", description: "bash, zsh or fish" },
    examples: [['eval "$(rast completion bash)"', "In ~/.bashrc; in ~/.zshrc with zsh."]],
    flags: {},
    run
};

async function run({ io, operands }: CommandCall): Promise<ExitCode> {
    // Here, as this command is one of them.
    const { commands } = await import("./index.js");
    const { everywhere } = await import("../program.js");
    const { completionScript, shells } = await import("../shell/completion.js");
    const { trioNames } = await import("../../trio/trio.js");
    const shell = checkOneOf("shell", operands[0], shells);
    io.stdout.write(completionScript(shell, { commands, everywhere, trios: await trioNames() }));
    return exitCodes.ok;
}
