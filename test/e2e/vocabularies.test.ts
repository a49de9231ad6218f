import { describe, expect, it } from "vitest";
import { loadRast, type Rast } from "../../dist/index.js";
import { tabledVocabularies, tokenTable, vocabularyModel } from "../support/vocabularies.js";

const load = (base: string): Promise<Rast> => loadRast({ base, gpuLayers: 0, threads: 1, contextSize: 64 });

describe("tokenizers of real models", () => {
    it.each(tabledVocabularies)("%s: llama.cpp's own table", async (name) => {
        const table = tokenTable(name);
        expect(table.length).toBeGreaterThan(40);
        const rast = await load(await vocabularyModel(name));
        for (const { text, tokens } of table) {
            expect({ text, tokens: await rast.tokenize(text, { parseSpecial: false }) }).toEqual({ text, tokens });
        }
        await rast.dispose();
    });
});
