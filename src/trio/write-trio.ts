import { stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { checkBoolean, checkNumber, checkString, readOptions, shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { limits } from "../limits.js";
import { writeWholeFile } from "../machine/output-file.js";
import { refuseSameFile } from "../machine/same-file.js";
import { checkModelFile } from "../models/files.js";
import { parseTrio } from "./trio.js";

/** A trio file to be. */
export interface TrioFileOptions {
    /** Path of the base model. */
    base: string;
    /** Path of the small model after training. */
    expert: string;
    /** Path of the same small model before it. */
    antiexpert: string;
    /** Path of the trio file. @default "trio.json" in the working folder */
    out?: string | undefined;
    /** @default the file's name, or its folder's where that is trio.json */
    name?: string | undefined;
    /** One line about it. @default none */
    description?: string | undefined;
    /** Strength of the delta, in [-10, 10]. @default 1 */
    lambda?: number | undefined;
    /** Whether a file that is there is replaced. @default false: then ERR_FILE_UNWRITABLE */
    replace?: boolean | undefined;
}

const names = [
    "base",
    "expert",
    "antiexpert",
    "out",
    "name",
    "description",
    "lambda",
    "replace"
] as const satisfies readonly (keyof TrioFileOptions)[];

/**
 * Writes a trio file for three models, which lie where they like: paths in it are relative to it.
 * @returns the file's absolute path
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION; ERR_FILE_NOT_FOUND, ERR_NOT_GGUF and their kin for the models; ERR_TRIO_FILE for what no trio file may say;
 *     ERR_FILE_UNWRITABLE; ERR_IS_DIRECTORY; ERR_INVALID_ARGUMENT for `out` that is one of the models
 * @example
 * ```ts no-run
 * import { loadRast, writeTrioFile } from "rast-llama";
 *
 * const trio = await writeTrioFile({
 *     base: "models/large.gguf",
 *     expert: "models/small-rl.gguf",
 *     antiexpert: "models/small.gguf"
 * });
 * const rast = await loadRast({ trio });
 * await rast.dispose();
 * ```
 */
export async function writeTrioFile(options: TrioFileOptions): Promise<string> {
    const given = readOptions("writeTrioFile", "the options of writeTrioFile", options, names);
    const lambda = checkNumber("lambda", given.lambda ?? 1, limits.lambda);
    const replace = checkBoolean("replace", given.replace ?? false);
    const file = resolve(checkString("out", given.out ?? "trio.json"));
    const models = {
        base: checkString("base", given.base),
        expert: checkString("expert", given.expert),
        antiexpert: checkString("antiexpert", given.antiexpert)
    };
    const content: Record<string, unknown> = {
        name: given.name === undefined ? nameOf(file) : checkString("name", given.name)
    };
    if (given.description !== undefined) {
        content["description"] = checkString("description", given.description, true);
    }
    for (const [role, path] of Object.entries(models)) {
        await checkModelFile(path, { what: `the ${role}`, details: { role } });
        content[role] = pathIn(dirname(file), resolve(path));
    }
    content["lambda"] = lambda;
    parseTrio(content, file);
    await refuseSameFile(file, Object.values(models));
    const there = await stat(file).catch(() => undefined);
    if (there?.isDirectory() === true) {
        const message = `A folder lies where the trio file is to go: name the file, ${shortenMiddle(join(file, "trio.json"))} for instance.`;
        throw new RastError("ERR_IS_DIRECTORY", message, { details: { path: file } });
    }
    if (!replace && there !== undefined) {
        throw new RastError(
            "ERR_FILE_UNWRITABLE",
            `There is a file already where the trio file is to go, and replace is not set: ${shortenMiddle(file)}`,
            {
                details: { path: file }
            }
        );
    }
    await writeWholeFile(file, trioText(content), "the trio file");
    return file;
}

/** A trio file's text. */
export function trioText(content: object): string {
    return `${JSON.stringify(content, null, 4)}\n`;
}

/** A path as a trio file in a folder has it: relative, with slashes, where it lies below; absolute elsewhere. */
export function pathIn(folder: string, path: string): string {
    const below = relative(folder, path);
    return isAbsolute(below) || below.split(sep)[0] === ".." ? path : below.split(sep).join("/");
}

function nameOf(file: string): string {
    const own = basename(file).replace(/\.json$/i, "");
    return own === "trio" ? basename(dirname(file)) || own : own;
}
