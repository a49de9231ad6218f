// GGUF headers taken apart, changed and put together again, whatever llama.cpp thinks of the result.
import { readFileSync } from "node:fs";

export const types = {
    u8: 0,
    i8: 1,
    u16: 2,
    i16: 3,
    u32: 4,
    i32: 5,
    f32: 6,
    bool: 7,
    string: 8,
    array: 9,
    u64: 10,
    i64: 11,
    f64: 12
} as const;

const sizes: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

/** A value as it lies in the file, without lengths that follow from it. */
export type Value = Buffer | { type: number; items: Value[] };

export interface Entry {
    key: string;
    type: number;
    value: Value;
}

export interface TensorInfo {
    name: string;
    shape: number[];
    type: number;
    offset: number;
}

export interface Gguf {
    version: number;
    entries: Entry[];
    tensors: TensorInfo[];
    data: Buffer;
}

export function readGguf(path: string): Gguf {
    const file = readFileSync(path);
    let at = 4;
    const u32 = (): number => file.readUInt32LE((at += 4) - 4);
    const u64 = (): number => Number(file.readBigUInt64LE((at += 8) - 8));
    const take = (n: number): Buffer => Buffer.from(file.subarray(at, (at += n)));
    const value = (type: number): Value => {
        if (type === types.string) return take(u64());
        if (type !== types.array) return take(sizes[type]!);
        const of = u32();
        return { type: of, items: Array.from({ length: u64() }, () => value(of)) };
    };
    const version = u32();
    const tensorCount = u64();
    const entryCount = u64();
    const entries = Array.from({ length: entryCount }, (): Entry => {
        const key = take(u64()).toString();
        const type = u32();
        return { key, type, value: value(type) };
    });
    const tensors = Array.from({ length: tensorCount }, (): TensorInfo => {
        const name = take(u64()).toString();
        const shape = Array.from({ length: u32() }, u64);
        return { name, shape, type: u32(), offset: u64() };
    });
    return { version, entries, tensors, data: file.subarray(Math.ceil(at / 32) * 32) };
}

/** A number as a value of a type; out of range it wraps. */
export function scalar(type: number, value: number): Buffer {
    const out = Buffer.alloc(sizes[type]!);
    if (type === types.f32) out.writeFloatLE(value);
    else if (type === types.f64) out.writeDoubleLE(value);
    else {
        const bits = BigInt.asUintN(8 * out.length, BigInt(Math.trunc(value)));
        for (let i = 0; i < out.length; ++i) out[i] = Number((bits >> BigInt(8 * i)) & 255n);
    }
    return out;
}

export function writeGgufBytes({ version, entries, tensors, data }: Gguf): Buffer {
    const out: Buffer[] = [];
    const u32 = (n: number): void => void out.push(scalar(types.u32, n));
    const u64 = (n: number): void => void out.push(scalar(types.u64, n));
    const text = (bytes: Buffer): void => {
        u64(bytes.length);
        out.push(bytes);
    };
    const put = (type: number, value: Value): void => {
        if (Buffer.isBuffer(value)) {
            if (type === types.string) text(value);
            else out.push(value);
            return;
        }
        u32(value.type);
        u64(value.items.length);
        for (const item of value.items) put(value.type, item);
    };
    out.push(Buffer.from("GGUF"));
    u32(version);
    u64(tensors.length);
    u64(entries.length);
    for (const { key, type, value } of entries) {
        text(Buffer.from(key));
        u32(type);
        put(type, value);
    }
    for (const { name, shape, type, offset } of tensors) {
        text(Buffer.from(name));
        u32(shape.length);
        shape.forEach(u64);
        u32(type);
        u64(offset);
    }
    const header = Buffer.concat(out);
    return Buffer.concat([header, Buffer.alloc((32 - (header.length % 32)) % 32), data]);
}

/** Sets a key, of whatever type, or adds it. */
export function setKey(file: Gguf, key: string, type: number, value: Value): void {
    const found = file.entries.find((entry) => entry.key === key);
    if (found === undefined) file.entries.push({ key, type, value });
    else Object.assign(found, { type, value });
}
