// Checks of values that come from outside; every failure is a RastError that names the option and the value. Whatever may
// run code of the caller's (getters, proxies, iterators) is read once, and what it throws is such a failure too.
import { types } from "node:util";
import { RastError, type ErrorCode } from "./errors.js";

/** A range of numbers. */
export interface NumberRange {
    readonly min: number;
    readonly max: number;
    /** The lower bound itself is refused. @default false */
    readonly aboveMin?: boolean;
    /** Only integers. @default false */
    readonly integer?: boolean;
}

/** Shows a value with its type, short enough for one line: `5 (number)`. Never throws, and shows nothing of an object. */
export function describeValue(value: unknown): string {
    if (value === undefined || value === null) return String(value);
    if (typeof value === "string") return `${quote(value)} (string)`;
    if (typeof value === "bigint") return `${shorten(String(value))}n (bigint)`;
    if (typeof value === "function") return "a function";
    if (typeof value === "symbol") return "a symbol";
    if (isArray(value)) return describeArray(value);
    if (typeof value === "object") return "an object";
    return `${value as number | boolean} (${typeof value})`;
}

function describeArray(value: readonly unknown[]): string {
    try {
        return `an array of ${shorten(String(value.length))}`;
    } catch {
        return "an array";
    }
}

/** What a caller's function returned: an async one fails by its promise, which nobody else would hear of. */
export function watchPromise(returned: unknown, failed: (error: unknown) => void): void {
    if (typeof returned === "object" && returned !== null) Promise.resolve(returned).catch(failed);
}

/** A count with its word: "1 line", "2 lines". @param many of a word whose plural has no s at its end */
export function counted(count: number, one: string, many = `${one}s`): string {
    return `${count} ${count === 1 ? one : many}`;
}

/** A text for a message: at most 60 characters of it. */
export function shorten(text: string): string {
    return text.length > 60 ? `${text.slice(0, 57).replace(/[\uD800-\uDBFF]$/, "")}...` : text;
}

/** The same, in quotes and on one line. */
export function quote(text: string): string {
    return JSON.stringify(shorten(text));
}

/** What an error of foreign code says, for a message. Anything can be thrown. */
export function describeError(error: unknown): string {
    try {
        return shortenMiddle(error instanceof Error ? String(error.message) : describeValue(error), 200);
    } catch {
        return "an error that cannot be shown";
    }
}

/** A path or the like for a message: what is cut away of a long one is its middle. */
export function shortenMiddle(text: string, length = 200): string {
    if (text.length <= length) return text;
    const half = Math.floor((length - 3) / 2);
    return `${text.slice(0, half).replace(/[\uD800-\uDBFF]$/, "")}...${text.slice(-half).replace(/^[\uDC00-\uDFFF]/, "")}`;
}

/** Whether a text is one name below a folder on every system: no way out of it, no separator, nothing that cannot be seen. */
export function isPathSegment(text: string): boolean {
    // Windows takes no notice of dots and spaces at a name's end.
    return text.length <= 255 && !/^[. ]*$/.test(text) && !/[\\/:\p{Cc}\p{Cs}]/u.test(text);
}

/** The error for an option with a wrong value. */
export function invalidOption(
    name: string,
    expected: string,
    value: unknown,
    code: ErrorCode = "ERR_INVALID_OPTION"
): RastError {
    const shown = shortenMiddle(name);
    const message = `Expected ${expected} for ${shown}, received ${describeValue(value)}.`;
    return new RastError(code, message, { details: { option: shown, expected } });
}

/** Words for a range: "a number in (0, 1]". */
export function describeRange(range: NumberRange): string {
    const noun = range.integer ? "an integer" : "a number";
    if (range.max === Infinity || (range.integer && range.max === Number.MAX_SAFE_INTEGER)) {
        return `${noun} >= ${bound(range.min)}`;
    }
    return `${noun} in ${range.aboveMin ? "(" : "["}${bound(range.min)}, ${bound(range.max)}]`;
}

