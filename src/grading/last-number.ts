// The number that a text ends with, where no mark says what its answer is.
import { isUnitWord } from "./units.js";

const number =
    /(?<![\w.])[-−]?(?:\\?[$€£])?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:\/\d+)?(?:[eE][+-]?\d+)?(?:\s?\\?%)?/g;
const latexFraction = /-?\\[dt]?frac\s*\{\s*-?\d+\s*\}\s*\{\s*\d+\s*\}/g;
/** Numbers that are kept while a text is read. */
const mostKept = 400;

interface Place {
    readonly at: number;
    readonly end: number;
    readonly text: string;
}

/**
 * The number that a text ends with, with its unit; several that stand beside each other as a list are taken together, and so is work in nothing but numbers.
 * @returns undefined where there is none, or the last is a part of something: "x^13", "y = 2x + 3", "13 of 20", "not 13"
 */
export function lastNumber(text: string): string | undefined {
    const plain = withoutEmphasis(text);
    const places = placesOf(plain);
    const last = places.at(-1);
    if (last === undefined) return undefined;
    const behind = plain.slice(last.end);
    let first = last;
    for (const before of places.slice(0, -1).reverse()) {
        if (!joins(plain.slice(before.end, first.at), behind)) break;
        first = before;
    }
    // As Math-Verify has it.
    if (first === last) first = withWork(plain, last);
    const unit = unitBehind(behind);
    if (unit === undefined && partBehind.test(behind)) return undefined;
    if (partBefore.some((part) => part.test(plain.slice(Math.max(0, first.at - 40), first.at)))) return undefined;
    const found = plain.slice(first.at, last.end) + (unit ?? "");
    if (plain[first.at - 2] === "\\") return found; // \(13\)
    const [open, close] = [plain[first.at - 1] ?? "", plain[first.at + found.length] ?? ""];
    if (open !== "(" && open !== "[") return found;
    return close === ")" || close === "]" ? `${open}${found}${close}` : undefined;
}

function withWork(text: string, last: Place): Place {
    const work = workBefore.exec(text.slice(Math.max(0, last.at - longestWork), last.at));
    return work === null ? last : { ...last, at: last.at - work[0].length };
}

/** The last side of equations in nothing but numbers, "6+7=13; 13+1=14": what they come to. @returns undefined for other texts */
export function lastOfEquations(text: string): string | undefined {
    const parts = text
        .trim()
        .replace(/\.$/, "")
        .split(/[;\n]|,(?!\d)/);
    if (parts.length > mostKept || !parts.every((part) => equation.test(part.trim()))) return undefined;
    return parts.at(-1)!.split("=").at(-1)!.trim();
}

const equation =
    /^(?:[\d\s.,+*/()^%$=×÷·−-]|\\(?:cdot|times|div)(?![a-zA-Z]))+=\s*[-−]?(?:\\?[$€£])?[\d,]*\.?\d+(?:\/\d+)?\s*(?:\\?%|[a-z]{2,20})?$/;

function placesOf(text: string): Place[] {
    const found: Place[] = [];
    for (const one of text.matchAll(latexFraction))
        found.push({ at: one.index, end: one.index + one[0].length, text: one[0] });
    const fractions = [...found];
    for (const one of text.matchAll(number)) {
        if (!fractions.some(({ at, end }) => one.index >= at && one.index < end)) {
            found.push({ at: one.index, end: one.index + one[0].length, text: one[0] });
        }
        if (found.length > mostKept) found.splice(0, mostKept / 2);
    }
    return found.sort((a, b) => a.at - b.at);
}

const font =
    /\\(?:text|mbox|textbf|textit|textrm|mathbf|mathit|mathrm|mathsf|boldsymbol|bm|underline)\s*\{\s*([-−]?[\d.,$€£%\\]{1,200})\s*\}/g;

// *13*, **13**: not the sign of a product. \mathbf{13}: no part of anything.
function withoutEmphasis(text: string): string {
    return text
        .replace(font, "$1")
        .replace(/(?<![^\s(:])(\*{1,3}|_{1,2})([^\s*_][^*_\n]{0,200})\1(?=$|[\s.,;:!?)])/g, "$2");
}

// "13 or 14" is not 14; "after paying 5, 90 remain" is 90.
function joins(between: string, behind: string): boolean {
    if (/^[ \t]*,?[ \t]*or[ \t]*$/.test(between)) return true;
    return /^[ \t]*(?:,?[ \t]*and|[,;])[ \t]*$/.test(between) && /^\s*(?:$|[.!?)\]])/.test(behind);
}

// "5 + 90" where a sum, a product or a power of numbers is not worked out: what is in front of its last number.
const workBefore =
    /(?<![\w.\\])(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?\s*(?:[-−+*/×÷·^]|\\(?:cdot|times|div)(?![a-zA-Z]))\s*){1,40}$/;
const longestWork = 400;

/** What makes a number a part of more. */
const partBehind =
    /^(?!(?:st|nd|rd|th)(?![a-zA-Z])|\s*(?:\^\s*\{?\s*\\circ|\\(?:text|mathrm|mbox|quad|circ)(?![a-zA-Z])))(?:[a-zA-Z^_{(]|\s*(?:[+*/×÷^]|-\s*\d|\\[a-zA-Z]))/;
const partBefore: readonly RegExp[] = [
    // a power, a factor, a summand, an end of an interval or a bound; not "-> 5", "=> 5" nor "** 5"
    /(?:[\^_{/+×÷·√\\[<≤≥]|(?:[\d)\]]|\b[a-zA-Z])\s*[-−*]|(?<![-=])>)\s*$/,
    /\\[a-zA-Z]+\s*$/,
    // of a tuple that does not end
    /\([^()]*,\s*$/,
    // times of day, numbers beside each other
    /\d(?::|[ \t]+)$/,
    /\b(?:not|minus|negative|isn't)\s+$/i,
    /\d\s*(?:(?:out\s+)?of|to|by|in|through|versus|vs\.?|&|–)\s*$/i,
    /\bbetween\b[^.]*\band\s+$/i
];

function unitBehind(behind: string): string | undefined {
    const found = /^\s?(\p{L}+|°\s?[CF]?)(?:\^\{?\d\}?|[²³])?(?:\/\p{L}+(?:\^\{?\d\}?|[²³])?)?(?![\w^])/u.exec(behind);
    if (found === null) return undefined;
    const word = found[1]!;
    // "90 in all", "5 a day"
    if (/^(?:in|a|as|at|do)$/.test(word) || (!word.startsWith("°") && !isUnitWord(word))) return undefined;
    return found[0];
}
