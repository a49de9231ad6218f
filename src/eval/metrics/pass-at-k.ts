import { checkNumber } from "../../checks.js";

/**
 * Chance that at least one of k samples is right, drawn without replacement from n of which `right` are: the unbiased
 * estimate 1 - C(n - right, k) / C(n, k) of arXiv 2107.03374.
 * @param n samples that there are, an integer from 1
 * @param right those of them that are right, from 0 to n
 * @param k from 1 to n
 * @returns from 0 to 1
 * @throws ERR_INVALID_OPTION
 * @example
 * ```ts
 * import { passAtK } from "rast-llama";
 *
 * console.log(passAtK(4, 1, 2)); // one of four is right: half of all pairs have it, 0.5
 * ```
 */
export function passAtK(n: number, right: number, k: number): number {
    checkNumber("n", n, { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true });
    checkNumber("right", right, { min: 0, max: n, integer: true });
    checkNumber("k", k, { min: 1, max: n, integer: true });
    if (n - right < k) return 1;
    let allWrong = 1;
    // C(n - right, k) / C(n, k) factor by factor: neither of the two is ever held
    for (let at = n - right + 1; at <= n; at++) allWrong *= 1 - k / at;
    return 1 - allWrong;
}

/** For which k a curve is drawn: powers of two, and n itself. */
export function shownKs(n: number): number[] {
    const ks: number[] = [];
    for (let k = 1; k < n; k *= 2) ks.push(k);
    return [...ks, n];
}
