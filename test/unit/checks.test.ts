// Every message to the letter, every bound from both sides.
import { describe, expect, test } from "vitest";
import { toNumber } from "../../src/cli/flag.js";
import * as checks from "../../src/checks.js";
import { readJson } from "../../src/engine/json-schema.js";
import { RastError } from "../../src/errors.js";
import { checkSpecialTokens } from "../../src/trio/special-tokens.js";
import { parseTrio } from "../../src/trio/trio.js";
import { revoked } from "../support/foreign.js";
import { errorOf, messageOf } from "../support/refused.js";

describe("what a value looks like in a message", () => {
    const long = "x".repeat(61);
    test.each<[unknown, string]>([
        [undefined, "undefined"],
        [null, "null"],
        ["a", '"a" (string)'],
        ["a\nb", '"a\\nb" (string)'],
        [long, `"${"x".repeat(57)}..." (string)`],
        [5n, "5n (bigint)"],
        [10n ** 60n, `1${"0".repeat(56)}...n (bigint)`],
        [() => 1, "a function"],
        [Symbol("s"), "a symbol"],
        [[], "an array of 0"],
        [[1, 2], "an array of 2"],
        [{}, "an object"],
        [-0.5, "-0.5 (number)"],
        [NaN, "NaN (number)"],
        [true, "true (boolean)"]
    ])("case %#: %s", (value, expected) => {
        expect(checks.describeValue(value)).toBe(expected);
    });

    test("a proxy that was revoked", () => {
        expect(checks.describeValue(revoked({}))).toBe("an object");
    });

    test("an array whose length cannot be read", () => {
        const odd = new Proxy([], {
            get: () => {
                throw new Error("no");
            }
        });
        expect(checks.describeValue(odd)).toBe("an array");
    });

    test("60 characters stay, of 61 there are 57, and no half of a pair", () => {
        expect(checks.shorten("a".repeat(60))).toBe("a".repeat(60));
        expect(checks.shorten("a".repeat(61))).toBe(`${"a".repeat(57)}...`);
        expect(checks.shorten(`${"a".repeat(56)}\u{1F600}bbbb`)).toBe(`${"a".repeat(56)}...`);
        expect(checks.shorten(`${"a".repeat(55)}\u{1F600}bbbbb`)).toBe(`${"a".repeat(55)}\u{1F600}...`);
        expect(checks.quote('say "x"')).toBe('"say \\"x\\""');
    });

    test("of a long path the middle goes", () => {
        expect(checks.shortenMiddle("0123456789", 10)).toBe("0123456789");
        expect(checks.shortenMiddle("0123456789a", 10)).toBe("012...89a");
        expect(checks.shortenMiddle("0123456789ab", 11)).toBe("0123...89ab");
        expect(checks.shortenMiddle("p".repeat(200))).toBe("p".repeat(200));
        expect(checks.shortenMiddle("p".repeat(201))).toBe(`${"p".repeat(98)}...${"p".repeat(98)}`);
        // Neither half may begin or end with half a character; whole ones stay.
        expect(checks.shortenMiddle("ab\u{1F600}cdefgh\u{1F600}yz", 9)).toBe("ab...yz");
        expect(checks.shortenMiddle("a\u{1F600}cdefghij\u{1F600}z", 9)).toBe("a\u{1F600}...\u{1F600}z");
    });

    test("what was thrown", () => {
        expect(checks.describeError(new TypeError("why"))).toBe("why");
        expect(checks.describeError("why")).toBe('"why" (string)');
        expect(checks.describeError(new Error("x".repeat(300)))).toBe(`${"x".repeat(98)}...${"x".repeat(98)}`);
        const hidden = Object.defineProperty(new Error(), "message", {
            get: () => {
                throw new Error("no");
            }
        });
        expect(checks.describeError(hidden)).toBe("an error that cannot be shown");
        expect(checks.describeError(revoked({}))).toBe("an error that cannot be shown");
    });
});

