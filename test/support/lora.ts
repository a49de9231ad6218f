// Adapters of random numbers for a model, and the same model with the adapter worked into its weights.
import { writeFileSync } from "node:fs";
import { readGguf, scalar, setKey, types, writeGgufBytes, type Gguf } from "./header-edit.js";
import { noise } from "./random-models.js";

export interface RandomLora {
    readonly rank: number;
    readonly alpha: number;
    /** How much each tensor is changed, about. */
    readonly strength?: number;
    readonly seed?: number;
    /** Whether a tensor is changed. @default all matrices but the embedding */
    readonly targets?: (name: string) => boolean;
    readonly architecture?: string;
}

const isMatrix = (name: string, shape: readonly number[]): boolean =>
    name.endsWith(".weight") && shape.length > 1 && shape[1]! > 1;

/** The numbers of a tensor in F32. */
export function numbersOf(file: Gguf, name: string): { shape: number[]; data: Float32Array } {
    const info = file.tensors.find((one) => one.name === name)!;
    if (info.type !== 0) throw new Error(`${name} is not F32`);
    const count = info.shape.reduce((product, n) => product * n, 1);
    const bytes = file.data.subarray(info.offset, info.offset + 4 * count);
    return { shape: info.shape, data: new Float32Array(Uint8Array.from(bytes).buffer) };
}

/** Adds a tensor in F32 behind the others. */
export function addTensor(file: Gguf, name: string, shape: readonly number[], data: Float32Array): void {
    const padding = Buffer.alloc((32 - (file.data.length % 32)) % 32);
    const offset = file.data.length + padding.length;
    file.data = Buffer.concat([file.data, padding, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
    file.tensors.push({ name, shape: [...shape], type: 0, offset });
}

/** An adapter for a model in F32, before it is written. */
export function randomLora(model: string, options: RandomLora): Gguf {
    const source = readGguf(model);
    const { rank, alpha, strength = 0.3, seed = 1 } = options;
    const named = source.entries.find(({ key }) => key === "general.architecture")!.value as Buffer;
    const out: Gguf = { version: 3, entries: [], tensors: [], data: Buffer.alloc(0) };
    setKey(out, "general.type", types.string, Buffer.from("adapter"));
    setKey(out, "general.architecture", types.string, Buffer.from(options.architecture ?? named.toString()));
    setKey(out, "adapter.type", types.string, Buffer.from("lora"));
    setKey(out, "adapter.lora.alpha", types.f32, scalar(types.f32, alpha));
    const next = noise(seed);
    const wanted = options.targets ?? ((name: string) => name !== "token_embd.weight");
    for (const { name, shape } of source.tensors) {
        if (!isMatrix(name, shape) || !wanted(name)) continue;
        const [columns, rows, ...stack] = shape as [number, number, ...number[]];
        const slices = stack.reduce((product, n) => product * n, 1);
        const embedding = name === "token_embd.weight";
        const scale = Math.sqrt(strength / (rank * Math.sqrt(columns)) / (alpha / rank));
        const random = (n: number): Float32Array => Float32Array.from({ length: n * slices }, () => next() * scale);
        addTensor(
            out,
            `${name}.lora_a`,
            embedding ? [rank, rows] : [columns, rank, ...stack],
            random((embedding ? rows : columns) * rank)
        );
        addTensor(
            out,
            `${name}.lora_b`,
            [rank, embedding ? columns : rows, ...stack],
            random(rank * (embedding ? columns : rows))
        );
    }
    return out;
}

/** The same with every tensor's data behind the one before, as long as its shape says: what was renamed or reshaped fits again. */
export function repacked(file: Gguf): Gguf {
    const parts: Buffer[] = [];
    let at = 0;
    const tensors = file.tensors.map((tensor) => {
        const bytes = 4 * tensor.shape.reduce((product, n) => product * n, 1);
        const data = Buffer.alloc(Math.ceil(bytes / 32) * 32);
        file.data.copy(data, 0, tensor.offset, Math.min(file.data.length, tensor.offset + bytes));
        parts.push(data);
        at += data.length;
        return { ...tensor, offset: at - data.length };
    });
    return { ...file, tensors, data: Buffer.concat(parts) };
}

export function writeLora(path: string, lora: Gguf): string {
    writeFileSync(path, writeGgufBytes(lora));
    return path;
}

/** Writes a model in F32 with adapters worked into its weights, in double precision. */
export function writeMerged(path: string, model: string, loras: readonly { lora: Gguf; scale: number }[]): string {
    const file = readGguf(model);
    for (const { lora, scale } of loras) {
        const alpha = (lora.entries.find(({ key }) => key === "adapter.lora.alpha")!.value as Buffer).readFloatLE();
        for (const { name } of lora.tensors.filter((one) => one.name.endsWith(".lora_a"))) {
            const target = name.slice(0, -".lora_a".length);
            addProduct(file, target, numbersOf(lora, name), numbersOf(lora, `${target}.lora_b`), alpha, scale);
        }
    }
    writeFileSync(path, writeGgufBytes(file));
    return path;
}

function addProduct(
    file: Gguf,
    target: string,
    a: ReturnType<typeof numbersOf>,
    b: ReturnType<typeof numbersOf>,
    alpha: number,
    scale: number
): void {
    const info = file.tensors.find((one) => one.name === target)!;
    const [columns, rows, slices = 1] = info.shape as [number, number, number?];
    const rank = b.shape[0]!;
    const factor = (scale * alpha) / rank;
    for (let slice = 0; slice < slices; ++slice) {
        for (let row = 0; row < rows; ++row) {
            for (let column = 0; column < columns; ++column) {
                let sum = 0;
                for (let k = 0; k < rank; ++k) {
                    sum +=
                        target === "token_embd.weight"
                            ? a.data[row * rank + k]! * b.data[column * rank + k]!
                            : a.data[(slice * rank + k) * columns + column]! * b.data[(slice * rows + row) * rank + k]!;
                }
                const at = info.offset + 4 * ((slice * rows + row) * columns + column);
                file.data.writeFloatLE(file.data.readFloatLE(at) + factor * sum, at);
            }
        }
    }
}
