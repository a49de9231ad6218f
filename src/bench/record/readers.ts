// Readers of JSON of unknown origin: each returns the value it was given, typed, or refuses it by its path.
import {
    checkBoolean,
    checkNumber,
    checkObject,
    checkOneOf,
    checkString,
    invalidOption,
    type NumberRange
} from "../../checks.js";

/** @throws ERR_INVALID_OPTION naming the path unless the value fits */
export type Reader<T> = (value: unknown, path: string) => T;

/** An object with these fields; others are left out, so that records may gain fields. */
export function objectOf<T extends object>(fields: { readonly [Key in keyof T]-?: Reader<T[Key]> }): Reader<T> {
    return (value, path) => {
        const from = checkObject(path === "" ? "the whole" : path, value);
        const read = Object.entries<Reader<unknown>>(fields).map(([key, reader]) => [
            key,
            reader(Object.hasOwn(from, key) ? from[key] : undefined, path === "" ? key : `${path}.${key}`)
        ]);
        return Object.fromEntries(read) as T;
    };
}

/** An array with a number of items in some range. */
export function listOf<T>(item: Reader<T>, { min = 0, max = 10_000 } = {}): Reader<readonly T[]> {
    return (value, path) => {
        if (!Array.isArray(value) || value.length < min || value.length > max) {
            throw invalidOption(path, `an array of ${min} to ${max} items`, value);
        }
        return value.map((one, index) => item(one, `${path}[${index}]`));
    };
}

/** Null, or what another reader takes. */
export function orNull<T>(reader: Reader<T>): Reader<T | null> {
    return (value, path) => (value === null ? null : reader(value, path));
}

/** What another reader takes, or a value where there is nothing: records of earlier versions lack some fields. */
export function orAbsent<T>(reader: Reader<T>, otherwise: T): Reader<T> {
    return (value, path) => (value === undefined ? otherwise : reader(value, path));
}

/** A number of a range. */
export function numberOf(range: NumberRange): Reader<number> {
    return (value, path) => checkNumber(path, value, range);
}

/** One of some strings. */
export function oneOf<const T extends string>(choices: readonly T[]): Reader<T> {
    return (value, path) => checkOneOf(path, value, choices);
}

/** True or false. */
export const flag: Reader<boolean> = (value, path) => checkBoolean(path, value);

/** A string that is not empty and not absurdly long. */
export const name: Reader<string> = (value, path) => bounded(checkString(path, value), path);

/** The same, and it may be empty. */
export const remark: Reader<string> = (value, path) => bounded(checkString(path, value, true), path);

function bounded(text: string, path: string): string {
    if (text.length > 10_000) throw invalidOption(path, "a string of at most 10000 characters", text);
    return text;
}

/** A string of a form. @param form in words, e.g. "a date" */
export function textLike(pattern: RegExp, form: string): Reader<string> {
    return (value, path) => {
        if (typeof value !== "string" || !pattern.test(value)) throw invalidOption(path, form, value);
        return value;
    };
}
