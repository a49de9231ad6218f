// Lines of standard input that is no terminal, as they come.
import { isUtf8 } from "node:buffer";
import { RastError } from "../../errors.js";
import type { Input } from "../io.js";

const longestLineBytes = 64 * 1_048_576;

/**
 * Lines without their ends; the last may have none.
 * @param signal behind which nothing comes any more
 * @throws ERR_FILE_UNREADABLE for what is not UTF-8, naming the line, for a line that does not end, and for a stream that fails
 */
export async function* inputLines(input: Input, signal: AbortSignal): AsyncGenerator<string, void, undefined> {
    let rest: Buffer[] = [];
    let restBytes = 0;
    let number = 1;
    try {
        for await (const chunk of input) {
            let bytes = Buffer.from(chunk as Buffer | string);
            for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
                yield toLine(Buffer.concat([...rest, bytes.subarray(0, end)]), number++);
                rest = [];
                restBytes = 0;
                bytes = bytes.subarray(end + 1);
            }
            rest.push(bytes);
            restBytes += bytes.length;
            if (restBytes > longestLineBytes) throw unreadable(`line ${number} does not end`, number);
        }
    } catch (error) {
        if (error instanceof RastError) throw error;
        if (signal.aborted) return;
        const { code = "unknown" } = error as NodeJS.ErrnoException;
        throw new RastError("ERR_FILE_UNREADABLE", `Standard input cannot be read: ${code}.`, { cause: error });
    }
    if (restBytes > 0) yield toLine(Buffer.concat(rest), number);
}

function toLine(bytes: Buffer, number: number): string {
    if (!isUtf8(bytes)) throw unreadable(`it is not UTF-8 text: see line ${number}`, number);
    return bytes.toString("utf8").replace(/\r$/, "");
}

function unreadable(what: string, line: number): RastError {
    return new RastError("ERR_FILE_UNREADABLE", `Standard input cannot be read: ${what}.`, { details: { line } });
}
