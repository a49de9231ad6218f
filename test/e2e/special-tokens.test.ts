// Small models whose special tokens have other ids, other texts, or are missing.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadRast, type GenerateOptions, type LoadOptions, type Rast } from "../../dist/index.js";
import { demo, prompt } from "../support/demo.js";
import { readGguf, scalar, setKey, types } from "../support/header-edit.js";
import { wideDemo } from "../support/test-models.js";
import { digits, digitTrios, EditedModels, mapToLetters } from "../support/moved-digits.js";
import { setToken, tokenTexts, tokenType } from "../support/token-edit.js";
import { vocabularyModel } from "../support/vocabularies.js";

const files = new EditedModels();
afterAll(() => files.remove());
// In which batches of different shapes draw alike, and so what is together, drafted or alone.
const wide = await wideDemo();

const load = (models: LoadOptions): Promise<Rast> =>
    loadRast({ threads: 1, device: "cpu", contextSize: 160, parallel: 4, tryModels: false, ...models });

describe("the demo trio with its digits as special tokens", () => {
    const { plain, moved } = digitTrios(files);
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
            const unrounded = { sampler, speculation: { draft: 3 }, kvType: "f32", flashAttention: false } as const;
            const { plain, moved } = digitTrios(files, wide);
            const same = await load({ ...plain, ...unrounded });
            const other = await load({ ...moved, ...unrounded });
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
            const lacking = files.edited(plain[role], (file) => {
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

describe("digits with other names in each small model, put together by a map", () => {
    const { plain } = digitTrios(files);
    const named = {
        ...plain,
        expert: files.renamed(plain.expert, "a"),
        antiexpert: files.renamed(plain.antiexpert, "a")
    };
    const map = mapToLetters("a");
    const request = { prompt, seed: 5, maxTokens: 40 } as const;

    it("give the text of the same names; without the map none of them has a delta", async () => {
        const same = await load(plain);
        const mapped = await load({ ...named, specialTokens: { map } });
        const expected = await same.complete(request);
        expect((await mapped.complete(request)).tokens).toEqual(expected.tokens);
        expect((await mapped.complete({ ...request, mode: "expert" })).tokens).toEqual(
            (await same.complete({ ...request, mode: "expert" })).tokens
        );
        // the same ids under other names: the engine has nothing to move
        expect(mapped.info.pairs[0]!.expert.specialTokens).toHaveLength(10);
        await mapped.dispose();
        const unmapped = await load(named);
        expect(unmapped.info.notes.join()).toContain(
            "10 of the base's special tokens get no delta, as the expert lacks them"
        );
        const { logprobs } = await unmapped.complete({ ...request, logprobs: 0 });
        const { logprobs: withDelta } = await same.complete({ ...request, logprobs: 0 });
        const apart = withDelta!.map(({ logprob }, at) => Math.abs(logprob - (logprobs![at]?.logprob ?? 0)));
        expect(Math.max(...apart)).toBeGreaterThan(0.01);
        await unmapped.dispose();
        await same.dispose();
    });

    it("in a process of its own, and from a trio file", async () => {
        const same = await load(plain);
        const expected = await same.complete(request);
        await same.dispose();
        const shifted = {
            ...named,
            expert: files.rotated(named.expert, 3),
            antiexpert: files.rotated(named.antiexpert, 7)
        };
        const isolated = await load({ ...shifted, specialTokens: { map }, isolate: true });
        expect((await isolated.complete(request)).tokens).toEqual(expected.tokens);
        expect(isolated.info.pairs[0]!.expert.specialTokens[0]).toEqual({
            token: digits[0],
            text: "0",
            ownToken: digits[3],
            ownText: "<a>"
        });
        await isolated.dispose();
        const trio = join(files.folder, "trio.json");
        writeFileSync(trio, JSON.stringify({ ...shifted, specialTokens: { map } }));
        const fromFile = await load({ trio });
        expect((await fromFile.complete(request)).tokens).toEqual(expected.tokens);
        // an option goes before the file
        await expect(load({ trio, specialTokens: "same" })).rejects.toMatchObject({ code: "ERR_TOKENIZER_MISMATCH" });
        await fromFile.dispose();
    });

    it("keep states: an engine with the map goes on where it was, one with another map refuses", async () => {
        const shifted = {
            ...named,
            expert: files.rotated(named.expert, 3),
            antiexpert: files.rotated(named.antiexpert, 7)
        };
        const path = join(files.folder, "mapped.state");
        const saving = await load({ ...shifted, specialTokens: { map } });
        const expected = await saving.complete({ ...request, seed: 9 });
        await saving.saveState(path, { prompt });
        await saving.dispose();
        const loading = await load({ ...shifted, specialTokens: { map } });
        await loading.loadState(path);
        const result = await loading.complete({ ...request, seed: 9 });
        expect(result.tokens).toEqual(expected.tokens);
        expect(result.usage.cachedPromptTokens).toBeGreaterThan(0);
        await loading.dispose();
        for (const specialTokens of [{ map: { ...map, 6: null } }, "by-role"] as const) {
            const other = await load({ ...shifted, specialTokens });
            await expect(other.loadState(path)).rejects.toMatchObject({ code: "ERR_STATE_FILE" });
            await other.dispose();
        }
    });
});

describe("several pairs, each with names and ids of its own", () => {
    it("by one map and by role: the text of pairs with the same", async () => {
        const { plain } = digitTrios(files);
        const strong = {
            expert: files.withDigits(demo.strongExpert),
            antiexpert: files.withDigits(demo.strongAntiexpert)
        };
        const pairs = [{ expert: plain.expert, antiexpert: plain.antiexpert }, strong];
        // the first pair's digits are letters elsewhere, the second's are at yet other ids
        const apart = [
            {
                expert: files.rotated(files.renamed(plain.expert, "a"), 3),
                antiexpert: files.rotated(files.renamed(plain.antiexpert, "a"), 4)
            },
            { expert: files.rotated(strong.expert, 5), antiexpert: files.rotated(strong.antiexpert, 6) }
        ];
        const lambda = [0.6, 0.4];
        const same = await load({ base: plain.base, pairs, lambda });
        const mapped = await load({
            base: plain.base,
            pairs: apart,
            lambda,
            specialTokens: { map: mapToLetters("a") }
        });
        expect(mapped.info.pairs.map(({ expert }) => expert.specialTokens[0])).toEqual([
            { token: digits[0], text: "0", ownToken: digits[3], ownText: "<a>" },
            { token: digits[0], text: "0", ownToken: digits[5], ownText: "0" }
        ]);
        expect(mapped.info.notes.filter((note) => note.startsWith("Special tokens have other names"))).toHaveLength(4);
        for (const seed of [5, 6]) {
            for (const lambdas of [
                [0.6, 0.4],
                [1, 0],
                [0, 1]
            ]) {
                const ask = { prompt, seed, maxTokens: 40, lambda: lambdas };
                expect((await mapped.complete(ask)).tokens).toEqual((await same.complete(ask)).tokens);
            }
        }
        await same.dispose();
        await mapped.dispose();
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
        const distilled = files.edited(qwen, (file) => {
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
        const text = files.edited(qwen, (file) => setToken(file, 1000, "qzqzqzqz", tokenType.normal));
        await expect(load({ ...models, expert: text })).rejects.toMatchObject({
            code: "ERR_TOKENIZER_MISMATCH",
            details: { token: 1000, text: "qzqzqzqz" }
        });
    });
});
