import { CommanderError, type Command } from "commander";
import { RastError, type ErrorCode } from "../errors.js";
import { assertUtf8 } from "./arguments.js";
import type { CommandDeclaration } from "./command.js";
import { commands } from "./commands/index.js";
import { exitCodes, type ExitCode } from "./exit-codes.js";
import { readDefaults, type Default } from "./defaults.js";
import { oneLine, reportFailure, reportMisuse, type FailureStyle } from "./failure.js";
import { attributeName, longName, type Flag, type Typed } from "./flag.js";
import { flagNames } from "./flag-names.js";
import type { CommandIo } from "./io.js";
import { adviceOnMisuse, unknownTopic } from "./misuse.js";
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
    const sources = new Map<string, string>();
    const program = buildProgram(io, {
        misused: (text) => (misuse = text),
        called: async (declaration, command) => {
            const isTyped = (flag: Flag<unknown>): boolean =>
                command.getOptionValueSource(attributeName(flag)) === "cli";
            const given = Object.fromEntries(
                Object.entries(command.opts<Typed>()).filter(([name]) => command.getOptionValueSource(name) === "cli")
            );
            for (const { flag, value, source } of await defaultsOf(declaration, io, isTyped)) {
                command.setOptionValueWithSource(attributeName(flag), value, "config");
                sources.set(longName(flag), source);
            }
            const call = { operands: command.args, typed: command.opts<Typed>(), given };
            if (styleOf(program, args).verbose) io.env["RAST_LOG"] ??= "1";
            exitCode = await declaration.run({ ...call, io, args });
        }
    });
    const report = (error: unknown): ExitCode =>
        reportFailure(error, io.stderr, { ...styleOf(program, args), sources });
    // For good: what is written last may fail when all else is done.
    watchOutput(io, report);
    try {
        assertUtf8(args, await io.commandLine());
        if (args.every(isGlobal)) {
            program.outputHelp({ error: true });
            return exitCodes.misuse;
        }
        const topic = unknownTopic(args);
        if (topic !== undefined) return reportMisuse(topic, "ERR_INVALID_ARGUMENT", io.stderr, false);
        await program.parseAsync(args, { from: "user" });
        return exitCode;
    } catch (error) {
        if (!(error instanceof CommanderError)) return report(error);
        // Help and version end like this, too.
        if (misuse === "") return error.exitCode === 0 ? exitCodes.ok : exitCodes.misuse;
        const code = misuseCodes[error.code] ?? "ERR_INVALID_ARGUMENT";
        const said = adviceOnMisuse(error.code, misuse, declarationOf(args));
        return reportMisuse(said, code, io.stderr, styleOf(program, args).json);
    }
}

async function defaultsOf(
    declaration: CommandDeclaration,
    { env, stderr }: CommandIo,
    isTyped: (flag: Flag<unknown>) => boolean
): Promise<Default[]> {
    // Without flags there is nothing to set.
    if (Object.keys(declaration.flags).length === 0) return [];
    try {
        return await readDefaults(declaration, env, isTyped);
    } catch (error) {
        if (declaration.needsSettings === true || !(error instanceof RastError)) throw error;
        stderr.write(`rast: the file of settings is left out. ${oneLine(error.message)} [${error.code}]\n`);
        return [];
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

function declarationOf(args: readonly string[]): CommandDeclaration | undefined {
    const name = args.find((arg) => !isGlobal(arg));
    return commands.find((one) => one.name === name);
}

// From what was parsed until the error: a --json that is the value of another flag is none.
function styleOf(program: Command, args: readonly string[]): FailureStyle & { readonly verbose: boolean } {
    const global = program.opts();
    const declaration = declarationOf(args);
    const options = program.commands.find((one) => one.name() === declaration?.name)?.opts() ?? {
        json: args.includes("--json")
    };
    const debug = global["debug"] === true || options["debug"] === true;
    return {
        json: options["json"] === true || options["streamJson"] === true,
        debug,
        verbose: debug || global["verbose"] === true || options["verbose"] === true,
        names: declaration === undefined ? new Map() : flagNames(declaration)
    };
}
