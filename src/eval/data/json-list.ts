// A list in JSON as the texts of its entries, so that a long one is read piece by piece.
import { isUtf8 } from "node:buffer";
import { longestLine } from "../../grading/lines.js";
import type { Pace } from "../../grading/reading.js";

/** Bytes that are looked at before the event loop is heard. */
const atOnce = 65_536;

/** An entry as it was written, or why it cannot be read. */
export type Entry = { readonly text: string } | { readonly bad: string };

/** What is wrong with a list as a whole. */
export class UnreadableList extends Error {}

const [quote, backslash, comma, openList, closeList, openObject, closeObject] = Buffer.from('"\\,[]{}');

/** Whether bytes begin as a list does. */
export function beginsList(bytes: Buffer): boolean {
    return /^\uFEFF?\s*\[/.test(bytes.toString("utf8", 0, 1000));
}

/**
 * The entries of a list. What is no JSON within one is for whoever parses it to find.
 * @param bytes for which `beginsList` holds
 * @throws UnreadableList; the pace's signal's reason
 */
export async function* entriesOf(bytes: Buffer, pace: Pace): AsyncGenerator<Entry> {
    let depth = 0;
    let inText = false;
    let start = bytes.indexOf(openList!) + 1;
    let closed: number | undefined;
    let entries = 0;
    let heard = 0;
    for (let at = start; at < bytes.length && closed === undefined; at++) {
        if (at - heard >= atOnce) {
            heard = at;
            await pace.keep();
        }
        const one = bytes[at];
        if (inText) {
            if (one === backslash) at++;
            else if (one === quote) inText = false;
        } else if (one === quote) inText = true;
        else if (one === openList || one === openObject) depth++;
        else if (depth > 0 && (one === closeList || one === closeObject)) depth--;
        else if (depth === 0 && (one === comma || one === closeList)) {
            const entry = entryOf(bytes.subarray(start, at));
            if (one === closeList) closed = at;
            // "[]" has none
            if (closed === undefined || entries > 0 || !("text" in entry) || entry.text.trim() !== "") yield entry;
            entries++;
            start = at + 1;
        }
    }
    if (closed === undefined) throw new UnreadableList("its list does not end");
    if (bytes.toString("utf8", closed + 1, closed + 1000).trim() !== "")
        throw new UnreadableList("something stands behind its list");
}

function entryOf(bytes: Buffer): Entry {
    if (bytes.length > longestLine) return { bad: `it has more than ${longestLine} bytes` };
    return isUtf8(bytes) ? { text: bytes.toString("utf8") } : { bad: "it is not UTF-8 text" };
}
