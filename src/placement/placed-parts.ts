// What a placed model takes, by place and purpose.
import type { ModelMemory, SamplerMemory } from "./model-memory.js";

/** Bytes by purpose. */
export interface MemoryParts {
    /** Weights of the models. */
    readonly weights: number;
    /** KV cache and states. */
    readonly cache: number;
    /** Intermediate results of a decode. */
    readonly compute: number;
    /** llama.cpp's copy of what a decode gives. */
    readonly results: number;
    /** Rows of small models and fused rows, beside the base's output layer. */
    readonly sampler: number;
}

/** Of one model. */
export interface PlacedParts {
    readonly host: MemoryParts;
    /** In the order of its devices. */
    readonly devices: readonly MemoryParts[];
}

/** All of them together. */
export function bytesOf({ weights, cache, compute, results, sampler }: MemoryParts): number {
    return weights + cache + compute + results + sampler;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Bytes of a layer's experts, where they are kept in main memory. */
export function expertsInMainMemory({ expertBytes }: ModelMemory, layer: number, cpuMoeLayers: number): number {
    return layer < cpuMoeLayers ? (expertBytes[layer] ?? 0) : 0;
}

/**
 * Layers on devices are the last ones, the first device has the first of them, and the last device the output layer. Experts of the
 * first `cpuMoeLayers` layers are in main memory, wherever the rest of their layer is.
 * @param sampler what it takes beside the output layer
 */
export function partsOf(
    memory: ModelMemory,
    {
        gpuLayers,
        split,
        cpuMoeLayers,
        outputInMainMemory
    }: {
        readonly gpuLayers: number;
        readonly split: readonly number[];
        readonly cpuMoeLayers: number;
        readonly outputInMainMemory: boolean;
    },
    sampler: SamplerMemory
): PlacedParts {
    const total = memory.layerBytes.length;
    const onDevices = Math.max(0, gpuLayers - 1);
    const onHost = total - onDevices;
    const drawsOnHost = gpuLayers === 0 || outputInMainMemory;
    const experts = memory.layerBytes.map((_, layer) => expertsInMainMemory(memory, layer, cpuMoeLayers));
    const host: MemoryParts = {
        weights:
            sum(memory.layerBytes.slice(0, onHost)) +
            sum(experts.slice(onHost)) +
            memory.embeddingBytes +
            (drawsOnHost && !memory.tiedOutput ? memory.outputBytes : 0),
        cache: onHost * memory.kvBytesPerLayer,
        compute: drawsOnHost ? memory.hostComputeBytes : memory.inputBytes,
        results: memory.resultBytes,
        sampler: drawsOnHost ? sampler.host : 0
    };
    let at = onHost;
    const devices = split.map((count, index): MemoryParts => {
        const last = index === split.length - 1;
        const hasOutput = last && !outputInMainMemory;
        const layers = last ? count - 1 : count;
        const weights = sum(memory.layerBytes.slice(at, at + layers)) - sum(experts.slice(at, at + layers));
        at += layers;
        return {
            weights: weights + (hasOutput ? memory.outputBytes : 0),
            cache: layers * memory.kvBytesPerLayer,
            compute: onHost > 0 || sum(experts) > 0 ? memory.partlyComputeBytes : memory.deviceComputeBytes,
            results: 0,
            sampler: hasOutput ? sampler.device : 0
        };
    });
    return { host, devices };
}
