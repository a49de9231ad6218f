// How many bytes a model takes where. Weights, caches and outputs are exact; compute buffers follow from what llama.cpp keeps of
// a batch at the widest place of its graph, which test/e2e/plan.test.ts holds to llama.cpp's own log.
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

/** What of a model's header its memory depends on. */
export type SizedModel = Pick<
    NativeModelFacts,
    | "layers"
    | "layerBytes"
    | "expertBytes"
    | "outputBytes"
    | "tiedOutput"
    | "embeddingBytes"
    | "embeddingLength"
    | "feedForwardLength"
    | "mostHeads"
    | "headWidth"
    | "experts"
    | "expertsUsed"
    | "vocabularySize"
    | "kvElementsPerToken"
    | "stateBytes"
>;

/** What one model takes, in bytes. */
export interface ModelMemory {
    /** Weights of each layer, first layer first, with those of adapters. */
    readonly layerBytes: readonly number[];
    /** Of those, the experts of a mixture. */
    readonly expertBytes: readonly number[];
    /** Cache of each layer, with its states. */
    readonly kvBytesPerLayer: number;
    /** Weights of the output layer; a copy of the embedding where the model ties them. */
    readonly outputBytes: number;
    /** In main memory such a copy is none. */
    readonly tiedOutput: boolean;
    /** Weights that always stay in main memory. */
    readonly embeddingBytes: number;
    /** Compute buffer, once per device that holds any layer. */
    readonly deviceComputeBytes: number;
    /** The same where other layers are in main memory: their weights are brought there for prompts. */
    readonly partlyComputeBytes: number;
    /** Compute buffer of a model without a device. */
    readonly hostComputeBytes: number;
    /** Compute buffer in main memory of a model with one: what goes into its graph. */
    readonly inputBytes: number;
    /** llama.cpp's copy of what a decode gives, in main memory. */
    readonly resultBytes: number;
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
 * @param draws what its graph does of the draws
 */
export function modelMemory(
    facts: SizedModel,
    settings: MemorySettings,
    states = 0,
    draws: Draws = "fused"
): ModelMemory {
    const cells = Math.ceil(settings.cacheSize / kvPaddingTokens) * kvPaddingTokens;
    const { k, v } = facts.kvElementsPerToken;
    const bytesPerToken = k * kvElementBytes[settings.kvTypeK] + v * kvElementBytes[settings.kvTypeV];
    const { batchSize, rows } = settings;
    const mask = maskBytes(settings, cells);
    const small = smallInputBytes * batchSize;
    const embedding = 4 * batchSize * facts.embeddingLength;
    const row = 4 * facts.vocabularySize;
    const inner = 4 * batchSize * facts.feedForwardLength * (facts.experts > 0 ? facts.expertsUsed : 1);
    const scores = settings.flashAttention === "off" ? 4 * batchSize * facts.mostHeads * cells : 0;
    const layer = (held: Held, visiting = 0): number =>
        Math.max(
            held.beside * embedding + heldInner * inner + visiting,
            scores > 0 ? held.attention * embedding + scores : 0
        );
    const logits = (held: Held): number =>
        (held.withMask ? mask : 0) + held.logits * embedding + (held.copies * rows + 1) * row;
    const device = onDevice[draws];
    return {
        layerBytes: facts.layerBytes,
        expertBytes: facts.expertBytes,
        kvBytesPerLayer: (bytesPerToken * cells + facts.stateBytes * states) / Math.max(1, facts.layers),
        outputBytes: facts.outputBytes > 0 ? facts.outputBytes : facts.embeddingBytes,
        tiedOutput: facts.tiedOutput || facts.outputBytes === 0,
        embeddingBytes: facts.embeddingBytes,
        deviceComputeBytes: small + Math.max(mask + layer(device), logits(device)),
        partlyComputeBytes: small + Math.max(mask + layer(device, visitingBytes(facts)), logits(device)),
        hostComputeBytes: small + Math.max(mask + layer(onHost), logits(onHost)),
        inputBytes: mask + small + 2 * embedding,
        resultBytes: resultBytes(facts.vocabularySize, rows),
        adapterBytes: 0
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
    return {
        ...memory,
        layerBytes: memory.layerBytes.map(() => 0),
        expertBytes: [],
        outputBytes: 0,
        embeddingBytes: 0
    };
}

/** Contexts in the same place together. */
export function together(memories: readonly ModelMemory[]): ModelMemory {
    const sum = (of: (memory: ModelMemory) => number): number =>
        memories.reduce((bytes, memory) => bytes + of(memory), 0);
    const [first] = memories as readonly [ModelMemory, ...ModelMemory[]];
    return {
        layerBytes: first.layerBytes.map((_, layer) => sum(({ layerBytes }) => layerBytes[layer]!)),
        expertBytes: first.expertBytes,
        kvBytesPerLayer: sum(({ kvBytesPerLayer }) => kvBytesPerLayer),
        outputBytes: sum(({ outputBytes }) => outputBytes),
        tiedOutput: first.tiedOutput,
        embeddingBytes: sum(({ embeddingBytes }) => embeddingBytes),
        deviceComputeBytes: sum(({ deviceComputeBytes }) => deviceComputeBytes),
        partlyComputeBytes: sum(({ partlyComputeBytes }) => partlyComputeBytes),
        hostComputeBytes: sum(({ hostComputeBytes }) => hostComputeBytes),
        inputBytes: sum(({ inputBytes }) => inputBytes),
        resultBytes: sum(({ resultBytes }) => resultBytes),
        adapterBytes: sum(({ adapterBytes }) => adapterBytes)
    };
}

/**
 * What llama.cpp holds at once, as read from its log (docs/plan.md): rows as wide as the embedding beside a feed-forward layer, and
 * beside attention without flash attention; at the end of the graph those beside the logits, and copies of the logits.
 */
interface Held {
    readonly beside: number;
    readonly attention: number;
    readonly logits: number;
    readonly copies: number;
    /** Whether the mask is still held beside the logits. */
    readonly withMask: boolean;
}

/** The base draws from fused rows, the first expert from its own, and other small models hand theirs over. */
export type Draws = "fused" | "own" | "none";

const onDevice: Readonly<Record<Draws, Held>> = {
    fused: { beside: 2, attention: 5, logits: 2, copies: 4, withMask: true },
    own: { beside: 2, attention: 5, logits: 0, copies: 4, withMask: false },
    none: { beside: 2, attention: 5, logits: 0, copies: 3, withMask: false }
};
const onHost: Held = { beside: 4, attention: 6, logits: 1.5, copies: 2, withMask: false };
/** Rows as wide as a feed-forward layer: its gate, what that lets through, and their product. */
const heldInner = 3;
/** Of each token of a batch: token, position, places in the cache. */
const smallInputBytes = 24;

function maskBytes({ batchSize, flashAttention }: MemorySettings, cells: number): number {
    return cells * batchSize * (flashAttention === "off" ? 4 : 2);
}

// Two of the largest matrices of a layer: those of its feed-forward part.
function visitingBytes({
    layers,
    layerBytes,
    expertBytes,
    embeddingLength,
    feedForwardLength,
    mostHeads,
    headWidth,
    kvElementsPerToken
}: SizedModel): number {
    const experts = Math.max(0, ...expertBytes);
    if (experts > 0) return (experts * 2) / 3;
    const feedForward = 3 * feedForwardLength;
    const attention = 2 * mostHeads * headWidth + (kvElementsPerToken.k + kvElementsPerToken.v) / Math.max(1, layers);
    const share = embeddingLength === 0 ? 0 : (2 * feedForwardLength) / Math.max(1, feedForward + attention);
    return Math.max(0, ...layerBytes) * share;
}

/** Logits, and what a sampler within the graph could give: probabilities, candidates. */
function resultBytes(vocabularySize: number, rows: number): number {
    return 16 * vocabularySize * rows;
}

/** What the sampler of one context takes beside its output layer: there, where that is on a device, or in main memory. */
export interface SamplerMemory {
    readonly device: number;
    readonly host: number;
}

/** Settings, ids that are adjusted and candidates, of each row on a device. */
const settingsBytesPerRow = 4 * (1024 + 5 * 256 + 14 + 41);
/** Rows that processors work on at once, at most. */
const rowsAtOnce = 8;

/**
 * The base has the rows of all experts and antiexperts, and what it fuses of them; the first expert draws, too. One row more of
 * each, which nobody reads.
 * @param pairs of the engine
 */
export function samplerMemory(
    role: "base" | "expert" | "antiexpert",
    pair: number,
    { vocabularySize }: Pick<SizedModel, "vocabularySize">,
    rows: number,
    pairs: number
): SamplerMemory {
    if (role === "antiexpert" || (role === "expert" && pair > 0)) return { device: 0, host: 0 };
    const stored = role === "base" ? 2 * pairs * (rows + 1) : 0;
    const row = 4 * vocabularySize;
    return {
        // beside the rows the fused ones, and a mask
        device: row * (stored + rows + 1 + 1) + settingsBytesPerRow * (rows + 1),
        host: row * (stored + Math.min(rows, rowsAtOnce))
    };
}

/** Bytes as people read them in messages, e.g. "1536 MiB". */
export function formatMib(bytes: number): string {
    return `${Math.ceil(bytes / 1_048_576)} MiB`;
}
