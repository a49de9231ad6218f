import { Command, Option } from "commander";
import { packageVersion } from "../package-root.js";
import type { CommandDeclaration } from "./command.js";
import { commands } from "./commands/index.js";
import { addFlags, switchFlag, under } from "./flag.js";
import { exampleText, helpColumns, helpStyle } from "./help.js";
import type { CommandIo } from "./io.js";

/** Who is told of what a command line says. */
export interface ProgramListener {
    /** It cannot be parsed, with commander's words. */
    readonly misused: (text: string) => void;
    /** A command is meant. */
    readonly called: (declaration: CommandDeclaration, command: Command) => Promise<void>;
}

/** The whole in a sentence. */
export const programDescription =
    "Quantized RAST: a large base model with the reasoning that training gave a small one.";

/** What may stand in front of a command, and behind it. */
export const everywhere = under("General", {
    verbose: switchFlag("-v, --verbose", "say what llama.cpp says, on stderr"),
    debug: switchFlag("--debug", "the same, and print stack traces")
});

/** The command line as commander knows it. Help and version go to `io` and end with a CommanderError. */
export function buildProgram({ stdout, stderr }: CommandIo, { misused, called }: ProgramListener): Command {
    const width = (stream: typeof stdout): number | undefined =>
        stream.isTTY === true ? Math.min(helpColumns, stream.columns ?? helpColumns) : undefined;
    const program = new Command("rast")
        .description(programDescription)
        .optionsGroup("General:")
        .version(packageVersion(), "-V, --version", "print the version")
        .addHelpOption(helpOption())
        .configureHelp(helpStyle)
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
    program.addHelpText("after", "\nrast help COMMAND tells all of a command.");
    for (const declaration of commands) {
        const { name, description, operands, flags } = declaration;
        const command = program.command(name).description(description).addHelpOption(helpOption());
        if (operands !== undefined) command.argument(operands.usage, operands.description);
        addFlags(command, flags);
        addFlags(command, everywhere);
        command.addHelpText("after", exampleText(declaration));
        command.action(() => called(declaration, command));
    }
    return program;
}

function helpOption(): Option {
    return new Option("-h, --help", "show this").helpGroup("General:");
}
