// Figures of tokens as they are kept with a chat: short lists, as there are many of them.
import type { TokenFigures } from "../api/chunks.js";
import { listOf, numberOf, textOf } from "../api/json.js";

/** Tokens of one answer that are kept; of a longer one the first. */
export const mostKeptTokens = 4096;

const digits = 1e4;

/** Of each token text, divergence, log-probabilities and ranks of base and RAST, and what drafted it. */
export function writeTokens(tokens: readonly TokenFigures[]): readonly (readonly unknown[])[] {
    const short = (value: number | null): number | null =>
        value === null ? null : Math.round(digits * value) / digits;
    return tokens
        .slice(0, mostKeptTokens)
        .map((one) => [
            one.text,
            short(one.divergence),
            short(one.baseLogprob),
            short(one.rastLogprob),
            one.baseRank,
            one.rastRank,
            one.draft
        ]);
}

/** What makes no sense is none. */
export function readTokens(value: unknown): TokenFigures[] {
    return listOf(value)
        .slice(0, mostKeptTokens)
        .filter((one) => Array.isArray(one))
        .map((one): TokenFigures => {
            const [text, divergence, baseLogprob, rastLogprob, baseRank, rastRank, draft] = listOf(one);
            return {
                text: textOf(text),
                divergence: numberOf(divergence) ?? 0,
                baseLogprob: numberOf(baseLogprob),
                rastLogprob: numberOf(rastLogprob),
                baseRank: numberOf(baseRank),
                rastRank: numberOf(rastRank),
                draft: typeof draft === "string" ? draft : null
            };
        });
}
