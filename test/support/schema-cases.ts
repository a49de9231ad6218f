/** Schemas of the kinds that people write, by group; every text of their grammars must be valid by ajv. */
export type SchemaCase = Readonly<Record<string, unknown>> | boolean;

const string = (more: object): SchemaCase => ({ type: "string", ...more });
const integer = (more: object): SchemaCase => ({ type: "integer", ...more });
const number = (more: object): SchemaCase => ({ type: "number", ...more });
const array = (more: object): SchemaCase => ({ type: "array", ...more });
const object = (properties: object, more: object = {}): SchemaCase => ({ type: "object", properties, ...more });

const patterns = [
    "$^",
    "x*$^",
    "$$^^",
    "a|$^",
    "^\\u{0000000061}$",
    '^"q"$',
    "^a\\nb$",
    "^é{2}$",
    "^\\u{1F600}{2,3}$",
    "^e\\u0301{2}$",
    "abc",
    "^ab",
    "yz$",
    "^[a-z]{2,64}$",
    "^(a|b)*c$",
    "^(?:foo|bar|)$",
    "^.{3}$",
    "^\\S+@\\S+$",
    '^[^\\s"\\\\]+$',
    "^\\w+\\W\\d\\D$",
    "^\\p{L}\\p{Ll}*\\p{Nd}?$",
    "^[\\p{Lu}_-]+$",
    "a|^b|c$",
    "(^|,)x(,|$)",
    "^(\\d{3}-)?\\d{4}$",
    "^[a-c]{2}?-[0-9]{1,3}$",
    "^(a*)*b$",
    "^[\\x00-\\x1f]$",
    "^[\\u007f\\u0080]$",
    "^\\/[\\w.\\/-]*$",
    "^(?<year>\\d{4})$",
    "^#(?:[0-9a-fA-F]{3}){1,2}$",
    "^[]?$".replace("[]", "[x]"),
    "^\\cJ\\0$",
    "^-?\\d+(\\.\\d+)?$"
];

const formats = [
    "date",
    "time",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "uuid",
    "json-pointer",
    "relative-json-pointer",
    "byte"
];

const point = object({ x: { type: "number" }, y: { type: "number" } }, { required: ["x", "y"] });
const tree = {
    $defs: {
        node: object(
            { value: { type: "integer" }, left: { $ref: "#/$defs/node" }, right: { $ref: "#/$defs/node" } },
            { required: ["value"], additionalProperties: false }
        )
    },
    $ref: "#/$defs/node"
};

