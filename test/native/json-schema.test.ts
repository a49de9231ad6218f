import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { isErrorCode, RastError } from "../../src/errors.js";
import { loadNative } from "../../src/native/binding.js";
import { readGrammar, seeded } from "../support/gbnf-sampler.js";
import { groups, refusals } from "../support/schema-cases.js";
import { size } from "../support/size.js";

const { addon } = await loadNative();

function validatorOf(schema: unknown): (value: unknown) => string | undefined {
    const draft7 = JSON.stringify(schema).includes("draft-07");
    // x- keywords and `nullable` are OpenAPI's; two decimal places of a double are no multiple of 0.01 to the letter
    const ajv = new (draft7 ? Ajv : Ajv2020)({ strict: false, strictNumbers: true, multipleOfPrecision: 7 });
    addFormats.default(ajv);
    const validate = ajv.compile(schema as object);
    return (value) => (validate(value) === true ? undefined : ajv.errorsText(validate.errors));
}

/** Whether an object of the JSON text has a key twice, as a grammar cannot remember keys that no schema lists. */
function repeatsKey(text: string): boolean {
    const open: (Set<string> | undefined)[] = [];
    const tokens = text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g);
    for (const [token, colon] of tokens) {
        if (token === "{") open.push(new Set());
        else if (token === "[") open.push(undefined);
        else if (token === "}" || token === "]") open.pop();
        else if (colon !== undefined) {
            const keys = open.at(-1)!;
            const key = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
            if (keys.has(key)) return true;
            keys.add(key);
        }
    }
    return false;
}

async function refusal(schema: unknown, loose = false): Promise<RastError> {
    const text = typeof schema === "string" ? schema : JSON.stringify(schema);
    const error: unknown = await addon.grammarOfSchema(text, loose).catch((reason: unknown) => reason);
    if (error instanceof RastError && isErrorCode(error.code)) return error;
    throw new Error(`expected ${text.slice(0, 200)} to be refused, got ${String(error).slice(0, 200)}`);
}

async function check(schema: unknown, texts: number, seed: number): Promise<number> {
    const grammar = readGrammar(await addon.grammarOfSchema(JSON.stringify(schema), false));
    const validate = validatorOf(schema);
    let checked = 0;
    for (let i = 0; i < texts; i++) {
        const text = grammar.sample(seeded(seed * 1_000 + i));
        const value: unknown = JSON.parse(text);
        if (!repeatsKey(text)) checked++; // else it is what JSON.parse makes of it that must be valid
        const problem = validate(value);
        if (problem !== undefined) throw new Error(`${text}\nof ${JSON.stringify(schema)}: ${problem}`);
        expect(text).not.toMatch(/\p{Surrogate}/u);
    }
    return checked;
}

describe("texts of a schema's grammar, drawn at random, are valid by ajv", () => {
    it.each(Object.entries(groups))("%s", async (_, schemas) => {
        let checked = 0;
        for (const [index, schema] of schemas.entries()) checked += await check(schema, size(6, 200), index + 1);
        expect(checked).toBeGreaterThan(schemas.length * 4);
    });

    it("for more than 150 schemas", () => {
        expect(Object.values(groups).flat().length).toBeGreaterThan(150);
    });

    it("for schemas made at random, or the schema is refused by name", async () => {
        let [accepted, refused] = [0, 0];
        for (let seed = 1; seed <= size(300, 20_000); seed++) {
            const schema = randomSchema(seeded(seed), 3);
            try {
                await check(schema, 4, seed);
                accepted++;
            } catch (error) {
                if (!(error instanceof RastError)) throw error;
                expect([error.code, error.message]).toEqual(["ERR_JSON_SCHEMA", error.message]);
                refused++;
            }
        }
        expect(accepted).toBeGreaterThan(size(150, 10_000));
        expect(refused).toBeGreaterThan(0);
    });
});

