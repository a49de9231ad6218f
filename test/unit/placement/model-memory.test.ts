// Every term by itself: settings whose shares of the sum are told apart by their digits.
import { describe, expect, test } from "vitest";
import {
    formatMib,
    kvElementBytes,
    modelMemory,
    samplerBytes,
    type MemorySettings
} from "../../../src/placement/model-memory.js";
import { modelFacts } from "../../support/fake-addon.js";

const settings: MemorySettings = {
    cacheSize: 256,
    batchSize: 1,
    rows: 0,
    kvTypeK: "f16",
    kvTypeV: "f16",
    flashAttention: "auto"
};
const facts = modelFacts({ embeddingLength: 0, vocabularySize: 0, kvElementsPerToken: { k: 0, v: 0 } });
const compute = (model: object, changes: Partial<MemorySettings> = {}): number =>
    modelMemory({ ...facts, ...model }, { ...settings, ...changes }).computeBytes;

describe("compute buffers, term by term", () => {
    const mask = 256 * 6;

    test("the mask: six bytes per cell and token of a batch", () => {
        expect(compute({})).toBe(mask);
        expect(compute({}, { batchSize: 7 })).toBe(7 * mask);
        expect(compute({}, { cacheSize: 257 })).toBe(2 * mask);
    });

    test("activations: 64 bytes per column and token", () => {
        expect(compute({ embeddingLength: 1 })).toBe(mask + 64);
        expect(compute({ embeddingLength: 1000 })).toBe(mask + 64_000);
        expect(compute({ embeddingLength: 1000 }, { batchSize: 3 })).toBe(3 * (mask + 64_000));
    });

    test("rows of logits: 16 bytes per column and row, whatever the batch", () => {
        expect(compute({ vocabularySize: 1000 }, { rows: 1 })).toBe(mask + 16_000);
        expect(compute({ vocabularySize: 1000 }, { rows: 5 })).toBe(mask + 80_000);
        expect(compute({ vocabularySize: 1000 }, { rows: 1, batchSize: 2 })).toBe(2 * mask + 16_000);
    });

    test("scores: four bytes per head, cell and token, without flash attention alone", () => {
        const off = { flashAttention: "off" } as const;
        const scores = (embeddingLength: number, changes = {}): number =>
            compute({ embeddingLength }, { ...off, ...changes }) - compute({ embeddingLength }, changes);
        expect(scores(64)).toBe(256 * 4);
        expect(scores(65)).toBe(2 * 256 * 4);
        expect(scores(640)).toBe(10 * 256 * 4);
        expect(scores(64, { batchSize: 3, cacheSize: 512 })).toBe(512 * 3 * 4);
        expect(compute({ embeddingLength: 64 }, { flashAttention: "on" })).toBe(compute({ embeddingLength: 64 }));
    });
});

describe("the cache", () => {
    const perLayer = (k: number, v: number, changes: Partial<MemorySettings> = {}, layers = 1): number =>
        modelMemory({ ...facts, layers, kvElementsPerToken: { k, v } }, { ...settings, ...changes }).kvBytesPerLayer;

    test("keys and values each in their own type", () => {
        const types = { kvTypeK: "f32", kvTypeV: "q8_0" } as const;
        expect(perLayer(32, 0, types)).toBe(256 * 128);
        expect(perLayer(0, 32, types)).toBe(256 * 34);
        expect(perLayer(32, 64, types)).toBe(256 * (128 + 68));
    });

    test("cells in steps of 256; a layer has its share", () => {
        expect(perLayer(1, 0, { cacheSize: 1 })).toBe(512);
        expect(perLayer(1, 0, { cacheSize: 256 })).toBe(512);
        expect(perLayer(1, 0, { cacheSize: 257 })).toBe(1024);
        expect(perLayer(8, 0, {}, 4)).toBe(1024);
        expect(perLayer(8, 0, {}, 0)).toBe(4096);
    });

    // ggml's blocks of 32 elements (ggml-common.h)
    test.each([
        ["f32", 128],
        ["f16", 64],
        ["bf16", 64],
        ["q8_0", 34],
        ["q4_0", 18],
        ["q4_1", 20],
        ["q5_0", 22],
        ["q5_1", 24],
        ["iq4_nl", 18]
    ] as const)("32 elements of %s take %i bytes", (type, bytes) => {
        expect(32 * kvElementBytes[type]).toBe(bytes);
    });
});

test("weights are those of the file; a tied output layer is a copy of the embedding", () => {
    const weights = { layerBytes: [1, 20, 300], outputBytes: 4000, embeddingBytes: 50_000 };
    expect(modelMemory(modelFacts(weights), settings)).toMatchObject(weights);
    expect(modelMemory(modelFacts({ ...weights, outputBytes: 1 }), settings).outputBytes).toBe(1);
    expect(modelMemory(modelFacts({ ...weights, outputBytes: 0 }), settings).outputBytes).toBe(50_000);
});

test("the sampler: 20 bytes a column and row, and 8 more for each pair", () => {
    expect(samplerBytes(1, 1, 0)).toBe(20);
    expect(samplerBytes(1, 1, 1)).toBe(28);
    expect(samplerBytes(1, 1, 3)).toBe(44);
    expect(samplerBytes(100, 7, 1)).toBe(19_600);
});

test("MiB are rounded up", () => {
    expect([0, 1, 2 ** 20, 2 ** 20 + 1, 1536 * 2 ** 20].map(formatMib)).toEqual([
        "0 MiB",
        "1 MiB",
        "1 MiB",
        "2 MiB",
        "1536 MiB"
    ]);
});
