// Tiny random models of many architectures, with one tokenizer, so that each may be the pair of another. What they
// remember differs: cells, cells under a window, states, or both.
import { writeGguf, type Metadata, type Tensor } from "../../src/gguf/writer.js";
import { wideTokenizer } from "../../src/gguf/wide-tokenizer.js";
import { noise, type Keep, type Trio } from "./random-models.js";

/** `lfm2-window` is lfm2 with a window in its layers of attention. */
export const architectures = [
    "llama",
    "qwen2",
    "qwen3",
    "qwen3moe",
    "phi3",
    "gemma3",
    "cohere2",
    "mamba",
    "lfm2",
    "lfm2-window",
    "jamba",
    "nemotron_h",
    "qwen35"
] as const;

export type Architecture = (typeof architectures)[number];

/** Tokens that layers with a window look back. */
export const windowTokens = 16;
export const vocabularyTokens = 512;

const sizes = { width: 64, heads: 4, kvHeads: 2, headWidth: 16, hidden: 96, experts: 8 } as const;
const state = { inner: 128, size: 8, rank: 4, kernel: 4 } as const;
// In many heads: of nemotron_h (mamba 2), and of qwen35 (delta net), whose heads are as wide as they remember.
const scan = { inner: 128, size: 16, heads: 8, groups: 2 } as const;
const delta = { size: 16, heads: 4, groups: 2 } as const;

// Every other layer of a hybrid attends; a window leaves some layers that see everything, as in the families themselves.
const isHybrid = (kind: Architecture): boolean => kind.startsWith("lfm2") || kind === "jamba" || kind === "nemotron_h";
const layersOf = (kind: Architecture): number => (kind === "gemma3" ? 7 : 4);
const attends = (kind: Architecture, layer: number): boolean => {
    if (kind === "qwen35") return layer % 4 === 3;
    if (kind === "nemotron_h") return layer % 4 === 1;
    return kind !== "mamba" && (!isHybrid(kind) || layer % 2 === 1);
};
// Layers of nemotron_h do one thing each.
const feedsForward = (kind: Architecture, layer: number): boolean =>
    kind === "nemotron_h" ? layer % 4 === 3 : kind !== "mamba";

class Weights {
    readonly tensors: Tensor[] = [];
    readonly #next: () => number;

    constructor(seed: number) {
        this.#next = noise(seed);
    }

    add(name: string, shape: readonly number[], value: (index: number) => number): void {
        const size = shape.reduce((product, n) => product * n, 1);
        this.tensors.push({ name, shape, type: "f32", data: Float32Array.from({ length: size }, (_, i) => value(i)) });
    }

