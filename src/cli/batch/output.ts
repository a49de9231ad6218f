import { createReadStream } from "node:fs";
import { open, truncate, type FileHandle } from "node:fs/promises";
import { isObject, shortenMiddle } from "../../checks.js";
import { RastError } from "../../errors.js";
import { systemError } from "../../models/files.js";
import type { Output } from "../io.js";
import type { BatchPrompt } from "./prompts.js";

/** Where lines of a batch go, in the order of its prompts. */
export interface BatchOutput {
    /** Lines that were there before. */
    readonly kept: number;
    /** Those of them that tell of an error. */
    readonly keptFailures: number;
    /** @throws ERR_FILE_UNWRITABLE */
    write(line: string): Promise<void>;
    close(): Promise<void>;
}

/** Lines on a stream. */
export function streamOutput(stream: Output): BatchOutput {
    return {
        kept: 0,
        keptFailures: 0,
        write: async (line) => void stream.write(`${line}\n`),
        close: async () => {}
    };
}

/**
 * Lines behind those that a file has of the same prompts. A last line that was not written to its end is cut off; the file
 * is left as it is where anything else in it is not the output of this batch.
 * @throws ERR_INVALID_OPTION naming the line; ERR_FILE_UNREADABLE, ERR_FILE_UNWRITABLE
 */
export async function fileOutput(path: string, prompts: readonly BatchPrompt[]): Promise<BatchOutput> {
    let kept = 0;
    let keptFailures = 0;
    let wholeBytes = 0;
    let cut = false;
    for await (const { bytes, ended } of linesOf(path)) {
        const prompt = prompts[kept];
        const line = bytes.toString("utf8");
        const content = ended ? parse(line) : undefined;
        if (prompt !== undefined && content === undefined && !ended && beginsLike(line, prompt)) {
            cut = true;
            break;
        }
        if (prompt === undefined || content === undefined || !belongs(content, prompt)) {
            const what =
                prompt === undefined ? "is one more than there are prompts" : `is not that of prompt ${kept + 1}`;
            throw new RastError(
                "ERR_INVALID_OPTION",
                `Line ${kept + 1} of ${shortenMiddle(path)} ${what}: choose another --output for another batch.`,
                { details: { option: "--output", path } }
            );
        }
        kept += 1;
        if (content["error"] !== undefined) keptFailures += 1;
        wholeBytes += bytes.length + 1;
    }
    const file = await writing(path, async () => {
        if (cut) await truncate(path, wholeBytes);
        return open(path, "a");
    });
    return appendTo(path, file, kept, keptFailures);
}

function appendTo(path: string, file: FileHandle, kept: number, keptFailures: number): BatchOutput {
    return {
        kept,
        keptFailures,
        write: (line) => writing(path, () => file.appendFile(`${line}\n`)),
        close: () => file.close()
    };
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (error) {
        const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
        throw new RastError("ERR_FILE_UNWRITABLE", `${shortenMiddle(path)} cannot be written: ${why}.`, {
            details: { path },
            cause: error
        });
    }
}

// Not through strings: a cut character at the end must not change where it is cut.
async function* linesOf(path: string): AsyncGenerator<{ readonly bytes: Buffer; readonly ended: boolean }> {
    let rest: Buffer[] = [];
    try {
        for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
            let start = 0;
            for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
                yield { bytes: Buffer.concat([...rest, chunk.subarray(start, end)]), ended: true };
                rest = [];
                start = end + 1;
            }
            rest.push(chunk.subarray(start));
        }
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
        throw error instanceof RastError ? error : systemError(error, path, { what: "the batch's output" });
    }
    const bytes = Buffer.concat(rest);
    if (bytes.length > 0) yield { bytes, ended: false };
}

function parse(line: string): Record<string, unknown> | undefined {
    try {
        const value: unknown = JSON.parse(line);
        return isObject(value) ? value : undefined;
    } catch {
        return undefined;
    }
}

/** How the line of a prompt begins. */
export function headOf({ index, id, request }: BatchPrompt): object {
    return { index, ...(id === undefined ? {} : { id }), request };
}

function belongs({ index, id, request }: Record<string, unknown>, prompt: BatchPrompt): boolean {
    const there = { index, ...(id === undefined ? {} : { id }), request };
    return JSON.stringify(there) === JSON.stringify(headOf(prompt));
}

function beginsLike(line: string, prompt: BatchPrompt): boolean {
    const head = JSON.stringify(headOf(prompt)).slice(0, -1);
    // A character that was cut is U+FFFD here.
    const shown = line.replace(/\uFFFD+$/, "");
    return shown.startsWith(head) || head.startsWith(shown);
}
