// What models say of a token that a text has, whoever wrote it.
import type { NativeFigures } from "../native/addon-types.js";

/**
 * A figure of every distribution. Those of a pair are null where the base alone was asked, or loaded; of several pairs they
 * are of the first whose lambda is not 0.
 */
export interface DistributionFigures {
    /** The large model, with nothing added. */
    readonly base: number;
    /** The small model after its training. */
    readonly expert: number | null;
    /** The same before it. */
    readonly antiexpert: number | null;
    /** The ensemble: base + lambda * (expert - antiexpert). The base's figure where nothing is added. */
    readonly rast: number;
}

/** A token that could have come instead, with natural logarithms of its probabilities. */
export interface ScoredAlternative {
    /** The token's id. */
    readonly token: number;
    /** Log-probability under the base, in nats; at most 0. */
    readonly base: number;
    /** Under the ensemble. */
    readonly rast: number;
}

/** How expert and antiexpert differ at a position. */
export interface PairScore {
    /** KL(expert || antiexpert), in nats: what the training has changed here. Infinity where the antiexpert rules out a token that the expert does not. */
    readonly divergence: number;
    /** How many tokens are likelier in the base, and in the antiexpert, than the expert's likeliest: 0 where they agree with it. */
    readonly expertTop: {
        /** In the base. */
        readonly base: number;
        /** In the antiexpert. */
        readonly antiexpert: number;
    };
}

/**
 * What the models say of one token, given all that stands before it: of their rows at temperature 1, without bias, penalties,
 * filters or grammar, over the tokens that all models have: padding, and tokens that a model lacks, are left out.
 */
export interface TokenScore {
    /** The token's id. */
    readonly token: number;
    /** Its log-probabilities, in nats; at most 0, -Infinity for padding and for a token that a model lacks. */
    readonly logprob: DistributionFigures;
    /** How many tokens are likelier: 0 of the likeliest. Of equally likely ones those with smaller ids count as likelier. */
    readonly rank: Pick<DistributionFigures, "base" | "rast">;
    /** KL(ensemble || base) of the row, in nats: how far the delta moved it, whatever the token. 0 where nothing is added. */
    readonly divergence: number;
    /** Entropies of the rows, in nats. */
    readonly entropy: DistributionFigures;
    /** The likeliest tokens under base and ensemble, likeliest first: as many as were asked for. */
    readonly top?: {
        /** Under the base. */
        readonly base: readonly ScoredAlternative[];
        /** Under the ensemble. */
        readonly rast: readonly ScoredAlternative[];
    };
    /** Expert against antiexpert, whatever the token; left out where they were not asked, or one has nothing to say. */
    readonly pair?: PairScore;
    /**
     * Who proposed a drawn token before the ensemble drew it as well: the expert, or the text itself, where it repeats. Null
     * where it was drawn without a draft, or was given.
     */
    readonly draft: "expert" | "text" | null;
}

// Of `NativeFigures.values`.
const columns = 16;
const drafts = [null, "expert", "text"] as const;

/**
 * Scores of the tokens of a step, in their order; tokens that were put there and not drawn have none.
 * @param top alternatives that were asked for
 */
export function readScores(
    tokens: Int32Array,
    { values, topTokens, topLogprobs }: NativeFigures,
    top: number
): TokenScore[] {
    const width = tokens.length === 0 ? 0 : topTokens.length / (2 * tokens.length);
    const alternatives = (row: number, list: number): ScoredAlternative[] => {
        const first = (2 * row + list) * width;
        return Array.from({ length: width }, (_, index) => first + index)
            .filter((at) => topTokens[at]! >= 0)
            .map((at) => ({ token: topTokens[at]!, base: topLogprobs[2 * at]!, rast: topLogprobs[2 * at + 1]! }));
    };
    const scores: TokenScore[] = [];
    for (const [row, token] of tokens.entries()) {
        const value = (column: number): number => values[row * columns + column]!;
        if (value(12) === 0) continue;
        const ofPair = (column: number): number | null => (Number.isNaN(value(column)) ? null : value(column));
        const figures = (first: number): DistributionFigures => ({
            base: value(first),
            expert: ofPair(first + 1),
            antiexpert: ofPair(first + 2),
            rast: value(first + 3)
        });
        scores.push({
            token,
            logprob: figures(0),
            rank: { base: value(8), rast: value(9) },
            divergence: value(10),
            entropy: figures(4),
            ...(value(14) < 0
                ? {}
                : { pair: { divergence: value(13), expertTop: { base: value(14), antiexpert: value(15) } } }),
            ...(top > 0 ? { top: { base: alternatives(row, 0), rast: alternatives(row, 1) } } : {}),
            draft: drafts[value(11)] ?? null
        });
    }
    return scores;
}
