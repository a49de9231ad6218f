import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { resolveGenerateOptions } from "../../../src/engine/generate-options.js";
import { resolveScoreOptions } from "../../../src/engine/score-options.js";
import { readScores } from "../../../src/engine/token-scores.js";
import { RastError } from "../../../src/errors.js";
import { loadFake } from "../../support/fake-engine.js";
import { twoPairs } from "../../support/generate-context.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

const errorOf = (work: () => unknown): RastError => {
    try {
        work();
    } catch (error) {
        if (error instanceof RastError) return error;
    }
    throw new Error("no RastError");
};

describe("options of a score", () => {
    test("become a request that draws nothing of its own", () => {
        const { request, hasPrompt, completion, parseSpecial } = resolveScoreOptions(
            { prompt: "Hi", completion: " there", lambda: 0.5, top: 7 },
            twoPairs
        );
        expect(request).toMatchObject({ mode: "rast", figures: 7, logprobs: -1, stopStrings: [] });
        expect(request.sampling.lambdas).toEqual([0.5, 0.5]);
        expect([hasPrompt, completion, parseSpecial]).toEqual([true, " there", true]);
    });

    test("tokens are copied", () => {
        const given = [1, 2, 3];
        const { completion } = resolveScoreOptions({ tokens: [4], completionTokens: given, mode: "base" }, twoPairs);
        given[0] = 9;
        expect(completion).toEqual(Int32Array.of(1, 2, 3));
    });

    test.each([{}, { prompt: "" }, { prompt: undefined }])("without a prompt: %o", (none) => {
        const { hasPrompt, request } = resolveScoreOptions({ ...none, completion: "Hi", addBos: true }, twoPairs);
        expect([hasPrompt, request.addBos]).toEqual([false, true]);
    });

    test("control tokens of a completion are read as those of a prompt, those of messages are text", () => {
        const messages = [{ role: "user", content: "Hi" }];
        const { request, parseSpecial } = resolveScoreOptions({ messages, completion: "<|im_end|>" }, twoPairs);
        expect([request.parseSpecial, parseSpecial]).toEqual([false, true]);
        expect(resolveScoreOptions({ prompt: "a", completion: "b", parseSpecial: false }, twoPairs).parseSpecial).toBe(
            false
        );
    });

    test.each<[string, object]>([
        ["ERR_INVALID_OPTION", { prompt: "a" }],
        ["ERR_INVALID_OPTION", { prompt: "a", completion: "b", completionTokens: [1] }],
        ["ERR_INVALID_OPTION", { prompt: "a", completion: "" }],
        ["ERR_INVALID_OPTION", { prompt: "a", completion: 5 }],
        ["ERR_INVALID_OPTION", { prompt: "a", completionTokens: [] }],
        ["ERR_INVALID_OPTION", { prompt: "a", completionTokens: [100] }],
        ["ERR_PROMPT_TOO_LONG", { prompt: "a", completionTokens: new Int32Array(66) }],
        ["ERR_INVALID_OPTION", { prompt: "a", tokens: [1], completion: "b" }],
        ["ERR_INVALID_OPTION", { prompt: "a", completion: "b", mode: "expert" }],
        ["ERR_INVALID_OPTION", { prompt: "a", completion: "b", top: -1 }],
        ["ERR_INVALID_OPTION", { prompt: "a", completion: "b", top: 2.5 }],
        ["ERR_INVALID_OPTION", { prompt: "a", completion: "b", lambda: [1] }],
        ["ERR_UNKNOWN_OPTION", { prompt: "a", completion: "b", seed: 1 }]
    ])("%s for %o", (code, options) => {
        expect(errorOf(() => resolveScoreOptions(options, twoPairs)).code).toBe(code);
    });

    test("a request's scores: true, with alternatives, none", () => {
        const figures = (explain: unknown, mode = "rast"): number =>
            resolveGenerateOptions({ prompt: "a", explain, mode }, twoPairs).figures;
        expect([figures(undefined), figures(false), figures(true), figures({}), figures({ top: 20 })]).toEqual([
            -1, -1, 0, 0, 20
        ]);
        expect(figures(false, "expert")).toBe(-1);
        expect(errorOf(() => figures(true, "expert")).message).toContain("rast.score");
    });
});