    matrix(name: string, shape: readonly number[], scale = 1): void {
        this.add(`${name}.weight`, shape, () => (this.#next() * scale) / Math.sqrt(shape[0]!));
    }

    norm(name: string, width: number = sizes.width): void {
        this.add(`${name}.weight`, [width], () => 1);
    }

    bias(name: string, width: number, value: () => number = () => this.#next() * 0.1): void {
        this.add(`${name}.bias`, [width], value);
    }
}

function attention(weights: Weights, at: string, kind: Architecture): void {
    const { width, heads, kvHeads, headWidth } = sizes;
    const [q, kv] = [heads * headWidth, kvHeads * headWidth];
    if (kind === "phi3") weights.matrix(`${at}.attn_qkv`, [width, q + 2 * kv], 1.3);
    else {
        weights.matrix(`${at}.attn_q`, [width, kind === "qwen35" ? 2 * q : q]);
        weights.matrix(`${at}.attn_k`, [width, kv]);
        weights.matrix(`${at}.attn_v`, [width, kv], 2);
    }
    weights.matrix(`${at}.attn_output`, [q, width], 2);
    if (kind === "qwen2")
        for (const [name, n] of [
            ["q", q],
            ["k", kv],
            ["v", kv]
        ] as const)
            weights.bias(`${at}.attn_${name}`, n);
    if (["qwen3", "qwen3moe", "gemma3", "lfm2", "lfm2-window", "qwen35"].includes(kind)) {
        weights.norm(`${at}.attn_q_norm`, headWidth);
        weights.norm(`${at}.attn_k_norm`, headWidth);
    }
}

function selectiveState(weights: Weights, at: string, kind: Architecture): void {
    const { inner, size, rank, kernel } = state;
    weights.matrix(`${at}.ssm_in`, [sizes.width, 2 * inner], 2);
    weights.matrix(`${at}.ssm_conv1d`, [kernel, inner], 2);
    weights.bias(`${at}.ssm_conv1d`, inner, () => 0);
    weights.matrix(`${at}.ssm_x`, [inner, rank + 2 * size], 2);
    weights.matrix(`${at}.ssm_dt`, [rank, inner]);
    weights.bias(`${at}.ssm_dt`, inner, () => -1);
    weights.add(`${at}.ssm_a`, [size, inner], (i) => -0.05 - 0.02 * (i % size));
    weights.add(`${at}.ssm_d`, [inner], () => 1);
    weights.matrix(`${at}.ssm_out`, [inner, sizes.width], 2);
    if (kind === "jamba") {
        weights.norm(`${at}.ssm_dt_norm`, rank);
        weights.norm(`${at}.ssm_b_norm`, size);
        weights.norm(`${at}.ssm_c_norm`, size);
    }
}

function scannedState(weights: Weights, at: string): void {
    const { inner, size, heads, groups } = scan;
    const channels = inner + 2 * groups * size;
    weights.matrix(`${at}.ssm_in`, [sizes.width, inner + channels + heads], 2);
    weights.matrix(`${at}.ssm_conv1d`, [state.kernel, channels], 2);
    weights.bias(`${at}.ssm_conv1d`, channels);
    weights.bias(`${at}.ssm_dt`, heads, () => -1);
    weights.add(`${at}.ssm_a`, [1, heads], (i) => -0.05 - 0.02 * i);
    weights.add(`${at}.ssm_d`, [1, heads], () => 1);
    weights.add(`${at}.ssm_norm.weight`, [inner / groups, groups], () => 1);
    weights.matrix(`${at}.ssm_out`, [inner, sizes.width], 2);
}

function deltaNet(weights: Weights, at: string): void {
    const { size, heads, groups } = delta;
    const channels = 2 * groups * size + heads * size;
    weights.matrix(`${at}.attn_qkv`, [sizes.width, channels], 2);
    weights.matrix(`${at}.attn_gate`, [sizes.width, heads * size]);
    weights.matrix(`${at}.ssm_conv1d`, [state.kernel, channels], 2);
    weights.bias(`${at}.ssm_dt`, heads, () => -1);
    weights.add(`${at}.ssm_a`, [heads], (i) => -0.1 - 0.1 * i);
    weights.matrix(`${at}.ssm_beta`, [sizes.width, heads]);
    weights.matrix(`${at}.ssm_alpha`, [sizes.width, heads]);
    weights.norm(`${at}.ssm_norm`, size);
    weights.matrix(`${at}.ssm_out`, [heads * size, sizes.width], 2);
}

function shortConvolution(weights: Weights, at: string): void {
    weights.matrix(`${at}.shortconv.conv`, [3, sizes.width], 3);
    weights.matrix(`${at}.shortconv.in_proj`, [sizes.width, 3 * sizes.width], 1.5);
    weights.matrix(`${at}.shortconv.out_proj`, [sizes.width, sizes.width], 1.5);
}

function feedForward(weights: Weights, at: string, kind: Architecture): void {
    const { width, hidden, experts } = sizes;
    if (!["cohere2", "qwen35", "nemotron_h"].includes(kind)) weights.norm(`${at}.ffn_norm`);
    if (kind === "qwen3moe") {
        weights.matrix(`${at}.ffn_gate_inp`, [width, experts]);
        weights.matrix(`${at}.ffn_gate_exps`, [width, hidden, experts]);
        weights.matrix(`${at}.ffn_up_exps`, [width, hidden, experts]);
        weights.matrix(`${at}.ffn_down_exps`, [hidden, width, experts]);
        return;
    }
    if (kind !== "phi3" && kind !== "nemotron_h") weights.matrix(`${at}.ffn_gate`, [width, hidden]);
    weights.matrix(`${at}.ffn_up`, [width, kind === "phi3" ? 2 * hidden : hidden]);
    weights.matrix(`${at}.ffn_down`, [hidden, width]);
}

function tensorsOf(kind: Architecture, seed: number): Tensor[] {
    const weights = new Weights(seed);
    weights.matrix(
        "token_embd",
        [sizes.width, vocabularyTokens],
        Math.sqrt(sizes.width) * (kind === "cohere2" ? 0.45 : 1)
    );
    for (let layer = 0; layer < layersOf(kind); ++layer) {
        const at = `blk.${layer}`;
        weights.norm(`${at}.attn_norm`);
        if (attends(kind, layer)) attention(weights, at, kind);
        else if (kind === "mamba" || kind === "jamba") selectiveState(weights, at, kind);
        else if (kind === "qwen35") deltaNet(weights, at);
        else if (kind !== "nemotron_h") shortConvolution(weights, at);
        else if (!feedsForward(kind, layer)) scannedState(weights, at);
        if (kind === "gemma3" || kind === "qwen35") weights.norm(`${at}.post_attention_norm`);
        if (kind === "gemma3") weights.norm(`${at}.post_ffw_norm`);
        if (feedsForward(kind, layer)) feedForward(weights, at, kind);
    }
    weights.norm(kind.startsWith("lfm2") ? "token_embd_norm" : "output_norm");
    if (kind !== "cohere2") weights.matrix("output", [sizes.width, vocabularyTokens], 0.45 * Math.sqrt(sizes.width));
    return weights.tensors;
}

function metadataOf(kind: Architecture, contextLength: number): Record<string, Metadata> {
    const name = kind === "lfm2-window" ? "lfm2" : kind;
    const number = (value: number): Metadata => ({ kind: "u32", value });
    const real = (value: number): Metadata => ({ kind: "f32", value });
    const { heads, kvHeads, headWidth } = sizes;
    const kvHeadsByLayer = Array.from({ length: layersOf(kind) }, (_, layer) => (attends(kind, layer) ? kvHeads : 0));
    const perModel: Record<string, Metadata> = {
        context_length: number(contextLength),
        embedding_length: number(sizes.width),
        block_count: number(layersOf(kind)),
        feed_forward_length:
            kind === "nemotron_h"
                ? {
                      kind: "i32s",
                      value: kvHeadsByLayer.map((_, layer) => (feedsForward(kind, layer) ? sizes.hidden : 0))
                  }
                : number(kind === "mamba" ? 0 : sizes.hidden),
        vocab_size: number(vocabularyTokens),
        "attention.head_count": number(kind === "mamba" ? 0 : heads),
        [kind === "cohere2" ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"]: real(1e-5)
    };
    if (kind !== "mamba") {
        perModel["attention.head_count_kv"] = isHybrid(kind)
            ? { kind: "i32s", value: kvHeadsByLayer }
            : number(kvHeads);
        perModel["attention.key_length"] = number(headWidth);
        perModel["attention.value_length"] = number(headWidth);
        perModel["rope.dimension_count"] = number(headWidth);
        perModel["rope.freq_base"] = real(10000);
    }
    if (["gemma3", "cohere2", "lfm2-window"].includes(kind))
        perModel["attention.sliding_window"] = number(windowTokens);
    if (kind === "cohere2") perModel["logit_scale"] = real(1);
    if (kind.startsWith("lfm2")) perModel["shortconv.l_cache"] = number(3);
    if (kind === "nemotron_h") {
        perModel["attention.layer_norm_epsilon"] = real(1e-5);
        perModel["ssm.conv_kernel"] = number(state.kernel);
        perModel["ssm.inner_size"] = number(scan.inner);
        perModel["ssm.state_size"] = number(scan.size);
        perModel["ssm.time_step_rank"] = number(scan.heads);
        perModel["ssm.group_count"] = number(scan.groups);
    }
    if (kind === "qwen35") {
        perModel["rope.dimension_sections"] = { kind: "i32s", value: [3, 3, 2, 0] };
        perModel["full_attention_interval"] = number(4);
        perModel["ssm.conv_kernel"] = number(state.kernel);
        perModel["ssm.inner_size"] = number(delta.size * delta.heads);
        perModel["ssm.state_size"] = number(delta.size);
        perModel["ssm.time_step_rank"] = number(delta.heads);
        perModel["ssm.group_count"] = number(delta.groups);
    }
    if (kind === "mamba" || kind === "jamba") {
        perModel["ssm.conv_kernel"] = number(state.kernel);
        perModel["ssm.inner_size"] = number(state.inner);
        perModel["ssm.state_size"] = number(state.size);
        perModel["ssm.time_step_rank"] = number(state.rank);
    }
    if (kind === "qwen3moe") {
        perModel["expert_count"] = number(sizes.experts);
        perModel["expert_used_count"] = number(2);
        perModel["expert_feed_forward_length"] = number(sizes.hidden);
    }
    return {
        "general.architecture": { kind: "string", value: name },
        // without the kind: llama.cpp looks for special tokens of some families by it
        "general.name": { kind: "string", value: "random" },
        ...Object.fromEntries(Object.entries(perModel).map(([key, value]) => [`${name}.${key}`, value])),
        ...wideTokenizer(vocabularyTokens)
    };
}

/** A model of this architecture; another seed gives other weights. */
export function tinyModel(keep: Keep, kind: Architecture, seed: number, contextLength = 4096): Promise<string> {
    return keep(`architecture-${kind}`, { kind, seed, contextLength }, (path) => {
        writeGguf(path, metadataOf(kind, contextLength), tensorsOf(kind, seed));
    });
}

/** A base and a pair beside it, which may be of another architecture. */
export async function tinyTrioOf(
    keep: Keep,
    base: Architecture,
    pair: Architecture = base,
    contextLength?: number
): Promise<Trio> {
    return {
        base: await tinyModel(keep, base, 11, contextLength),
        expert: await tinyModel(keep, pair, 12, contextLength),
        antiexpert: await tinyModel(keep, pair, 13, contextLength)
    };
}
