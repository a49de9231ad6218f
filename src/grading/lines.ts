// A stream as lines, or as rows of CSV, in bounded memory.
import { isUtf8 } from "node:buffer";
import { quote } from "../checks.js";
import { RastError } from "../errors.js";
import { Pace } from "./reading.js";

/** A line, or why it is passed over. */
export type Line = { readonly at: number; readonly text: string } | { readonly at: number; readonly bad: string };

/** Bytes of one line: a longer one would keep the event loop busy while it is parsed. */
export const longestLine = 16 * 1_048_576;

/** Bytes that are read past to find the end of a line: a source with more of them, such as one of zeros, has no lines. */
export const longestSkipped = 1024 * 1_048_576;

/** How lines are read. */
export interface LineLimits {
    readonly longest?: number;
    readonly longestSkipped?: number;
    /** Empty lines count, too: they may stand within a cell of CSV. @default false */
    readonly keepEmpty?: boolean;
    readonly signal?: AbortSignal | undefined;
}

/**
 * Lines of a stream of bytes, from 1; empty ones are passed over. A line that is too long is read past, not kept.
 * @throws ERR_GRADE_FILE where a line does not end; the signal's reason
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>, limits: LineLimits = {}): AsyncGenerator<Line> {
    const { longest = longestLine, longestSkipped: skipped = longestSkipped, keepEmpty = false, signal } = limits;
    const pace = new Pace(signal);
    let parts: Uint8Array[] = [];
    let length = 0;
    let at = 1;
    const finish = (): Line | undefined => {
        const kept = parts;
        const size = length;
        parts = [];
        length = 0;
        if (size > longest) return { at, bad: `it has more than ${longest} bytes` };
        const bytes = Buffer.concat(kept);
        if (bytes.includes(0)) return { at, bad: "it has NUL bytes, as no text has" };
        if (!isUtf8(bytes)) return { at, bad: "it is not UTF-8 text" };
        const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
        return text.trim() === "" && !keepEmpty ? undefined : { at, text };
    };
    for await (const chunk of stream) {
        let start = 0;
        for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
            length += end - start;
            if (length <= longest) parts.push(chunk.subarray(start, end));
            const line = finish();
            if (line !== undefined) yield line;
            at++;
            start = end + 1;
            if (at % 256 === 0) await pace.keep();
        }
        length += chunk.length - start;
        if (length > skipped) {
            throw new RastError("ERR_GRADE_FILE", `Line ${at} does not end within ${skipped} bytes.`, {
                details: { line: at }
            });
        }
        if (length <= longest) parts.push(chunk.subarray(start));
        else parts = [];
    }
    const line = finish();
    if (line !== undefined) yield line;
}

/** A row of CSV as an object by the names in the first row, or why it is none. */
export type Row =
    | { readonly at: number; readonly value: Readonly<Record<string, string>> }
    | { readonly at: number; readonly bad: string };

/**
 * Rows of CSV with a head (RFC 4180): a cell in quotes may have commas, lines and doubled quotes. Behind a head that cannot be used
 * nothing is read. @param lines with empty ones
 */
export async function* rowsOf(lines: AsyncIterable<Line>, longest = longestLine): AsyncGenerator<Row> {
    let head: readonly string[] | undefined;
    let open: { at: number; text: string } | undefined;
    for await (const line of lines) {
        if ("bad" in line) {
            yield line;
            continue;
        }
        const text = line.text.replace(/\r$/, "");
        if (open === undefined && text.trim() === "") continue;
        const whole = open === undefined ? text : `${open.text}\n${text}`;
        const at = open?.at ?? line.at;
        if (whole.length > longest) {
            open = undefined;
            yield { at, bad: `it has more than ${longest} characters` };
            continue;
        }
        // An odd number of quotes: a cell goes on in the next line.
        const odd = (text.split('"').length % 2 === 0) !== (open !== undefined);
        if (odd) {
            open = { at, text: whole };
            continue;
        }
        open = undefined;
        const cells = cellsOf(whole);
        if (head === undefined) {
            const names = cells?.map((name) => name.trim());
            const twice = names?.find((name, index) => name !== "" && names.indexOf(name) < index);
            if (names !== undefined && twice === undefined) {
                head = names;
                continue;
            }
            yield { at, bad: twice === undefined ? behindQuote : `the head has two columns named ${quote(twice)}` };
            return;
        }
        if (cells === undefined) yield { at, bad: behindQuote };
        else if (cells.length !== head.length)
            yield { at, bad: `it has ${cells.length} cells where the head has ${head.length}` };
        else yield { at, value: Object.fromEntries(head.map((name, index) => [name, cells[index]!])) };
    }
    if (open !== undefined) yield { at: open.at, bad: "its last quote does not close" };
}

const behindQuote = "there is text between a cell's last quote and the comma";

/** @returns undefined where text stands behind a cell that has ended */
function cellsOf(row: string): string[] | undefined {
    const cells: string[] = [];
    for (let at = 0; at <= row.length;) {
        if (row[at] !== '"') {
            const end = row.indexOf(",", at);
            cells.push(row.slice(at, end < 0 ? row.length : end));
            at = end < 0 ? row.length + 1 : end + 1;
            continue;
        }
        let cell = "";
        for (at++; at < row.length;) {
            const end = row.indexOf('"', at);
            const stop = end < 0 ? row.length : end;
            cell += row.slice(at, stop);
            at = stop + 1;
            if (row[at] !== '"') break;
            cell += '"';
            at++;
        }
        cells.push(cell);
        if (at < row.length && row[at] !== ",") return undefined;
        at++;
    }
    return cells;
}
