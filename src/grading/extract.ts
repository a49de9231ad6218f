// Which part of a model's text is its answer.
import { withoutAsides, withoutLead } from "./asides.js";
import { choiceOf, isReadable } from "./equivalence.js";
import { lastNumber, lastOfEquations } from "./last-number.js";

/** How an answer was found in an output: by which of the marks, in their order. */
export type AnswerFoundBy = "final answer" | "boxed" | "answer is" | "last number" | "last choice" | "whole text";

/** An answer in a text. */
export interface Found {
    readonly by: AnswerFoundBy;
    /** In the order in which they are compared: the first is what is reported. Never empty. */
    readonly candidates: readonly string[];
}

/** A text that has no answer, and why. */
export interface Missing {
    readonly missing: string;
}

/** Of a text without any mark a longer one is no answer by itself. */
const longestBare = 500;
const longestSentence = 2000;
/** How far from a text's end a number or letter is looked for. */
const tail = 20_000;

/**
 * The answer of a text: "final answer is $...$. I hope", else the last \boxed{}, else what follows "the answer is", else the
 * last number. A text with none of the marks that is an answer as a whole is that. An empty or unterminated last \boxed is
 * no answer. Takes a time linear in the text's length.
 * @param gold tells a choice among letters from other answers
 */
export function extractAnswer(text: string, gold: string): Found | Missing {
    const said = afterThought(text);
    const minerva = finalAnswer(said);
    if (minerva !== undefined) return { by: "final answer", candidates: [minerva] };
    const boxed = lastBoxed(said);
    if (boxed !== undefined) return boxed;
    return afterMark(said, gold) ?? unmarked(said, gold);
}

// What a model thought before is not what it says.
function afterThought(text: string): string {
    const end = text.lastIndexOf("</think>");
    const said = end < 0 ? text : text.slice(end + "</think>".length);
    return said.trim() === "" ? text : said;
}

function finalAnswer(text: string): string | undefined {
    const end = text.lastIndexOf("$. I hope");
    if (end < 0) return undefined;
    const mark = "final answer is $";
    const window = text.slice(Math.max(0, end - longestSentence), end);
    const start = window.toLowerCase().lastIndexOf(mark);
    return start < 0 ? undefined : window.slice(start + mark.length);
}

interface Box {
    readonly start: number;
    readonly end: number;
    readonly content: string;
}

const boxes = /\\(?:boxed|fbox|framebox)(?![a-zA-Z])/g;
const boxHere = /\\(?:boxed|fbox|framebox)/y;

function lastBoxed(text: string): Found | Missing | undefined {
    const starts: number[] = [];
    for (const { index } of text.matchAll(boxes)) {
        starts.push(index);
        if (starts.length > 64) starts.shift();
    }
    const last = starts.at(-1);
    if (last === undefined) return undefined;
    // The outermost of those that stand in each other.
    let outer: Box | undefined;
    for (const start of starts) {
        const box = boxAt(text, start);
        if (box !== undefined && box.start <= last && box.end > last) {
            outer = box;
            break;
        }
    }
    if (outer === undefined) return { missing: "its last \\boxed does not end" };
    const content = withoutInnerBoxes(outer.content);
    if (content.trim() === "") return { missing: "its last \\boxed is empty" };
    const joined = together(text, starts, outer, content);
    return {
        by: "boxed",
        candidates: unique(content, ...(joined === undefined ? [] : [joined]), withoutAsides(content))
    };
}

function boxAt(text: string, start: number): Box | undefined {
    boxHere.lastIndex = start;
    let at = start + boxHere.exec(text)![0].length;
    while (text[at] === " " || text[at] === "\n") at++;
    if (text[at] !== "{") {
        // \boxed 5
        const bare = /^[^\s$,.}{]{1,200}/.exec(text.slice(at, at + 200))?.[0];
        return bare === undefined ? undefined : { start, end: at + bare.length, content: bare };
    }
    let depth = 0;
    for (let end = at; end < text.length; end++) {
        const one = text[end];
        if (one === "\\") end++;
        else if (one === "{") depth++;
        else if (one === "}" && --depth === 0) return { start, end: end + 1, content: text.slice(at + 1, end) };
    }
    return undefined;
}

