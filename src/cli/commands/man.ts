import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";

/** `rast man`: its manual. */
export const man: CommandDeclaration = {
    name: "man",
    description: "print the manual, as man reads it",
    examples: [["rast man > ~/.local/share/man/man1/rast.1", "So that `man rast` finds it."]],
    flags: {},
    run
};

async function run({ io }: CommandCall): Promise<ExitCode> {
    const { commands } = await import("./index.js");
    const { everywhere, programDescription } = await import("../program.js");
    const { manualPage } = await import("../shell/manual.js");
    io.stdout.write(manualPage(programDescription, { commands, everywhere }));
    return exitCodes.ok;
}
