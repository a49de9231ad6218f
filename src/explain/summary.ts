// An explained text in a few figures.
import type { DistributionFigures } from "../engine/token-scores.js";
import type { ExplainedToken, ExplanationSummary } from "./explanation.js";
import { reasoningKinds, type ReasoningKind } from "./reasoning-words.js";

/** @param firstDifference from the base's text; null where there is none */
export function summaryOf(tokens: readonly ExplainedToken[], firstDifference: number | null): ExplanationSummary {
    const count = (fits: (token: ExplainedToken) => boolean): number => tokens.filter(fits).length;
    const mean = (of: (token: ExplainedToken) => number): number =>
        tokens.reduce((sum, token) => sum + of(token), 0) / tokens.length;
    const changed = count((token) => token.changed);
    const some = tokens.length > 0;
    return {
        tokens: tokens.length,
        changed,
        swapped: count((token) => token.swapped),
        pathCoverage: some ? 1 - changed / tokens.length : null,
        meanDivergence: some ? mean(({ divergence }) => divergence) : null,
        meanEntropy: some ? meanEntropy(tokens) : null,
        drafted: count(({ draft }) => draft !== null),
        kinds: Object.fromEntries(
            reasoningKinds.map((kind) => [kind, count((token) => token.changed && token.kind === kind)])
        ) as Record<ReasoningKind, number>,
        firstDifference
    };
}

function meanEntropy(tokens: readonly ExplainedToken[]): DistributionFigures {
    const of = (name: keyof DistributionFigures): number | null =>
        tokens.reduce<number | null>((sum, { entropy }) => {
            const value = entropy[name];
            return sum === null || value === null ? null : sum + value / tokens.length;
        }, 0);
    return { base: of("base")!, expert: of("expert"), antiexpert: of("antiexpert"), rast: of("rast")! };
}