function withoutInnerBoxes(content: string): string {
    return content.replace(/\\(?:boxed|fbox|framebox)\s*(?=\{)/g, "");
}

// \boxed{2} and \boxed{3}: the second alone is tried first, as graders have it, then both.
function together(text: string, starts: readonly number[], last: Box, content: string): string | undefined {
    const parts = [content];
    let next = last.start;
    for (const start of [...starts].reverse()) {
        if (start >= next) continue;
        const box = boxAt(text, start);
        if (box === undefined || box.end > next) break;
        const between = text.slice(box.end, next);
        if (between.length > 40 || !/^[\s$,;]*(?:\\text\{\s*)?(?:and|or)?(?:\s*\})?[\s$,;]*$/.test(between)) break;
        parts.unshift(withoutInnerBoxes(box.content));
        next = start;
    }
    return parts.length > 1 ? parts.join(", ") : undefined;
}

const marks = /(?:\banswers?(?:\*\*)?\s*(?:is|are|was|=)\b\s*:?|\banswers?(?:\*\*)?\s*:(?:\*\*)?|^#{4}(?!#))/gim;

function afterMark(text: string, gold: string): Found | undefined {
    const start = Math.max(0, text.length - tail);
    let end: number | undefined;
    for (const found of text.slice(start).matchAll(marks)) end = start + found.index + found[0].length;
    if (end === undefined) return undefined;
    const rest = text.slice(end, end + longestSentence).trimStart();
    const sentence = sentenceOf(rest);
    if (sentence === "") return undefined;
    const plain = withoutAsides(sentence);
    if (choiceOf(gold) !== undefined) {
        const letter = lastChoice(plain);
        if (letter !== undefined) return { by: "answer is", candidates: [plain, letter] };
    }
    const said = withoutLead(plain);
    const last = isReadable(said) ? undefined : lastNumber(said);
    return { by: "answer is", candidates: unique(said, sentence, ...(last === undefined ? [] : [last])) };
}

// Up to the full stop, or what stands in dollar signs or between asterisks.
function sentenceOf(text: string): string {
    const math =
        /^(?:\*\*|therefore|thus|:|\s)*(?:\$\$?([^$]+)\$\$?|\\\(([^]+?)\\\)|\\\[([^]+?)\\\])\s*(?:[.!]|\*\*|\n|$)/.exec(
            text
        );
    const inner = math?.[1] ?? math?.[2] ?? math?.[3];
    if (inner !== undefined) return inner.trim();
    const line = text.split("\n", 1)[0]!;
    const stop = /[.!](?=\s+[A-Z]|\s*$)/.exec(line);
    return (stop === null ? line : line.slice(0, stop.index)).replace(/^[\s:*]+|[\s*]+$/g, "").trim();
}

function unmarked(text: string, gold: string): Found | Missing {
    const whole = text.trim();
    if (whole === "") return { missing: "it is empty" };
    if (choiceOf(gold) !== undefined) {
        const letter = lastChoice(whole.slice(-tail));
        if (letter !== undefined) return { by: whole === letter ? "whole text" : "last choice", candidates: [letter] };
    }
    const bare = whole.length <= longestBare;
    if (!bare) {
        const last = lastNumber(whole.slice(-tail));
        return last === undefined
            ? { missing: "it has no mark of an answer, and no number at its end" }
            : { by: "last number", candidates: [last] };
    }
    const plain = withoutAsides(whole);
    const said = withoutLead(plain);
    const equations = lastOfEquations(plain);
    if (equations !== undefined) return { by: "last number", candidates: unique(equations, whole) };
    if (isReadable(said)) return { by: "whole text", candidates: unique(said, whole) };
    const last = lastNumber(plain);
    if (last !== undefined) return { by: "last number", candidates: unique(last, whole) };
    return { by: "whole text", candidates: unique(said, whole) };
}

function unique(...candidates: readonly string[]): string[] {
    return [...new Set(candidates)];
}

function lastChoice(text: string): string | undefined {
    let letter: string | undefined;
    for (const found of text.matchAll(/\(([A-J])\)|(?<![\w\\])([A-J])(?=\s*(?:[).:,]|\}|\*|$))/gm))
        letter = found[1] ?? found[2];
    return letter;
}
