// What a data set calls the right answer, as the answer alone.
import { extractAnswer } from "./extract.js";

/** GSM8K writes it behind a worked solution, MATH and Minerva in a box of one. A text with neither is the answer. */
export function goldOf(text: string): string {
    const marked = /^[^]*####(?!#)/.exec(text)?.[0].length;
    if (marked !== undefined && !text.includes("\\boxed")) return text.slice(marked).trim();
    if (!/\\(?:boxed|fbox|framebox)(?![a-zA-Z])/.test(text)) return text.trim();
    const found = extractAnswer(text, "");
    return "missing" in found || found.by !== "boxed" ? text.trim() : found.candidates.at(-1)!.trim();
}
