import { describe, expect, it } from "vitest";
import { figure, nativeTest } from "../support/native.js";
import { size } from "../support/size.js";
import { bundledVocabulary, vocabularies, type Vocabulary } from "../support/vocabularies.js";

// One name of every pre-tokenizer of llama.cpp.
const preTokenizers = (
    "default,minicpm5,llama3,deepseek-llm,deepseek-coder,deepseek-v3,spark2_5,youtu,falcon,mpt,starcoder,gpt-2," +
    "jais-2,gemma4,sarvam-moe,refact,command-r,qwen2,qwen35,stablelm2,olmo,dbrx,smaug-bpe,poro-chat,glm4,viking,jais," +
    "tekken,smollm,codeshell,bloom,gpt3-finnish,exaone,exaone-moe,chameleon,minerva-7b,megrez,gpt-4o," +
    "granite-embed-multi-97m,tiny_aya,superbpe,trillion,granite-docling,bailingmoe,seed-coder,hunyuan,hunyuan-dense," +
    "hy_v4,joyai-llm,kimi-k2,ufakzeka,afmoe,laguna,grok-2,solar-open,mellum2"
).split(",");

describe("a text in pieces has the tokens of the whole", () => {
    it("with every pre-tokenizer", async () => {
        // a quarter of them every day, all in a heavy run
        const names = preTokenizers.filter((_, i) => i % size(4, 1) === 0);
        for (const base of size(1, 2) === 1 ? ["gpt-2"] : ["gpt-2", "llama-bpe"]) {
            const output = await nativeTest("tokenize", {
                base: bundledVocabulary(base as Vocabulary),
                pre: names.join(","),
                rounds: size(10, 60)
            });
            const texts = figure(output, "texts");
            expect(texts).toBe(names.length * size(10, 60) * 3);
            expect(figure(output, "cut")).toBeGreaterThan(texts / 3);
        }
    });

    it.each(["llama-spm", "gemma-4", "bert-bge", "qwen2"] as const)("with the vocabulary %s", async (name) => {
        const output = await nativeTest("tokenize", { base: bundledVocabulary(name), rounds: size(30, 500) });
        expect(figure(output, "cut")).toBeGreaterThan(figure(output, "texts") / 3);
    });
});

// Those without control tokens have nothing to be told.
const plain: readonly Vocabulary[] = ["refact", "starcoder"];

describe("control tokens are found as llama.cpp finds them, and not in what people write", () => {
    it.each(vocabularies.filter((name) => !plain.includes(name)))("with the vocabulary %s", async (name) => {
        const rounds = size(40, 2000);
        const output = await nativeTest("contents", { base: bundledVocabulary(name), rounds });
        expect(figure(output, "rounds")).toBe(rounds);
        expect(figure(output, "refused")).toBeGreaterThan(rounds * 5);
    });
});
