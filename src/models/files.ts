import { open, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { shortenMiddle } from "../checks.js";
import { RastError, type ErrorCode } from "../errors.js";

/** Why a file is looked at, for messages: "the base model", "the trio file". */
export interface FilePurpose {
    /** In words, after "for": "the base model". */
    readonly what: string;
    /** More facts for `details`. */
    readonly details?: Readonly<Record<string, unknown>>;
}

const magic = "GGUF";
const splitName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

/**
 * Checks what can be checked of a GGUF file without reading it, and that all parts of a split model are there.
 * @returns size in bytes, of all parts
 * @throws ERR_FILE_NOT_FOUND, ERR_IS_DIRECTORY, ERR_FILE_UNREADABLE, ERR_FILE_EMPTY, ERR_NOT_GGUF,
 *     ERR_INVALID_ARGUMENT when a later part of a split model is named
 */
export async function checkModelFile(path: string, purpose: FilePurpose): Promise<number> {
    let bytes = 0;
    for (const part of splitParts(path, purpose)) {
        bytes += await checkOneFile(part, purpose);
    }
    return bytes;
}

function splitParts(path: string, purpose: FilePurpose): string[] {
    const match = splitName.exec(basename(path));
    const count = Number(match?.[3]);
    if (match === null || count < 1) return [path];
    const part = (index: number): string =>
        join(dirname(path), `${match[1]}-${String(index).padStart(5, "0")}-of-${match[3]}.gguf`);
    if (Number(match[2]) !== 1) {
        throw fileError("ERR_INVALID_ARGUMENT", path, purpose, `is a later part of a split model: give ${shortenMiddle(part(1))}`);
    }
    // The name that was given stays as it is, whatever the case of its extension.
    return [path, ...Array.from({ length: count - 1 }, (_, index) => part(index + 2))];
}

async function checkOneFile(path: string, purpose: FilePurpose): Promise<number> {
    const size = await fileSize(path, purpose);
    if (size === 0) throw fileError("ERR_FILE_EMPTY", path, purpose, "is empty");
    const start = await readStart(path, purpose);
    if (start !== magic) {
        throw fileError("ERR_NOT_GGUF", path, purpose, `is not a GGUF file: it starts with ${JSON.stringify(start)}`);
    }
    return size;
}

/**
 * @returns size in bytes of a regular file
 * @throws ERR_FILE_NOT_FOUND, ERR_IS_DIRECTORY, ERR_FILE_UNREADABLE
 */
export async function fileSize(path: string, purpose: FilePurpose): Promise<number> {
    const facts = await stat(path).catch((error: unknown) => {
        throw systemError(error, path, purpose);
    });
    if (facts.isDirectory()) throw fileError("ERR_IS_DIRECTORY", path, purpose, "is a folder");
    // Opening a pipe or a device could wait for ever.
    if (!facts.isFile()) throw fileError("ERR_FILE_UNREADABLE", path, purpose, "is not a regular file");
    return facts.size;
}

async function readStart(path: string, purpose: FilePurpose): Promise<string> {
    try {
        const file = await open(path);
        try {
            const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
            return buffer.toString("latin1", 0, bytesRead);
        } finally {
            await file.close();
        }
    } catch (error) {
        throw systemError(error, path, purpose);
    }
}

/** The typed error for what the file system said. */
export function systemError(error: unknown, path: string, purpose: FilePurpose): RastError {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") {
        return fileError("ERR_FILE_NOT_FOUND", path, purpose, "does not exist", error);
    }
    if (code === "EISDIR") return fileError("ERR_IS_DIRECTORY", path, purpose, "is a folder", error);
    return fileError("ERR_FILE_UNREADABLE", path, purpose, `cannot be read: ${code ?? shortenMiddle(message)}`, error);
}

function fileError(code: ErrorCode, path: string, purpose: FilePurpose, what: string, cause?: unknown): RastError {
    return new RastError(code, `The file for ${purpose.what} ${what}: ${shortenMiddle(path)}`, {
        details: { ...purpose.details, path },
        ...(cause === undefined ? {} : { cause })
    });
}