// Beyond 2^53 digits would be those of no number that can be written.
function bound(value: number): string {
    const power = Math.log2(Math.abs(value));
    if (Number.isSafeInteger(value) || !Number.isInteger(power)) return String(value);
    return `${value < 0 ? "-" : ""}2^${power}`;
}

/** @throws ERR_INVALID_OPTION unless the value is a number of the range */
export function checkNumber(name: string, value: unknown, range: NumberRange): number {
    const fits =
        typeof value === "number" &&
        Number.isFinite(value) &&
        (range.aboveMin ? value > range.min : value >= range.min) &&
        value <= range.max &&
        (!range.integer || Number.isInteger(value));
    if (!fits) throw invalidOption(name, describeRange(range), value);
    return value;
}

/** @throws ERR_INVALID_OPTION unless the value is true or false */
export function checkBoolean(name: string, value: unknown): boolean {
    if (typeof value !== "boolean") throw invalidOption(name, "true or false", value);
    return value;
}

/** @throws ERR_INVALID_OPTION unless the value is a string, and not an empty one unless that is allowed */
export function checkString(name: string, value: unknown, allowEmpty = false): string {
    if (typeof value !== "string") throw invalidOption(name, "a string", value);
    if (value === "" && !allowEmpty) throw invalidOption(name, "a string that is not empty", value);
    return value;
}

/** @throws ERR_INVALID_OPTION unless the value is a path: a string that is not empty, whole to C as well */
export function checkPath(name: string, value: unknown): string {
    if (value === undefined) throw invalidOption(name, "a path", value);
    const path = checkString(name, value);
    // a path with a NUL would be cut short there
    if (path.includes("\0")) throw invalidOption(name, "a path without NUL characters", value);
    return path;
}

/** @throws ERR_INVALID_OPTION unless the value is one of the choices */
export function checkOneOf<const T>(name: string, value: unknown, choices: readonly T[]): T {
    if (!choices.includes(value as T)) {
        throw invalidOption(name, `one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`, value);
    }
    return value as T;
}

/** @throws ERR_INVALID_OPTION unless the value is an AbortSignal, of whatever realm, or behaves like one */
export function checkSignal(name: string, value: unknown): AbortSignal {
    return readSafely(name, () => {
        const signal = value as AbortSignal | null;
        const fits = typeof signal === "object" && signal !== null && typeof signal.aborted === "boolean";
        if (!fits || typeof signal.addEventListener !== "function") throw invalidOption(name, "an AbortSignal", value);
        return signal;
    });
}

/**
 * Whether a value is an object in the sense of options or JSON: no array, no null, and nothing whose content is not in its
 * properties, such as a promise that was not awaited, a Map or a Date.
 */
export function isObject(value: unknown): value is Record<string, unknown> {
    if (typeof value !== "object" || value === null || isArray(value)) return false;
    try {
        return Object.prototype.toString.call(value) === "[object Object]";
    } catch {
        return true; // one that cannot be read, as its reader will find
    }
}

/** `Array.isArray`, which throws for a proxy that was revoked. */
export function isArray(value: unknown): value is readonly unknown[] {
    try {
        return Array.isArray(value);
    } catch {
        return false;
    }
}

/** @throws ERR_INVALID_OPTION unless the value is an object */
export function checkObject(name: string, value: unknown): Record<string, unknown> {
    if (!isObject(value)) throw invalidOption(name, "an object", value);
    return value;
}

/**
 * Runs code that may run the caller's: what that throws becomes the `cause` of a typed error.
 * @throws ERR_INVALID_OPTION
 */
export function readSafely<T>(name: string, read: () => T): T {
    try {
        return read();
    } catch (error) {
        if (error instanceof RastError) throw error;
        const message = `Reading ${shorten(name)} failed: ${describeError(error)}.`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: name }, cause: error });
    }
}

