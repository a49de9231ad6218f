import { checkOneOf, describeError, invalidOption, isArray, isObject, quote, readSafely } from "../checks.js";
import { RastError } from "../errors.js";

/** A JSON schema: an object or a boolean, or either as JSON text. */
export type JsonSchema = string | boolean | Readonly<Record<string, unknown>>;

/**
 * A JSON schema and what to do about keywords that cannot be kept. It is told from a schema by its keys: `schema`, and
 * perhaps `unsupported`, and no other. Neither is a keyword of JSON Schema, and a property of that name stands below
 * `properties`.
 */
export interface JsonSchemaOption {
    /** What the text must be valid by. */
    readonly schema: JsonSchema;
    /** "refuse": ERR_JSON_SCHEMA names the keyword. "ignore": the text need not follow it. @default "refuse" */
    readonly unsupported?: "refuse" | "ignore" | undefined;
}

/** The option as native code takes it. */
export interface ResolvedJsonSchema {
    readonly json: string;
    readonly ignoreUnsupported: boolean;
}

/** Reads the option `jsonSchema`. @throws ERR_INVALID_OPTION */
export function readJsonSchema(value: unknown): ResolvedJsonSchema {
    const option = readSafely("jsonSchema", () => readOption(value));
    if (option === undefined) return { json: readSchema("jsonSchema", value), ignoreUnsupported: false };
    const { schema, unsupported = "refuse" } = option;
    return {
        json: readSchema("jsonSchema.schema", schema),
        ignoreUnsupported: checkOneOf("jsonSchema.unsupported", unsupported, ["refuse", "ignore"]) === "ignore"
    };
}

function readOption(value: unknown): { readonly schema: unknown; readonly unsupported?: unknown } | undefined {
    if (!isObject(value)) return undefined;
    const keys = Object.keys(value);
    const isOption = keys.includes("schema") && keys.every((key) => key === "schema" || key === "unsupported");
    return isOption ? { schema: value["schema"], unsupported: value["unsupported"] } : undefined;
}

function readSchema(name: string, value: unknown): string {
    if (typeof value === "string") return value;
    if (typeof value !== "boolean" && !isObject(value)) {
        throw invalidOption(name, "an object, a boolean or JSON text", value);
    }
    return readJson(name, value);
}

/**
 * JSON of a value: cycles, BigInts and getters that throw are typed errors, and so is what JSON has no word for.
 * @throws ERR_INVALID_OPTION
 */
export function readJson(name: string, value: unknown): string {
    let json: unknown;
    try {
        json = JSON.stringify(value, function (key, item: unknown) {
            // JSON would make null, {} or nothing of it, and the schema less than what was asked
            const lost =
                (typeof item === "number" && !Number.isFinite(item)) ||
                (typeof item === "object" && item !== null && !isArray(item) && !isObject(item)) ||
                ["function", "symbol"].includes(typeof item) ||
                (item === undefined && isArray(this));
            if (lost) throw invalidOption(`${name} (at ${quote(key)})`, "what JSON can write", item);
            return item;
        });
    } catch (error) {
        if (error instanceof RastError) throw error;
        const why = describeError(error).split("\n")[0]!.replace(/\.$/, "");
        const message = `Expected a value that can be written as JSON for ${name}: ${why}.`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: name }, cause: error });
    }
    if (typeof json !== "string") throw invalidOption(name, "a value that can be written as JSON", value);
    return json;
}
