// What a safetensors file says of its tensors: a u64, JSON, data. All of it is checked against the file's size.
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { JsonProblem, readBoundedJson, type JsonValue } from "./bounded-json.js";
import { Slices, sortedInSlices } from "./slices.js";

/** One tensor of a safetensors file. */
export interface TensorEntry {
    readonly name: string;
    /** As the file names it: "F32", "BF16", ... */
    readonly dtype: string;
    /** Outermost dimension first; empty for a single number. */
    readonly shape: readonly number[];
    readonly bytes: number;
    /** From the beginning of the file. */
    readonly offset: number;
    /** Absolute path of the file. */
    readonly file: string;
}

/** The header of one file. */
export interface SafetensorsHeader {
    /** In the order of their data. */
    readonly tensors: readonly TensorEntry[];
    /** What the header says besides, such as `format`. */
    readonly metadata: ReadonlyMap<string, string>;
}

/** Bytes of a header at most: as many as the reference implementation reads. */
export const mostHeaderBytes = 100_000_000;

/** Of 500,000 tensors and more; what holds them takes memory that is long to be looked through. */
const mostValues = 4_000_000;
const longestName = 1024;
const mostDimensions = 32;

const bitsOf: ReadonlyMap<string, number> = new Map([
    ["BOOL", 8],
    ["F4", 4],
    ["F6_E2M3", 6],
    ["F6_E3M2", 6],
    ...["U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"].map((name) => [name, 8] as const),
    ...["I16", "U16", "F16", "BF16"].map((name) => [name, 16] as const),
    ...["I32", "U32", "F32"].map((name) => [name, 32] as const),
    ...["I64", "U64", "F64", "C64"].map((name) => [name, 64] as const)
]);

/** The error for a file that is not what it should be. */
export function safetensorsError(file: string, what: string, tensor?: string, cause?: unknown): RastError {
    const named = tensor === undefined ? "" : `, tensor ${JSON.stringify(shortenMiddle(tensor))}`;
    return new RastError("ERR_SAFETENSORS", `${shortenMiddle(file)}${named}: ${what}.`, {
        details: { path: file, ...(tensor === undefined ? {} : { tensor: shortenMiddle(tensor) }) },
        ...(cause === undefined ? {} : { cause })
    });
}

/**
 * Length of the header, from the first 8 bytes.
 * @throws ERR_SAFETENSORS unless a header of that length fits into the file
 */
export function headerLength(start: Uint8Array, fileBytes: number, file: string): number {
    if (start.length < 8 || fileBytes < 8) {
        throw safetensorsError(
            file,
            `it is cut short: it has ${fileBytes} bytes, and the length of its header takes 8`
        );
    }
    const length = Buffer.from(start.buffer, start.byteOffset, 8).readBigUInt64LE();
    if (length > BigInt(mostHeaderBytes)) {
        throw safetensorsError(file, `it is not in safetensors format: its header would have ${length} bytes`);
    }
    if (Number(length) + 8 > fileBytes) {
        throw safetensorsError(
            file,
            `it is cut short: its header ends at ${Number(length) + 8}, the file at ${fileBytes} bytes`
        );
    }
    if (length < 2n) throw safetensorsError(file, `its header has ${length} bytes`);
    return Number(length);
}

/**
 * Reads a header: names once, offsets without gap or overlap up to the file's end, sizes as type and shape say.
 * @param json all of the header, without its length
 * @throws ERR_SAFETENSORS naming the file, and the tensor where it is one
 */
