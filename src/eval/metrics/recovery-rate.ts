import { checkNumber } from "../../checks.js";

/** Accuracies, from 0 to 1, of what a recovery rate compares. */
export interface RecoveryShares {
    /** The large model's as it is. */
    readonly base: number;
    /** With the small models' delta. */
    readonly rast: number;
    /** The large model's after reinforcement learning of its own. */
    readonly reference: number;
}

/**
 * Recovery rate of arXiv 2506.15710: how much of what reinforcement learning gives the base RAST gives it,
 * (rast - base) / (reference - base). Above 1 where RAST is better, below 0 where it is worse than the base.
 * @returns undefined where training gave nothing
 * @throws ERR_INVALID_OPTION
 * @example
 * ```ts
 * import { recoveryRate } from "rast-llama";
 *
 * console.log(recoveryRate({ base: 0.686, rast: 0.807, reference: 0.813 })?.toFixed(3)); // "0.953"
 * ```
 */
export function recoveryRate({ base, rast, reference }: RecoveryShares): number | undefined {
    const range = { min: 0, max: 1 };
    const gain = checkNumber("reference", reference, range) - checkNumber("base", base, range);
    return gain > 0 ? (checkNumber("rast", rast, range) - base) / gain : undefined;
}
