// Models of random weights for tests, written where the caller keeps them. Imports nothing of the tests, so that
// scripts/gpu-check can carry it to a machine without them.
import { writeGguf, type Metadata, type Tensor } from "../../src/gguf/writer.js";
import { architecture } from "../../src/gguf/shaped-model.js";
import type { ModelShape } from "../../src/gguf/shapes.js";
import { wideTokenizer } from "../../src/gguf/wide-tokenizer.js";

export interface Trio {
    readonly base: string;
    readonly expert: string;
    readonly antiexpert: string;
}

type Role = keyof Trio;

const tokenTypes = { normal: 1, unknown: 2, control: 3, unused: 5, byte: 6 } as const;

/** Writes a file unless there is one of this recipe. @returns its path */
export type Keep = (name: string, recipe: unknown, write: (path: string) => void | Promise<void>) => Promise<string>;

/** Uniform numbers of unit variance, from a seed. */
export function noise(seed: number): () => number {
    let state = (seed * 2654435761 + 88172645) >>> 0 || 1;
    return () => {
        state ^= state << 13;
        state >>>= 0;
        state ^= state >>> 17;
        state ^= state << 5;
        state >>>= 0;
        return (state / 4294967296 - 0.5) * 3.4641;
    };
}

function random(n: number, scale: number, seed: number): Float32Array {
    const next = noise(seed);
    const out = new Float32Array(n);
    for (let i = 0; i < n; ++i) out[i] = next() * scale;
    return out;
}

// Layers of random weights; `strength` says how much they change the stream.
function body(shape: ModelShape, strength: number, seed: number): Tensor[] {
    const { width, hidden, layers } = shape;
    const tensors: Tensor[] = [];
    for (let layer = 0; layer < layers; ++layer) {
        const matrix = (name: string, n: number, m: number, scale: number, at: number): void => {
            const data = random(n * m, scale / Math.sqrt(n), seed * 1000 + layer * 10 + at);
            tensors.push({ name: `blk.${layer}.${name}.weight`, shape: [n, m], type: "f32", data });
        };
        const norm = (name: string): void => {
            tensors.push({
                name: `blk.${layer}.${name}.weight`,
                shape: [width],
                type: "f32",
                data: new Float32Array(width).fill(1)
            });
        };
        norm("attn_norm");
        matrix("attn_q", width, width, 1, 1);
        matrix("attn_k", width, width, 1, 2);
        matrix("attn_v", width, width, 1, 3);
        matrix("attn_output", width, width, strength, 4);
        norm("ffn_norm");
        matrix("ffn_gate", width, hidden, 1, 5);
        matrix("ffn_up", width, hidden, 1, 6);
        matrix("ffn_down", hidden, width, strength, 7);
    }
    tensors.push({ name: "output_norm.weight", shape: [width], type: "f32", data: new Float32Array(width).fill(1) });
    return tensors;
}

export interface TinyOptions {
    /** UNUSED tokens after the common ones. */
    readonly padding?: Partial<Record<Role, number>>;
    /** A token whose text differs in one model. */
    readonly changedToken?: { readonly role: Role; readonly id: number };
    /** A model without a tokenizer. */
    readonly noTokenizer?: Role;
    readonly seed?: number;
    /** Tokens of a context, 1024 unless told. */
    readonly contextLength?: number;
}