export const groups: Readonly<Record<string, readonly SchemaCase[]>> = {
    values: [
        true,
        {},
        { title: "anything", description: "at all", default: 3, examples: [1], $comment: "x", "x-mine": 1 },
        { type: "null" },
        { type: "boolean" },
        { type: ["string", "null", "integer"] },
        { const: "yes" },
        { const: { b: [1, { a: null }], a: "\u2028" } },
        { enum: ["red", 5, null, true, '\u0007"\\'] },
        { enum: [1, "a", [2]], type: ["string", "array"] },
        { enum: ["a", "bb", "ccc"], minLength: 2 },
        { enum: [1, 2.5, 3], type: "integer" },
        { const: 3, minimum: 2 },
        { not: { type: "string" } },
        { not: { const: null }, type: ["null", "boolean"] },
        { type: ["boolean", "string"], not: { enum: [true, "x"] } },
        { type: "integer", nullable: true }
    ],
    integers: [
        integer({}),
        integer({ minimum: -7, maximum: 120 }),
        integer({ minimum: 0 }),
        integer({ maximum: 5 }),
        integer({ exclusiveMinimum: 9, exclusiveMaximum: 11 }),
        integer({ minimum: -123, maximum: -45 }),
        integer({ minimum: 99, maximum: 1001 }),
        integer({ multipleOf: 7 }),
        integer({ multipleOf: 5, minimum: 12, maximum: 61 }),
        integer({ multipleOf: 100 }),
        integer({ multipleOf: 2.5 }),
        integer({ minimum: 1.5, maximum: 3.5 }),
        integer({ minimum: -9007199254740991, maximum: 9007199254740991 }),
        integer({ minimum: 1e15 }),
        integer({ format: "int32" }),
        integer({ minimum: 0, maximum: 5, not: { enum: [1, 2, 3] } })
    ],
    numbers: [
        number({}),
        number({ minimum: 3, maximum: 3.5 }),
        number({ exclusiveMinimum: 0 }),
        number({ exclusiveMaximum: 0 }),
        number({ minimum: -0.001, maximum: 0.001 }),
        number({ maximum: -3.25 }),
        number({ exclusiveMinimum: 1, exclusiveMaximum: 1.001 }),
        number({ minimum: 0, maximum: 1 }),
        number({ multipleOf: 0.01, minimum: 0, maximum: 5 }),
        number({ multipleOf: 0.5 }),
        number({ minimum: -1, maximum: 1, not: { const: 0 } }),
        number({ minimum: 1e3, maximum: 1.5e3 }),
        { minimum: 3 },
        { allOf: [number({ minimum: 1 }), { maximum: 4 }, { exclusiveMinimum: 1 }] }
    ],
    strings: [
        string({}),
        string({ minLength: 3, maxLength: 5 }),
        string({ maxLength: 0 }),
        string({ minLength: 1 }),
        string({ maxLength: 1_000_000_000 }),
        string({ minLength: 2_100, maxLength: 2_200 }),
        string({ not: { const: "a" } }),
        string({ not: { enum: ["", "a", "ab"] }, maxLength: 3 }),
        string({ not: { pattern: "a" }, minLength: 2 }),
        string({ pattern: "^(a|b)*c$", minLength: 3, maxLength: 6 }),
        string({ pattern: "x", maxLength: 4 }),
        string({ allOf: [{ pattern: "a" }, { pattern: "b" }, { maxLength: 5 }] }),
        string({ format: "date", pattern: "^2024" }),
        string({ format: "uuid", minLength: 36, maxLength: 36 }),
        string({ format: "ipv4", maxLength: 9 }),
        string({ format: "password" }),
        { pattern: "^a+$" }
    ],
    patterns: patterns.map((pattern) => string({ pattern })),
    formats: formats.map((format) => string({ format })),
    arrays: [
        array({}),
        array({ items: { type: "boolean" }, minItems: 1, maxItems: 4 }),
        array({ items: false }),
        array({ maxItems: 0 }),
        array({ items: { type: "integer" }, minItems: 3 }),
        array({ prefixItems: [{ type: "integer" }, { type: "string" }], items: false }),
        array({ prefixItems: [{ const: 1 }], items: { type: "null" } }),
        array({ prefixItems: [{ const: 1 }, { const: 2 }], minItems: 1 }),
        array({ prefixItems: [{ const: 1 }, { const: 2 }], minItems: 4, maxItems: 5 }),
        array({ prefixItems: [{ const: 1 }, { const: 2 }], maxItems: 1 }),
        array({ contains: { const: 7 }, items: { type: "integer" }, minItems: 2 }),
        array({ contains: { const: 7 }, items: { enum: [7, 8] }, maxContains: 2, maxItems: 5 }),
        array({ contains: { type: "string" }, minContains: 2, maxItems: 3 }),
        array({ contains: { type: "string" }, minContains: 0 }),
        array({ items: { enum: ["a", "b", "c"] }, uniqueItems: true }),
        array({ items: { enum: [1, 2, 3, 4, 5, 6, 7, 8, 9] }, uniqueItems: true, minItems: 2, maxItems: 4 }),
        array({ items: { type: "boolean" }, uniqueItems: true }),
        array({ items: integer({ minimum: 1, maximum: 5 }), uniqueItems: true, minItems: 5 }),
        array({ prefixItems: [{ type: "string" }, { type: "null" }], items: false, uniqueItems: true }),
        array({ items: array({ items: array({ items: { type: "null" } }) }) }),
        { allOf: [array({ prefixItems: [{ type: "integer" }] })], unevaluatedItems: false }
    ],
    objects: [
        { type: "object" },
        object({ "": { const: 3 } }, { required: [""], additionalProperties: false }),
        object({ __proto: {}, ["__proto__"]: { const: 1 } }, { required: ["__proto__"] }),
        object({ 'a"\\\n\u2028': { type: "null" }, é: { type: "null" } }, { required: ["é"] }),
        object({ a: string({}), b: integer({}), c: { type: "null" } }, { required: ["b"] }),
        object({ a: string({}), b: integer({}) }, { required: ["z", "b"] }),
        object({ a: { type: "string" }, ab: { type: "integer" } }, { additionalProperties: { type: "boolean" } }),
        { type: "object", additionalProperties: { type: "integer" } },
        { type: "object", additionalProperties: false },
        { type: "object", minProperties: 1, maxProperties: 3 },
        object({ a: {} }, { required: ["a"], minProperties: 2, additionalProperties: { type: "integer" } }),
        { type: "object", patternProperties: { "^x-": { type: "integer" }, "^\\d{2}$": { type: "null" } } },
        {
            type: "object",
            properties: { "x-a": { minimum: 5 } },
            patternProperties: { "^x-": { type: "integer" }, a$: { maximum: 9 } },
            additionalProperties: { type: "null" },
            required: ["x-a"]
        },
        { type: "object", propertyNames: { pattern: "^[a-z]+$", maxLength: 4 } },
        { type: "object", propertyNames: { enum: ["a", "b"] }, additionalProperties: { type: "integer" } },
        object({ a: {}, b: {}, c: {} }, { minProperties: 2 }),
        object({ a: { type: "integer" }, b: { type: "integer" }, c: { type: "integer" } }, { maxProperties: 2 }),
        object({ a: { type: "integer" } }, { maxProperties: 1, additionalProperties: { type: "null" } }),
        object({ a: integer({}), b: integer({}) }, { dependentRequired: { a: ["b"] } }),
        object({ a: integer({}), b: integer({}) }, { dependentSchemas: { a: { required: ["b"] } } }),
        object({ a: false, b: true }),
        { properties: { a: { type: "integer" } }, required: ["a"] }
    ],
    combinations: [
        { anyOf: [{ type: "string", maxLength: 3 }, { type: "null" }] },
        { anyOf: [{ minimum: 3 }, { maximum: 1 }], type: "integer" },
        {
            anyOf: [{ required: ["a"] }, { required: ["b"] }],
            ...(object({ a: integer({}), b: integer({}) }) as object)
        },
        { oneOf: [{ type: "string" }, { type: "null" }] },
        { oneOf: [object({ a: string({}) }, { required: ["a"] }), object({ b: string({}) }, { required: ["b"] })] },
        { oneOf: [number({ minimum: 3 }), number({ maximum: 10 })] },
        {
            oneOf: ["a", "b", "c"].map((kind) =>
                object({ kind: { const: kind }, [kind]: { type: "integer" } }, { required: ["kind", kind] })
            )
        },
        { allOf: [object({ a: integer({}) }, { required: ["a"] }), object({ b: string({}) }, { required: ["b"] })] },
        { allOf: [point, { properties: { z: number({}) }, required: ["z"] }], unevaluatedProperties: false },
        { allOf: [{ enum: [1, 2, 3] }, { enum: [2, 3, 4] }] },
        { allOf: [{ type: ["integer", "string"] }, { type: ["number", "null"] }] },
        {
            ...(object({ kind: { enum: ["a", "b"] }, x: integer({}) }, { required: ["kind"] }) as object),
            if: { properties: { kind: { const: "a" } } },
            then: { required: ["x"] },
            else: { properties: { x: false } }
        },
        { type: "object", properties: { a: {}, b: {} }, not: { required: ["a", "b"] } },
        { type: "array", items: { type: "integer" }, not: { maxItems: 1 } },
        { $ref: "#/$defs/a", maxLength: 2, $defs: { a: { type: "string" } } }
    ],
    references: [
        tree,
        { $ref: "#/definitions/a", definitions: { a: { type: "integer" } } },
        { $ref: "#a", $defs: { x: { $anchor: "a", type: "integer" } } },
        { $id: "https://example.org/s", $ref: "https://example.org/s#/$defs/a", $defs: { a: { type: "null" } } },
        { properties: { a: { type: "integer" }, b: { $ref: "#/properties/a" } }, required: ["b"] },
        { $ref: "#/$defs/a~1b~0c%25", $defs: { "a/b~c%": { type: "boolean" } } },
        object({ child: { anyOf: [{ $ref: "#" }, { type: "null" }] } }, { required: ["child"] }),
        array({ items: { $ref: "#" } })
    ],
    "as libraries write them": [
        {
            $schema: "https://json-schema.org/draft/2020-12/schema",
            type: "object",
            properties: {
                steps: array({
                    items: object({ explanation: string({}), output: string({}) }, closed("explanation", "output"))
                }),
                final_answer: string({})
            },
            ...closed("steps", "final_answer")
        },
        {
            $defs: {
                Kind: { enum: ["cat", "dog"], title: "Kind", type: "string" },
                Pet: object(
                    {
                        name: { title: "Name", type: "string" },
                        kind: { $ref: "#/$defs/Kind" },
                        age: { anyOf: [{ type: "integer" }, { type: "null" }], default: null, title: "Age" },
                        tags: { items: { type: "string" }, title: "Tags", type: "array" }
                    },
                    { required: ["name", "kind"], title: "Pet" }
                )
            },
            properties: {
                pets: { items: { $ref: "#/$defs/Pet" }, type: "array" },
                extra: { additionalProperties: { type: "number" }, type: "object" }
            },
            required: ["pets"],
            title: "Owner",
            type: "object"
        },
        {
            $schema: "http://json-schema.org/draft-07/schema#",
            type: "object",
            properties: {
                id: string({ format: "uuid" }),
                size: integer({ exclusiveMinimum: 0 }),
                mode: { anyOf: [string({ const: "a" }), string({ const: "b" })] },
                pair: array({ minItems: 2, maxItems: 2, items: [{ type: "string" }, { type: "number" }] })
            },
            required: ["id", "size", "pair"],
            additionalProperties: false
        },
        {
            components: {
                schemas: {
                    Cat: object({ t: { type: "string", enum: ["cat"] } }, { required: ["t"] }),
                    Dog: object({ t: { type: "string", enum: ["dog"] } }, { required: ["t"] })
                }
            },
            oneOf: [{ $ref: "#/components/schemas/Cat" }, { $ref: "#/components/schemas/Dog" }],
            discriminator: { propertyName: "t" }
        }
    ]
};

