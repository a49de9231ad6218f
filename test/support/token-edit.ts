// Tokenizers of model files changed: texts and types of tokens, and ids exchanged together with the weights' rows.
import { Buffer } from "node:buffer";
import { scalar, types, type Gguf, type Value } from "./header-edit.js";

export const tokenType = { normal: 1, control: 3, userDefined: 4 } as const;

/** The values of an array under a key. */
export function items(file: Gguf, key: string): Value[] {
    const value = file.entries.find((entry) => entry.key === key)?.value;
    if (value === undefined || Buffer.isBuffer(value)) throw new Error(`no array ${key}`);
    return value.items;
}

export const tokenTexts = (file: Gguf): string[] =>
    items(file, "tokenizer.ggml.tokens").map((text) => (Buffer.isBuffer(text) ? text.toString() : ""));

export function setToken(file: Gguf, id: number, text: string, type: number): void {
    items(file, "tokenizer.ggml.tokens")[id] = Buffer.from(text);
    items(file, "tokenizer.ggml.token_type")[id] = scalar(types.i32, type);
}

/** Gives each token the id that `to` says, with its text, type, embedding and column of logits: the model is the same. */
export function moveTokens(file: Gguf, to: ReadonlyMap<number, number>): void {
    const keys = ["tokens", "token_type", "scores"].map((key) => `tokenizer.ggml.${key}`);
    for (const key of keys.filter((one) => file.entries.some((entry) => entry.key === one))) {
        const list = items(file, key);
        const before = [...list];
        for (const [old, id] of to) list[id] = before[old]!;
    }
    const count = items(file, "tokenizer.ggml.tokens").length;
    const ends = [...file.tensors.map(({ offset }) => offset), file.data.length].sort((a, b) => a - b);
    file.data = Buffer.from(file.data);
    for (const { name, shape, offset } of file.tensors) {
        if (name !== "token_embd.weight" && name !== "output.weight") continue;
        if (shape[1] !== count) throw new Error(`${name} has no row for each token`);
        const next = ends.find((end) => end > offset)!;
        // behind the rows there may be bytes that fill up to 32
        const row = Math.floor((next - offset) / count);
        const before = Buffer.from(file.data.subarray(offset, offset + row * count));
        for (const [old, id] of to) before.copy(file.data, offset + id * row, old * row, (old + 1) * row);
    }
}