/**
 * Options as plain data, every one read once: later changes and getters have no effect.
 * @param where for unknown options: "generate"
 * @param name for what is no object: "the options of generate"
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function readOptions<K extends string>(
    where: string,
    name: string,
    value: unknown,
    known: readonly K[]
): Partial<Record<K, unknown>> {
    const options = checkObject(name, value);
    readSafely(name, () => checkKeys(where, options, known));
    const read: Partial<Record<K, unknown>> = {};
    for (const key of known) {
        const option = readSafely(key, () => options[key]);
        if (option !== undefined) read[key] = option;
    }
    return read;
}

/**
 * An array as a plain one, every element read once; holes become undefined.
 * @param expected for messages: "an array of strings"
 * @param most elements at most; nothing of a longer one is read
 * @throws ERR_INVALID_OPTION
 */
export function readArray(name: string, expected: string, value: unknown, most: number): unknown[] {
    return readSafely(name, () => {
        if (!isArray(value)) throw invalidOption(name, expected, value);
        const { length } = value;
        if (!(length <= most)) throw invalidOption(name, expected, value);
        return Array.from({ length }, (_, index) => value[index]);
    });
}

/**
 * Integers of an array or an Int32Array as an Int32Array of its own: what is checked is what is used, whatever happens to
 * the original.
 * @param check called for every number
 * @param tooMany the error for more than `most`; nothing of a longer one is read
 * @throws ERR_INVALID_OPTION
 */
export function readIntegers(
    name: string,
    expected: string,
    value: unknown,
    most: number,
    check: (item: unknown, index: number) => void,
    tooMany: (length: number) => RastError
): Int32Array<ArrayBuffer> {
    return readSafely(name, () => {
        const typed = types.isInt32Array(value);
        if (!typed && !isArray(value)) throw invalidOption(name, expected, value);
        const length = typed ? int32Length(value) : value.length;
        if (!(length <= most)) throw tooMany(length);
        // Not through iterators, which a subclass may have replaced. A detached or shrunk buffer throws.
        const copy = typed ? new Int32Array(value) : new Int32Array(length);
        for (let index = 0; index < copy.length; index++) {
            const item = typed ? copy[index] : value[index];
            check(item, index);
            copy[index] = item as number;
        }
        return copy;
    });
}

const lengthOfTyped = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Int32Array.prototype), "length")!.get!;

function int32Length(value: Int32Array): number {
    return lengthOfTyped.call(value) as number;
}

/**
 * Refuses keys that are not known, so that a misspelt option is never silently left out.
 * @throws ERR_UNKNOWN_OPTION with the nearest known key
 */
export function checkKeys(where: string, options: Record<string, unknown>, known: readonly string[]): void {
    for (const key of Object.keys(options)) {
        if (known.includes(key)) continue;
        const message = `Unknown option ${shorten(key)} in ${where}.${didYouMean(key, known)}`;
        throw new RastError("ERR_UNKNOWN_OPTION", message, { details: { option: shorten(key), in: where, known } });
    }
}

/**
 * " Did you mean x?" for the nearest of some words, or nothing when none is near: within two changes, or one in three letters
 * of a longer word, and in any case with half of its letters kept.
 */
export function didYouMean(word: string, known: readonly string[]): string {
    let best: string | undefined;
    let bestDistance = Math.min(Math.max(2, Math.floor(word.length / 3)), Math.floor(word.length / 2)) + 1;
    for (const candidate of known) {
        const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
        if (distance < bestDistance) {
            best = candidate;
            bestDistance = distance;
        }
    }
    return best === undefined ? "" : ` Did you mean ${best}?`;
}

// Levenshtein's distance, one row at a time; words longer than any key are far from all of them.
function editDistance(a: string, b: string): number {
    if (Math.abs(a.length - b.length) > 8) return Infinity;
    let row = Array.from({ length: b.length + 1 }, (_, index) => index);
    for (let i = 1; i <= a.length; i++) {
        const next = [i];
        for (let j = 1; j <= b.length; j++) {
            const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
            next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
        }
        row = next;
    }
    return row[b.length]!;
}
