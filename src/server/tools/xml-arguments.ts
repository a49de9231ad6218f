// Arguments that are written as bare texts, as JSON: the tool's schema says which are strings.
import { isArray, isObject } from "../../checks.js";

type Schema = Readonly<Record<string, unknown>>;

/** @param values texts by key, in the order in which they came @returns a JSON object's text */
export function xmlArguments(values: ReadonlyMap<string, string>, schema: Schema | undefined): string {
    const properties = schema?.["properties"];
    const members = [...values].map(([key, value]) => {
        const property = isObject(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
        return `${JSON.stringify(key)}: ${asJson(value, property, schema)}`;
    });
    return `{${members.join(", ")}}`;
}

const pythonWords: Readonly<Record<string, string>> = { True: "true", False: "false", None: "null" };

function asJson(value: string, property: unknown, root: Schema | undefined): string {
    const types = typesOf(property, root);
    const text = value.trim();
    const json = Object.hasOwn(pythonWords, text) ? pythonWords[text]! : text;
    const isString = types.has("string");
    // of a type besides it only what is no text that one would write
    if (isString && !(types.has("null") && json === "null")) return JSON.stringify(value);
    try {
        JSON.parse(json);
        return json;
    } catch {
        return JSON.stringify(value);
    }
}

/** Whether a parameter is a string and nothing that is written otherwise. */
export function isPlainString(property: unknown, root: Schema | undefined): boolean {
    const types = typesOf(property, root);
    return types.has("string") && types.size === 1;
}

/** Types that a schema names; none where it says nothing of them. */
function typesOf(schema: unknown, root: Schema | undefined, depth = 0): ReadonlySet<string> {
    const types = new Set<string>();
    if (!isObject(schema) || depth > 8) return types;
    const { type } = schema;
    if (typeof type === "string") types.add(type);
    if (isArray(type)) for (const one of type) if (typeof one === "string") types.add(one);
    for (const value of [schema["const"], ...(isArray(schema["enum"]) ? schema["enum"] : [])]) {
        if (type === undefined && value !== undefined) types.add(value === null ? "null" : typeof value);
    }
    for (const key of ["anyOf", "oneOf", "allOf"]) {
        const list = schema[key];
        if (isArray(list)) for (const one of list) typesOf(one, root, depth + 1).forEach((name) => types.add(name));
    }
    const reference = schema["$ref"];
    if (typeof reference === "string")
        typesOf(target(reference, root), root, depth + 1).forEach((name) => types.add(name));
    return types;
}

function target(reference: string, root: Schema | undefined): unknown {
    let at: unknown = root;
    for (const part of reference.replace(/^#\/?/, "").split("/")) {
        const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
        at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
    }
    return at;
}
