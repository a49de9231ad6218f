// The header of a grafted file: the template's metadata as they are, byte for byte, but for a few keys.
import { readBytes, type Template } from "./template.js";
import type { PlannedTensor } from "./plan.js";

const numbersOf = { u32: 4, f32: 6, string: 8 } as const;

/** What a key gets in place of the template's value. Numbers keep the template's type, where it has the key. */
export type NewValue = string | number;

/** A header, and where each tensor's data go. */
export interface GraftedHead {
    readonly bytes: Buffer;
    /** From the beginning of the file, in the order of the tensors. */
    readonly offsets: readonly number[];
    readonly fileBytes: number;
}

/**
 * @param values keys that change, or that the template has not
 * @param dropped keys that are left out
 */
export async function graftedHead(
    template: Template,
    tensors: readonly PlannedTensor[],
    values: ReadonlyMap<string, NewValue>,
    dropped: (key: string) => boolean
): Promise<GraftedHead> {
    const [first] = template.files;
    const records: Buffer[] = [];
    const last = template.keys.at(-1);
    const all = last === undefined ? Buffer.alloc(0) : await readBytes(first!, 0, last.offset + last.bytes);
    for (const key of template.keys) {
        if (dropped(key.name)) continue;
        const value = values.get(key.name);
        records.push(
            value === undefined ? all.subarray(key.offset, key.offset + key.bytes) : record(key.name, value, key.type)
        );
    }
    for (const [name, value] of values) {
        if (!template.keys.some((key) => key.name === name)) {
            records.push(record(name, value, typeof value === "string" ? numbersOf.string : numbersOf.u32));
        }
    }
    const parts = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(records.length), ...records];
    const padded = (size: number): number => Math.ceil(size / template.alignment) * template.alignment;
    const relative: number[] = [];
    let at = 0;
    for (const { name, shape, type, bytes } of tensors) {
        relative.push(at);
        parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(type.id), u64(at));
        at += padded(bytes);
    }
    const head = Buffer.concat(parts);
    const begin = padded(head.length);
    return {
        bytes: Buffer.concat([head, Buffer.alloc(begin - head.length)]),
        offsets: relative.map((offset) => begin + offset),
        fileBytes: begin + at
    };
}

function record(name: string, value: NewValue, type: number): Buffer {
    return Buffer.concat([text(name), u32(type), encoded(value, type)]);
}

// GGUF's numbers of types: 4 and 5 have 32 bits, 6 is float, 10 and 11 have 64 bits, 12 is double.
function encoded(value: NewValue, type: number): Buffer {
    if (typeof value === "string") return text(value);
    const out = Buffer.alloc(type >= 10 ? 8 : 4);
    if (type === numbersOf.f32) out.writeFloatLE(value);
    else if (type === 12) out.writeDoubleLE(value);
    else if (type >= 10) out.writeBigUInt64LE(BigInt(Math.round(value)));
    else out.writeUInt32LE(Math.round(value));
    return out;
}

function u32(value: number): Buffer {
    const out = Buffer.alloc(4);
    out.writeUInt32LE(value);
    return out;
}

function u64(value: number): Buffer {
    const out = Buffer.alloc(8);
    out.writeBigUInt64LE(BigInt(value));
    return out;
}

function text(value: string): Buffer {
    const bytes = Buffer.from(value);
    return Buffer.concat([u64(bytes.length), bytes]);
}
