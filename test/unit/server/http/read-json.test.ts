import { describe, expect, it } from "vitest";
import { parseBody } from "../../../../src/server/http/read-json.js";

const parse = (text: string | Buffer, depth = 4): unknown => parseBody(Buffer.from(text as string), depth);
const refused = (why: RegExp): object => ({
    failure: { status: 400, code: "invalid_json", message: expect.stringMatching(why) }
});
const failure = (text: string | Buffer, depth?: number): unknown => {
    try {
        return parse(text, depth);
    } catch (error) {
        return error;
    }
};

describe("a body", () => {
    it("is JSON", () => {
        expect(parse('{"a": [1, "x]}", {"b": null}]}')).toEqual({ a: [1, "x]}", { b: null }] });
        expect(parse('\uFEFF"\\"["')).toBe('"[');
        expect(parse("")).toBe(undefined);
    });

    it("is no deeper than may be, whatever its texts hold", () => {
        expect(parse('[[[["[[[[[[[[["]]]]')).toEqual([[[["[[[[[[[[["]]]]);
        expect(failure("[[[[[1]]]]]")).toMatchObject(refused(/deeper than 4/));
        expect(failure("[".repeat(1_000_000), 64)).toMatchObject(refused(/deeper than 64/));
        expect(parse("[[1],[2],[3],[4],[5]]", 2)).toHaveLength(5);
        // an escaped quote ends no text
        expect(failure('["\\\\", [[[[1]]]]]')).toMatchObject(refused(/deeper/));
    });

    it.each([
        ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22]), /not UTF-8/],
        ["what is no JSON", "{a: 1}", /not valid JSON/],
        ["a text that does not end", '"\\', /not valid JSON/]
    ])("is not %s", (_, body, why) => {
        expect(failure(body)).toMatchObject(refused(why));
    });

    it("has prototypes as plain keys", () => {
        const read = parse('{"__proto__": {"polluted": 1}}') as object;
        expect(Object.keys(read)).toEqual(["__proto__"]);
        expect(({} as Record<string, unknown>)["polluted"]).toBe(undefined);
    });
});
