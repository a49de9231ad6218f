// Files that a command writes at its end, after work that took long.
import { fstatSync, type BigIntStats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { writeWholeFile } from "../machine/output-file.js";
import type { CommandIo } from "./io.js";

/**
 * What cannot be written is said before the work begins. Only regular files are: in place of a device or a pipe, or of the file
 * that stdout is, another file would come.
 * @throws ERR_INVALID_OPTION
 */
export async function checkTargets(paths: readonly (string | undefined)[]): Promise<void> {
    for (const path of paths) {
        if (path === undefined) continue;
        if (path === "-") throw wrong(`"-" stands for no file here; ${advice}.`);
        const folder = await stat(dirname(path)).catch(() => undefined);
        if (folder?.isDirectory() !== true) throw wrong(`The folder of ${shortenMiddle(path)} does not exist.`);
        const there = await stat(path, { bigint: true }).catch(() => undefined);
        if (there === undefined) {
            const link = await lstat(path).catch(() => undefined);
            if (link?.isSymbolicLink() === true) throw wrong(`${shortenMiddle(path)} is a link to nowhere.`);
            continue;
        }
        if (there.isDirectory()) throw wrong(`${shortenMiddle(path)} is a folder.`);
        if (isStream(path)) throw wrong(`${shortenMiddle(path)} is a stream of this process; ${advice}.`);
        if (!there.isFile()) {
            throw wrong(`${shortenMiddle(path)} is a device, a pipe or a socket, not a regular file; ${advice}.`);
        }
        if (isStandardOutput(there)) throw wrong(`${shortenMiddle(path)} is where stdout goes already; ${advice}.`);
    }
}

const advice = "what goes to stdout needs no file";

function isStream(path: string): boolean {
    return /^\/(?:dev\/(?:std(?:in|out|err)$|fd\/)|proc\/)/.test(path);
}

function isStandardOutput({ dev, ino }: BigIntStats): boolean {
    try {
        const stdout = fstatSync(1, { bigint: true });
        return stdout.dev === dev && stdout.ino === ino;
    } catch {
        return false; // it is closed
    }
}

/** To a file, or stdout. What took hours is not lost with a disk that is full. @throws ERR_FILE_UNWRITABLE, ERR_IS_DIRECTORY */
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

/** Whole or not at all; a link stays one. @throws ERR_FILE_UNWRITABLE, ERR_IS_DIRECTORY */
export async function writeTarget(path: string, content: string): Promise<void> {
    await writeWholeFile(path, content);
}

function wrong(message: string): RastError {
    return new RastError("ERR_INVALID_OPTION", message);
}
