// Writes safetensors files: right ones, and wrong ones on request.
import { writeFileSync } from "node:fs";

export interface WrittenTensor {
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly data: Uint8Array;
}

/** A file of a header's text and data. */
export function fileOf(header: string | Uint8Array, data: Uint8Array, length?: bigint): Buffer {
    const json = Buffer.from(header as string);
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(length ?? BigInt(json.length));
    return Buffer.concat([start, json, data]);
}

/** The header of some tensors, as an object, and their data. */
export function layOut(tensors: Readonly<Record<string, WrittenTensor>>): {
    header: Record<string, unknown>;
    data: Buffer;
} {
    let at = 0;
    const header: Record<string, unknown> = {};
    for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
        header[name] = { dtype, shape, data_offsets: [at, at + data.length] };
        at += data.length;
    }
    return { header, data: Buffer.concat(Object.values(tensors).map(({ data }) => data)) };
}

/** A whole safetensors file, padded as the reference implementation does. */
export function safetensorsBytes(tensors: Readonly<Record<string, WrittenTensor>>): Buffer {
    const { header, data } = layOut(tensors);
    const json = JSON.stringify({ __metadata__: { format: "pt" }, ...header });
    return fileOf(json.padEnd(Math.ceil(json.length / 8) * 8, " "), data);
}

export function writeSafetensors(path: string, tensors: Readonly<Record<string, WrittenTensor>>): void {
    writeFileSync(path, safetensorsBytes(tensors));
}

/** A tensor of numbers in F32. */
export function f32(shape: readonly number[], values: readonly number[] | Float32Array): WrittenTensor {
    const data = Float32Array.from(values);
    return { dtype: "F32", shape, data: new Uint8Array(data.buffer) };
}
