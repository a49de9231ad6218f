// What the ensemble would have found likeliest at another strength, from what was recorded at one.
import type { ScoredAlternative, TokenScore } from "../engine/token-scores.js";

/** The likeliest of the recorded tokens at some strength. */
export interface LikeliestAt {
    /** The token's id. */
    readonly token: number;
    /** Whether no other token of the vocabulary can be likelier there: else it is the likeliest of those that were recorded. */
    readonly certain: boolean;
}

/**
 * The likeliest token of a row at another strength, given the same text before it. A row at lambda' is base + (lambda' / lambda) *
 * (ensemble - base) but for a constant, so order among recorded tokens is exact. Of tokens that were not recorded it is known that
 * none was likelier than the last of either list; up to the recorded lambda that mostly shows that none of them comes first.
 * @param score with the likeliest tokens of both
 * @param factor lambda' / lambda, the same for all pairs: 0 is the base, 1 the ensemble as it was
 * @param drawable how many tokens may be drawn at all: lists as long as that are complete. @default unknown
 */
export function likeliestAt(score: Pick<TokenScore, "top">, factor: number, drawable = Infinity): LikeliestAt {
    const { base, rast } = score.top!;
    const value = (one: ScoredAlternative): number => valueAt(one, factor);
    const recorded = new Map([...base, ...rast].map((one) => [one.token, one]));
    let best: ScoredAlternative | undefined;
    for (const one of recorded.values()) {
        const difference = best === undefined ? Infinity : value(one) - value(best);
        if (difference > 0 || (difference === 0 && one.token < best!.token)) best = one;
    }
    if (recorded.size >= drawable) return { token: best!.token, certain: true };
    // Between the base and the ensemble a token is at most what its bounds in both lists give.
    const within = factor >= 0 && factor <= 1;
    const others = within ? (1 - factor) * base.at(-1)!.base + factor * rast.at(-1)!.rast : Infinity;
    return { token: best!.token, certain: value(best!) > others };
}

function valueAt({ base, rast }: ScoredAlternative, factor: number): number {
    // 0 times -Infinity would be no number: a token that one of both never has is last.
    if (factor === 0) return base;
    if (factor === 1) return rast;
    const value = base + factor * (rast - base);
    return Number.isNaN(value) ? -Infinity : value;
}
