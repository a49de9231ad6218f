// What two tokenizers' differences mean for whoever wants to add the models' logits.
import { quote } from "../checks.js";
import type { NativeRole, NativeTokenizerDifference, NativeTokenizerMatch } from "../native/addon-types.js";
import { sentence, type FindingKind, type TrioFinding } from "./findings.js";

/** A model held against the base. */
export interface Against {
    readonly role: NativeRole;
    readonly pair: number;
    /** In words: "the expert". */
    readonly name: string;
}

interface Explained {
    readonly kind: FindingKind;
    readonly meaning: string;
    readonly advice: string;
}

const otherFamily = "Take an expert and an antiexpert of the base's own family.";

const explanations: Readonly<Record<NativeTokenizerDifference["kind"], Explained>> = {
    model: {
        kind: "tokenizerModel",
        meaning:
            "Their tokens are made by other rules, so that an id stands for other texts in each: logits cannot be added.",
        advice: otherFamily
    },
    preTokenizer: {
        kind: "preTokenizer",
        meaning:
            "Texts are cut into words otherwise before tokens are made: the small model would be asked about texts it never saw so.",
        advice: `${otherFamily} Where the files were converted from one tokenizer by different releases of llama.cpp, convert the older one again.`
    },
    tokens: {
        kind: "tokens",
        meaning:
            "An id stands for another text in each, so that the delta of one word would be added to another: logits cannot be added.",
        advice: otherFamily
    },
    merges: {
        kind: "merges",
        meaning:
            "The tokens have the same texts, and words become other tokens of them: the models would not see the same prompt.",
        advice: otherFamily
    },
    specialTokens: {
        kind: "specialTokens",
        meaning: 'Marks of turns and ends differ, and specialTokens is "same".',
        advice: 'Allow it with specialTokens "by-role", or map them.'
    },
    tokenTypes: {
        kind: "tokenTypes",
        meaning:
            "The base's kinds hold for all: what it takes for text the small model may know as a mark, or the other way round.",
        advice: "Harmless for tokens that no prompt has; else convert the files again with one release of llama.cpp."
    },
    scores: {
        kind: "scores",
        meaning:
            "SentencePiece joins letters by scores: rare words may be other tokens than the small model was trained with.",
        advice: "Convert the files again from the models' own tokenizer."
    }
};

/** Findings of one model's tokenizer against the base's. */
export function tokenizerFindings(match: NativeTokenizerMatch, { role, pair, name }: Against): TrioFinding[] {
    const found = match.differences.map((difference): TrioFinding => {
        const { kind, meaning, advice } = explanations[difference.kind];
        const more = difference.count > 1 ? ` (${difference.count.toLocaleString("en")} tokens differ so)` : "";
        return {
            kind,
            level: difference.keepsApart ? "error" : "warning",
            roles: ["base", role],
            pair,
            what: sentence(`${inRoles(difference.what, name)}${more}`),
            meaning,
            advice
        };
    });
    const mapped = mappedTokens(match, name);
    if (mapped === undefined || found.some(({ level }) => level === "error")) return found;
    return [...found, { kind: "specialTokens", level: "note", roles: ["base", role], pair, ...mapped, advice: "" }];
}

// Native code compares files, and does not know what they are for.
function inRoles(what: string, name: string): string {
    return what.replaceAll(" in one", " in the base").replaceAll(" in the other", ` in ${name}`);
}

const shownTokens = 6;

function mappedTokens(
    { specialTokens }: NativeTokenizerMatch,
    name: string
): Pick<TrioFinding, "what" | "meaning"> | undefined {
    if (specialTokens.length === 0) return undefined;
    const found = specialTokens.filter(({ own }) => own >= 0);
    const lacking = specialTokens.filter(({ own }) => own < 0);
    const list = (texts: readonly string[]): string =>
        texts.slice(0, shownTokens).join(", ") +
        (texts.length > shownTokens ? ` and ${texts.length - shownTokens} more` : "");
    const parts = [
        ...(found.length === 0
            ? []
            : [
                  `special tokens have other names or ids in ${name}: ${list(found.map(({ text, ownText }) => `${quote(text)} is ${quote(ownText)}`))}`
              ]),
        ...(lacking.length === 0
            ? []
            : [
                  `${name} lacks ${lacking.length} of the base's special tokens: ${list(lacking.map(({ text }) => quote(text)))}`
              ])
    ];
    return {
        what: sentence(parts.join("; ")),
        meaning:
            "They are matched by what they are for" +
            (lacking.length === 0 ? "." : ", and those without a counterpart get no delta.")
    };
}
