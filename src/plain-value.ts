// Any value as plain JSON, for errors on their way to another thread, process or log.
import { types } from "node:util";

/** What JSON can hold. */
export type PlainValue = null | boolean | number | string | PlainValue[] | { [key: string]: PlainValue };

/** An error as plain JSON: what is not there is left out. */
export interface PlainError {
    /** The error's class, e.g. "TypeError". */
    readonly name: string;
    /** For a person. */
    readonly message: string;
    /** A code, where it has one. */
    readonly code?: string;
    /** Facts, where it has them. */
    readonly details?: PlainValue;
    /** Where it was made. */
    readonly stack?: string;
    /** What is behind it. */
    readonly cause?: PlainValue | PlainError;
}

const maxDepth = 8;
const maxValues = 2000;
const maxTextLength = 16_384;

interface Walk {
    readonly above: Set<object>;
    left: number;
}

/**
 * A value as plain JSON. Never throws: what JSON lacks becomes its text (1n is "1", NaN "NaN"), a Map its pairs, what refers
 * to itself "[circular]", what cannot be read "[unreadable]". Texts are cut to 16,384 characters, and the whole to 8 levels
 * and 2,000 values.
 */
export function plainValue(value: unknown): PlainValue {
    return plain(value, { above: new Set(), left: maxValues });
}

/** An error as plain JSON, with what caused it; under the rules of `plainValue`. */
export function plainError(error: Error): PlainError {
    return plain(error, { above: new Set(), left: maxValues }) as unknown as PlainError;
}

/** Whether a value is an error, of another realm too. */
export function isError(value: unknown): value is Error {
    return value instanceof Error || types.isNativeError(value);
}

function plain(value: unknown, walk: Walk): PlainValue {
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "string") return cut(value);
    if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
    if (value === undefined || typeof value === "bigint" || typeof value === "symbol") return cut(String(value));
    if (typeof value !== "object") return "[function]";
    if (walk.above.has(value)) return "[circular]";
    if (walk.above.size >= maxDepth || walk.left <= 0) return "[...]";
    walk.above.add(value);
    try {
        return plainObject(value, walk);
    } catch {
        return "[unreadable]";
    } finally {
        walk.above.delete(value);
    }
}

function plainObject(value: object, walk: Walk): PlainValue {
    if (isError(value)) return plainFields(value, errorKeys(value), walk);
    if (value instanceof Date || value instanceof RegExp || value instanceof URL) return cut(value.toString());
    if (Array.isArray(value) || value instanceof Set || value instanceof Map) return plainList(value, walk);
    if (ArrayBuffer.isView(value)) {
        return value instanceof DataView ? "[binary]" : plainList(value as unknown as Iterable<unknown>, walk);
    }
    return plainFields(value, Object.keys(value), walk);
}

function plainList(values: Iterable<unknown>, walk: Walk): PlainValue[] {
    const list: PlainValue[] = [];
    for (const one of values) {
        if (walk.left-- <= 0) return [...list, "[...]"];
        list.push(plain(one, walk));
    }
    return list;
}

function plainFields(value: object, keys: readonly string[], walk: Walk): PlainValue {
    const fields: { [key: string]: PlainValue } = {};
    for (const key of keys) {
        if (walk.left-- <= 0) break;
        const field = read(value, key);
        if (field === undefined) continue;
        // a plain "__proto__" would set the prototype
        Object.defineProperty(fields, key, {
            value: plain(field, walk),
            enumerable: true,
            configurable: true,
            writable: true
        });
    }
    return fields;
}

function errorKeys(error: Error): string[] {
    const keys = ["name", "message"];
    const { code, details } = error as { code?: unknown; details?: unknown };
    if (typeof code === "string") keys.push("code");
    if (typeof details === "object" && details !== null) keys.push("details");
    if (typeof error.stack === "string") keys.push("stack");
    if ("cause" in error) keys.push("cause");
    return keys;
}

function read(value: object, key: string): unknown {
    try {
        return (value as Record<string, unknown>)[key];
    } catch {
        return "[unreadable]";
    }
}

function cut(text: string): string {
    return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}[...]` : text;
}