function closed(...required: string[]): object {
    return { required, additionalProperties: false };
}

/** Schemas that are refused, with the keyword that the error names, its place, and whether it may be ignored. */
export const refusals: readonly (readonly [keyword: string, pointer: string, schema: unknown, loose: boolean])[] = [
    ["maxLenght", "", { maxLenght: 3 }, true],
    ["format", "/properties/a", object({ a: string({ format: "color" }) }), true],
    ["format", "", { format: "color" }, true],
    ["format", "", integer({ format: "uint9" }), true],
    ["uniqueItems", "", array({ items: string({}), uniqueItems: true }), true],
    ["pattern", "", string({ pattern: "^(?=a)" }), true],
    ["pattern", "", string({ pattern: "(?<!a)b" }), true],
    ["pattern", "", string({ pattern: "\\bword\\b" }), true],
    ["pattern", "", string({ pattern: "^(a)\\1$" }), true],
    ["pattern", "", string({ pattern: "^(?i:a)$" }), true],
    ["pattern", "", string({ pattern: "^\\p{Emoji}$" }), true],
    ["pattern", "", string({ pattern: "^\\P{L}$" }), true],
    ["pattern", "", string({ pattern: "(" }), false],
    ["pattern", "", string({ pattern: "a\\-b" }), false],
    ["pattern", "", string({ pattern: "a{2,1}" }), false],
    ["oneOf", "", { oneOf: [integer({ minimum: 3 }), integer({ maximum: 10 })] }, true],
    ["not", "", { not: { multipleOf: 3 }, type: "integer" }, true],
    ["if", "", { if: { multipleOf: 3 }, then: { minimum: 2 }, type: "integer" }, true],
    ["multipleOf", "", integer({ multipleOf: 123457 }), true],
    ["propertyNames", "", { type: "object", propertyNames: { not: { const: "a" } } }, true],
    ["$dynamicRef", "", { $dynamicRef: "#x" }, true],
    ["type", "", { type: "colour" }, false],
    ["$ref", "", { $ref: "#/nowhere" }, false],
    ["$ref", "", { $ref: "https://example.org/other" }, false],
    ["$ref", "", { $ref: "#" }, false],
    ["minLength", "", string({ minLength: -1 }), false],
    ["required", "", { required: "a" }, false],
    ["multipleOf", "", { multipleOf: 0 }, false],
    ["minLength", "", string({ minLength: 5, maxLength: 2 }), false],
    ["minItems", "", array({ minItems: 4, maxItems: 2 }), false],
    ["minimum", "", integer({ minimum: 10, maximum: 2 }), false],
    ["const", "", { const: 5, minimum: 6 }, false],
    ["enum", "", { enum: ["a"], type: "integer" }, false],
    ["required", "", object({}, { required: ["a"], additionalProperties: false }), false],
    ["maxProperties", "", object({ a: {}, b: {} }, { required: ["a", "b"], maxProperties: 1 }), false],
    ["minProperties", "", { type: "object", minProperties: 2 }, false],
    ["minProperties", "", object({ a: {} }, { minProperties: 2, additionalProperties: false }), false]
];
