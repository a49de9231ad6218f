// All figures of all tokens, for those who read tables, and where scripts do not run.
import { tableMarkup } from "../../report/figures.js";
import type { Markup } from "../../report/html.js";
import type { ScoredAlternative } from "../../engine/token-scores.js";
import type { ExplainedToken, Explanation } from "../explanation.js";
import { quotedToken } from "./shown-token.js";
import { logprobInWords, natsInWords, probabilityInWords } from "./words.js";

/** Likeliest tokens that a cell lists. */
const listed = 3;

const names = [
    "token",
    "says",
    "KL",
    "log p base",
    "expert",
    "antiexpert",
    "RAST",
    "rank base",
    "RAST",
    "entropy base",
    "RAST",
    "drafted by"
];

/** One row a token. */
export function tokenTable(tokens: readonly ExplainedToken[], explanation: Explanation, label: string): Markup {
    const likeliest = (some: readonly ScoredAlternative[], of: "base" | "rast"): string =>
        some
            .slice(0, listed)
            .map((one) => `${quotedToken(explanation.tokenTexts[one.token] ?? "")} ${probabilityInWords(one[of])}`)
            .join("  ");
    const right = (name: string): { name: string; align: "right" } => ({ name, align: "right" });
    const left = (name: string): { name: string; align: "left" } => ({ name, align: "left" });
    const columns = [
        ...names.map((name) => (name === "says" || name === "drafted by" ? left(name) : right(name))),
        left("likeliest of the base"),
        left("likeliest of RAST")
    ];
    const rows = tokens.map(({ text, divergence, logprob, rank, entropy, draft, top }, index) => [
        String(index + 1),
        quotedToken(text),
        natsInWords(divergence),
        ...[logprob.base, logprob.expert, logprob.antiexpert, logprob.rast].map(logprobInWords),
        String(rank.base + 1),
        String(rank.rast + 1),
        natsInWords(entropy.base),
        natsInWords(entropy.rast),
        draft ?? "-",
        likeliest(top!.base, "base"),
        likeliest(top!.rast, "rast")
    ]);
    return tableMarkup({ columns, rows }, label, "tokens");
}