function randomSchema(random: () => number, depth: number): unknown {
    const below = (n: number): number => Math.floor(random() * n);
    const maybe = (schema: Record<string, unknown>, name: string, value: () => unknown, chance = 0.4): void => {
        if (random() < chance) schema[name] = value();
    };
    const one = <T>(values: readonly T[]): T => values[below(values.length)]!;
    const inner = (): unknown => randomSchema(random, depth - 1);
    const kinds = ["string", "integer", "number", "boolean", "null", "enum"];
    if (depth > 0) kinds.push("object", "object", "array", "array", "allOf", "anyOf", "oneOf", "not", "if");
    const type = one(kinds);
    const schema: Record<string, unknown> = { type };
    const keys = ["a", "b", "cc"];
    switch (type) {
        case "string":
            maybe(schema, "minLength", () => below(4));
            maybe(schema, "maxLength", () => 2 + below(5));
            maybe(schema, "pattern", () => one(["^a", "b", "^[ab]*$", "c$", "^\\d{1,3}$"]), 0.3);
            maybe(schema, "not", () => one([{ const: "a" }, { pattern: "b" }]), 0.1);
            return schema;
        case "integer":
        case "number":
            maybe(schema, "minimum", () => below(40) - 20 + (type === "number" ? below(4) / 4 : 0));
            maybe(schema, "maximum", () => below(400) - 20);
            maybe(schema, "exclusiveMaximum", () => below(300), 0.2);
            maybe(schema, "multipleOf", () => one([2, 3, 5, 10, 0.5]), 0.2);
            return schema;
        case "boolean":
        case "null":
            return schema;
        case "enum":
            return { enum: [one([1, 2, 3]), one(["a", "b"]), null, [1], { a: 1 }].slice(0, 1 + below(5)) };
        case "object": {
            if (random() < 0.9) schema["properties"] = Object.fromEntries(keys.filter(() => random() < 0.6).map((k) => [k, inner()]));
            maybe(schema, "required", () => keys.filter(() => random() < 0.4));
            maybe(schema, "additionalProperties", () => one([false, { type: "integer" }, inner()]));
            maybe(schema, "patternProperties", () => ({ "^c": inner() }), 0.15);
            maybe(schema, "minProperties", () => below(3), 0.15);
            maybe(schema, "maxProperties", () => 1 + below(3), 0.15);
            maybe(schema, "dependentRequired", () => ({ a: ["b"] }), 0.1);
            return schema;
        }
        case "array":
            maybe(schema, "items", inner, 0.7);
            maybe(schema, "prefixItems", () => [inner(), inner()], 0.2);
            maybe(schema, "minItems", () => below(3));
            maybe(schema, "maxItems", () => 1 + below(4));
            maybe(schema, "contains", inner, 0.15);
            maybe(schema, "uniqueItems", () => true, 0.1);
            return schema;
        case "not":
            return { not: inner() };
        case "if":
            return { if: inner(), then: inner(), else: inner() };
        default:
            return Object.assign({ [type]: [inner(), inner()] }, random() < 0.3 ? inner() : {});
    }
}

describe("a schema that cannot be kept", () => {
    it.each(refusals)("%s at %j is refused by name", async (keyword, pointer, schema, loose) => {
        const error = await refusal(schema);
        expect(error.code).toBe("ERR_JSON_SCHEMA");
        expect(error.details).toMatchObject({ keyword, pointer });
        expect(error.message).toContain(`"${keyword}" at ${pointer === "" ? "the root" : pointer}`);
        if (loose) readGrammar(await addon.grammarOfSchema(JSON.stringify(schema), true));
        else expect((await refusal(schema, true)).code).toBe("ERR_JSON_SCHEMA");
    });

    it("for its size is refused in time", async () => {
        const many = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
        const named = (n: number, value: (i: number) => unknown): object =>
            Object.fromEntries(many(n, (i) => [`p${i}`, value(i)]));
        const chain = (n: number): object => ({
            $ref: "#/$defs/p0",
            $defs: { ...named(n, (i) => ({ $ref: `#/$defs/p${i + 1}` })), [`p${n}`]: { type: "integer" } }
        });
        const settles: readonly unknown[] = [
            chain(20_000),
            { type: "object", properties: named(2_000, () => ({ type: "integer" })) },
            { type: "string", maxLength: 1e9, minLength: 1e6 },
            { type: "array", minItems: 1_000_000, items: { type: "null" } },
            { enum: many(3_000, (i) => `value ${i}`) }
        ];
        for (const schema of settles) readGrammar(await addon.grammarOfSchema(JSON.stringify(schema), false));
        const both = (i: number): object => ({ anyOf: [{ required: [`a${i}`] }, { required: [`b${i}`] }] });
        const refused: readonly unknown[] = [
            { allOf: many(40, both) },
            { enum: many(100_000, (i) => `a value with a long text ${i}`) },
            { type: "object", properties: named(60, () => ({})), dependentRequired: named(30, (i) => [`q${i}`]) },
            `${"[".repeat(100_000)}`,
            `{"items":`.repeat(5_000) + "true" + "}".repeat(5_000),
            "{",
            "[]",
            '{"type":"string","type":"integer"}',
            '{"const":"\\ud800"}'
        ];
        for (const schema of refused) expect((await refusal(schema)).code).toBe("ERR_JSON_SCHEMA");
    });
});

describe("a schema as text", () => {
    const texts = async (schema: string): Promise<string[]> => {
        const grammar = readGrammar(await addon.grammarOfSchema(schema, false));
        return Array.from({ length: 30 }, (_, i) => grammar.sample(seeded(i)));
    };

    it("keeps the order of keys and the digits of numbers", async () => {
        const order = '{"properties":{"2":{"const":1},"1":{"const":2}},"required":["1","2"],"type":"object"}';
        for (const text of await texts(order)) expect(text).toMatch(/^\{\s*"2":\s*1,\s*"1":\s*2\s*\}$/);
        const digits = '{"enum":[12345678901234567890123,1e400,0.10,-0]}';
        expect(new Set(await texts(digits))).toEqual(new Set(["12345678901234567890123", "1e400", "0.10", "-0"]));
        const bounds = '{"type":"integer","minimum":12345678901234567890123,"maximum":12345678901234567890125}';
        const drawn = (await texts(bounds)).map(BigInt);
        for (const value of drawn) expect(value - 12345678901234567890123n).toBeLessThanOrEqual(2n);
        for (const value of drawn) expect(value).toBeGreaterThanOrEqual(12345678901234567890123n);
    });
});
