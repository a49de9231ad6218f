// How many bytes a model takes where. Weights and KV cache are exact; compute buffers are estimates, on the high side.
import type { NativeAdapterFacts, NativeKvType, NativeModelFacts } from "../native/addon-types.js";

/** The settings of an engine that decide how much memory it takes. */
export interface MemorySettings {
    /** Tokens that the cache holds, of all sequences. */
    readonly cacheSize: number;
    readonly batchSize: number;
    /** Outputs of one decode, over all sequences: slots and drafts. */
    readonly rows: number;
    readonly kvTypeK: NativeKvType;
    readonly kvTypeV: NativeKvType;
    readonly flashAttention: "auto" | "on" | "off";
}

/** What one model takes, in bytes. */
export interface ModelMemory {
    /** Weights of each layer, first layer first, with those of adapters. */
    readonly layerBytes: readonly number[];
    /** Cache of each layer, with its states. */
    readonly kvBytesPerLayer: number;
    /** Weights of the output layer; a copy of the embedding where the model ties them. */
    readonly outputBytes: number;
    /** Weights that always stay in main memory. */
    readonly embeddingBytes: number;
    /** Compute buffer, once per device that holds any layer. */
    readonly computeBytes: number;
    /** Of all weights, those of adapters: they are read, never mapped. */
    readonly adapterBytes: number;
}

/** What an adapter adds to a model's weights, in bytes. */
export type AdapterMemory = Pick<NativeAdapterFacts, "layerBytes" | "outputBytes" | "embeddingBytes" | "tensorBytes">;

/** Bytes per element of the KV cache types; quantized ones come in blocks of 32. */
export const kvElementBytes: Readonly<Record<NativeKvType, number>> = {
    f32: 4,
    f16: 2,
    bf16: 2,
    q8_0: 34 / 32,
    q4_0: 18 / 32,
    q4_1: 20 / 32,
    q5_0: 22 / 32,
    q5_1: 24 / 32,
    iq4_nl: 18 / 32
};

const kvPaddingTokens = 256;

/**
 * Bytes of a model under the given settings.
 * @param states of one sequence each, where the model has any
 */
export function modelMemory(facts: NativeModelFacts, settings: MemorySettings, states = 0): ModelMemory {
    const cells = Math.ceil(settings.cacheSize / kvPaddingTokens) * kvPaddingTokens;
    const { k, v } = facts.kvElementsPerToken;
    const bytesPerToken = k * kvElementBytes[settings.kvTypeK] + v * kvElementBytes[settings.kvTypeV];
    return {
        adapterBytes: 0,
        layerBytes: facts.layerBytes,
        kvBytesPerLayer: (bytesPerToken * cells + facts.stateBytes * states) / Math.max(1, facts.layers),
        outputBytes: facts.outputBytes > 0 ? facts.outputBytes : facts.embeddingBytes,
        embeddingBytes: facts.embeddingBytes,
        computeBytes: computeBytes(facts, settings, cells)
    };
}

/** A model with adapters on it. */
export function withAdapters(memory: ModelMemory, adapters: readonly AdapterMemory[]): ModelMemory {
    const sum = (of: (adapter: AdapterMemory) => number): number =>
        adapters.reduce((bytes, adapter) => bytes + of(adapter), 0);
    return {
        ...memory,
        layerBytes: memory.layerBytes.map((bytes, layer) => bytes + sum(({ layerBytes }) => layerBytes[layer] ?? 0)),
        outputBytes: memory.outputBytes + sum(({ outputBytes }) => outputBytes),
        embeddingBytes: memory.embeddingBytes + sum(({ embeddingBytes }) => embeddingBytes),
        adapterBytes: memory.adapterBytes + sum(({ tensorBytes }) => tensorBytes)
    };
}

/** The same model without its weights: another context has them. */
export function withoutWeights(memory: ModelMemory): ModelMemory {
    return { ...memory, layerBytes: memory.layerBytes.map(() => 0), outputBytes: 0, embeddingBytes: 0 };
}

/** Contexts in the same place together. */
export function together(memories: readonly ModelMemory[]): ModelMemory {
    const sum = (of: (memory: ModelMemory) => number): number =>
        memories.reduce((bytes, memory) => bytes + of(memory), 0);
    return {
        layerBytes: memories[0]!.layerBytes.map((_, layer) => sum(({ layerBytes }) => layerBytes[layer]!)),
        kvBytesPerLayer: sum(({ kvBytesPerLayer }) => kvBytesPerLayer),
        outputBytes: sum(({ outputBytes }) => outputBytes),
        embeddingBytes: sum(({ embeddingBytes }) => embeddingBytes),
        computeBytes: sum(({ computeBytes }) => computeBytes),
        adapterBytes: sum(({ adapterBytes }) => adapterBytes)
    };
}

// 16 activations of the embedding's width cover the feed-forward layers of the usual shapes.
function computeBytes(facts: NativeModelFacts, settings: MemorySettings, cells: number): number {
    const activations = 16 * facts.embeddingLength * settings.batchSize * 4;
    const mask = cells * settings.batchSize * (2 + 4);
    const heads = Math.ceil(facts.embeddingLength / 64);
    const scores = settings.flashAttention === "off" ? heads * cells * settings.batchSize * 4 : 0;
    const rows = facts.vocabularySize * settings.rows * 4 * 4;
    return activations + mask + scores + rows;
}

/**
 * Bytes beside the base's output layer, per engine: the experts' and antiexperts' rows (8 bytes per column and pair),
 * the fused row, and llama.cpp's own output buffers (16 bytes per column).
 */
export function samplerBytes(vocabularySize: number, rows: number, pairs: number): number {
    return vocabularySize * rows * (8 * pairs + 4 + 16);
}

/** Bytes as people read them in messages, e.g. "1536 MiB". */
export function formatMib(bytes: number): string {
    return `${Math.ceil(bytes / 1_048_576)} MiB`;
}
