// How many bytes a model takes where. Weights and KV cache are exact; compute buffers are estimates, on the high side.
import type { NativeKvType, NativeModelFacts } from "../native/addon-types.js";

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
    /** Weights of each layer, first layer first. */
    readonly layerBytes: readonly number[];
    /** Cache of each layer, with its states. */
    readonly kvBytesPerLayer: number;
    /** Weights of the output layer; a copy of the embedding where the model ties them. */
    readonly outputBytes: number;
    /** Weights that always stay in main memory. */
    readonly embeddingBytes: number;
    /** Compute buffer, once per device that holds any layer. */
    readonly computeBytes: number;
}

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
        layerBytes: facts.layerBytes,
        kvBytesPerLayer: (bytesPerToken * cells + facts.stateBytes * states) / Math.max(1, facts.layers),
        outputBytes: facts.outputBytes > 0 ? facts.outputBytes : facts.embeddingBytes,
        embeddingBytes: facts.embeddingBytes,
        computeBytes: computeBytes(facts, settings, cells)
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