describe("numbers", () => {
    test.each<[checks.NumberRange, string]>([
        [{ min: 0, max: 1 }, "a number in [0, 1]"],
        [{ min: 0, max: 1, aboveMin: true }, "a number in (0, 1]"],
        [{ min: 1, max: 5, integer: true }, "an integer in [1, 5]"],
        [{ min: 1, max: Infinity }, "a number >= 1"],
        [{ min: 1, max: Infinity, integer: true }, "an integer >= 1"],
        [{ min: 2, max: Number.MAX_SAFE_INTEGER, integer: true }, "an integer >= 2"],
        [{ min: 2, max: Number.MAX_SAFE_INTEGER }, "a number in [2, 9007199254740991]"],
        [{ min: -(2 ** 63), max: 2 ** 64, integer: true }, "an integer in [-2^63, 2^64]"]
    ])("%j reads %s", (range, words) => {
        expect(checks.describeRange(range)).toBe(words);
    });

    test.each<[checks.NumberRange, unknown[], unknown[]]>([
        [{ min: -1, max: 1 }, [-1, 1, 0.5], [-1.01, 1.01, NaN, Infinity, -Infinity, "0", null]],
        [{ min: 0, max: 1, aboveMin: true }, [0.001, 1], [0, -1]],
        [{ min: 0, max: 3, integer: true }, [0, 3], [0.5, 4, -1]],
        [{ min: 0, max: Infinity }, [0, 1e300], [Infinity, -1]]
    ])("%j", (range, good, bad) => {
        for (const value of good) expect(checks.checkNumber("n", value, range)).toBe(value);
        for (const value of bad) {
            expect(errorOf(() => checks.checkNumber("n", value, range))).toMatchObject({
                code: "ERR_INVALID_OPTION",
                message: `Expected ${checks.describeRange(range)} for n, received ${checks.describeValue(value)}.`,
                details: { option: "n", expected: checks.describeRange(range) }
            });
        }
    });
});

describe("other values", () => {
    test("true or false", () => {
        expect([true, false].map((value) => checks.checkBoolean("b", value))).toEqual([true, false]);
        expect(messageOf(() => checks.checkBoolean("b", 1))).toBe("Expected true or false for b, received 1 (number).");
    });

    test("texts", () => {
        expect(checks.checkString("s", "x")).toBe("x");
        expect(checks.checkString("s", "", true)).toBe("");
        expect(messageOf(() => checks.checkString("s", 1))).toBe("Expected a string for s, received 1 (number).");
        expect(messageOf(() => checks.checkString("s", ""))).toBe(
            'Expected a string that is not empty for s, received "" (string).'
        );
    });

    test("one of some", () => {
        expect(checks.checkOneOf("o", 1, ["a", 1])).toBe(1);
        expect(messageOf(() => checks.checkOneOf("o", "b", ["a", 1]))).toBe(
            'Expected one of "a", 1 for o, received "b" (string).'
        );
    });

    test("signals, and what is like one", () => {
        const signal = new AbortController().signal;
        expect(checks.checkSignal("signal", signal)).toBe(signal);
        const like = { aborted: true, addEventListener: () => {} };
        expect(checks.checkSignal("signal", like)).toBe(like);
        for (const value of [null, undefined, 5, () => {}, {}, { ...like, aborted: 1 }, { aborted: false }]) {
            expect(messageOf(() => checks.checkSignal("signal", value))).toBe(
                `Expected an AbortSignal for signal, received ${checks.describeValue(value)}.`
            );
        }
    });

    test("objects and arrays", () => {
        const values: [unknown, boolean, boolean][] = [
            [{}, true, false],
            [Object.create(null), true, false],
            [[], false, true],
            [null, false, false],
            [undefined, false, false],
            ["x", false, false],
            [() => 1, false, false],
            [revoked({}), true, false],
            [new (class {})(), true, false],
            [Promise.resolve(), false, false],
            [new Map(), false, false],
            [new Date(0), false, false],
            [/x/, false, false],
            [Object(1), false, false]
        ];
        for (const [value, object, array] of values) {
            expect(checks.isObject(value)).toBe(object);
            expect(checks.isArray(value)).toBe(array);
        }
        const one = {};
        expect(checks.checkObject("x", one)).toBe(one);
        expect(messageOf(() => checks.checkObject("x", []))).toBe("Expected an object for x, received an array of 0.");
    });

    test("what foreign code throws is the cause; typed errors pass", () => {
        const cause = new Error("mine");
        const thrown = (error: unknown) => (): never => {
            throw error;
        };
        expect(errorOf(() => checks.readSafely("x", thrown(cause)))).toMatchObject({
            code: "ERR_INVALID_OPTION",
            message: "Reading x failed: mine.",
            details: { option: "x" },
            cause
        });
        const typed = new RastError("ERR_DECODE", "typed");
        expect(errorOf(() => checks.readSafely("x", thrown(typed)))).toBe(typed);
        expect(checks.readSafely("x", () => 7)).toBe(7);
    });
});

