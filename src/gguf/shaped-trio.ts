// Trios with the dimensions of real models and weights without meaning: for timing, and for tests at true widths.
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { RastError } from "../errors.js";
import { generator } from "../random.js";
import { writeGguf, type Metadata, type Tensor } from "./writer.js";
import { checkQuantization, quantizeModel } from "./quantize.js";

/** Dimensions of a model of llama architecture. */
export interface ModelShape {
    readonly width: number;
    readonly layers: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly hidden: number;
    readonly vocabulary: number;
    /** The real model's output layer is its embedding. What is written here has both: they must differ. */
    readonly tied?: boolean;
}

/**
 * Dimensions of known models as their config.json has them, after two of nobody for small machines. What is written
 * leaves out biases (0.02% of Qwen2.5 0.5B). llama.cpp's K types need widths that are multiples of 256, as those of
 * tiny-0.07b and qwen2.5-0.5b are not: it takes Q5_0, Q5_1 or Q8_0 for such tensors, as it does for the real models.
 */
export const knownShapes = {
    "tiny-0.07b": { width: 640, layers: 6, heads: 10, kvHeads: 2, hidden: 1728, vocabulary: 32000 },
    "tiny-0.1b": { width: 768, layers: 8, heads: 12, kvHeads: 4, hidden: 2048, vocabulary: 32000 },
    "llama-1.2b": { width: 2048, layers: 22, heads: 32, kvHeads: 8, hidden: 5632, vocabulary: 32000 },
    "llama3.2-1b": { width: 2048, layers: 16, heads: 32, kvHeads: 8, hidden: 8192, vocabulary: 128256, tied: true },
    "llama3.1-8b": { width: 4096, layers: 32, heads: 32, kvHeads: 8, hidden: 14336, vocabulary: 128256 },
    "qwen2.5-0.5b": { width: 896, layers: 24, heads: 14, kvHeads: 2, hidden: 4864, vocabulary: 151936, tied: true },
    "qwen2.5-1.5b": { width: 1536, layers: 28, heads: 12, kvHeads: 2, hidden: 8960, vocabulary: 151936, tied: true },
    "qwen2.5-7b": { width: 3584, layers: 28, heads: 28, kvHeads: 4, hidden: 18944, vocabulary: 152064 },
    "qwen2.5-14b": { width: 5120, layers: 48, heads: 40, kvHeads: 8, hidden: 13824, vocabulary: 152064 },
    "qwen2.5-32b": { width: 5120, layers: 64, heads: 40, kvHeads: 8, hidden: 27648, vocabulary: 152064 }
} as const satisfies Record<string, ModelShape>;

/** Parameters of a model as it is written, and of the real one, whose embedding may serve as its output layer. */
export function parameterCounts({ width, layers, heads, kvHeads, hidden, vocabulary, tied }: ModelShape): {
    written: number;
    real: number;
} {
    const attention = 2 * width * width + 2 * width * (width / heads) * kvHeads;
    const layer = attention + 3 * width * hidden + 2 * width;
    const written = layers * layer + width + 2 * width * vocabulary;
    return { written, real: tied === true ? written - width * vocabulary : written };
}

/** A trio to write. */
export interface ShapedTrioOptions {
    readonly base: ModelShape;
    readonly small: ModelShape;
    /** Any quantization that llama.cpp makes without an importance matrix, e.g. "q4_k_m". */
    readonly type: string;
    /** Of expert and antiexpert. @default type */
    readonly smallType?: string | undefined;
    /** Share of tokens after which expert and ensemble have the same successor, 0 to 1. */
    readonly agreement: number;
    /** Logit of the successor over all others; 16 leaves others 2% at temperature 1 and 150,000 tokens. */
    readonly certainty: number;
}

/** What is being done for a trio. llama.cpp does not tell how far a quantization is. */
export interface ShapedTrioProgress {
    readonly file: string;
    readonly step: "write" | "quantize";
    /** 0 to 1; null while quantizing. */
    readonly fraction: number | null;
}

