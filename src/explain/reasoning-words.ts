// Which kind of step a changed token is part of, by the words it stands in. The kinds are the paper's; the lists are our own.

/** Kinds of steps that reasoning is made of; "other" is what no list has. */
export type ReasoningKind = "branching" | "backtracking" | "self-verification" | "other";

/** In the order in which they are shown, and tried: a wider word before a narrower one within it. */
export const reasoningKinds: readonly ReasoningKind[] = ["self-verification", "backtracking", "branching", "other"];

const phrases: Readonly<Record<Exclude<ReasoningKind, "other">, readonly string[]>> = {
    "self-verification": [
        "check",
        "checks",
        "checking",
        "checked",
        "double-check",
        "double check",
        "recheck",
        "verify",
        "verifies",
        "verifying",
        "verified",
        "verification",
        "confirm",
        "confirms",
        "confirming",
        "confirmed",
        "make sure",
        "to be sure",
        "let me see",
        "let's see",
        "let us see",
        "substitute back",
        "plug back",
        "plugging back",
        "test this",
        "does this make sense",
        "makes sense",
        "is this correct",
        "is that correct",
        "is this right",
        "is that right"
    ],
    backtracking: [
        "wait",
        "however",
        "but",
        "actually",
        "hmm",
        "hold on",
        "no,",
        "oops",
        "mistake",
        "mistaken",
        "incorrect",
        "wrong",
        "instead",
        "rather",
        "reconsider",
        "rethink",
        "re-examine",
        "re-evaluate",
        "go back",
        "going back",
        "start over",
        "not quite",
        "on second thought",
        "contradiction",
        "correction"
    ],
    branching: [
        "alternatively",
        "alternative",
        "another",
        "other way",
        "or",
        "otherwise",
        "either",
        "if",
        "suppose",
        "assume",
        "case",
        "cases",
        "maybe",
        "perhaps",
        "possibly",
        "could",
        "what if",
        "consider",
        "let me try",
        "let's try",
        "try",
        "on the other hand",
        "different approach"
    ]
};

interface Phrase {
    readonly kind: Exclude<ReasoningKind, "other">;
    readonly words: string;
}

const all: readonly Phrase[] = reasoningKinds.flatMap((kind) =>
    kind === "other" ? [] : phrases[kind].map((words) => ({ kind, words }))
);

const isLetter = (character: string | undefined): boolean =>
    character !== undefined && /[\p{L}\p{M}\p{N}]/u.test(character);

/** Letters around a token that may belong to a phrase with it. */
const reach = 40;

/**
 * The kind of step that a stretch of a text is part of: that of a phrase which overlaps it, whole words alone. So a token "check" is
 * found in "double-check", and the last token of "alternatively" as well as its first.
 * @param text all of it
 * @param from of the stretch, in UTF-16 units
 * @param to behind its end
 */
export function reasoningKindOf(text: string, from: number, to: number): ReasoningKind {
    const before = Math.max(0, from - reach);
    const around = text
        .slice(before, to + reach)
        .toLowerCase()
        .replaceAll("\u2019", "'")
        .replace(/\s/g, " ");
    // Lower case may be longer, in rare alphabets: then nothing is said.
    if (around.length !== text.slice(before, to + reach).length) return "other";
    const [start, end] = [from - before, to - before];
    const found = all.find(({ words }) => {
        for (let at = around.indexOf(words); at >= 0; at = around.indexOf(words, at + 1)) {
            const behind = at + words.length;
            const whole = !isLetter(around[at - 1]) && (!isLetter(around[behind]) || !isLetter(words.at(-1)));
            if (whole && at < end && behind > start) return true;
        }
        return false;
    });
    return found?.kind ?? "other";
}
