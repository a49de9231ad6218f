// Two ensembles over one text, in llama-perplexity's figures.
import { exponential, PairedSums, root, share, spreadOf, Sums, type MeanEstimate, type Spread } from "./estimates.js";
import type { ListedDistribution, TextTrace } from "./text-trace.js";

/** Values over the tokens of a text. */
export interface SpreadFigures {
    /** Their mean. */
    readonly mean: MeanEstimate;
    /** How they are spread. */
    readonly spread: Spread;
}

/** Changes of probability over the tokens of a text. */
export interface ProbabilityFigures extends SpreadFigures {
    /** The root of their mean square. */
    readonly rms: MeanEstimate;
}

/** How one distribution of two ensembles differs over a text. */
export interface DistributionComparison {
    /** The reference's perplexity. */
    readonly referencePerplexity: MeanEstimate;
    /** The other's. */
    readonly perplexity: MeanEstimate;
    /** Correlation of the two over the text's tokens, -1 to 1. */
    readonly correlation: number;
    /** The mean of ln(other / reference), token by token. */
    readonly logRatio: MeanEstimate;
    /** Ratio of the perplexities, other to reference. */
    readonly ratio: MeanEstimate;
    /**
     * KL(reference || other) in nats: exact where `rest` is 0, else a lower bound, since only the likeliest tokens of each are
     * known, and all others count as one.
     */
    readonly divergence: SpreadFigures;
    /** Probability of those others under the reference, the mean: how much the bound does not see into. */
    readonly rest: number;
    /** Probability of the text's token, other less reference. */
    readonly probability: ProbabilityFigures;
    /** Share of positions where both have the same likeliest token. */
    readonly sameTop: MeanEstimate;
}

/** How two ensembles differ over a text. */
export interface TextComparison {
    /** The ensembles themselves. */
    readonly rast: DistributionComparison;
    /** Their bases alone. */
    readonly base: DistributionComparison;
}

/** @param reference of the same text as the other, with its likeliest tokens */
export function compareTraces(reference: TextTrace, other: TextTrace): TextComparison {
    return { rast: compare(reference, other, "rast"), base: compare(reference, other, "base") };
}

function compare(reference: TextTrace, other: TextTrace, name: ListedDistribution): DistributionComparison {
    const { count } = reference;
    const surprise = new PairedSums();
    const [divergence, difference, squares] = [new Sums(), new Sums(), new Sums()];
    const [divergences, differences] = [new Float64Array(count), new Float64Array(count)];
    let [rest, same] = [0, 0];
    for (let index = 0; index < count; index++) {
        const [before, after] = [reference.logprob(name, index), other.logprob(name, index)];
        surprise.add(-after, -before);
        const bound = reference.divergenceTo(other, name, index);
        divergence.add((divergences[index] = bound.atLeast));
        rest += bound.rest;
        const change = (differences[index] = Math.exp(after) - Math.exp(before));
        difference.add(change);
        squares.add(change * change);
        if (reference.likeliest(name, index) === other.likeliest(name, index)) same++;
    }
    return {
        referencePerplexity: exponential(surprise.second),
        perplexity: exponential(surprise.first),
        correlation: surprise.correlation,
        logRatio: surprise.difference,
        ratio: exponential(surprise.difference),
        divergence: { mean: divergence.mean, spread: spreadOf(divergences) },
        rest: rest / count,
        probability: { mean: difference.mean, rms: root(squares.mean), spread: spreadOf(differences) },
        sameTop: share(same, count)
    };
}