/** Three random models with a sentencepiece tokenizer of bytes and some characters; any text tokenizes. */
export async function tinyTrio(keep: Keep, options: TinyOptions = {}): Promise<Trio> {
    const make = (role: Role, seed: number): Promise<string> =>
        keep(`tiny-${role}`, { role, options }, (path) => {
            const texts = ["<unk>", "<s>", "</s>"];
            const types: number[] = [tokenTypes.unknown, tokenTypes.control, tokenTypes.control];
            for (let byte = 0; byte < 256; ++byte) {
                texts.push(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
                types.push(tokenTypes.byte);
            }
            for (const character of "▁abcdefghijklmnopqrstuvwxyz0123456789.,é€") {
                texts.push(character);
                types.push(tokenTypes.normal);
            }
            for (let i = 0; i < (options.padding?.[role] ?? 0); ++i) {
                types.push(tokenTypes.unused);
                texts.push(`[PAD${texts.length}]`);
            }
            if (options.changedToken?.role === role) texts[options.changedToken.id] = "changed";
            const shape = { width: 32, hidden: 64, heads: 2, kvHeads: 2, layers: 2, vocabulary: texts.length };
            const tokenizer: Record<string, Metadata> = {
                "tokenizer.ggml.model": { kind: "string", value: "llama" },
                "tokenizer.ggml.tokens": { kind: "strings", value: texts },
                "tokenizer.ggml.scores": { kind: "f32s", value: texts.map((_, id) => -id) },
                "tokenizer.ggml.token_type": { kind: "i32s", value: types },
                "tokenizer.ggml.unknown_token_id": { kind: "u32", value: 0 },
                "tokenizer.ggml.bos_token_id": { kind: "u32", value: 1 },
                "tokenizer.ggml.eos_token_id": { kind: "u32", value: 2 },
                "tokenizer.ggml.add_bos_token": { kind: "bool", value: true },
                "tokenizer.ggml.add_space_prefix": { kind: "bool", value: false }
            };
            const none: Record<string, Metadata> = { "tokenizer.ggml.model": { kind: "string", value: "no_vocab" } };
            writeGguf(
                path,
                {
                    ...architecture(role, shape, options.contextLength ?? 1024),
                    ...(options.noTokenizer === role ? none : tokenizer)
                },
                [
                    {
                        name: "token_embd.weight",
                        shape: [32, texts.length],
                        type: "f32",
                        data: random(32 * texts.length, 1, seed + 1)
                    },
                    ...body(shape, 1, seed),
                    {
                        name: "output.weight",
                        shape: [32, texts.length],
                        type: "f32",
                        data: random(32 * texts.length, 0.4, seed + 2)
                    }
                ]
            );
        });
    const seed = (options.seed ?? 0) * 10;
    return {
        base: await make("base", seed + 1),
        expert: await make("expert", seed + 2),
        antiexpert: await make("antiexpert", seed + 3)
    };
}

const textTokens = 151646; // as Qwen2.5 has: what follows is padding

/** Of vocabularies, and of the base's feed-forward part where its tensors are to be long. */
export interface ShapedWidths {
    readonly base: number;
    readonly small: number;
    readonly baseHidden?: number;
}

/**
 * Three models at the true widths of Qwen2.5, two layers of 64: after each token a few others are likely, as in a
 * real model, and which of them depends on the model. Nuclei of 0.95 hold a few tokens.
 */
export async function shapedTrio(keep: Keep, widths: ShapedWidths): Promise<Trio> {
    const make = (role: Role, vocabulary: number, seed: number, weights: readonly number[]): Promise<string> => {
        const baseHidden = role === "base" ? widths.baseHidden : undefined;
        const recipe = { role, vocabulary, seed, weights, ...(baseHidden === undefined ? {} : { baseHidden }) };
        return keep(`shaped-${role}-${vocabulary}`, recipe, (path) => {
            const width = 64;
            const shape = { width, hidden: baseHidden ?? 128, heads: 2, kvHeads: 2, layers: 2, vocabulary };
            // One embedding for all: 152,064 rows, of which narrower models take the first.
            const embedding = random(152064 * width, 1, 5).subarray(0, vocabulary * width);
            const output = random(vocabulary * width, 0.05, seed + 7);
            // successors of token i: 7i + 3 and 11i + 5, among the tokens that are text
            for (const [k, [factor, shift]] of [
                [7, 3],
                [11, 5]
            ].entries()) {
                for (let id = 0; id < textTokens; ++id) {
                    const successor = (id * factor! + shift!) % textTokens;
                    for (let i = 0; i < width; ++i) {
                        output[successor * width + i]! += weights[k]! * 0.35 * embedding[id * width + i]!;
                    }
                }
            }
            writeGguf(
                path,
                {
                    ...architecture(role, shape, 1024),
                    ...wideTokenizer(vocabulary)
                },
                [
                    { name: "token_embd.weight", shape: [width, vocabulary], type: "q8_0", data: embedding },
                    ...body(shape, 0.05, seed),
                    { name: "output.weight", shape: [width, vocabulary], type: "q8_0", data: output }
                ]
            );
        });
    };
    return {
        base: await make("base", widths.base, 1, [1, 0.92]),
        expert: await make("expert", widths.small, 2, [0.94, 0.98]),
        antiexpert: await make("antiexpert", widths.small, 3, [0.98, 0.94])
    };
}

/** A random recurrent model (Mamba) with the tokenizer of `shapedTrio` at 512 tokens: its cache cannot be cut back. */
export async function recurrentModel(keep: Keep, seed: number): Promise<string> {
    return keep("recurrent", { seed }, (path) => {
        const [width, inner, state, rank, kernel, layers, vocabulary] = [32, 64, 8, 4, 4, 2, 512];
        const number = (value: number): Metadata => ({ kind: "u32", value });
        const tensors: Tensor[] = [];
        const add = (name: string, shape: readonly number[], data: (i: number) => number): void => {
            const size = shape.reduce((product, n) => product * n, 1);
            tensors.push({ name, shape, type: "f32", data: Float32Array.from({ length: size }, (_, i) => data(i)) });
        };
        const next = noise(seed);
        const matrix = (name: string, n: number, m: number): void =>
            add(`${name}.weight`, [n, m], () => next() / Math.sqrt(n));
        matrix("token_embd", width, vocabulary);
        for (let layer = 0; layer < layers; ++layer) {
            const at = `blk.${layer}`;
            add(`${at}.attn_norm.weight`, [width], () => 1);
            matrix(`${at}.ssm_in`, width, 2 * inner);
            matrix(`${at}.ssm_conv1d`, kernel, inner);
            add(`${at}.ssm_conv1d.bias`, [inner], () => 0);
            matrix(`${at}.ssm_x`, inner, rank + 2 * state);
            matrix(`${at}.ssm_dt`, rank, inner);
            add(`${at}.ssm_dt.bias`, [inner], () => -1);
            add(`${at}.ssm_a`, [state, inner], (i) => -1 - (i % state));
            add(`${at}.ssm_d`, [inner], () => 1);
            matrix(`${at}.ssm_out`, inner, width);
        }
        add("output_norm.weight", [width], () => 1);
        add("output.weight", [width, vocabulary], () => next());
        writeGguf(
            path,
            {
                "general.architecture": { kind: "string", value: "mamba" },
                "general.name": { kind: "string", value: "recurrent" },
                "mamba.context_length": number(1024),
                "mamba.embedding_length": number(width),
                "mamba.feed_forward_length": number(0),
                "mamba.block_count": number(layers),
                "mamba.attention.head_count": number(0),
                "mamba.attention.layer_norm_rms_epsilon": { kind: "f32", value: 1e-5 },
                "mamba.ssm.conv_kernel": number(kernel),
                "mamba.ssm.inner_size": number(inner),
                "mamba.ssm.state_size": number(state),
                "mamba.ssm.time_step_rank": number(rank),
                "mamba.vocab_size": number(vocabulary),
                ...wideTokenizer(vocabulary)
            },
            tensors
        );
    });
}
