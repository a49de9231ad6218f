// Tokens that the base would not have taken, in groups by the step that they are part of.
import { tableMarkup } from "../../report/figures.js";
import { markup, type Markup } from "../../report/html.js";
import type { ExplainedToken, Explanation } from "../explanation.js";
import { reasoningKinds, type ReasoningKind } from "../reasoning-words.js";
import { quotedToken, shownToken } from "./shown-token.js";
import { counted, natsInWords, probabilityInWords, rankInWords } from "./words.js";

/** Characters of the text on either side that are shown. */
const reach = 24;

const inWords: Readonly<Record<ReasoningKind, string>> = {
    "self-verification": "Self-verification: words like check, verify, let me see",
    backtracking: "Backtracking: words like wait, however, but, actually",
    branching: "Branching: words like alternatively, another, or",
    other: "Other"
};

interface Changed {
    readonly token: ExplainedToken;
    readonly index: number;
    /** Where its text begins in the whole. */
    readonly at: number;
}

/** All groups, each with a table, largest KL first; a sentence where nothing changed. */
export function changedTokens(explanation: Explanation): Markup {
    const { tokens } = explanation.rast;
    let at = 0;
    const changed: Changed[] = [];
    for (const [index, token] of tokens.entries()) {
        if (token.changed || token.swapped) changed.push({ token, index, at });
        at += token.text.length;
    }
    if (changed.length === 0)
        return markup`<p>Every token is the base's likeliest, and the ensemble's likeliest is the base's.</p>`;
    return markup`${reasoningKinds.map((kind) => {
        const group = changed.filter(({ token }) => token.kind === kind);
        return group.length === 0 ? null : groupTable(explanation, kind, group);
    })}`;
}

function groupTable(explanation: Explanation, kind: ReasoningKind, group: readonly Changed[]): Markup {
    const rows = [...group].sort((a, b) => b.token.divergence - a.token.divergence || a.index - b.index);
    const { text } = explanation.rast;
    const said = (token: number): string => quotedToken(explanation.tokenTexts[token] ?? "");
    const table = {
        columns: [
            { name: "token", align: "right" as const },
            { name: "in the text", align: "left" as const },
            { name: "KL", align: "right" as const },
            { name: "p base", align: "right" as const },
            { name: "p RAST", align: "right" as const },
            { name: "rank base", align: "right" as const },
            { name: "base's likeliest", align: "left" as const },
            { name: "RAST's likeliest", align: "left" as const }
        ],
        rows: rows.map(({ token, index, at }) => [
            markup`<a href="#r${index}">${index + 1}</a>`,
            context(text, at, at + token.text.length),
            natsInWords(token.divergence),
            probabilityInWords(token.logprob.base),
            probabilityInWords(token.logprob.rast),
            rankInWords(token.rank.base),
            said(token.top!.base[0]!.token),
            said(token.top!.rast[0]!.token)
        ])
    };
    return markup`<h3>${inWords[kind]} <span class="count">${counted(group.length, "token")}</span></h3>
${tableMarkup(table, inWords[kind], "tokens")}`;
}

// The token between its neighbours, in single quotation marks.
function context(text: string, from: number, to: number): string {
    const before = [...text.slice(Math.max(0, from - 2 * reach), from)].slice(-reach).join("");
    const behind = [...text.slice(to, to + 2 * reach)].slice(0, reach).join("");
    return `${shownToken(before)}\u2039${shownToken(text.slice(from, to))}\u203A${shownToken(behind)}`;
}
