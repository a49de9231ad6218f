// What is told to native code and to people.
import { describe, expect, it, test } from "vitest";
import { loadRastWith } from "../../../src/loading/load.js";
import { nativeRule, nativeTokens, specialTokensNote } from "../../../src/loading/special-tokens.js";
import type { NativeSpecialToken } from "../../../src/native/addon-types.js";
import { demo } from "../../support/demo.js";
import { FakeAddon, fakeNative } from "../../support/fake-addon.js";

const end: NativeSpecialToken = { token: 3, text: "<|im_end|>", own: 7, ownText: "</s>", back: true };
const second: NativeSpecialToken = { token: 4, text: "<|endoftext|>", own: 7, ownText: "</s>", back: false };
const renamed: NativeSpecialToken = { token: 5, text: "<a>", own: 5, ownText: "<b>", back: true };
const lacking: NativeSpecialToken = { token: 6, text: "<pad>", own: -1, ownText: "", back: false };

describe("the rule for native code", () => {
    test.each([
        ["same", { byRole: false, map: [] }],
        ["by-role", { byRole: true, map: [] }],
        [
            { map: { "<a>": "<b>", "<c>": null } },
            {
                byRole: true,
                map: [
                    { base: "<a>", own: "<b>" },
                    { base: "<c>", own: "" }
                ]
            }
        ]
    ] as const)("%j", (rule, expected) => {
        expect(nativeRule(rule)).toEqual(expected);
    });
});

it("the tokens for the engine: those whose ids differ, three numbers each", () => {
    expect([...nativeTokens([end, second, renamed, lacking])]).toEqual([3, 7, 1, 4, 7, 0, 6, -1, 0]);
    expect(nativeTokens([])).toEqual(new Int32Array(0));
});

describe("the note", () => {
    it("says nothing where nothing differs", () => {
        expect(specialTokensNote("the expert", [])).toBeUndefined();
    });

    it("names both texts of what has a counterpart, and what has none", () => {
        expect(specialTokensNote("the expert", [end, lacking])).toBe(
            'Special tokens have other names or ids in the expert: "<|im_end|>" is "</s>". ' +
                '1 of the base\'s special tokens get no delta, as the expert lacks them: "<pad>".'
        );
        expect(specialTokensNote("the antiexpert of pair 1", [lacking])).toBe(
            '1 of the base\'s special tokens get no delta, as the antiexpert of pair 1 lacks them: "<pad>".'
        );
        expect(specialTokensNote("the expert", [renamed])).toBe(
            'Special tokens have other names or ids in the expert: "<a>" is "<b>".'
        );
    });

    it("names six and counts the rest", () => {
        const many = (count: number): NativeSpecialToken[] =>
            Array.from({ length: count }, (_, i) => ({ ...lacking, token: i, text: `<${i}>` }));
        expect(specialTokensNote("the expert", many(6))).toMatch(/: "<0>", "<1>", "<2>", "<3>", "<4>", "<5>"\.$/);
        expect(specialTokensNote("the expert", many(8))).toMatch(/^8 of .*"<5>" and 2 more\.$/);
    });
});

describe("a load", () => {
    const of = (expert: NativeSpecialToken[], antiexpert: NativeSpecialToken[]): FakeAddon =>
        new FakeAddon({
            specialTokens: (path) => (path === demo.expert ? expert : path === demo.antiexpert ? antiexpert : [])
        });
    const models = { base: demo.base, expert: demo.expert, antiexpert: demo.antiexpert, tryModels: false };

    it("tells the engine the ids, and people the names, of each model apart", async () => {
        const addon = of([end, second], [lacking]);
        const rast = await loadRastWith(models, fakeNative(addon));
        const [{ base, pairs }] = addon.configs as [(typeof addon.configs)[number]];
        expect([...base.tokens]).toEqual([]);
        expect([...pairs[0]!.expert.tokens]).toEqual([3, 7, 1, 4, 7, 0]);
        expect([...pairs[0]!.antiexpert.tokens]).toEqual([6, -1, 0]);
        expect(rast.info.notes.filter((note) => /pecial tokens/.test(note))).toEqual([
            specialTokensNote("the expert", [end, second]),
            specialTokensNote("the antiexpert", [lacking])
        ]);
        expect(rast.info.pairs[0]!.expert.specialTokens).toEqual([
            { token: 3, text: "<|im_end|>", ownToken: 7, ownText: "</s>" },
            { token: 4, text: "<|endoftext|>", ownToken: 7, ownText: "</s>" }
        ]);
        expect(rast.info.pairs[0]!.antiexpert.specialTokens).toEqual([
            { token: 6, text: "<pad>", ownToken: null, ownText: null }
        ]);
        await rast.dispose();
    });

    it("asks by role by default, and for what the caller said", async () => {
        const addon = of([], []);
        for (const specialTokens of [undefined, "same", { map: { "<a>": null } }] as const) {
            const rast = await loadRastWith({ ...models, specialTokens }, fakeNative(addon));
            expect(rast.info.notes.filter((note) => /pecial tokens/.test(note))).toEqual([]);
            await rast.dispose();
        }
        expect(addon.rules).toEqual([
            { byRole: true, map: [] },
            { byRole: false, map: [] },
            { byRole: true, map: [{ base: "<a>", own: "" }] }
        ]);
    });
});
