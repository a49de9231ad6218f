// What numbers may be: the same table as native/napi/limits.h, which checks again what would crash a process. A test holds
// the two to each other, and both to the addon.
import type { NumberRange } from "./checks.js";

/** Every limit, by the option it belongs to; counts are named after what is counted. */
export const limits = {
    // of an engine
    pairs: { min: 0, max: 3, integer: true },
    // of one model
    adapters: { min: 0, max: 16, integer: true },
    loraScale: { min: -100, max: 100 },
    // 0: no factors, only how large a difference is
    loraRank: { min: 0, max: 65_536, integer: true },
    gpuLayers: { min: 0, max: 1_000_000, integer: true },
    // ggml has no more
    threads: { min: 1, max: 512, integer: true },
    contextSize: { min: 1, max: 16_777_216, integer: true },
    batchSize: { min: 1, max: 16_384, integer: true },
    parallel: { min: 1, max: 64, integer: true },
    cacheSize: { min: 1, max: 1_073_741_824, integer: true },
    // 0 = "auto"
    prefillChunk: { min: 0, max: 16_384, integer: true },
    maxQueue: { min: 0, max: 1_000_000, integer: true },
    maxDraft: { min: 0, max: 63, integer: true },
    // of a request
    maxTokens: { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true },
    maxThinkingTokens: { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true },
    logprobs: { min: 0, max: 20, integer: true },
    stopStrings: { min: 0, max: 16, integer: true },
    ordinal: { min: 0, max: 4_294_967_295, integer: true },
    // of a draw
    lambda: { min: -10, max: 10 },
    temperature: { min: 0, max: 100 },
    topK: { min: 0, max: 1_073_741_824, integer: true },
    topP: { min: 0, max: 1, aboveMin: true },
    minP: { min: 0, max: 1 },
    repetitionPenalty: { min: 0, max: 10, aboveMin: true },
    presencePenalty: { min: -100, max: 100 },
    frequencyPenalty: { min: -100, max: 100 },
    penaltyWindow: { min: -1, max: 1_073_741_824, integer: true },
    biasEntries: { min: 0, max: 1024, integer: true },
    // or -Infinity
    bias: { min: -100, max: 100 },
    // of a measurement
    measuredDepth: { min: 0, max: 1_073_741_824, integer: true },
    measuredTokens: { min: 1, max: 1_073_741_824, integer: true }
} as const satisfies Record<string, NumberRange>;

/** A key of the sampling options of requests and trio files. */
export type SamplingKey = (typeof samplingKeys)[number];

/** The numbers that shape a draw. */
export const samplingKeys = [
    "temperature",
    "topK",
    "topP",
    "minP",
    "repetitionPenalty",
    "presencePenalty",
    "frequencyPenalty",
    "penaltyWindow"
] as const satisfies readonly (keyof typeof limits)[];
