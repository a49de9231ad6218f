// What the script of a page knows of its tokens: short keys, as there are many.
import type { ScoredAlternative } from "../../engine/token-scores.js";
import type { ExplainedToken, Explanation } from "../explanation.js";
import { quotedToken } from "./shown-token.js";

/** Of one alternative: its token, and its log-probabilities under base and ensemble; null: it can never come. */
type Alternative = readonly [token: number, base: number | null, rast: number | null];

const finite = (value: number): number | null => (value === -Infinity ? null : Number(value.toPrecision(7)));
const alternative = ({ token, base, rast }: ScoredAlternative): Alternative => [token, finite(base), finite(rast)];

function tokenData({ token, text, logprob, rank, divergence, entropy, draft, changed, top }: ExplainedToken): object {
    return {
        id: token,
        says: quotedToken(text),
        log: [logprob.base, logprob.expert, logprob.antiexpert, logprob.rast].map((one) =>
            one === null ? "-" : finite(one)
        ),
        rank: [rank.base, rank.rast],
        kl: Number(divergence.toPrecision(5)),
        entropy: [entropy.base, entropy.expert, entropy.antiexpert, entropy.rast].map((one) =>
            one === null ? "-" : Number(one.toPrecision(5))
        ),
        draft,
        changed,
        base: top!.base.map(alternative),
        rast: top!.rast.map(alternative)
    };
}

/** As JSON that ends no element of HTML. */
export function pageData({ rast, lambdas, tokenTexts, drawableTokens }: Explanation): string {
    const data = {
        lambdas,
        drawable: drawableTokens,
        texts: Object.fromEntries(Object.entries(tokenTexts).map(([token, text]) => [token, quotedToken(text)])),
        tokens: rast.tokens.map(tokenData)
    };
    return JSON.stringify(data).replaceAll("<", "\\u003c");
}
