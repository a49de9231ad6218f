// What models say of a token that a text has, whoever wrote it.

/** A figure of every distribution. Those of a pair are null where the base alone was asked, or loaded. */
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

/**
 * What the models say of one token, given all that stands before it: of their rows at temperature 1, without bias, penalties,
 * filters or grammar, over the tokens that may be drawn.
 */
export interface TokenScore {
    /** The token's id. */
    readonly token: number;
    /** Its log-probabilities, in nats; at most 0, -Infinity for a token that can never be drawn. */
    readonly logprob: DistributionFigures;
    /** How many tokens are likelier: 0 of the likeliest. Of equally likely ones those with smaller ids count as likelier. */
    readonly rank: Pick<DistributionFigures, "base" | "rast">;
    /** KL(ensemble || base) of the row, in nats: how far the delta moved it, whatever the token. 0 where nothing is added. */
    readonly divergence: number;
    /** Entropies of the rows, in nats. */
    readonly entropy: DistributionFigures;
    /** The likeliest tokens under base and ensemble, likeliest first: as many as were asked for. */
    readonly top?: {
        readonly base: readonly ScoredAlternative[];
        readonly rast: readonly ScoredAlternative[];
    };
    /**
     * Who proposed a drawn token before the ensemble drew it as well: the expert, or the text itself, where it repeats. Null
     * where it was drawn without a draft, or was given.
     */
    readonly draft: "expert" | "text" | null;
}
