// Files that a command writes at its end, after work that took long.
import { rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import type { CommandIo } from "./io.js";

/** What cannot be written is said before the work begins. @throws ERR_INVALID_OPTION */
export async function checkTargets(paths: readonly (string | undefined)[]): Promise<void> {
    for (const path of paths) {
        if (path === undefined) continue;
        const folder = await stat(dirname(path)).catch(() => undefined);
        if (folder?.isDirectory() !== true) throw wrong(`The folder of ${shortenMiddle(path)} does not exist.`);
        const there = await stat(path).catch(() => undefined);
        if (there?.isDirectory() === true) throw wrong(`${shortenMiddle(path)} is a folder.`);
    }
}

/** To a file, or stdout. What took hours is not lost with a disk that is full. @throws ERR_INVALID_OPTION */
export async function deliver({ stdout }: CommandIo, printed: string, target: string | undefined): Promise<void> {
    if (target === undefined) {
        stdout.write(printed);
        return;
    }
    try {
        await writeTarget(target, printed);
    } catch (error) {
        stdout.write(printed);
        throw error;
    }
}

/** Whole or not at all. @throws ERR_INVALID_OPTION */
export async function writeTarget(path: string, content: string): Promise<void> {
    const temporary = `${path}.${process.pid}.part`;
    try {
        await writeFile(temporary, content);
        await rename(temporary, path);
    } catch (error) {
        await rm(temporary, { force: true });
        throw new RastError(
            "ERR_INVALID_OPTION",
            `${shortenMiddle(path)} cannot be written: ${(error as Error).message}`,
            {
                details: { path },
                cause: error
            }
        );
    }
}

function wrong(message: string): RastError {
    return new RastError("ERR_INVALID_OPTION", message);
}