describe("options", () => {
    test("are read once, and those not given are left out", () => {
        let reads = 0;
        const options = {
            get a() {
                return ++reads;
            },
            b: undefined,
            c: null
        };
        const read = checks.readOptions("f", "the options of f", options, ["a", "b", "c", "d"]);
        expect(read).toEqual({ a: 1, c: null });
        expect(Object.keys(read)).toEqual(["a", "c"]);
        expect(reads).toBe(1);
    });

    test("are refused where they are none, unknown or unreadable", () => {
        expect(messageOf(() => checks.readOptions("f", "the options of f", 5, ["a"]))).toBe(
            "Expected an object for the options of f, received 5 (number)."
        );
        expect(errorOf(() => checks.readOptions("f", "o", { ab: 1 }, ["abc", "xyz"]))).toMatchObject({
            code: "ERR_UNKNOWN_OPTION",
            message: "Unknown option ab in f. Did you mean abc?",
            details: { option: "ab", known: ["abc", "xyz"] }
        });
        const long = "k".repeat(80);
        expect(errorOf(() => checks.checkKeys("f", { [long]: 1 }, ["a"]))).toMatchObject({
            message: `Unknown option ${"k".repeat(57)}... in f.`,
            details: { option: `${"k".repeat(57)}...` }
        });
        expect(messageOf(() => checks.readOptions("f", "the options", revoked({}), ["a"]))).toMatch(
            /^Reading the options failed: /
        );
        const broken = {
            get a(): never {
                throw new Error("mine");
            }
        };
        expect(messageOf(() => checks.readOptions("f", "o", broken, ["a"]))).toBe("Reading a failed: mine.");
    });

    test.each([
        ["lamda", " Did you mean lambda?"],
        ["LAMBDA", " Did you mean lambda?"],
        ["lam", ""],
        ["lamb", " Did you mean lambda?"],
        ["abda", " Did you mean lambda?"],
        ["lxmbdx", " Did you mean lambda?"],
        ["lxxbdx", ""],
        ["maxtokns", " Did you mean maxTokens?"],
        // two changes, and one in three letters of a longer word
        ["mbxTbkbns", " Did you mean maxTokens?"],
        ["bbxTbkbns", ""],
        ["yy", " Did you mean yx?"],
        // half of a short word is kept, or anything would be near
        ["zz", ""],
        ["x", ""],
        ["yzz", ""],
        ["yxz", " Did you mean yx?"],
        ["maxTokens and more", ""]
    ])("near to %j: %j", (word, expected) => {
        expect(checks.didYouMean(word, ["lambda", "maxTokens", "yx", "xy"])).toBe(expected);
    });

    test("of two as near the first is meant", () => {
        expect(checks.didYouMean("ac", ["ab", "ad"])).toBe(" Did you mean ab?");
        expect(checks.didYouMean("ad", ["ab", "ad"])).toBe(" Did you mean ad?");
        expect(checks.didYouMean("x", [])).toBe("");
        // Eight letters more are looked at, nine are not.
        const base = "abcdefghijklmnopqrstuvwxyzabcd";
        expect(checks.didYouMean(`${base}12345678`, [base])).toBe(` Did you mean ${base}?`);
        expect(checks.didYouMean(`${base}123456789`, [base])).toBe("");
    });
});