const firstPadding = 151646; // of Qwen2.5's ids: those from here on are no text
const endOfText = 151643;

function byteCharacters(): string[] {
    const out: string[] = [];
    let next = 256;
    for (let byte = 0; byte < 256; ++byte) {
        const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
        out.push(String.fromCharCode(printable ? byte : next++));
    }
    return out;
}

/** A byte-level tokenizer of any width: bytes, then made-up tokens; padding as Qwen2.5 has it. */
export function wideTokenizer(vocabulary: number): Record<string, Metadata> {
    const texts = byteCharacters();
    const types: number[] = texts.map(() => 1);
    const end = vocabulary > endOfText ? endOfText : vocabulary - 1;
    for (let id = texts.length; id < vocabulary; ++id) {
        const special = id === end ? "<|endoftext|>" : id === endOfText + 2 ? "<|im_end|>" : undefined;
        texts.push(special ?? (id < firstPadding ? `t${id}` : `[PAD${id}]`));
        types.push(special ? 3 : id < firstPadding ? 1 : 5);
    }
    return {
        "tokenizer.ggml.model": { kind: "string", value: "gpt2" },
        "tokenizer.ggml.pre": { kind: "string", value: "qwen2" },
        "tokenizer.ggml.tokens": { kind: "strings", value: texts },
        "tokenizer.ggml.token_type": { kind: "i32s", value: types },
        "tokenizer.ggml.merges": { kind: "strings", value: [] },
        "tokenizer.ggml.eos_token_id": { kind: "u32", value: end },
        "tokenizer.ggml.bos_token_id": { kind: "u32", value: end },
        "tokenizer.ggml.add_bos_token": { kind: "bool", value: false }
    };
}

/** Metadata that says what shape a model has. */
export function architecture(name: string, shape: ModelShape, contextLength: number): Record<string, Metadata> {
    const number = (value: number): Metadata => ({ kind: "u32", value });
    return {
        "general.architecture": { kind: "string", value: "llama" },
        "general.name": { kind: "string", value: name },
        "llama.context_length": number(contextLength),
        "llama.embedding_length": number(shape.width),
        "llama.block_count": number(shape.layers),
        "llama.feed_forward_length": number(shape.hidden),
        "llama.attention.head_count": number(shape.heads),
        "llama.attention.head_count_kv": number(shape.kvHeads),
        "llama.attention.layer_norm_rms_epsilon": { kind: "f32", value: 1e-5 },
        "llama.rope.dimension_count": number(shape.width / shape.heads),
        "llama.vocab_size": number(shape.vocabulary)
    };
}

/**
 * The successor of every text token: one cycle through all of them. With `differing`, those tokens have each other's
 * successors, which makes another permutation that differs exactly there.
 */
export function successors(count: number, differing: (id: number) => boolean): Int32Array {
    const next = generator(12345);
    const order = Int32Array.from({ length: count }, (_, id) => id);
    for (let i = count - 1; i > 0; --i) {
        const j = next() % (i + 1);
        [order[i], order[j]] = [order[j]!, order[i]!];
    }
    const out = new Int32Array(count);
    for (let i = 0; i < count; ++i) out[order[i]!] = order[(i + 1) % count]!;
    const moved = Array.from({ length: count }, (_, id) => id).filter(differing);
    const first = moved.length > 0 ? out[moved[0]!]! : 0;
    moved.forEach((id, index) => (out[id] = index + 1 < moved.length ? out[moved[index + 1]!]! : first));
    return out;
}

const formats = {
    // bytes of a block of 32 weights, and the standard deviation of its random integers
    q4_0: { bytes: 18, deviation: Math.sqrt((15 * 15 - 1) / 12) },
    q8_0: { bytes: 34, deviation: Math.sqrt((255 * 255 - 1) / 12) }
};

const word = new DataView(new ArrayBuffer(4));

// Half precision of a positive normal number.
function half(value: number): number {
    word.setFloat32(0, value);
    const bits = word.getUint32(0);
    const exponent = ((bits >>> 23) & 0xff) - 127 + 15;
    if (exponent <= 0) return 0;
    return Math.min(0x7bff, (exponent << 10) + (((bits & 0x7fffff) + 0x1000) >>> 13));
}

