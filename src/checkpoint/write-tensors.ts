// Tensors from file to file: read, converted and written in slices, a few at a time.
import { RastError } from "../errors.js";
import type { OutputFile } from "../machine/output-file.js";
import type { NativeAddon } from "../native/addon-types.js";
import type { Safetensors } from "../safetensors/reader.js";
import { graftError } from "./graft-error.js";
import type { GraftProgress } from "./graft.js";
import type { GraftedHead } from "./gguf-head.js";
import type { GraftPlan, PlannedTensor, SourcePart } from "./plan.js";
import { readBytes } from "./template.js";

/** Bytes of a slice as the checkpoint has it, about; a conversion takes three to four times as many. */
const sliceBytes = 4 << 20;

/** How the work is done. */
export interface WriteOptions {
    /** Slices at a time. */
    readonly threads: number;
    readonly onProgress?: ((progress: GraftProgress) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
}

/** Rows of one tensor that are made at once. */
interface Slice {
    readonly tensor: PlannedTensor;
    /** Row of the tensor that is made. */
    readonly row: number;
    readonly rows: number;
    /** Where its numbers are; none for padding, and for what is copied. */
    readonly source?: SourcePart;
    /** Byte in the file. */
    readonly at: number;
    readonly bytes: number;
}

/**
 * Writes a header and all tensors of a plan.
 * @throws ERR_GRAFT for numbers that a type cannot hold, naming the tensor; ERR_FILE_UNWRITABLE, ERR_FILE_UNREADABLE; the
 *     signal's reason
 */
export async function writeTensors(
    addon: NativeAddon,
    weights: Safetensors,
    plan: GraftPlan,
    head: GraftedHead,
    file: OutputFile,
    { threads, onProgress, signal }: WriteOptions
): Promise<void> {
    await file.write(head.bytes, 0);
    // what no tensor covers is padding, zeros
    await file.truncate(head.fileBytes);
    const all = plan.tensors.reduce((sum, { bytes }) => sum + bytes, 0);
    let written = 0;
    const slices = slicesOf(plan, head);
    const work = async (): Promise<void> => {
        for (const slice of slices) {
            signal?.throwIfAborted();
            await file.write(await made(addon, weights, slice), slice.at);
            written += slice.bytes;
            onProgress?.({ step: "graft", tensor: slice.tensor.name, fraction: all === 0 ? 1 : written / all });
        }
    };
    // every worker takes the next slice; after the first error none takes another
    let failed = false;
    const guarded = async (): Promise<void> => {
        try {
            await work();
        } catch (error) {
            if (!failed) {
                failed = true;
                slices.return(undefined);
            }
            throw error;
        }
    };
    const results = await Promise.allSettled(Array.from({ length: Math.max(1, Math.min(threads, 16)) }, guarded));
    const wrong = results.find((result) => result.status === "rejected");
    if (wrong !== undefined) throw wrong.reason;
}

function* slicesOf(plan: GraftPlan, head: GraftedHead): Generator<Slice, undefined> {
    for (const [index, tensor] of plan.tensors.entries()) {
        const begin = head.offsets[index]!;
        const [row, rowBytes, rows] = rowsOf(tensor);
        const width = tensor.from === "f32" ? 4 : 2;
        const heads = Math.max(1, tensor.headRows);
        // whole heads, whole rows: of a bias all
        const most = Math.max(heads, Math.floor(sliceBytes / (row * width) / heads) * heads);
        const of = (from: number, count: number, source?: SourcePart): Slice => ({
            tensor,
            row: from,
            rows: count,
            at: begin + from * rowBytes,
            bytes: count * rowBytes,
            ...(source === undefined ? {} : { source })
        });
        if (tensor.copyOf !== undefined) {
            yield { tensor, row: 0, rows: 1, at: begin, bytes: tensor.bytes };
            continue;
        }
        let at = 0;
        for (const part of tensor.parts) {
            for (let done = 0; done < part.rows; done += most) {
                const count = Math.min(most, part.rows - done);
                yield of(at, count, { tensor: part.tensor, firstRow: part.firstRow + done, rows: count });
                at += count;
            }
        }
        for (; at < rows; at += Math.min(most, rows - at)) yield of(at, Math.min(most, rows - at));
    }
    return undefined;
}

// Numbers in a row, bytes of a row as it is written, and rows. A permuted bias has a number in each.
function rowsOf({ shape, type, headRows }: PlannedTensor): [number, number, number] {
    if (shape.length === 1 && headRows > 0) return [1, type.blockBytes, shape[0]!];
    const rows = shape.slice(1).reduce((product, n) => product * n, 1);
    return [shape[0]!, (shape[0]! / type.blockSize) * type.blockBytes, rows];
}

async function made(addon: NativeAddon, weights: Safetensors, slice: Slice): Promise<Uint8Array> {
    const { tensor, source, rows } = slice;
    if (tensor.copyOf !== undefined) return readBytes(tensor.copyOf.file, tensor.copyOf.offset, tensor.copyOf.bytes);
    const [row] = rowsOf(tensor);
    const sourceBytes = row * (tensor.from === "f32" ? 4 : 2);
    const numbers =
        source === undefined
            ? Buffer.alloc(rows * sourceBytes)
            : await weights.read(source.tensor.name, source.firstRow * sourceBytes, rows * sourceBytes);
    try {
        return await addon.convertRows(numbers, {
            from: tensor.from,
            to: tensor.type.name,
            rowLength: row,
            addOne: tensor.addOne,
            headRows: tensor.headRows
        });
    } catch (error) {
        if (!(error instanceof RastError) || error.code !== "ERR_GRAFT" || source === undefined) throw error;
        throw graftError(error.message, { file: source.tensor.file, tensor: source.tensor.name }, error);
    }
}
