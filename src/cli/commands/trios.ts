import { describeError } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { readFlags, switchFlag } from "../flag.js";

const flags = { json: switchFlag("--json", "print one JSON list; errors as JSON, too") };

/** `rast trios`: what `--trio` knows by name. */
export const trios: CommandDeclaration = {
    name: "trios",
    description: "list the trios that --trio knows by name, with their models",
    flags,
    run
};

/** A trio, or why its file cannot be used. */
interface Listed {
    readonly name: string;
    readonly file?: string;
    readonly description?: string;
    readonly base?: string;
    readonly pairs?: readonly { readonly expert: string; readonly antiexpert: string; readonly lambda: number }[];
    readonly error?: { readonly code: string; readonly message: string };
}

async function run({ io, typed }: CommandCall): Promise<ExitCode> {
    const { trioFolders, trioNames } = await import("../../trio/trio.js");
    const folders = trioFolders();
    const found = await Promise.all((await trioNames(folders)).map((name) => listed(name, folders)));
    if (readFlags(flags, typed).json === true) {
        io.stdout.write(`${JSON.stringify(found)}\n`);
        return exitCodes.ok;
    }
    const width = Math.max(0, ...found.map(({ name }) => name.length));
    const lines = found.map(({ name, description, error }) => {
        const said = error === undefined ? (description ?? "") : `cannot be used: ${error.message}`;
        return `${name.padEnd(width)}  ${said}`.trimEnd();
    });
    const from = `Trios of your own: files NAME.json in ${folders[1]!}, or --trio FILE. rast models lists those to pull.`;
    io.stdout.write(`${[...lines, from].join("\n")}\n`);
    return exitCodes.ok;
}

// One that is damaged does not hide the others.
async function listed(name: string, folders: readonly string[]): Promise<Listed> {
    const { resolveTrio } = await import("../../trio/trio.js");
    try {
        const { file, description, base, pairs } = await resolveTrio(name, folders);
        return { name, file, description, base, pairs };
    } catch (error) {
        const code = error instanceof RastError ? error.code : "ERR_INTERNAL";
        return { name, error: { code, message: describeError(error) } };
    }
}
