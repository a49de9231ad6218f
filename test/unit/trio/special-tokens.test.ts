import { describe, expect, it, test } from "vitest";
import type { RastError } from "../../../src/errors.js";
import { checkSpecialTokens } from "../../../src/trio/special-tokens.js";
import { parseTrio } from "../../../src/trio/trio.js";

function errorOf(work: () => unknown): RastError {
    try {
        work();
    } catch (error) {
        return error as RastError;
    }
    throw new Error("nothing was thrown");
}

describe("specialTokens", () => {
    test.each<unknown>([
        "same",
        "by-role",
        { map: {} },
        { map: { "<|im_end|>": "</s>", "<|fim_pad|>": null } },
        { map: { __proto__x: "a", constructor: null } }
    ])("may be %j", (value) => {
        expect(checkSpecialTokens("specialTokens", value)).toEqual(value);
    });

    it("is copied, own keys alone, whatever they are called", () => {
        const map = JSON.parse('{"__proto__":"</s>","a":"b"}') as Record<string, string>;
        const rule = checkSpecialTokens("specialTokens", { map }) as { map: Record<string, string | null> };
        map["a"] = "c";
        expect(Object.entries(rule.map)).toEqual([
            ["__proto__", "</s>"],
            ["a", "b"]
        ]);
        expect(Object.getPrototypeOf(rule.map)).toBe(Object.prototype);
    });

    test.each([
        ["role", 'Expected "same", "by-role" or an object with a map for specialTokens, received "role" (string).'],
        [true, 'Expected "same", "by-role" or an object with a map for specialTokens, received true (boolean).'],
        [null, 'Expected "same", "by-role" or an object with a map for specialTokens, received null.'],
        [{}, "Expected an object of texts for specialTokens.map, received undefined."],
        [{ map: "a" }, 'Expected an object of texts for specialTokens.map, received "a" (string).'],
        [{ map: ["a"] }, "Expected an object of texts for specialTokens.map, received an array of 1."],
        [{ map: { a: 5 } }, 'Expected a string for specialTokens.map["a"], received 5 (number).'],
        [{ map: { a: undefined } }, 'Expected a string for specialTokens.map["a"], received undefined.'],
        [{ map: { a: "" } }, 'Expected a string that is not empty for specialTokens.map["a"], received "" (string).'],
        [{ map: { "": "a" } }, 'Expected a string that is not empty for specialTokens.map, received "" (string).']
    ])("may not be %j", (value, message) => {
        expect(errorOf(() => checkSpecialTokens("specialTokens", value))).toMatchObject({
            code: "ERR_INVALID_OPTION",
            message
        });
    });

    it("has no other keys, and no more entries than vocabularies have special tokens", () => {
        expect(errorOf(() => checkSpecialTokens("specialTokens", { mop: {} }))).toMatchObject({
            code: "ERR_UNKNOWN_OPTION",
            message: "Unknown option mop in specialTokens. Did you mean map?"
        });
        const entries = (count: number): object =>
            Object.fromEntries(Array.from({ length: count }, (_, i) => [i, "a"]));
        expect(checkSpecialTokens("specialTokens", { map: entries(4096) })).toEqual({ map: entries(4096) });
        expect(errorOf(() => checkSpecialTokens("specialTokens", { map: entries(4097) })).message).toMatch(
            /^Expected at most 4096 tokens for specialTokens\.map, received /
        );
    });

    it("that cannot be read is an error with its name", () => {
        const map = new Proxy(
            {},
            {
                ownKeys: () => {
                    throw new Error("mine");
                }
            }
        );
        expect(errorOf(() => checkSpecialTokens("specialTokens", { map })).message).toBe(
            "Reading specialTokens.map failed: mine."
        );
    });
});

describe("the key of a trio file", () => {
    const models = { base: "b.gguf", expert: "e.gguf", antiexpert: "a.gguf" };
    const parsed = (specialTokens: unknown): unknown =>
        parseTrio({ ...models, specialTokens }, "/trios/t.json").specialTokens;

    it("is read, and undefined where it is missing", () => {
        expect(parsed("same")).toBe("same");
        expect(parsed({ map: { a: null } })).toEqual({ map: { a: null } });
        expect(parseTrio(models, "/trios/t.json").specialTokens).toBeUndefined();
    });

    test.each([
        [
            "roles",
            /^Trio file \/trios\/t\.json, key specialTokens: expected "same", "by-role" or an object with a map /
        ],
        [
            { map: { a: 1 } },
            /key specialTokens: expected a string for specialTokens\.map\["a"\], received 1 \(number\)/
        ],
        [{ mop: {} }, /key specialTokens: .*nknown option mop in specialTokens\. Did you mean map\?/]
    ])("%j is an error that names file and key", (value, message) => {
        const error = errorOf(() => parsed(value));
        expect(error).toMatchObject({ code: "ERR_TRIO_FILE", details: { key: "specialTokens" } });
        expect(error.message).toMatch(message);
    });
});