describe("what native code gives", () => {
    const line = (base: number, more: Partial<Record<number, number>> = {}): number[] =>
        Array.from({ length: 16 }, (_, column) => more[column] ?? (column === 12 ? 1 : base + column));

    test("is read line by line", () => {
        const scores = readScores(
            Int32Array.of(5, 6, 7),
            {
                values: Float64Array.from([
                    ...line(100, { 11: 1 }),
                    ...line(200, { 12: 0 }),
                    ...line(300, { 1: NaN, 2: NaN, 5: NaN, 6: NaN, 11: 2, 14: -1, 15: -1 })
                ]),
                topTokens: Int32Array.of(1, 2, 3, -1, -1, -1, -1, -1, 8, 9, 10, 11),
                topLogprobs: Float64Array.from({ length: 24 }, (_, index) => -index)
            },
            2
        );
        expect(scores).toEqual([
            {
                token: 5,
                logprob: { base: 100, expert: 101, antiexpert: 102, rast: 103 },
                entropy: { base: 104, expert: 105, antiexpert: 106, rast: 107 },
                rank: { base: 108, rast: 109 },
                divergence: 110,
                pair: { divergence: 113, expertTop: { base: 114, antiexpert: 115 } },
                top: {
                    base: [
                        { token: 1, base: -0, rast: -1 },
                        { token: 2, base: -2, rast: -3 }
                    ],
                    rast: [{ token: 3, base: -4, rast: -5 }]
                },
                draft: "expert"
            },
            {
                token: 7,
                logprob: { base: 300, expert: null, antiexpert: null, rast: 303 },
                entropy: { base: 304, expert: null, antiexpert: null, rast: 307 },
                rank: { base: 308, rast: 309 },
                divergence: 310,
                top: {
                    base: [
                        { token: 8, base: -16, rast: -17 },
                        { token: 9, base: -18, rast: -19 }
                    ],
                    rast: [
                        { token: 10, base: -20, rast: -21 },
                        { token: 11, base: -22, rast: -23 }
                    ]
                },
                draft: "text"
            }
        ]);
    });

    test("without alternatives", () => {
        const none = { topTokens: new Int32Array(), topLogprobs: new Float64Array() };
        expect(readScores(new Int32Array(), { values: new Float64Array(), ...none }, 3)).toEqual([]);
        const [score] = readScores(Int32Array.of(1), { values: Float64Array.from(line(0, { 11: 0 })), ...none }, 0);
        expect(score).not.toHaveProperty("top");
        expect(score!.draft).toBeNull();
    });
});

describe("what the engine is told", () => {
    let files: ModelFiles;
    beforeEach(async () => {
        files = await makeModelFiles();
    });
    afterEach(() => files.remove());

    test("the completion beside the prompt, in order, and no more than may wait", async () => {
        const { rast, addon } = await loadFake(files, {}, { parallel: 2, maxQueue: 1 });
        const texts = Array.from({ length: 9 }, (_, index) => ({
            tokens: [1, 2],
            completionTokens: [3, index],
            top: 4
        }));
        await rast.scoreMany(texts);
        expect(addon.submitted.map(({ given }) => given[1])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
        expect(addon.submitted[0]).toMatchObject({
            prompt: Int32Array.of(1, 2),
            figures: 4,
            grammar: 0,
            reasoning: null
        });
        await rast.complete({ tokens: [1] });
        expect(addon.submitted.at(-1)).toMatchObject({ figures: -1, given: new Int32Array() });
    });

    test("nothing where a text is wrong, and all end", async () => {
        const { rast } = await loadFake(files, {}, { parallel: 1 });
        const right = { tokens: [1], completionTokens: [2] };
        for (const wrong of [[], [right, { tokens: [1] }], "texts", [right, null]]) {
            await expect(rast.scoreMany(wrong as never)).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
        }
        await rast.dispose();
        await expect(rast.score(right)).rejects.toMatchObject({ code: "ERR_DISPOSED" });
        await expect(rast.scoreMany([right])).rejects.toMatchObject({ code: "ERR_DISPOSED" });
    });
});
