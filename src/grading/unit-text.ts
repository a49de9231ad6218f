import type { Scanner } from "./scanner.js";
import { isUnitWord } from "./units.js";
import { functionNames, greekNames } from "./words.js";

const upright = /\\(?:text|mbox|textrm|mathrm|hbox|operatorname|textbf|mathit|textit|mathsf)\s*\{([^{}]*)\}/y;
const ends =
    /$|[,;)\]}<>=&]|\\(?:\}|le|leq|ge|geq|approx|simeq|rangle|cup|end|\\|text\{\s*(?:or|and)|qquad)|\b(?:or|and)\b/y;

/**
 * Reads a unit behind a value: "\text{ cm}^2", "km/h", "apples"; nothing where what is there is no unit, or is not the last
 * of its part.
 * @param look only whether there is one
 */
export function readUnit(scanner: Scanner, look = false): string | undefined {
    const start = scanner.at;
    const pieces: string[] = [];
    for (;;) {
        const piece = pieceOf(scanner, pieces.length > 0);
        if (piece === undefined) break;
        pieces.push(piece);
    }
    const whole = pieces.some((piece) => /\p{L}|%/u.test(piece)) && scanner.sees(ends);
    if (!whole || look) scanner.at = start;
    return whole ? pieces.join(" ").replace(/\s+/g, " ").trim() : undefined;
}

function pieceOf(scanner: Scanner, further: boolean): string | undefined {
    const before = scanner.at;
    const upper = scanner.take(upright);
    if (upper !== undefined) {
        const text = upper[1]!.trim();
        if (text !== "" && !/^[\p{L}\s./^\d°%-]*$/u.test(text)) return back(scanner, before);
        if (/^(?:or|and|e|i|d|\d.*)$/.test(text) || Object.hasOwn(functionNames, text)) return back(scanner, before);
        return text + exponent(scanner);
    }
    const spaced = scanner.text[scanner.at] === " " || scanner.text[scanner.at - 1] === " " || further;
    const micro = scanner.take(/\\mu(?![a-zA-Z])(?=\s*(?:\\mathrm|\\text|m\b))/y);
    if (micro !== undefined) {
        const rest = pieceOf(scanner, true);
        return rest === undefined ? back(scanner, before) : `μ${rest}`;
    }
    if (scanner.take(/\\AA(?![a-zA-Z])|Å/y) !== undefined) return `angstrom${exponent(scanner)}`;
    if (further && scanner.take(/\/|\\cdot(?![a-zA-Z])|\*/y) !== undefined)
        return scanner.text[scanner.at - 1] === "/" ? "/" : "";
    // "atoms / m^3", "1/cm"
    if (!further && scanner.sees(/\/\s*\\(?:text|mathrm|mbox)/y)) {
        scanner.take(/\//y);
        return "/";
    }
    const word = scanner.take(/[\p{L}]+\.?/uy);
    if (word === undefined) return undefined;
    const bare = word[0].replace(/\.$/, "");
    const known = isUnitWord(bare) && !Object.hasOwn(functionNames, bare);
    const single = further && /^[mshgLJNWVK]$/.test(bare);
    const counted =
        spaced &&
        /^(?:\p{Ll}{4,}|(?!abc|bcd|def)\p{Ll}*[aeiou]\p{Ll}*)$/u.test(bare) &&
        bare.length > 2 &&
        !Object.hasOwn(functionNames, bare) &&
        !greekNames.has(bare) &&
        !["inf", "infinity"].includes(bare);
    if (!known && !counted && !single) return back(scanner, before);
    if (bare === "and" || bare === "or") return back(scanner, before);
    return bare + exponent(scanner);
}

function exponent(scanner: Scanner): string {
    const found = scanner.take(/\^\s*(?:\{\s*(-?\d)\s*\}|(-?\d))/y);
    return found === undefined ? "" : `^${found[1] ?? found[2]!}`;
}

function back(scanner: Scanner, to: number): undefined {
    scanner.at = to;
    return undefined;
}
