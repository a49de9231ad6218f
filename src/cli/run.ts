import { CommanderError, type Command } from "commander";
import type { ErrorCode } from "../errors.js";
import { assertUtf8 } from "./arguments.js";
import { commands } from "./commands/index.js";
import { exitCodes, type ExitCode } from "./exit-codes.js";
import { reportFailure, reportMisuse, type FailureStyle } from "./failure.js";
import { flagNames } from "./flag-names.js";
import type { CommandIo } from "./io.js";
import { watchOutput } from "./output.js";
import { buildProgram } from "./program.js";

/**
 * Runs a command line.
 * @param args what stands behind `rast`
 * @returns the exit code; errors have been said on stderr
 */
export async function run(args: readonly string[], io: CommandIo): Promise<ExitCode> {
    let exitCode: ExitCode = exitCodes.ok;
    let misuse = "";
    const program = buildProgram(io, {
        misused: (text) => (misuse = text),
        called: async (declaration, call) => {
            if (styleOf(program, args).verbose) io.env["RAST_LOG"] ??= "1";
            exitCode = await declaration.run({ ...call, io, args });
        }
    });
    const report = (error: unknown): ExitCode => reportFailure(error, io.stderr, styleOf(program, args));
    // For good: what is written last may fail when all else is done.
    watchOutput(io, report);
    try {
        assertUtf8(args, await io.commandLine());
        if (args.every(isGlobal)) {
            program.outputHelp({ error: true });
            return exitCodes.misuse;
        }
        await program.parseAsync(args, { from: "user" });
        return exitCode;
    } catch (error) {
        if (!(error instanceof CommanderError)) return report(error);
        // Help and version end like this, too.
        if (misuse === "") return error.exitCode === 0 ? exitCodes.ok : exitCodes.misuse;
        const code = misuseCodes[error.code] ?? "ERR_INVALID_ARGUMENT";
        return reportMisuse(misuse, code, io.stderr, styleOf(program, args).json);
    }
}

/** The rest are arguments: an unknown command, one too many, one that lacks. */
const misuseCodes: Readonly<Record<string, ErrorCode>> = {
    "commander.unknownOption": "ERR_UNKNOWN_OPTION",
    "commander.optionMissingArgument": "ERR_INVALID_OPTION"
};

function isGlobal(arg: string): boolean {
    return ["-v", "--verbose", "--debug"].includes(arg);
}

// From what was parsed until the error: a --json that is the value of another flag is none.
function styleOf(program: Command, args: readonly string[]): FailureStyle & { readonly verbose: boolean } {
    const global = program.opts();
    const name = args.find((arg) => !isGlobal(arg));
    const declaration = commands.find((one) => one.name === name);
    const options = program.commands.find((one) => one.name() === name)?.opts() ?? { json: args.includes("--json") };
    const debug = global["debug"] === true || options["debug"] === true;
    return {
        json: options["json"] === true || options["streamJson"] === true,
        debug,
        verbose: debug || global["verbose"] === true || options["verbose"] === true,
        names: declaration === undefined ? new Map() : flagNames(declaration)
    };
}
