import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { fileSize, systemError, type FilePurpose } from "../models/files.js";
import type { Input } from "./io.js";

const maxInputBytes = 64 * 1_048_576;

/**
 * The text of a file.
 * @param what it is for: "the grammar"
 * @throws ERR_FILE_NOT_FOUND, ERR_IS_DIRECTORY, ERR_FILE_UNREADABLE, ERR_FILE_EMPTY
 */
export async function readInput(path: string, what: string): Promise<string> {
    const purpose: FilePurpose = { what };
    const size = await fileSize(path, purpose);
    if (size > maxInputBytes) throw tooLong(`The file for ${what}`);
    // Files of the kernel say so too, and may never end.
    if (size === 0)
        throw new RastError("ERR_FILE_EMPTY", `The file for ${what} is empty: ${shortenMiddle(path)}`, {
            details: { path }
        });
    const bytes = await readFile(path).catch((error: unknown) => {
        throw systemError(error, path, purpose);
    });
    return toText(bytes, `The file for ${what}`);
}

/**
 * The prompt on standard input.
 * @throws ERR_EMPTY_PROMPT on a terminal, ERR_FILE_UNREADABLE
 */
export async function readStandardInput(stream: Input): Promise<string> {
    if (stream.isTTY === true) {
        throw new RastError("ERR_EMPTY_PROMPT", "No prompt: give it as an argument or on standard input.");
    }
    // The newline that ends a line of input is not part of the prompt.
    return (await readAll(stream)).replace(/\r?\n$/, "");
}

/**
 * All of standard input, of whatever lines.
 * @throws ERR_FILE_UNREADABLE
 */
export async function readAll(stream: Input): Promise<string> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
        for await (const chunk of stream) {
            chunks.push(chunk as Buffer);
            length += (chunk as Buffer).length;
            if (length > maxInputBytes) break;
        }
    } catch (error) {
        const { code = "unknown" } = error as NodeJS.ErrnoException;
        throw new RastError("ERR_FILE_UNREADABLE", `Standard input cannot be read: ${code}.`, { cause: error });
    }
    if (length > maxInputBytes) throw tooLong("Standard input");
    return toText(Buffer.concat(chunks), "Standard input");
}

function toText(bytes: Buffer, what: string): string {
    if (isUtf8(bytes)) return bytes.toString("utf8");
    const line = firstBadLine(bytes);
    throw new RastError("ERR_FILE_UNREADABLE", `${what} is not UTF-8 text: see line ${line}.`, { details: { line } });
}

// No byte of a longer character is a newline.
function firstBadLine(bytes: Buffer): number {
    let start = 0;
    for (let line = 1; ; line++) {
        const end = bytes.indexOf(10, start);
        if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
        start = end + 1;
    }
}

function tooLong(what: string): RastError {
    return new RastError("ERR_FILE_UNREADABLE", `${what} has more than ${maxInputBytes} bytes: it is no text to read.`);
}
