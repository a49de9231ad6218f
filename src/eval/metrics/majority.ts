import { checkNumber, invalidOption, isArray } from "../../checks.js";

/** What a sample answers. */
export interface Vote {
    /** The same for answers that say the same; null for no answer: such a sample has no vote. */
    readonly answer: string | number | null;
    /** Whether that is right. Of answers that are the same, the first says it. */
    readonly right: boolean;
}

/**
 * Whether the answer that most of k samples give is right, as a mean over groups of k: the first k samples, the next k and so
 * on; what is left over counts for nothing. Of answers with equally many votes each is taken with the same chance: with two
 * of which one is right, a group counts a half. Without any answer a group counts 0.
 * @param votes of the samples, in their order
 * @param k from 1 to their number
 * @returns from 0 to 1
 * @throws ERR_INVALID_OPTION
 * @example
 * ```ts
 * import { majorityAtK } from "rast-llama";
 *
 * const votes = [7, 8, 8, null].map((answer) => ({ answer, right: answer === 8 }));
 * console.log(majorityAtK(votes, 4), majorityAtK(votes, 2)); // 1, and 0.75: a tie, then a single vote
 * ```
 */
export function majorityAtK(votes: readonly Vote[], k: number): number {
    if (!isArray(votes) || votes.length === 0) throw invalidOption("votes", "an array of votes", votes);
    checkNumber("k", k, { min: 1, max: votes.length, integer: true });
    const groups = Math.floor(votes.length / k);
    let sum = 0;
    for (let group = 0; group < groups; group++) sum += chanceOf(votes.slice(group * k, (group + 1) * k));
    return sum / groups;
}

function chanceOf(votes: readonly Vote[]): number {
    const counts = new Map<string | number, { count: number; right: boolean }>();
    for (const { answer, right } of votes) {
        if (answer === null) continue;
        const known = counts.get(answer);
        if (known === undefined) counts.set(answer, { count: 1, right });
        else known.count += 1;
    }
    const all = [...counts.values()];
    const most = Math.max(0, ...all.map(({ count }) => count));
    const first = all.filter(({ count }) => count === most);
    return first.length === 0 ? 0 : first.filter(({ right }) => right).length / first.length;
}
