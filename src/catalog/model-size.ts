// How large a model's GGUF file is, from its dimensions: for files whose size nobody states, and for placements that are
// planned before anything is there.
import type { CatalogModel, CatalogShape } from "./catalog.js";

/** Bits of a weight, scales among them, by ggml's type. */
const bitsOf = {
    F32: 32,
    F16: 16,
    BF16: 16,
    Q8_0: 8.5,
    Q6_K: 6.5625,
    Q5_K: 5.5,
    Q4_K: 4.5,
    Q3_K: 3.4375,
    Q2_K: 2.625
} as const;
type TensorType = keyof typeof bitsOf;

/** What a file's quantization makes of its tensors. Source: llama.cpp, src/llama-quant.cpp, llama_tensor_get_type_impl. */
interface Recipe {
    readonly usual: TensorType;
    readonly value?: (layer: number, layers: number) => TensorType;
    readonly down?: (layer: number, layers: number) => TensorType;
    readonly attentionOutput?: TensorType;
}

function moreBits(layer: number, layers: number): boolean {
    const eighth = Math.floor(layers / 8);
    return layer < eighth || layer >= Math.floor((7 * layers) / 8) || (layer - eighth) % 3 === 2;
}

const recipes: Readonly<Record<string, Recipe>> = {
    F32: { usual: "F32" },
    F16: { usual: "F16" },
    BF16: { usual: "BF16" },
    Q8_0: { usual: "Q8_0" },
    Q6_K: { usual: "Q6_K" },
    Q5_K_M: {
        usual: "Q5_K",
        value: (layer, layers) => (moreBits(layer, layers) ? "Q6_K" : "Q5_K"),
        down: (layer, layers) => (moreBits(layer, layers) ? "Q6_K" : "Q5_K")
    },
    Q5_K_S: { usual: "Q5_K" },
    Q4_K_M: {
        usual: "Q4_K",
        value: (layer, layers) => (moreBits(layer, layers) ? "Q6_K" : "Q4_K"),
        down: (layer, layers) => (moreBits(layer, layers) ? "Q6_K" : "Q4_K")
    },
    Q4_K_S: {
        usual: "Q4_K",
        value: (layer) => (layer < 4 ? "Q5_K" : "Q4_K"),
        down: (layer, layers) => (layer < Math.floor(layers / 8) ? "Q5_K" : "Q4_K")
    },
    Q3_K_M: {
        usual: "Q3_K",
        value: (layer) => (layer < 2 ? "Q5_K" : "Q4_K"),
        down: (layer, layers) => (layer < Math.floor(layers / 16) ? "Q5_K" : "Q4_K"),
        attentionOutput: "Q4_K"
    },
    Q2_K: { usual: "Q2_K", value: () => "Q4_K", down: () => "Q3_K", attentionOutput: "Q3_K" }
};

/** Quantizations whose sizes can be told, largest first. */
export const sizedQuantizations: readonly string[] = Object.keys(recipes);

/** Whether an output layer of this type would be made a larger one. */
const plainTypes: ReadonlySet<string> = new Set(["F32", "F16", "BF16", "Q8_0"]);

/** Bytes of a model's weights, by where a placement may put them. */
export interface WeightBytes {
    /** Of each layer. */
    readonly layers: readonly number[];
    /** Of the output layer, with the norm before it; of a tied one the embedding's once more. */
    readonly output: number;
    readonly embedding: number;
}

/** @returns undefined for a quantization of other names */
export function weightBytes(shape: CatalogShape, quantization: string): WeightBytes | undefined {
    const recipe = recipes[quantization.toUpperCase()];
    if (recipe === undefined) return undefined;
    const { layers, width, heads, kvHeads, headSize, hidden, vocabulary, tied, qkvBias, qkNorm } = shape;
    const queries = heads * headSize;
    const keys = kvHeads * headSize;
    const { usual } = recipe;
    const bytes = (type: TensorType, elements: number): number => (bitsOf[type] * elements) / 8;
    const ofLayer = (layer: number): number =>
        bytes(usual, width * queries + width * keys + 2 * width * hidden) +
        bytes(valueType(recipe, shape, layer), width * keys) +
        bytes(recipe.down?.(layer, layers) ?? usual, width * hidden) +
        bytes(recipe.attentionOutput ?? usual, width * queries) +
        bytes("F32", 2 * width + (qkvBias ? queries + 2 * keys : 0) + (qkNorm ? 2 * headSize : 0));
    const output = bytes(plainTypes.has(usual) ? usual : "Q6_K", width * vocabulary);
    return {
        layers: Array.from({ length: layers }, (_, layer) => ofLayer(layer)),
        output: output + bytes("F32", width),
        embedding: tied ? output : bytes(usual, width * vocabulary)
    };
}

/**
 * Bytes of the tensors of a model's file. A file has its header beside them, most of it the tokenizer: 6 MB with Qwen's.
 * @returns undefined for a quantization of other names
 */
export function tensorBytes(shape: CatalogShape, quantization: string): number | undefined {
    const bytes = weightBytes(shape, quantization);
    if (bytes === undefined) return undefined;
    const { layers, output, embedding } = bytes;
    const all = layers.reduce((sum, one) => sum + one, output) + (shape.tied ? 0 : embedding);
    return Math.round(all);
}

function valueType(
    { usual, value }: Recipe,
    { layers, width, heads, kvHeads }: CatalogShape,
    layer: number
): TensorType {
    const type = value?.(layer, layers) ?? usual;
    // llama.cpp's 70B, by its layers and heads
    const is70b = layers === 80 && width === 8192 && heads / kvHeads === 8;
    return is70b && (type === "Q3_K" || type === "Q4_K") ? "Q5_K" : type;
}

/** A size, and how it is known. */
export interface KnownSize {
    readonly bytes: number;
    /** A public text states it, or it is computed from the model's dimensions and the tokenizer's usual size. */
    readonly by: "stated" | "computed";
}

// Texts and types of tokens, merges: as found in files of Qwen2.5 and Qwen3 (39.2), and of Llama 3.1 (61.3).
const headerBytesPerToken = { llama: 61.3, other: 39.2 };

/** Size of a model's file in a quantization. @returns undefined where neither a text nor the dimensions say */
export function fileSizeOf({ source, shape, architecture }: CatalogModel, quantization: string): KnownSize | undefined {
    if (source.kind === "files") {
        for (const { bytes } of source.repositories) {
            const stated = bytes.get(quantization);
            if (stated !== undefined) return { bytes: stated, by: "stated" };
        }
    }
    const computed = tensorBytes(shape, quantization);
    if (computed === undefined) return undefined;
    const perToken = headerBytesPerToken[architecture === "llama" ? "llama" : "other"];
    return { bytes: computed + Math.round(perToken * shape.vocabulary), by: "computed" };
}

/** Every quantization in which a model can be had as a file, in the order of its repositories. */
export function quantizationsOf({ source }: CatalogModel): string[] {
    if (source.kind !== "files") return [];
    return [...new Set(source.repositories.flatMap(({ quantizations }) => quantizations))];
}