export async function readHeader(json: Uint8Array, fileBytes: number, file: string): Promise<SafetensorsHeader> {
    if (json[0] !== 0x7b)
        throw safetensorsError(file, 'it is not in safetensors format: its header does not begin with "{"');
    const value = await readBoundedJson(json, mostValues).catch((error: unknown) => {
        if (!(error instanceof JsonProblem)) throw error;
        throw safetensorsError(file, `its header is damaged: ${error.message}`, undefined, error);
    });
    if (!(value instanceof Map)) throw safetensorsError(file, "its header is no object");
    const map = value as ReadonlyMap<string, JsonValue>;
    const dataBegin = json.length + 8;
    const entries: TensorEntry[] = [];
    const slices = new Slices();
    for (const [name, entry] of map) {
        if (name !== "__metadata__") entries.push(readEntry(name, entry, dataBegin, fileBytes, file));
        if (slices.over()) await slices.next();
    }
    const tensors = await sortedInSlices(entries, (one, other) => one.offset - other.offset || one.bytes - other.bytes);
    await checkContiguous(tensors, dataBegin, fileBytes, file);
    return { tensors, metadata: await readMetadata(map.get("__metadata__"), file) };
}

async function readMetadata(value: JsonValue | undefined, file: string): Promise<ReadonlyMap<string, string>> {
    if (value === undefined) return new Map();
    if (!(value instanceof Map)) throw safetensorsError(file, "its __metadata__ is no object");
    const map = value as ReadonlyMap<string, JsonValue>;
    const slices = new Slices();
    for (const [key, text] of map) {
        if (typeof text !== "string") {
            throw safetensorsError(file, `its __metadata__ has no text under ${JSON.stringify(shortenMiddle(key))}`);
        }
        if (slices.over()) await slices.next();
    }
    return map as ReadonlyMap<string, string>;
}

function readEntry(name: string, value: JsonValue, dataBegin: number, fileBytes: number, file: string): TensorEntry {
    const fail = (what: string): never => {
        throw safetensorsError(file, what, name);
    };
    if (name === "") fail("it has no name");
    if (Buffer.byteLength(name) > longestName) fail(`its name has more than ${longestName} bytes`);
    if (!(value instanceof Map)) return fail("its entry is no object");
    const entry = value as ReadonlyMap<string, JsonValue>;
    const dtype = entry.get("dtype");
    if (typeof dtype !== "string" || dtype.length > 32) return fail("it has no dtype");
    const shape = entry.get("shape");
    if (!isCounts(shape)) return fail("its shape is no list of integers from 0");
    if (shape.length > mostDimensions) fail(`its shape has ${shape.length} dimensions`);
    const offsets = entry.get("data_offsets");
    if (!isCounts(offsets) || offsets.length !== 2) return fail("its data_offsets are no two integers from 0");
    const [begin, end] = offsets as readonly [number, number];
    if (begin > end) fail(`its data end before they begin, at ${end} and ${begin}`);
    if (end > fileBytes - dataBegin) {
        fail(`its data end at ${end}, and the file has ${fileBytes - dataBegin} bytes of data: it is cut short`);
    }
    const bits = bitsOf.get(dtype);
    if (bits !== undefined) {
        // in whole numbers of any size: a product of doubles could be rounded to the right one
        const expected = shape.reduce((product, n) => product * BigInt(n), BigInt(bits));
        if (expected !== BigInt(end - begin) * 8n) {
            fail(
                `its data have ${end - begin} bytes, and ${dtype} of shape [${shape.join(", ")}] takes ${Number(expected) / 8}`
            );
        }
    }
    return { name, dtype, shape, bytes: end - begin, offset: dataBegin + begin, file };
}

async function checkContiguous(
    tensors: readonly TensorEntry[],
    dataBegin: number,
    fileBytes: number,
    file: string
): Promise<void> {
    const slices = new Slices();
    let at = dataBegin;
    for (const { name, offset, bytes } of tensors) {
        if (offset < at)
            throw safetensorsError(
                file,
                `its data begin at ${offset - dataBegin}, within those of another tensor`,
                name
            );
        if (offset > at)
            throw safetensorsError(file, `no tensor has the ${offset - at} bytes in front of its data`, name);
        at = offset + bytes;
        if (slices.over()) await slices.next();
    }
    if (at !== fileBytes) throw safetensorsError(file, `no tensor has its last ${fileBytes - at} bytes`);
}

function isCounts(value: JsonValue | undefined): value is readonly number[] {
    return (
        Array.isArray(value) &&
        (value as readonly JsonValue[]).every((n) => typeof n === "number" && Number.isSafeInteger(n) && n >= 0)
    );
}
