import { describe, expect, test } from "vitest";
import { modelMemory } from "../../../src/placement/model-memory.js";
import { planStates } from "../../../src/placement/states.js";
import { modelFacts } from "../../support/fake-addon.js";

const mib = 1_048_576;
const plain = modelFacts();
const lfm2 = modelFacts({ architecture: "lfm2", stateBytes: 1000 });
const mamba = modelFacts({ architecture: "mamba", stateBytes: 1000 });
const qwen = (stateBytes: number): typeof plain => modelFacts({ architecture: "qwen35", stateBytes });
const none = { snapshots: 0, states: 0 };

describe("states", () => {
    test("models that attend have none", () => {
        expect(planStates([plain, plain, plain], 15, 4)).toEqual({
            models: [none, none, none],
            mostDrafts: undefined
        });
    });

    test("who verifies has as many earlier states as drafts, up to 7; who drafts has one more", () => {
        expect(planStates([lfm2, lfm2, lfm2], 15, 2)).toEqual({
            models: [
                { snapshots: 7, states: 16 },
                { snapshots: 0, states: 3 },
                { snapshots: 7, states: 16 }
            ],
            mostDrafts: 7
        });
        expect(planStates([plain, lfm2, lfm2], 3, 1).models).toEqual([
            none,
            { snapshots: 0, states: 2 },
            { snapshots: 3, states: 4 }
        ]);
    });

    test("an expert alone does not limit drafts", () => {
        expect(planStates([plain, mamba, plain], 15, 1)).toEqual({
            models: [none, { snapshots: 0, states: 2 }, none],
            mostDrafts: 15
        });
    });

    test("none are kept for nothing: one that verifies cannot have them, or drafts are off", () => {
        const without = { snapshots: 0, states: 2 };
        expect(planStates([lfm2, mamba, mamba], 15, 2)).toEqual({
            models: [without, { snapshots: 0, states: 3 }, without],
            mostDrafts: 0
        });
        expect(planStates([lfm2, lfm2, lfm2], 0, 2).models).toEqual([without, without, without]);
    });

    test("they take no more than 512 MiB of a model", () => {
        expect(planStates([qwen(50 * mib), plain, plain], 15, 1).mostDrafts).toBe(7);
        expect(planStates([qwen(50 * mib), plain, plain], 15, 4).mostDrafts).toBe(2);
        expect(planStates([qwen(50 * mib), plain, plain], 15, 16).mostDrafts).toBe(0);
        expect(planStates([qwen(50 * mib), qwen(20 * mib), qwen(200 * mib)], 15, 1).mostDrafts).toBe(2);
    });

    test("count as cache, each layer with its share", () => {
        const settings = {
            cacheSize: 256,
            batchSize: 1,
            rows: 0,
            kvTypeK: "f16",
            kvTypeV: "f16",
            flashAttention: "auto"
        } as const;
        const facts = modelFacts({ layers: 4, stateBytes: 1000, kvElementsPerToken: { k: 0, v: 0 } });
        expect(modelMemory(facts, settings, 16).kvBytesPerLayer).toBe(4000);
        expect(modelMemory(facts, settings).kvBytesPerLayer).toBe(0);
    });
});
