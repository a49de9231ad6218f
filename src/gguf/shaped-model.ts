// One model of a shape: random weights, such that after every token one other is likely.
import { generator } from "../random.js";
import { blockBytes, fillBlocks, type BlockType } from "./blocks.js";
import type { ModelShape } from "./shapes.js";
import type { Metadata, Tensor } from "./writer.js";

/** Tokens that a short convolution sees. */
const kernel = 3;

/** Metadata that says what shape a model has. */
export function architecture(name: string, shape: ModelShape, contextLength: number): Record<string, Metadata> {
    const number = (value: number): Metadata => ({ kind: "u32", value });
    const { attending } = shape;
    const family = attending === undefined ? "llama" : "lfm2";
    const perLayer = Array.from({ length: shape.layers }, (_, i) =>
        attending?.includes(i) === true ? shape.kvHeads : 0
    );
    return {
        "general.architecture": { kind: "string", value: family },
        "general.name": { kind: "string", value: name },
        [`${family}.context_length`]: number(contextLength),
        [`${family}.embedding_length`]: number(shape.width),
        [`${family}.block_count`]: number(shape.layers),
        [`${family}.feed_forward_length`]: number(shape.hidden),
        [`${family}.attention.head_count`]: number(shape.heads),
        [`${family}.attention.head_count_kv`]:
            attending === undefined ? number(shape.kvHeads) : { kind: "i32s", value: perLayer },
        [`${family}.attention.layer_norm_rms_epsilon`]: { kind: "f32", value: 1e-5 },
        [`${family}.rope.dimension_count`]: number(shape.width / shape.heads),
        ...(attending === undefined ? {} : { [`${family}.shortconv.l_cache`]: number(kernel) }),
        [`${family}.vocab_size`]: number(shape.vocabulary)
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

/** What is in a model besides its shape. */
export interface ModelWeights {
    readonly type: BlockType;
    /** Of every text token the one after it, as {@link successors} gives them. */
    readonly next: Int32Array;
    /** Logit of the successor over all others. */
    readonly certainty: number;
    readonly seed: number;
}

/** The tensors of a model, whose blocks are made when they are asked for, once. */
export function modelTensors(shape: ModelShape, weights: ModelWeights): Tensor[] {
    const { width, vocabulary } = shape;
    const { type } = weights;
    const { embedding, output } = tokenRows(shape, weights);
    const tensors: Tensor[] = [
        { name: "token_embd.weight", shape: [width, vocabulary], type, data: () => rowsOf(vocabulary, embedding) }
    ];
    for (let layer = 0; layer < shape.layers; ++layer) addLayer(tensors, layer, shape, weights);
    tensors.push(norm(shape.attending === undefined ? "output_norm" : "token_embd_norm", width));
    tensors.push({ name: "output.weight", shape: [width, vocabulary], type, data: () => rowsOf(vocabulary, output) });
    return tensors;
}

type Row = (id: number) => Buffer;

// The output's row of a token is the embedding of the one before it: their product is the successor's logit.
function tokenRows(
    { width, vocabulary }: ModelShape,
    { type, next, certainty }: ModelWeights
): { embedding: Row; output: Row } {
    const row = (id: number, scale: number): Buffer => {
        const out = Buffer.alloc((width / 32) * blockBytes[type]);
        fillBlocks(out, type, scale, generator(id * 2 + 77));
        return out;
    };
    const before = new Int32Array(vocabulary).fill(-1);
    next.forEach((successor, id) => (before[successor] = id));
    return {
        embedding: (id) => row(id, 1),
        output: (id) =>
            before[id]! < 0 ? row(vocabulary + id, (0.1 * certainty) / width) : row(before[id]!, certainty / width)
    };
}

function* rowsOf(count: number, row: Row): Iterable<Buffer> {
    for (let at = 0; at < count; at += 256) {
        yield Buffer.concat(Array.from({ length: Math.min(256, count - at) }, (_, i) => row(at + i)));
    }
}

function norm(name: string, width: number): Tensor {
    return { name: `${name}.weight`, shape: [width], type: "f32", data: new Float32Array(width).fill(1) };
}

function addLayer(tensors: Tensor[], layer: number, shape: ModelShape, { type, seed }: ModelWeights): void {
    const { width, hidden } = shape;
    const matrix = (name: string, n: number, m: number, scale: number): void => {
        // the number of the tensor decides its weights
        const data = blocksOf(n, m, type, scale / Math.sqrt(n), generator(seed * 1000 + tensors.length));
        tensors.push({ name: `blk.${layer}.${name}.weight`, shape: [n, m], type, data });
    };
    const kvWidth = (width / shape.heads) * shape.kvHeads;
    tensors.push(norm(`blk.${layer}.attn_norm`, width));
    if (shape.attending?.includes(layer) === false) {
        const data = new Float32Array(kernel * width).fill(1 / kernel);
        tensors.push({ name: `blk.${layer}.shortconv.conv.weight`, shape: [kernel, width], type: "f32", data });
        matrix("shortconv.in_proj", width, 3 * width, 1);
        matrix("shortconv.out_proj", width, width, 0.03);
    } else {
        matrix("attn_q", width, width, 1);
        matrix("attn_k", width, kvWidth, 1);
        matrix("attn_v", width, kvWidth, 1);
        matrix("attn_output", width, width, 0.03);
        for (const name of shape.attending === undefined ? [] : ["attn_q_norm", "attn_k_norm"]) {
            tensors.push(norm(`blk.${layer}.${name}`, width / shape.heads));
        }
    }
    tensors.push(norm(`blk.${layer}.ffn_norm`, width));
    matrix("ffn_gate", width, hidden, 1);
    matrix("ffn_up", width, hidden, 1);
    matrix("ffn_down", hidden, width, 0.03);
}

function blocksOf(n: number, m: number, type: BlockType, scale: number, next: () => number): () => Iterable<Buffer> {
    return function* () {
        for (let at = 0; at < m; at += 64) {
            const out = Buffer.alloc(Math.min(64, m - at) * (n / 32) * blockBytes[type]);
            fillBlocks(out, type, scale, next);
            yield out;
        }
    };
}
