// What a catalog's model would say of itself in some quantization: for plans before anything is here.
import type { CatalogModel } from "../catalog/catalog.js";
import { quantizationsOf, sizedQuantizations, weightBytes } from "../catalog/model-size.js";
import type { PlannedFacts } from "./plan-models.js";

/** @returns undefined for a quantization whose sizes are not known */
export function catalogFacts(model: CatalogModel, quantization: string): PlannedFacts | undefined {
    const { shape, architecture } = model;
    const bytes = weightBytes(shape, quantization);
    if (bytes === undefined) return undefined;
    const { layers, width, heads, kvHeads, headSize, hidden, vocabulary, context, tied } = shape;
    const kv = layers * kvHeads * headSize;
    return {
        architecture,
        fileBytes: bytes.layers.reduce((sum, one) => sum + one, bytes.output) + (tied ? 0 : bytes.embedding),
        layers,
        contextLength: context,
        embeddingLength: width,
        kvElementsPerToken: { k: kv, v: kv },
        stateBytes: 0,
        vocabularySize: vocabulary,
        layerBytes: bytes.layers,
        expertBytes: bytes.layers.map(() => 0),
        outputBytes: bytes.output,
        tiedOutput: tied,
        embeddingBytes: bytes.embedding,
        parameterCount: model.parameters ?? 0,
        quantization,
        feedForwardLength: hidden,
        headCount: heads,
        kvHeadCount: kvHeads,
        mostHeads: heads,
        headWidth: headSize,
        experts: 0,
        expertsUsed: 0
    };
}

/**
 * Quantizations in which a model can be had, largest first: those of its files, or any where it is grafted and quantized here.
 */
export function quantizationsToHave(model: CatalogModel): string[] {
    const offered = quantizationsOf(model).map((name) => name.toUpperCase());
    const all = sizedQuantizations.filter((name) => name !== "F32" && weightBytes(model.shape, name) !== undefined);
    const usable =
        offered.length === 0 ? all.filter((name) => /^Q/.test(name)) : all.filter((name) => offered.includes(name));
    const size = (name: string): number => {
        const { layers, output, embedding } = weightBytes(model.shape, name)!;
        return layers.reduce((sum, bytes) => sum + bytes, output + embedding);
    };
    return usable.sort((one, other) => size(other) - size(one));
}
