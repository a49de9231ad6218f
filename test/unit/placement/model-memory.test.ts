// Every term by itself: settings whose shares of the sum are told apart by their digits. What the terms are was read from
// llama.cpp's log (test/e2e/plan.test.ts holds them to it).
import { describe, expect, test } from "vitest";
import {
    formatMib,
    kvElementBytes,
    modelMemory,
    samplerMemory,
    type Draws,
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
const facts = modelFacts({
    embeddingLength: 0,
    vocabularySize: 0,
    feedForwardLength: 0,
    mostHeads: 0,
    headWidth: 0,
    kvElementsPerToken: { k: 0, v: 0 }
});
const memory = (
    model: object,
    changes: Partial<MemorySettings> = {},
    draws: Draws = "fused"
): ReturnType<typeof modelMemory> => modelMemory({ ...facts, ...model }, { ...settings, ...changes }, 0, draws);
const onDevice = (model: object, changes: Partial<MemorySettings> = {}, draws: Draws = "fused"): number =>
    memory(model, changes, draws).deviceComputeBytes;
const onHost = (model: object, changes: Partial<MemorySettings> = {}): number =>
    memory(model, changes).hostComputeBytes;

describe("compute buffers, term by term", () => {
    const inputs = 256 * 2 + 24;

    test("what goes in: two bytes of mask per cell and token, four without flash attention, and places", () => {
        for (const of of [onDevice, onHost]) {
            expect(of({})).toBe(inputs);
            expect(of({}, { batchSize: 7 })).toBe(7 * inputs);
            expect(of({}, { cacheSize: 257 })).toBe(inputs + 256 * 2);
            expect(of({}, { flashAttention: "off" })).toBe(inputs + 256 * 2);
        }
        expect(memory({ embeddingLength: 100 }, { batchSize: 3 }).inputBytes).toBe(3 * (inputs + 800));
    });

    test("a feed-forward layer: three of its width, and two of the embedding's, four in main memory", () => {
        const model = { embeddingLength: 100, feedForwardLength: 10_000 };
        expect(onDevice(model)).toBe(inputs + 4 * (30_000 + 200));
        expect(onHost(model)).toBe(inputs + 4 * (30_000 + 400));
        expect(onDevice(model, { batchSize: 3 })).toBe(3 * (inputs + 4 * (30_000 + 200)));
        expect(onDevice({ ...model, experts: 8, expertsUsed: 2 })).toBe(inputs + 4 * (60_000 + 200));
    });

    test("logits: copies of all rows where that is more; whatever the batch", () => {
        const model = { vocabularySize: 1000 };
        expect(onDevice(model, { rows: 5 })).toBe(inputs + 4000 * (4 * 5 + 1));
        expect(onDevice(model, { rows: 5 }, "own")).toBe(24 + 4000 * (4 * 5 + 1));
        expect(onDevice(model, { rows: 5 }, "none")).toBe(24 + 4000 * (3 * 5 + 1));
        expect(onHost(model, { rows: 5 })).toBe(24 + 4000 * (2 * 5 + 1));
        expect(onDevice({ ...model, feedForwardLength: 100_000 }, { rows: 5 })).toBe(inputs + 1_200_000);
        expect(memory(model, { rows: 3 }).resultBytes).toBe(48_000);
    });

    test("scores: four bytes per head, cell and token, without flash attention alone", () => {
        const model = { mostHeads: 10, embeddingLength: 100 };
        const off = { flashAttention: "off" } as const;
        expect(onDevice(model, off)).toBe(256 * 4 + 24 + 4 * (500 + 2560));
        expect(onHost(model, off)).toBe(256 * 4 + 24 + 4 * (600 + 2560));
        expect(onDevice(model)).toBe(inputs + 800);
    });

    test("where a model is not whole on a device, the largest matrices of a layer come there for prompts", () => {
        const model = {
            embeddingLength: 100,
            feedForwardLength: 30,
            mostHeads: 2,
            headWidth: 2,
            layers: 2,
            layerBytes: [90, 100]
        };
        // 90 rows of the feed-forward, 8 of queries and outputs, 2 of keys and values; two matrices of three
        const visiting = (changes: object): number => {
            const { partlyComputeBytes, deviceComputeBytes } = memory({ ...model, ...changes });
            return partlyComputeBytes - deviceComputeBytes;
        };
        expect(visiting({ kvElementsPerToken: { k: 2, v: 2 } })).toBeCloseTo(100 * (60 / 100), 9);
        expect(visiting({ expertBytes: [30, 60] })).toBe(40);
        // beside the logits they are gone
        expect(visiting({ vocabularySize: 10_000_000 })).toBe(0);
    });
});

describe("the cache", () => {
    const perLayer = (k: number, v: number, changes: Partial<MemorySettings> = {}, layers = 1): number =>
        memory({ layers, kvElementsPerToken: { k, v } }, changes).kvBytesPerLayer;

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
    expect(modelMemory(modelFacts(weights), settings)).toMatchObject({ ...weights, tiedOutput: false });
    expect(modelMemory(modelFacts({ ...weights, tiedOutput: true }), settings).tiedOutput).toBe(true);
    expect(modelMemory(modelFacts({ ...weights, outputBytes: 1 }), settings).outputBytes).toBe(1);
    expect(modelMemory(modelFacts({ ...weights, outputBytes: 0 }), settings)).toMatchObject({
        outputBytes: 50_000,
        tiedOutput: true
    });
});

describe("the sampler", () => {
    const of = (role: "base" | "expert" | "antiexpert", rows: number, pairs: number, pair = 0): object =>
        samplerMemory(role, pair, { vocabularySize: 100_000 }, rows, pairs);
    const row = 400_000;
    const perRow = 4 * (1024 + 1280 + 14 + 41);

    test("the base has two rows of each pair, the fused ones and a mask; one row more of all", () => {
        expect(of("base", 1, 0)).toEqual({ device: row * 3 + 2 * perRow, host: row });
        expect(of("base", 16, 1)).toEqual({ device: row * (34 + 17 + 1) + 17 * perRow, host: row * (34 + 8) });
        expect(of("base", 2, 3)).toEqual({ device: row * (18 + 3 + 1) + 3 * perRow, host: row * (18 + 2) });
    });

    test("the first expert draws, and nobody else", () => {
        expect(of("expert", 4, 2)).toEqual({ device: row * 6 + 5 * perRow, host: row * 4 });
        expect(of("expert", 4, 2, 1)).toEqual({ device: 0, host: 0 });
        expect(of("antiexpert", 4, 2)).toEqual({ device: 0, host: 0 });
    });
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
