// How far two distributions are apart, as far as the likeliest tokens of each can tell.

/** Log-probabilities of some tokens under one distribution, by token id. */
export type KnownLogprobs = ReadonlyMap<number, number>;

/** What the likeliest tokens of two distributions tell of how far they are apart. */
export interface BoundedDivergence {
    /** KL(reference || other) in nats: exactly this where `rest` is 0, else at least this. */
    readonly atLeast: number;
    /** Probability under the reference of all tokens whose probabilities are not known under both: what the bound lumps together. */
    readonly rest: number;
}

/** Probabilities are known to about this much: they are exponentials of 32-bit floats, summed. */
const noise = 1e-6;

/**
 * KL(reference || other), from the log-probabilities that are known of each. Tokens that are known under both count exactly; all
 * others together count as one, which can only lower the sum (the log-sum inequality). So it is a lower bound, and the more
 * exact the less probability lies with the others.
 */
export function boundedDivergence(reference: KnownLogprobs, other: KnownLogprobs): BoundedDivergence {
    let sum = 0;
    let [knownMass, otherMass] = [0, 0];
    let otherAlone = 0;
    for (const [token, logprob] of reference) {
        const there = other.get(token);
        // A token that the reference never has adds nothing.
        if (there === undefined || logprob === -Infinity) continue;
        const probability = Math.exp(logprob);
        knownMass += probability;
        otherMass += Math.exp(there);
        sum += probability * (logprob - there);
    }
    for (const [token, logprob] of other) {
        if (!reference.has(token)) otherAlone += Math.exp(logprob);
    }
    const rest = Math.max(0, 1 - knownMass);
    if (rest < noise) return { atLeast: Math.max(0, sum), rest: 0 };
    // Never less than there is: a rest that is too small would raise the bound.
    const otherRest = Math.max(1 - otherMass, otherAlone, noise);
    return { atLeast: Math.max(0, sum + rest * Math.log(rest / otherRest)), rest };
}
