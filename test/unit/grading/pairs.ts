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

/** All of them, in the order of the file. */
export function labelledPairs(): LabelledPair[] {
    const text = readFileSync(new URL("./pairs.jsonl", import.meta.url), "utf8");
    return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as LabelledPair);
}

/** A quarter, by hash. */
export function isSetAside({ gold, answer }: LabelledPair): boolean {
    return createHash("sha256").update(`${gold}\n${answer}`).digest()[0]! < 64;
}