describe("arrays", () => {
    test("are read whole, holes as undefined, and no longer ones", () => {
        expect(checks.readArray("a", "an array", [1, , 3], 3)).toEqual([1, undefined, 3]);
        expect(checks.readArray("a", "an array", [], 0)).toEqual([]);
        expect(messageOf(() => checks.readArray("a", "an array of two", [1, 2, 3], 2))).toBe(
            "Expected an array of two for a, received an array of 3."
        );
        expect(messageOf(() => checks.readArray("a", "an array of two", "ab", 2))).toBe(
            'Expected an array of two for a, received "ab" (string).'
        );
        const odd = new Proxy([1], { get: (target, key) => (key === "length" ? NaN : Reflect.get(target, key)) });
        expect(errorOf(() => checks.readArray("a", "an array", odd, 2)).code).toBe("ERR_INVALID_OPTION");
    });

    test("of integers become a copy; each is checked with its place", () => {
        const read = (value: unknown, most = 3): Int32Array => {
            seen.length = 0;
            return checks.readIntegers(
                "ids",
                "an array of ids",
                value,
                most,
                (item, index) => void seen.push([item, index]),
                (length) => new RastError("ERR_PROMPT_TOO_LONG", `too many: ${length}`)
            );
        };
        const seen: [unknown, number][] = [];
        const typed = Int32Array.of(7, 8, 9);
        for (const value of [typed, [7, 8, 9]]) {
            const copy = read(value);
            expect(copy).toBeInstanceOf(Int32Array);
            expect([...copy]).toEqual([7, 8, 9]);
            expect(seen).toEqual([
                [7, 0],
                [8, 1],
                [9, 2]
            ]);
            expect(copy).not.toBe(value);
        }
        for (const value of [typed, [7, 8, 9]]) expect(messageOf(() => read(value, 2))).toBe("too many: 3");
        expect(seen).toEqual([]);
        expect(messageOf(() => read("789"))).toBe('Expected an array of ids for ids, received "789" (string).');
        expect(messageOf(() => read(Float32Array.of(1)))).toBe("Expected an array of ids for ids, received an object.");
        // Its own length, whatever a property of the same name says.
        const lying = Object.defineProperty(Int32Array.of(1, 2), "length", { value: 0 });
        expect([...read(lying)]).toEqual([1, 2]);
    });
});

describe("a long value makes no long message", () => {
    const long = "x".repeat(2 ** 20);
    test.each<[string, () => unknown]>([
        ["a key of special tokens", () => checkSpecialTokens("specialTokens", { map: { [long]: 5 } })],
        ["a key of a schema", () => readJson("jsonSchema", { [long]: NaN })],
        ["a flag", () => toNumber(long, "--top-p")],
        ["an option's name", () => checks.checkString(long, 5)],
        ["an unknown option", () => checks.checkKeys("generate", { [long]: 1 }, ["a"])],
        ["a key of a trio", () => parseTrio({ base: "b", [long]: 1 }, "/t.json")]
    ])("%s", (_, work) => {
        expect(messageOf(work).length).toBeLessThan(500);
    });

    test("nor does an error whose words come from elsewhere", () => {
        const { message } = new RastError("ERR_JSON_SCHEMA", `begin ${"\u{1F600}".repeat(2 ** 19)} end`);
        expect(message.length).toBeLessThan(5000);
        expect(message).toMatch(/^begin .* \.\.\. .* end$/u);
        expect(!/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(message)).toBe(true);
        expect(new RastError("ERR_INTERNAL", "x".repeat(4096)).message).toHaveLength(4096);
    });
});
