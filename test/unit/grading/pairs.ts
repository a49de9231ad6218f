// The labelled pairs, and which of them are set aside: rules were never tuned to those.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** A gold, an answer, and whether a person calls it right. */
export interface LabelledPair {
    readonly kind: string;
    readonly gold: string;
    readonly answer: string;
    readonly right: boolean;
    readonly reason: string;
}

/** Those that were written before there were rules, in the order of the file. */
export function labelledPairs(): LabelledPair[] {
    return read<LabelledPair>("pairs.jsonl");
}

/** Those that came to mind afterwards. */
export function furtherPairs(): Pick<LabelledPair, "gold" | "answer" | "right">[] {
    return read("further-pairs.jsonl");
}

/** Texts in which no mark says what the answer is. */
export function unmarkedTexts(): { readonly gold: string; readonly text: string; readonly right: boolean }[] {
    return read("unmarked-texts.jsonl");
}

/** Texts that say how sure they are, or why. */
export function hedgedTexts(): ReturnType<typeof unmarkedTexts> {
    return read("hedged-texts.jsonl");
}

function read<T>(file: string): T[] {
    const text = readFileSync(new URL(`./${file}`, import.meta.url), "utf8");
    return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as T);
}

/** A quarter, by hash. */
export function isSetAside({ gold, answer }: LabelledPair): boolean {
    return createHash("sha256").update(`${gold}\n${answer}`).digest()[0]! < 64;
}
