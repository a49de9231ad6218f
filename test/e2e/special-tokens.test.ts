// Small models whose special tokens have other ids, other texts, or are missing.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadRast, type GenerateOptions, type LoadOptions, type Rast } from "../../dist/index.js";
import { demo, prompt } from "../support/demo.js";
import { readGguf, scalar, setKey, types, writeGgufBytes, type Gguf } from "../support/header-edit.js";
import { moveTokens, setToken, tokenTexts, tokenType } from "../support/token-edit.js";
import { vocabularyModel } from "../support/vocabularies.js";

const folder = mkdtempSync(join(tmpdir(), "rast-specials-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function edited(path: string, edit: (file: Gguf) => void): string {
    const file = readGguf(path);
    edit(file);
    const to = join(folder, `${files++}.gguf`);
    writeFileSync(to, writeGgufBytes(file));
    return to;
}

const load = (models: LoadOptions): Promise<Rast> =>
    loadRast({ threads: 1, device: "cpu", contextSize: 160, parallel: 4, tryModels: false, ...models });

const texts = tokenTexts(readGguf(demo.base));
const digits = [..."0123456789"].map((digit) => texts.indexOf(digit));

/** The digits as tokens that were added, which may then have any ids. */
function addDigits(file: Gguf): void {
    for (const id of digits) setToken(file, id, texts[id]!, tokenType.userDefined);
}

describe("the demo trio with its digits as special tokens", () => {
    const rotated = (by: number) => new Map(digits.map((id, i) => [id, digits[(i + by) % digits.length]!] as const));
    const base = edited(demo.base, addDigits);
    const plain = { base, expert: edited(demo.expert, addDigits), antiexpert: edited(demo.antiexpert, addDigits) };
    const moved = {
        base,
        expert: edited(plain.expert, (file) => moveTokens(file, rotated(3))),
        antiexpert: edited(plain.antiexpert, (file) => moveTokens(file, rotated(7)))
    };
    const requests: GenerateOptions[] = [
        { prompt, temperature: 0, logprobs: 3 },
        { prompt, seed: 5 },
        { prompt: "Q: 58+17-42+91-36?\n", seed: 6, topP: 0.9, repetitionPenalty: 1.1 },
        { prompt, mode: "expert", seed: 7 },
        { prompt, mode: "expert", temperature: 0, logprobs: 3 },
        { prompt, mode: "base", seed: 8 }
    ].map((request) => ({ maxTokens: 40, ...request }) as GenerateOptions);

    it.each(["auto", "host"] as const)(
        "other ids in the small models change nothing, drafted, plain, together and alone (sampler %s)",
        async (sampler) => {
            const same = await load({ ...plain, sampler, speculation: { draft: 3 } });
            const other = await load({ ...moved, sampler, speculation: { draft: 3 } });
            expect(other.info.notes.join()).toContain("Special tokens have other names or ids in the expert");
            expect(other.info.pairs[0]!.expert.specialTokens).toContainEqual({
                token: digits[0],
                text: "0",
                ownToken: digits[3],
                ownText: "0"
            });
            expect(other.info.base.specialTokens).toEqual([]);
            expect(same.info.pairs[0]!.expert.specialTokens).toEqual([]);
            expect(other.info.drawableTokens).toBe(same.info.drawableTokens);
            const together = await Promise.all(requests.map((request) => other.complete(request)));
            for (const [i, request] of requests.entries()) {
                const expected = await same.complete(request);
                const alone = await other.complete(request);
                const undrafted = await other.complete({ ...request, speculation: "off" });
                for (const result of [together[i]!, alone, undrafted]) expect(result.tokens).toEqual(expected.tokens);
                expect(alone.speculation.accepted).toBe(expected.speculation.accepted);
                expect(expected.tokens.some((token) => digits.includes(token))).toBe(true);
                for (const [at, one] of (expected.logprobs ?? []).entries()) {
                    expect(alone.logprobs![at]!.logprob).toBeCloseTo(one.logprob, 4);
                }
            }
            await same.dispose();
            await other.dispose();
        }
    );

    it("a token that one small model lacks has no delta, and is neither drafted nor the expert's own", async () => {
        const [seven, eight] = [digits[7]!, digits[8]!];
        for (const role of ["expert", "antiexpert"] as const) {
            const lacking = edited(plain[role], (file) => {
                for (const id of [seven, eight]) setToken(file, id, `<other ${id}>`, tokenType.userDefined);
            });
            const rast = await load({ ...plain, [role]: lacking });
            expect(rast.info.notes.join()).toContain(`as the ${role} lacks them`);
            expect(rast.info.pairs[0]![role].specialTokens.map(({ ownToken }) => ownToken)).toEqual([null, null]);
            // of two tokens without a delta the fused difference is the base's own
            const logitBias = new Map([
                [seven, 60],
                [eight, 60]
            ]);
            const ask = { prompt, maxTokens: 1, temperature: 0, logprobs: 2, logitBias } as const;
            const difference = async (mode: "rast" | "base"): Promise<number> => {
                const { logprobs } = await rast.complete({ ...ask, mode });
                const of = (id: number): number => logprobs![0]!.top.find(({ token }) => token === id)!.logprob;
                return of(seven) - of(eight);
            };
            expect(await difference("rast")).toBeCloseTo(await difference("base"), 4);
            if (role === "expert") {
                const { tokens } = await rast.complete({ ...ask, mode: "expert", maxTokens: 8, ignoreEos: true });
                expect(tokens.filter((token) => token === seven || token === eight)).toEqual([]);
            }
            await rast.dispose();
        }
    });

    it('"same" refuses it, and a map says otherwise', async () => {
        await expect(load({ ...moved, specialTokens: "same" })).rejects.toMatchObject({
            code: "ERR_TOKENIZER_MISMATCH",
            details: { token: digits[0] }
        });
        const rast = await load({ ...plain, specialTokens: { map: { 7: "8", 8: null } } });
        expect(rast.info.pairs[0]!.antiexpert.specialTokens).toEqual([
            { token: digits[7], text: "7", ownToken: digits[8], ownText: "8" },
            { token: digits[8], text: "8", ownToken: null, ownText: null }
        ]);
        await rast.dispose();
        for (const map of [{ "no such token": "8" }, { 7: "no such token" }]) {
            await expect(load({ ...plain, specialTokens: { map } })).rejects.toMatchObject({
                code: "ERR_INVALID_OPTION"
            });
        }
    });
});

describe("Qwen2's vocabulary, and the same with the special tokens of R1-Distill-Qwen", () => {
    const r1 = [
        ["<｜end▁of▁sentence｜>", tokenType.control],
        ["<｜User｜>", tokenType.control],
        ["<｜Assistant｜>", tokenType.control]
    ] as const;

    it("load by role, two names of one pre-tokenizer, and say what is what", async () => {
        const qwen = await vocabularyModel("qwen2");
        const first = tokenTexts(readGguf(qwen)).indexOf("<|endoftext|>");
        expect(first).toBe(151643);
        const distilled = edited(qwen, (file) => {
            setKey(file, "tokenizer.ggml.pre", types.string, Buffer.from("deepseek-r1-qwen"));
            setKey(file, "tokenizer.ggml.eos_token_id", types.u32, scalar(types.u32, first));
            r1.forEach(([text, type], i) => setToken(file, first + i, text, type));
        });
        const antiexpert = await vocabularyModel("qwen2", { seed: 2 });
        const models = { base: qwen, expert: distilled, antiexpert };
        const rast = await load(models);
        const found = rast.info.pairs[0]!.expert.specialTokens;
        expect(found.find(({ text }) => text === "<|endoftext|>")).toMatchObject({
            ownText: r1[0][0],
            ownToken: first
        });
        expect(found.find(({ text }) => text === "<|im_end|>")).toMatchObject({ ownText: r1[0][0], ownToken: first });
        expect(found.find(({ text }) => text === "<|im_start|>")).toMatchObject({ ownText: "<｜User｜>" });
        expect(rast.info.pairs[0]!.antiexpert.specialTokens).toEqual([]);
        const result = await rast.complete({ prompt: "<|im_start|>user\nHi<|im_end|>", maxTokens: 4, seed: 1 });
        expect(result.stopReason).toMatch(/maxTokens|eos/);
        await rast.dispose();
        const text = edited(qwen, (file) => setToken(file, 1000, "qzqzqzqz", tokenType.normal));
        await expect(load({ ...models, expert: text })).rejects.toMatchObject({
            code: "ERR_TOKENIZER_MISMATCH",
            details: { token: 1000, text: "qzqzqzqz" }
        });
    });
});
