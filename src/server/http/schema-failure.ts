// What a body's schema has against it, in the words that options are refused with: "Expected an integer for n, received "2" (string)."
import { describeRange, describeValue } from "../../checks.js";

/** What ajv says of a value, with the value itself and the schema that it breaks where it is asked to be verbose. */
export interface SchemaIssue {
    readonly instancePath?: string;
    readonly message?: string;
    readonly keyword?: string;
    readonly params?: Readonly<Record<string, unknown>>;
    readonly data?: unknown;
    readonly parentSchema?: unknown;
}

/** The field at fault, null of the body as a whole, and words for a person. */
export interface SchemaFailure {
    readonly param: string | null;
    readonly message: string;
}

/** @param issues in ajv's order: of alternatives, what each has against the value, and last that none fits */
export function describeSchemaIssues(issues: readonly SchemaIssue[]): SchemaFailure {
    const issue = decisiveOf(issues);
    const param = fieldOfPointer(pathOf(issue));
    const where = param === "" ? "the body" : param;
    return { param: param === "" ? null : param, message: messageOf(issue, where) };
}

function messageOf(issue: SchemaIssue, where: string): string {
    const { message = "is not valid", parentSchema } = issue;
    if (missingOf(issue) !== undefined) return `${where} is required.`;
    const { maxItems, maxLength, description } = (parentSchema ?? {}) as Typed;
    if (maxItems === 0 || maxLength === 0) {
        const why = description === undefined ? "" : ` ${description}`;
        return `Expected nothing for ${where}, received ${describeValue(issue.data)}.${why}`;
    }
    const expected = wordsOf(parentSchema);
    if (expected === undefined || !("data" in issue)) return `${where === "the body" ? "The body" : where} ${message}.`;
    // no body at all comes as null
    const isEmpty = where === "the body" && (issue.data === null || issue.data === undefined);
    return `Expected ${expected} for ${where}, received ${isEmpty ? "nothing" : describeValue(issue.data)}.`;
}

// Of alternatives the one that was meant says best what is wrong: whose type is that of the value, or that looked further into it.
function decisiveOf(issues: readonly SchemaIssue[]): SchemaIssue {
    const last = issues.at(-1) ?? {};
    if (last.keyword !== "anyOf" && last.keyword !== "oneOf") return last;
    const depth = (last.instancePath ?? "").length;
    const inside = issues
        .slice(0, -1)
        .filter((issue) => (issue.instancePath ?? "").startsWith(last.instancePath ?? ""));
    const words = (issue: SchemaIssue): boolean => issue.keyword === "enum" && typeof issue.data !== "string";
    const meant = inside.filter((issue) => pathOf(issue).length > depth || (issue.keyword !== "type" && !words(issue)));
    return meant.length === 1 ? meant[0]! : last;
}

function missingOf({ keyword, params }: SchemaIssue): string | undefined {
    const missing = params?.["missingProperty"];
    return keyword === "required" && typeof missing === "string" ? missing : undefined;
}

function pathOf(issue: SchemaIssue): string {
    const { instancePath = "" } = issue;
    const missing = missingOf(issue);
    return missing === undefined
        ? instancePath
        : `${instancePath}/${missing.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** Words for what a schema allows, null apart: "an array of at most 16 strings". undefined where there are none. */
function wordsOf(schema: unknown): string | undefined {
    if (typeof schema !== "object" || schema === null) return undefined;
    const { type, enum: values, anyOf, oneOf } = schema as Readonly<Record<string, unknown>>;
    const alternatives = anyOf ?? oneOf;
    if (Array.isArray(values)) {
        return `one of ${values
            .filter((value) => value !== null)
            .map((value) => JSON.stringify(value))
            .join(", ")}`;
    }
    const types = (Array.isArray(type) ? (type as unknown[]) : [type]).filter(
        (one) => one !== undefined && one !== "null"
    );
    if (types.length > 0) return joined(types.map((one) => typeWords(String(one), schema as Typed)));
    return Array.isArray(alternatives) ? joined(alternatives.filter((one) => !isNull(one)).map(wordsOf)) : undefined;
}

function isNull(schema: unknown): boolean {
    return (schema as { type?: unknown } | null)?.type === "null";
}

interface Typed {
    readonly minimum?: number;
    readonly maximum?: number;
    readonly exclusiveMinimum?: number;
    readonly minItems?: number;
    readonly maxItems?: number;
    readonly maxProperties?: number;
    readonly minLength?: number;
    readonly maxLength?: number;
    readonly description?: string;
    readonly pattern?: string;
    readonly items?: unknown;
}

function typeWords(type: string, schema: Typed): string | undefined {
    if (type === "boolean") return "true or false";
    if (type === "object")
        return `an object${schema.maxProperties === undefined ? "" : ` of at most ${schema.maxProperties} entries`}`;
    if (type === "string") {
        if (schema.pattern !== undefined) return `a string that matches ${schema.pattern}`;
        return (schema.minLength ?? 0) > 0 ? "a string that is not empty" : "a string";
    }
    if (type === "number" || type === "integer") return rangeWords(type === "integer", schema);
    return type === "array" ? arrayWords(schema) : undefined;
}

function rangeWords(integer: boolean, { minimum, maximum, exclusiveMinimum }: Typed): string {
    const min = exclusiveMinimum ?? minimum;
    if (min === undefined) {
        const noun = integer ? "an integer" : "a number";
        return maximum === undefined ? noun : `${noun} <= ${maximum}`;
    }
    return describeRange({ min, max: maximum ?? Infinity, aboveMin: exclusiveMinimum !== undefined, integer });
}

const plurals: Readonly<Record<string, string>> = {
    string: "strings",
    integer: "integers",
    number: "numbers",
    object: "objects",
    array: "arrays"
};

function arrayWords({ items, minItems = 0, maxItems }: Typed): string {
    const type = (items as { type?: unknown } | undefined)?.type;
    const noun = typeof type === "string" && Object.hasOwn(plurals, type) ? plurals[type]! : undefined;
    if (minItems > 0 && maxItems !== undefined) return `an array of ${minItems} to ${maxItems} ${noun ?? "items"}`;
    const most = maxItems === undefined ? "" : ` of at most ${maxItems}`;
    const what = noun === undefined ? most : `${most === "" ? " of" : most} ${noun}`;
    return `an array${what}${minItems > 0 ? " that is not empty" : ""}`;
}

function joined(words: readonly (string | undefined)[]): string | undefined {
    const known = [...new Set(words.filter((word) => word !== undefined))];
    if (known.length === 0 || words.includes(undefined)) return undefined;
    return known.length === 1 ? known[0] : `${known.slice(0, -1).join(", ")} or ${known.at(-1)}`;
}

/** "/messages/0/role" as "messages[0].role"; long names of the client's own are cut. */
function fieldOfPointer(pointer: string): string {
    return pointer
        .split("/")
        .slice(1)
        .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~").slice(0, 60))
        .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : path === "" ? part : `${path}.${part}`), "");
}
