// Records of a file of JSON lines, each checked before anything is loaded.
import { createReadStream } from "node:fs";
import { describeError, isObject, shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { parseJson } from "../grading/json-text.js";
import { linesOf } from "../grading/lines.js";
import { chunksOf } from "../grading/reading.js";
import { fileSize, systemError } from "../models/files.js";

/** Where records come from: a file's path, or a stream of bytes such as process.stdin. */
export type RecordSource = string | AsyncIterable<Uint8Array>;

/** Bytes of a file of records: they are all held. */
const mostBytes = 1024 * 1_048_576;

/** An object on a line of its own. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/**
 * All records of a source, made of the objects on its lines.
 * @param read makes a record of an object, or says what is wrong with it: "it has no prompt"
 * @throws ERR_SCORE_INPUT naming the first line that is no record, or for a source without any; ERR_FILE_NOT_FOUND and its kin;
 *     the signal's reason
 */
export async function readRecords<T>(
    source: RecordSource,
    read: (record: JsonRecord, line: number) => T | string,
    signal?: AbortSignal
): Promise<T[]> {
    const name = typeof source === "string" ? shortenMiddle(source) : "the input";
    const records: T[] = [];
    const refuse = (line: number, reason: string): RastError =>
        new RastError("ERR_SCORE_INPUT", `Line ${line} of ${name}: ${reason}.`, { details: { line, reason } });
    for await (const line of linesOf(chunksOf(await opened(source), signal), { signal })) {
        if ("bad" in line) throw refuse(line.at, line.bad);
        let value: unknown;
        try {
            value = parseJson(line.text);
        } catch (error) {
            throw refuse(line.at, `it is not JSON: ${describeError(error)}`);
        }
        if (!isObject(value)) throw refuse(line.at, "it is no object");
        const record = read(value, line.at);
        if (typeof record === "string") throw refuse(line.at, record);
        records.push(record);
    }
    if (records.length === 0) throw new RastError("ERR_SCORE_INPUT", `There are no records in ${name}.`);
    return records;
}

async function opened(source: RecordSource): Promise<AsyncIterable<Uint8Array>> {
    if (typeof source !== "string") return source;
    const purpose = { what: "the records" };
    const size = await fileSize(source, purpose);
    if (size > mostBytes) {
        const message = `${shortenMiddle(source)} has ${size} bytes, and ${mostBytes} are the most: split it.`;
        throw new RastError("ERR_SCORE_INPUT", message, { details: { path: source, size } });
    }
    return bytesOf(source);
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
    try {
        for await (const chunk of createReadStream(path)) yield chunk as Buffer;
    } catch (error) {
        throw systemError(error, path, { what: "the records" });
    }
}

/** What a record calls itself: its `id`, `doc_id`, `idx` or `unique_id`. */
export function nameOf(record: JsonRecord): string | number | undefined {
    const id = record["id"] ?? record["doc_id"] ?? record["idx"] ?? record["unique_id"];
    return typeof id === "string" || typeof id === "number" ? id : undefined;
}

/** The text under the first of some names that there is, or why there is none. */
export function textUnder(
    record: JsonRecord,
    names: readonly string[]
): { readonly text: string } | { readonly bad: string } {
    const name = names.find((one) => record[one] !== undefined && record[one] !== null);
    if (name === undefined) return { bad: `it has no ${names.join(" or ")}` };
    const text = record[name];
    return typeof text === "string" ? { text } : { bad: `its ${name} is no text` };
}
