// Whether an answer is the gold: as a text, a letter of a choice, or as what both say.
import { sameAnswer } from "./compare.js";
import { parseAnswer } from "./parse.js";
import { UnreadableAnswer } from "./scanner.js";
import { contains, type Node } from "./syntax.js";
import { longestParsed, plainWords, squeezed, tidy } from "./tidy.js";

/** What is found of an answer, and why. */
export interface Comparison {
    readonly right: boolean;
    readonly reason: string;
}

/** Texts longer than this are no answers. */
const longestText = 100_000;

/**
 * Whether an answer says what the gold says.
 * Pure, and bounded but for time: whoever calls it with texts of strangers does so in a thread that can be ended.
 */
export function compareAnswers(answer: string, gold: string): Comparison {
    if (answer.trim() === "") return wrong("it is empty");
    if (answer.trim() === gold.trim()) return right("the same text");
    if (answer.length > longestText) return wrong(`it has more than ${longestText} characters`);
    if (gold.length > longestText) return wrong(`the gold has more than ${longestText} characters`);
    const choice = compareChoices(answer, gold);
    if (choice !== undefined) return choice;
    const [tidyAnswer, tidyGold] = [tidy(answer), tidy(gold)];
    if (tidyAnswer === "") return wrong("it is empty");
    if (squeezed(tidyAnswer) === squeezed(tidyGold)) return right("the same text but for how it is written");
    if (sameWords(answer, gold)) return right("the same words");
    if (tidyAnswer.length > longestParsed || tidyGold.length > longestParsed) {
        return wrong(`another text, and too long to be read as mathematics: more than ${longestParsed} characters`);
    }
    return compareParsed(tidyAnswer, tidyGold);
}

function compareParsed(answer: string, gold: string): Comparison {
    const [goldTrees, answerTrees] = [readings(gold), readings(answer)];
    if (typeof goldTrees === "string" || typeof answerTrees === "string") {
        if (loose(answer) === loose(gold)) return right("the same text but for braces");
        const [side, why] = typeof answerTrees === "string" ? ["it", answerTrees] : ["the gold", goldTrees as string];
        return wrong(`another text; ${side} is not read as mathematics: ${why}`);
    }
    for (const goldTree of goldTrees) {
        for (const answerTree of answerTrees) {
            if (sameAnswer(goldTree, answerTree)) return right("the same value");
        }
    }
    return wrong("another value");
}

// A comma between digits is one of thousands, or of a list: both are read.
function readings(text: string): readonly Node[] | string {
    const ways = /\d,\d{3}(?!\d)/.test(text) ? [true, false] : [true];
    const trees: Node[] = [];
    let why = "";
    for (const separators of ways) {
        try {
            trees.push(parseAnswer(text, separators));
        } catch (error) {
            if (!(error instanceof UnreadableAnswer)) throw error;
            why = error.message;
        }
    }
    return trees.length === 0 ? why : trees;
}

/** Whether a text can be read as mathematics. @param text as it was written */
export function isReadable(text: string): boolean {
    const tidied = tidy(text);
    if (tidied === "" || tidied.length > longestParsed) return false;
    const trees = readings(tidied);
    return typeof trees !== "string" && trees.every((tree) => !contains(tree, (part) => part.kind === "words"));
}

function loose(text: string): string {
    return squeezed(text).replace(/[{}]|\\(?:text|mathrm|mbox|textbf|operatorname)(?=\{)/g, "");
}

const unwrapped = (text: string): string =>
    text
        .replace(/\\(?:text|textbf|mathbf|mathrm|mbox|textrm|boxed|textit)\s*(?=\{)/g, "")
        .replace(/[{}$*]|\\[()[\],;! ]|\\(?:displaystyle|left|right)(?![a-zA-Z])/g, "")
        .trim();

/** The letter that a gold of multiple choice is; undefined for any other. */
export function choiceOf(gold: string): string | undefined {
    if (gold.length > 100) return undefined;
    return /^\(?\s*([A-J])\s*\)?\s*\.?$/.exec(unwrapped(gold))?.[1];
}

function compareChoices(answer: string, gold: string): Comparison | undefined {
    const wanted = choiceOf(gold);
    if (wanted === undefined) return undefined;
    const text = unwrapped(answer.slice(0, 10_000));
    const chosen =
        /^\(?\s*([A-Ja-j])\s*\)?\s*[.:]?$/.exec(text)?.[1] ?? /^\(?\s*([A-J])\s*(?:\)|[.:](?=\s))/.exec(text)?.[1];
    if (chosen !== undefined)
        return chosen.toUpperCase() === wanted ? right("the same letter") : wrong("another letter");
    return gold.includes("(") ? wrong("no letter of a choice") : undefined;
}

function sameWords(answer: string, gold: string): boolean {
    const words = plainWords(gold);
    // Of mathematics a capital letter is another letter.
    if (!/^[a-z][a-z' ,.:-]{2,}$/.test(words) && !/^\d{1,2}:\d\d\s?(?:[ap]m)?$/.test(words)) return false;
    const said = plainWords(answer);
    // Of a time it may go without saying which half of the day it is in.
    return words === said || (/^\d{1,2}:\d\d$/.test(words) && said.replace(/[ap]m$/, "") === words);
}

function right(reason: string): Comparison {
    return { right: true, reason };
}

function wrong(reason: string): Comparison {
    return { right: false, reason };
}
