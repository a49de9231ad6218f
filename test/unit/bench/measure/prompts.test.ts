import { describe, expect, it } from "vitest";
import { PromptSource } from "../../../../src/bench/measure/prompts.js";

describe("prompts of a benchmark", () => {
    it("are the same every time, different from each other, and within the vocabulary", () => {
        const prompts = new PromptSource(1000, []);
        expect(prompts.prompt(3, 50)).toEqual(new PromptSource(1000, []).prompt(3, 50));
        expect(prompts.prompt(3, 50)[0]).not.toBe(prompts.prompt(4, 50)[0]);
        expect(prompts.prompt(3, 500).every((token) => token >= 125 && token < 1000)).toBe(true);
    });

    it("gives fresh prompts that begin alike with none before", () => {
        const begin = (source: PromptSource): string => source.fresh(8).join();
        const random = new PromptSource(1000, []);
        expect(new Set(Array.from({ length: 100 }, () => begin(random))).size).toBe(100);
        for (const n of [1, 2, 3, 12, 97, 100]) {
            const text = new PromptSource(
                1000,
                Array.from({ length: n }, (_, i) => i)
            );
            expect(new Set(Array.from({ length: n }, () => begin(text))).size).toBe(n);
        }
    });

    it("take pieces of a text, around its end where they must", () => {
        const text = [5, 6, 7, 8];
        const prompt = new PromptSource(1000, text).prompt(1, 9);
        expect(prompt).toHaveLength(9);
        expect(prompt.slice(1).every((token, i) => token === text[(text.indexOf(prompt[i]!) + 1) % 4])).toBe(true);
    });
});
