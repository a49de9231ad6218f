// Dimensions of models.

/** Dimensions of a model of llama architecture, or of lfm2 where some layers alone attend. */
export interface ModelShape {
    readonly width: number;
    readonly layers: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly hidden: number;
    readonly vocabulary: number;
    /** Layers that attend; all others are short convolutions over three tokens. @default all */
    readonly attending?: readonly number[];
    /** The real model's output layer is its embedding. What is written here has both: they must differ. */
    readonly tied?: boolean;
}

/**
 * Dimensions of known models as their config.json has them, after four of nobody for small machines and tests. What is written
 * leaves out biases (0.02% of Qwen2.5 0.5B). llama.cpp's K types need widths that are multiples of 256, as those of
 * tiny-0.07b and qwen2.5-0.5b are not: it takes Q5_0, Q5_1 or Q8_0 for such tensors, as it does for the real models.
 */
export const knownShapes = {
    "tiny-0.07b": { width: 640, layers: 6, heads: 10, kvHeads: 2, hidden: 1728, vocabulary: 32000 },
    "tiny-0.1b": { width: 768, layers: 8, heads: 12, kvHeads: 4, hidden: 2048, vocabulary: 32000 },
    "tiny-0.08b": { width: 256, layers: 4, heads: 4, kvHeads: 2, hidden: 1024, vocabulary: 151936 },
    "tiny-0.01b": { width: 256, layers: 4, heads: 4, kvHeads: 2, hidden: 1024, vocabulary: 12288 },
    "llama-1.2b": { width: 2048, layers: 22, heads: 32, kvHeads: 8, hidden: 5632, vocabulary: 32000 },
    "lfm2-0.35b": {
        width: 1024,
        layers: 16,
        heads: 16,
        kvHeads: 8,
        hidden: 4608,
        vocabulary: 65536,
        attending: [2, 5, 8, 10, 12, 14],
        tied: true
    },
    "lfm2-1.2b": {
        width: 2048,
        layers: 16,
        heads: 32,
        kvHeads: 8,
        hidden: 8192,
        vocabulary: 65536,
        attending: [2, 5, 8, 10, 12, 14],
        tied: true
    },
    "llama3.2-1b": { width: 2048, layers: 16, heads: 32, kvHeads: 8, hidden: 8192, vocabulary: 128256, tied: true },
    "llama3.1-8b": { width: 4096, layers: 32, heads: 32, kvHeads: 8, hidden: 14336, vocabulary: 128256 },
    "qwen2.5-0.5b": { width: 896, layers: 24, heads: 14, kvHeads: 2, hidden: 4864, vocabulary: 151936, tied: true },
    "qwen2.5-1.5b": { width: 1536, layers: 28, heads: 12, kvHeads: 2, hidden: 8960, vocabulary: 151936, tied: true },
    "qwen2.5-7b": { width: 3584, layers: 28, heads: 28, kvHeads: 4, hidden: 18944, vocabulary: 152064 },
    "qwen2.5-14b": { width: 5120, layers: 48, heads: 40, kvHeads: 8, hidden: 13824, vocabulary: 152064 },
    "qwen2.5-32b": { width: 5120, layers: 64, heads: 40, kvHeads: 8, hidden: 27648, vocabulary: 152064 }
} as const satisfies Record<string, ModelShape>;

/** Parameters of a model as it is written, and of the real one, whose embedding may serve as its output layer. */
export function parameterCounts(shape: ModelShape): {
    written: number;
    real: number;
} {
    const { width, layers, heads, kvHeads, hidden, vocabulary, attending, tied } = shape;
    const headWidth = width / heads;
    const attention =
        2 * width * width + 2 * width * headWidth * kvHeads + (attending === undefined ? 0 : 2 * headWidth);
    const convolution = 4 * width * width + 3 * width;
    const count = attending?.length ?? layers;
    const own = count * attention + (layers - count) * convolution;
    const written = own + layers * (3 * width * hidden + 2 * width) + width + 2 * width * vocabulary;
    return { written, real: tied === true ? written - width * vocabulary : written };
}
