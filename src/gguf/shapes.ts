// Dimensions of models.

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
 * Dimensions of known models as their config.json has them, after three of nobody for small machines. What is written
 * leaves out biases (0.02% of Qwen2.5 0.5B). llama.cpp's K types need widths that are multiples of 256, as those of
 * tiny-0.07b and qwen2.5-0.5b are not: it takes Q5_0, Q5_1 or Q8_0 for such tensors, as it does for the real models.
 */
export const knownShapes = {
    "tiny-0.07b": { width: 640, layers: 6, heads: 10, kvHeads: 2, hidden: 1728, vocabulary: 32000 },
    "tiny-0.1b": { width: 768, layers: 8, heads: 12, kvHeads: 4, hidden: 2048, vocabulary: 32000 },
    "tiny-0.08b": { width: 256, layers: 4, heads: 4, kvHeads: 2, hidden: 1024, vocabulary: 151936 },
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
