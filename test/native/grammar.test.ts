import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { figure, nativeTest } from "../support/native.js";
import { heavy, size } from "../support/size.js";
import { bundledGrammars, bundledModels } from "../support/vocabularies.js";

describe("grammars in native code", () => {
    it("are read with errors that say where, matched by hand, and bounded in time and memory", async () => {
        const output = await nativeTest("gbnf", { long: heavy ? 1 : 0 });
        // those that cannot be decided within the work of a token: a typed error in the engine
        expect(figure(output, "over the limit")).toBeLessThanOrEqual(size(2, 40));
    });

    it("allow what llama.cpp's own engine allows, token by token: its grammars, and random ones", async () => {
        const files = ["arithmetic", "c", "chess", "english", "japanese", "json", "json_arr", "list"].map((name) =>
            join(bundledGrammars(), `${name}.gbnf`)
        );
        const output = await nativeTest("grammar-differential", {
            vocabulary: join(bundledModels(), "ggml-vocab-qwen2.gguf"),
            grammars: files.join(","),
            random: size(40, 1500),
            walks: size(1, 4)
        });
        expect(figure(output, "compared")).toBeGreaterThan(20_000);
        expect(figure(output, "taken")).toBeGreaterThan(20);
    });
});
