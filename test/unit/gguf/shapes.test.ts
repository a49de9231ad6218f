import { describe, expect, it } from "vitest";
import { knownShapes, parameterCounts, type ModelShape } from "../../../src/gguf/shapes.js";

describe("known shapes", () => {
    // as their model cards and safetensors headers have them, embeddings that serve as output layer counted once
    it.each([
        ["lfm2-0.35b", 354_483_968],
        ["lfm2-1.2b", 1_170_340_608],
        ["llama3.2-1b", 1_235_814_400],
        ["llama3.1-8b", 8_030_261_248],
        ["qwen2.5-0.5b", 494_032_768],
        ["qwen2.5-1.5b", 1_543_714_304],
        ["qwen2.5-7b", 7_615_616_512],
        ["qwen2.5-14b", 14_770_033_664],
        ["qwen2.5-32b", 32_763_876_352]
    ] as const)("%s has the published %d parameters", (name, published) => {
        const shape: ModelShape = knownShapes[name];
        const { width, layers, heads, kvHeads } = shape;
        const biases = name.startsWith("qwen2.5") ? layers * (width + 2 * (width / heads) * kvHeads) : 0;
        expect(parameterCounts(shape).real + biases).toBe(published);
        expect(biases / published).toBeLessThan(0.001);
    });

    it("are as large as their names say", () => {
        for (const [name, shape] of Object.entries(knownShapes)) {
            const billions = Number(/([\d.]+)b$/.exec(name)![1]);
            expect(parameterCounts(shape).real / 1e9 / billions, name).toBeGreaterThan(0.85);
            expect(parameterCounts(shape).real / 1e9 / billions, name).toBeLessThan(1.25);
        }
    });

    it("have whole heads, and blocks of 32 in every row", () => {
        for (const [name, shape] of Object.entries(knownShapes)) {
            const { width, heads, kvHeads, hidden } = shape;
            expect(width % heads, name).toBe(0);
            expect(heads % kvHeads, name).toBe(0);
            expect([width % 32, hidden % 32, (width / heads) % 32], name).toEqual([0, 0, 0]);
        }
    });
});