// Quantized blocks of random weights, `scale` their standard deviation. Integers are symmetric about zero.
function fillBlocks(out: Buffer, type: "q4_0" | "q8_0", scale: number, next: () => number): void {
    const { bytes, deviation } = formats[type];
    const step = half(scale / deviation);
    for (let at = 0; at < out.length; at += bytes) {
        out.writeUInt16LE(step, at);
        for (let i = 2; i < bytes; i += 2) {
            const random = next();
            if (type === "q4_0") {
                // nibbles 1 to 15 stand for -7 to 7
                out[at + i] = (1 + ((random & 0xff) % 15)) | ((1 + (((random >>> 8) & 0xff) % 15)) << 4);
                out[at + i + 1] = (1 + (((random >>> 16) & 0xff) % 15)) | ((1 + ((random >>> 24) % 15)) << 4);
            } else {
                out.writeInt8(((random & 0xffff) % 255) - 127, at + i);
                out.writeInt8(((random >>> 16) % 255) - 127, at + i + 1);
            }
        }
    }
}

function modelTensors(
    shape: ModelShape,
    type: "q4_0" | "q8_0",
    next: Int32Array,
    certainty: number,
    seed: number
): Tensor[] {
    const { width, hidden, vocabulary } = shape;
    const rowBytes = (width / 32) * formats[type].bytes;
    const row = (id: number, scale: number): Buffer => {
        const out = Buffer.alloc(rowBytes);
        fillBlocks(out, type, scale, generator(id * 2 + 77));
        return out;
    };
    const rows = function* (one: (index: number) => Buffer): Iterable<Buffer> {
        for (let at = 0; at < vocabulary; at += 256) {
            const count = Math.min(256, vocabulary - at);
            yield Buffer.concat(Array.from({ length: count }, (_, i) => one(at + i)));
        }
    };
    const before = new Int32Array(vocabulary).fill(-1);
    next.forEach((successor, id) => (before[successor] = id));
    // The row of a token is the embedding of the one before it: their product is the successor's logit.
    const output = (id: number): Buffer =>
        before[id]! < 0 ? row(vocabulary + id, (0.1 * certainty) / width) : row(before[id]!, certainty / width);
    const tensors: Tensor[] = [
        { name: "token_embd.weight", shape: [width, vocabulary], type, data: () => rows((id) => row(id, 1)) }
    ];
    const norm = (name: string): void => {
        tensors.push({ name: `${name}.weight`, shape: [width], type: "f32", data: new Float32Array(width).fill(1) });
    };
    const kvWidth = (width / shape.heads) * shape.kvHeads;
    for (let layer = 0; layer < shape.layers; ++layer) {
        const matrix = (name: string, n: number, m: number, scale: number): void => {
            const random = generator(seed * 1000 + tensors.length);
            const blocks = function* (): Iterable<Buffer> {
                for (let at = 0; at < m; at += 64) {
                    const out = Buffer.alloc(Math.min(64, m - at) * (n / 32) * formats[type].bytes);
                    fillBlocks(out, type, scale / Math.sqrt(n), random);
                    yield out;
                }
            };
            tensors.push({ name: `blk.${layer}.${name}.weight`, shape: [n, m], type, data: blocks });
        };
        norm(`blk.${layer}.attn_norm`);
        matrix("attn_q", width, width, 1);
        matrix("attn_k", width, kvWidth, 1);
        matrix("attn_v", width, kvWidth, 1);
        matrix("attn_output", width, width, 0.03);
        norm(`blk.${layer}.ffn_norm`);
        matrix("ffn_gate", width, hidden, 1);
        matrix("ffn_up", width, hidden, 1);
        matrix("ffn_down", hidden, width, 0.03);
    }
    norm("output_norm");
    tensors.push({ name: "output.weight", shape: [width, vocabulary], type, data: () => rows(output) });
    return tensors;
}

