// Checks of values that come from outside; every failure is a RastError that names the option and the value.
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

/** Shows a value with its type, short enough for one line: `5 (number)`. */
export function describeValue(value: unknown): string {
    if (value === undefined || value === null) return String(value);
    if (typeof value === "string") return `${JSON.stringify(shorten(value))} (string)`;
    if (typeof value === "bigint") return `${value}n (bigint)`;
    if (typeof value === "function") return "a function";
    if (typeof value === "symbol") return "a symbol";
    if (Array.isArray(value)) return `an array of ${value.length}`;
    if (typeof value === "object") return "an object";
    return `${value as number | boolean} (${typeof value})`;
}

function shorten(text: string): string {
    return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The error for an option with a wrong value. */
export function invalidOption(
    name: string,
    expected: string,
    value: unknown,
    code: ErrorCode = "ERR_INVALID_OPTION"
): RastError {
    const message = `Expected ${expected} for ${name}, received ${describeValue(value)}.`;
    return new RastError(code, message, { details: { option: name, expected } });
}

/** Words for a range: "a number in (0, 1]". */
export function describeRange(range: NumberRange): string {
    const noun = range.integer ? "an integer" : "a number";
    if (range.max === Infinity || (range.integer && range.max === Number.MAX_SAFE_INTEGER)) {
        return `${noun} >= ${range.min}`;
    }
    return `${noun} in ${range.aboveMin ? "(" : "["}${range.min}, ${range.max}]`;
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

/** @throws ERR_INVALID_OPTION unless the value is one of the choices */
export function checkOneOf<const T>(name: string, value: unknown, choices: readonly T[]): T {
    if (!choices.includes(value as T)) {
        throw invalidOption(name, `one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`, value);
    }
    return value as T;
}

/** @throws ERR_INVALID_OPTION unless the value is an AbortSignal, of whatever realm */
export function checkSignal(name: string, value: unknown): AbortSignal {
    const signal = value as AbortSignal | null;
    const fits = typeof signal === "object" && signal !== null && typeof signal.aborted === "boolean";
    if (!fits || typeof signal.addEventListener !== "function") throw invalidOption(name, "an AbortSignal", value);
    return signal;
}

/** Whether a value is an object in the sense of options or JSON: no array, no null. */
export function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws ERR_INVALID_OPTION unless the value is an object */
export function checkObject(name: string, value: unknown): Record<string, unknown> {
    if (!isObject(value)) throw invalidOption(name, "an object", value);
    return value;
}

/**
 * Refuses keys that are not known, so that a misspelt option is never silently left out.
 * @throws ERR_UNKNOWN_OPTION with the nearest known key
 */
export function checkKeys(where: string, options: Record<string, unknown>, known: readonly string[]): void {
    for (const key of Object.keys(options)) {
        if (known.includes(key)) continue;
        throw new RastError("ERR_UNKNOWN_OPTION", `Unknown option ${key} in ${where}.${didYouMean(key, known)}`, {
            details: { option: key, known }
        });
    }
}

/** " Did you mean x?" for the nearest of some words, or nothing when none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
    let best: string | undefined;
    let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
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
