import { Command } from "commander";
import { packageVersion } from "../package-root.js";
import type { CommandCall, CommandDeclaration } from "./command.js";
import { commands } from "./commands/index.js";
import { addFlags, switchFlag } from "./flag.js";
import type { CommandIo } from "./io.js";

/** Who is told of what a command line says. */
export interface ProgramListener {
    /** It cannot be parsed, with commander's words. */
    readonly misused: (text: string) => void;
    /** A command is meant. */
    readonly called: (declaration: CommandDeclaration, call: Pick<CommandCall, "operands" | "typed">) => Promise<void>;
}

const everywhere = { debug: switchFlag("--debug", "print stack traces, and llama.cpp's log") };

/** The command line as commander knows it. Help and version go to `io` and end with a CommanderError. */
export function buildProgram({ stdout, stderr }: CommandIo, { misused, called }: ProgramListener): Command {
    const width = (stream: typeof stdout): number | undefined => (stream.isTTY === true ? stream.columns : undefined);
    const program = new Command("rast")
        .description("Quantized RAST: a large base model with the reasoning that training gave a small one.")
        .version(packageVersion(), "-V, --version", "print the version")
        .configureOutput({
            writeOut: (text) => stdout.write(text),
            writeErr: (text) => stderr.write(text),
            getOutHelpWidth: () => width(stdout) as number,
            getErrHelpWidth: () => width(stderr) as number,
            outputError: misused
        })
        .exitOverride()
        .showSuggestionAfterError(true)
        // Or the program would take a --debug that is the value of a command's own option.
        .enablePositionalOptions();
    addFlags(program, everywhere);
    for (const declaration of commands) {
        const { name, description, operands, flags } = declaration;
        const command = program.command(name).description(description);
        if (operands !== undefined) command.argument(operands.usage, operands.description);
        addFlags(command, flags);
        addFlags(command, everywhere);
        command.action(() => called(declaration, { operands: command.args, typed: command.opts() }));
    }
    return program;
}