// What is written without llama.cpp, by its llama_ftype; everything else is made of the second.
const direct = { Q4_0: 2, Q8_0: 7 } as const;

function kindOf(type: string): string | Promise<string> {
    const name = type.toUpperCase();
    return name in direct ? name : checkQuantization(type);
}

// All that decides what is in a file, so that one may be taken for what another run wrote.
function fileName(role: string, shape: ModelShape, type: string, rest: Readonly<Record<string, number>>): string {
    const { width, layers, heads, kvHeads, hidden, vocabulary } = shape;
    const numbers = { w: width, l: layers, h: heads, kv: kvHeads, f: hidden, v: vocabulary, ...rest };
    const parts = Object.entries(numbers).map(([key, value]) => `${key}${value}`);
    return [role, ...parts, type.toLowerCase()].join("-");
}

// Ids that are text in both, or undefined when their tokens differ before the padding.
function textTokens(a: number, b: number): number | undefined {
    if (a !== b && Math.min(a, b) <= firstPadding) return undefined;
    return Math.min(a, b, endOfText + 1) - 1;
}

/**
 * Writes base, expert and antiexpert into a folder, passing over files that are there. Memory stays flat: weights are
 * made and written piece by piece.
 * @returns their paths
 * @throws ERR_INVALID_OPTION for a type or vocabularies that do not do, and what `quantizeModel` throws
 */
export async function writeShapedTrio(
    folder: string,
    { base, small, type, smallType = type, agreement, certainty }: ShapedTrioOptions,
    onProgress: (progress: ShapedTrioProgress) => void = () => {}
): Promise<{ base: string; expert: string; antiexpert: string }> {
    const [baseType, pairType] = [await kindOf(type), await kindOf(smallType)];
    const text = textTokens(base.vocabulary, small.vocabulary);
    if (text === undefined) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected models of one family: vocabularies of ${base.vocabulary} and ${small.vocabulary} are no trio.`
        );
    }
    mkdirSync(folder, { recursive: true });
    const chance = generator(99);
    const differs = Uint8Array.from({ length: text }, () => (chance() / 2 ** 32 >= agreement ? 1 : 0));
    const successorsOf = {
        base: () => successors(text, () => false),
        small: () => successors(text, (id) => differs[id] === 1)
    };

    const write = async (role: "base" | "expert" | "antiexpert", seed: number): Promise<string> => {
        const [shape, wanted] = role === "base" ? ([base, baseType] as const) : ([small, pairType] as const);
        const rest = { t: text, c: certainty, ...(role === "base" ? {} : { a: agreement }) };
        const pathOf = (kind: string): string => join(folder, `${fileName(role, shape, kind, rest)}.gguf`);
        const path = pathOf(wanted);
        if (existsSync(path)) return path;
        const isDirect = wanted in direct;
        const plain = isDirect ? (wanted as keyof typeof direct) : "Q8_0";
        const there = !isDirect && existsSync(pathOf(plain));
        const source = there ? pathOf(plain) : `${pathOf(plain)}.${process.pid}.part`;
        try {
            if (!there) {
                const metadata: Record<string, Metadata> = {
                    ...architecture(role, shape, 4096),
                    "general.file_type": { kind: "u32", value: direct[plain] },
                    "general.quantization_version": { kind: "u32", value: 2 },
                    ...wideTokenizer(shape.vocabulary)
                };
                const next = role === "base" ? successorsOf.base() : successorsOf.small();
                const tensors = modelTensors(shape, plain === "Q4_0" ? "q4_0" : "q8_0", next, certainty, seed);
                writeGguf(source, metadata, tensors, (fraction) => onProgress({ file: path, step: "write", fraction }));
            }
            if (isDirect) renameSync(source, path);
            else {
                onProgress({ file: path, step: "quantize", fraction: null });
                await quantizeModel(source, path, wanted);
            }
        } finally {
            if (!there) rmSync(source, { force: true });
        }
        return path;
    };
    return { base: await write("base", 1), expert: await write("expert", 2), antiexpert: await write("antiexpert", 3) };
}
