import { describe, expect, test } from "vitest";
import { parseJson } from "../../../src/grading/json-text.js";

describe("numbers of JSON", () => {
    test.each<[text: string, value: unknown]>([
        ["12345678901234567890", "12345678901234567890"],
        ["-12345678901234567890", "-12345678901234567890"],
        ["9007199254740993", "9007199254740993"],
        ["9007199254740992", 9007199254740992],
        ["0.30000000000000004", 0.1 + 0.2],
        ["-3.456789012345679e-07", -3.456789012345679e-7],
        ["1.2345678901234567E+30", 1.2345678901234567e30],
        ["0.300000000000000041", "0.300000000000000041"],
        ["9007199254740991", 9007199254740991],
        ["-9007199254740991", -9007199254740991],
        ["100000000000000000000", 1e20],
        ["1e999", "1e999"],
        ["-1E+400", "-1E+400"],
        ["1e-400", "1e-400"],
        ["0e999", 0],
        ["0.0e-400", 0],
        ["1e3", 1000],
        ["1.5E-3", 0.0015],
        ["0.1", 0.1],
        ["1.0", 1],
        ["3.14159265358979323846", "3.14159265358979323846"],
        ["0.000000000000000000001", 1e-21],
        ["123456789012345000000", 123456789012345e6]
    ])("%s", (text, value) => {
        expect(parseJson(text)).toEqual(value);
        expect(parseJson(`{"a": [${text},${text} ], "b":${text}}`)).toEqual({ a: [value, value], b: value });
        // Of a text they are no numbers.
        const inText = { [`"${text}\\`]: `\\" ${text}` };
        expect(parseJson(JSON.stringify([inText, 1]))).toEqual([inText, 1]);
    });

    test("all else is as it was", () => {
        const value = [null, true, false, "", '\\"', "e5", { "\u2028": -0.5, 一: "1234567890123456789", __: [] }, []];
        expect(parseJson(JSON.stringify(value))).toEqual(value);
        const own = parseJson('{"__proto__": 12345678901234567890}') as object;
        expect(Object.entries(own)).toEqual([["__proto__", "12345678901234567890"]]);
        for (const text of ["", "{", '{"a": 12345678901234567890', "01", "1234567890123456789e", "NaN"])
            expect(() => parseJson(text)).toThrow(SyntaxError);
    });

    test("deep and long ones", () => {
        const deep = 100_000;
        let inner = parseJson(`${"[".repeat(deep)}12345678901234567890${"]".repeat(deep)}`);
        for (let depth = 0; depth < deep; depth++) [inner] = inner as unknown[];
        expect(inner).toBe("12345678901234567890");
        const many = parseJson(`[${"12345678901234567890,".repeat(200_000)}"${'\\"'.repeat(1_000_000)}"]`) as string[];
        expect([many.length, many[0], many.at(-1)!.length]).toEqual([200_001, "12345678901234567890", 1_000_000]);
    }, 20_000);
});
