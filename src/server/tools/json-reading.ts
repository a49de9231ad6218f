// JSON read letter by letter, exactly as JSON.parse has it: values end where they end, whatever stands behind them.
import type { Incoming, Reading } from "./incoming.js";

/** Deeper ones are no arguments of anything, and the reader is recursive. */
const maxDepth = 200;

/**
 * Reads a value, from its first letter on.
 * @returns false where it is none: `at` is somewhere within it then
 */
export function* readValue(input: Incoming, depth = 0): Reading<boolean> {
    if (depth > maxDepth) return false;
    const first = yield* input.letter();
    if (first === '"') return yield* readString(input);
    if (first === "{") return yield* readObject(input, () => readValue(input, depth + 1));
    if (first === "[") return yield* readArray(input, depth);
    const rest = yield* input.all(/[-+.0-9A-Za-z]*/y);
    return /^(?:true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)$/.test(rest);
}

function* readString(input: Incoming): Reading<boolean> {
    input.at++;
    for (;;) {
        yield* input.all(/[^"\\\u0000-\u001f]*/y);
        const next = yield* input.letter();
        if (next !== '"' && next !== "\\") return false;
        input.at++;
        if (next === '"') return true;
        const escaped = yield* input.letter();
        if (escaped === "" || !'"\\/bfnrtu'.includes(escaped)) return false;
        input.at++;
        if (escaped === "u" && (yield* input.all(/[0-9A-Fa-f]*/y, 4)).length < 4) return false;
    }
}

function* readArray(input: Incoming, depth: number): Reading<boolean> {
    input.at++;
    yield* input.space();
    if ((yield* input.letter()) === "]") {
        input.at++;
        return true;
    }
    for (;;) {
        if (!(yield* readValue(input, depth + 1))) return false;
        const next = yield* separator(input);
        if (next === "]") return true;
        if (next !== ",") return false;
    }
}

/**
 * Reads an object, from its brace on.
 * @param member reads a value, and is told its key
 */
export function* readObject(input: Incoming, member: (key: string) => Reading<boolean>): Reading<boolean> {
    input.at++;
    yield* input.space();
    if ((yield* input.letter()) === "}") {
        input.at++;
        return true;
    }
    for (;;) {
        const from = input.at;
        if ((yield* input.letter()) !== '"' || !(yield* readString(input))) return false;
        const key = JSON.parse(input.slice(from)) as string;
        yield* input.space();
        if (!(yield* input.word(":"))) return false;
        yield* input.space();
        if (!(yield* member(key))) return false;
        const next = yield* separator(input);
        if (next === "}") return true;
        if (next !== ",") return false;
    }
}

/** The letter behind a member or an element, read with the white space around it, but for what stands behind a closing one. */
function* separator(input: Incoming): Reading<string> {
    yield* input.space();
    const letter = yield* input.letter();
    if (letter === "") return "";
    input.at++;
    if (letter === ",") yield* input.space();
    return letter;
}
