// Writes GGUF files, piece by piece.
import { closeSync, openSync, writeSync } from "node:fs";
import { blockBytes, quantizeQ8, type BlockType } from "./blocks.js";

/** Metadata of a GGUF file: the kind says how a number is stored. */
export type Metadata =
    | { readonly kind: "u32" | "i32" | "f32"; readonly value: number }
    | { readonly kind: "bool"; readonly value: boolean }
    | { readonly kind: "string"; readonly value: string }
    | { readonly kind: "strings"; readonly value: readonly string[] }
    | { readonly kind: "i32s" | "f32s"; readonly value: readonly number[] }
    /** As another file has it: code of the type and value. */
    | { readonly kind: "encoded"; readonly value: Buffer };

/**
 * A tensor: `shape` innermost dimension first, as GGUF counts. Numbers are quantized to Q8_0 on writing if asked; what
 * is quantized already comes as bytes, piece by piece.
 */
export type Tensor = { readonly name: string; readonly shape: readonly number[] } & (
    | { readonly type: "f32" | "q8_0"; readonly data: Float32Array }
    | { readonly type: BlockType; readonly data: () => Iterable<Buffer> }
);

const alignment = 32;
const codes = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

function u32(value: number): Buffer {
    const out = Buffer.alloc(4);
    out.writeUInt32LE(value >>> 0);
    return out;
}

function u64(value: number): Buffer {
    const out = Buffer.alloc(8);
    out.writeBigUInt64LE(BigInt(value));
    return out;
}

function f32(value: number): Buffer {
    const out = Buffer.alloc(4);
    out.writeFloatLE(value);
    return out;
}

function text(value: string): Buffer {
    const bytes = Buffer.from(value, "utf8");
    return Buffer.concat([u64(bytes.length), bytes]);
}

function encode(item: Metadata): Buffer {
    switch (item.kind) {
        case "u32":
        case "i32":
            return Buffer.concat([u32(codes[item.kind]), u32(item.value)]);
        case "f32":
            return Buffer.concat([u32(codes.f32), f32(item.value)]);
        case "bool":
            return Buffer.concat([u32(codes.bool), Buffer.from([item.value ? 1 : 0])]);
        case "string":
            return Buffer.concat([u32(codes.string), text(item.value)]);
        case "strings":
            return Buffer.concat([
                u32(codes.array),
                u32(codes.string),
                u64(item.value.length),
                ...item.value.map(text)
            ]);
        case "i32s":
            return Buffer.concat([u32(codes.array), u32(codes.i32), u64(item.value.length), ...item.value.map(u32)]);
        case "f32s":
            return Buffer.concat([u32(codes.array), u32(codes.f32), u64(item.value.length), ...item.value.map(f32)]);
        case "encoded":
            return item.value;
    }
}

const tensorTypes = { f32: 0, f16: 1, q4_0: 2, q8_0: 8 } as const;

/** What a header says of a tensor. */
export interface TensorHeader {
    readonly name: string;
    /** Innermost dimension first. */
    readonly shape: readonly number[];
    readonly type: keyof typeof tensorTypes;
}

function sizeOf({ shape, type }: TensorHeader): number {
    const elements = shape.reduce((product, n) => product * n, 1);
    if (type === "f32") return elements * 4;
    if (type === "f16") return elements * 2;
    return (elements / 32) * blockBytes[type];
}

/** The header and metadata of a file, as bytes; the tensors' data follow it. */
export function header(
    metadata: Readonly<Record<string, Metadata>>,
    tensors: readonly TensorHeader[],
    version = 3
): Buffer {
    const parts = [Buffer.from("GGUF"), u32(version), u64(tensors.length), u64(Object.keys(metadata).length)];
    for (const [key, item] of Object.entries(metadata)) parts.push(text(key), encode(item));
    let offset = 0;
    for (const tensor of tensors) {
        const { name, shape, type } = tensor;
        parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(tensorTypes[type]), u64(offset));
        const size = sizeOf(tensor);
        offset += size + padding(size);
    }
    const head = Buffer.concat(parts);
    return Buffer.concat([head, Buffer.alloc(padding(head.length))]);
}

/** Where the data of each tensor begin behind the header, and where the last ends. */
export function layoutOf(tensors: readonly TensorHeader[]): {
    readonly offsets: readonly number[];
    readonly bytes: number;
} {
    const offsets: number[] = [];
    let bytes = 0;
    for (const tensor of tensors) {
        offsets.push(bytes);
        const size = sizeOf(tensor);
        bytes += size + padding(size);
    }
    return { offsets, bytes };
}

function padding(size: number): number {
    return (alignment - (size % alignment)) % alignment;
}

function* chunksOf(tensor: Tensor): Iterable<Buffer> {
    const { data } = tensor;
    if (typeof data === "function") yield* data();
    else if (tensor.type === "f32") yield Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    else yield quantizeQ8(data);
}

/** Writes a GGUF file, version 3. @param onPiece told after every piece how much of the tensors is written, 0 to 1 */
export function writeGguf(
    path: string,
    metadata: Readonly<Record<string, Metadata>>,
    tensors: readonly Tensor[],
    onPiece: (fraction: number) => void = () => {}
): void {
    const file = openSync(path, "w");
    const all = tensors.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
    let written = 0;
    try {
        const put = (bytes: Buffer): void => {
            for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at);
        };
        put(header(metadata, tensors));
        for (const tensor of tensors) {
            for (const chunk of chunksOf(tensor)) {
                put(chunk);
                written += chunk.length;
                onPiece(written / all);
            }
            put(Buffer.alloc(padding(sizeOf(tensor))));
        }
    } finally {
        closeSync(file);
    }
}
