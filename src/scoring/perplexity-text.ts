// Perplexities and comparisons as text, in llama-perplexity's words.
import type { DistributionComparison } from "./comparison.js";
import type { MeanEstimate, Spread } from "./estimates.js";
import type { PerplexityResult, TextPerplexity } from "./perplexity.js";

const percent = ({ value, error }: MeanEstimate): string =>
    `${(100 * value).toFixed(3).padStart(6)} ± ${(100 * error).toFixed(3).padStart(5)} %`;
const plain = ({ value, error }: MeanEstimate): string =>
    `${value.toFixed(6).padStart(10)} ± ${error.toFixed(6).padStart(10)}`;

/** What one ensemble says of a text, a line each. */
export function perplexityLines({ perplexity, divergence, sameTop, greedy }: TextPerplexity): string[] {
    const { base, expert, antiexpert, rast } = perplexity;
    const final = (name: string, estimate: MeanEstimate | null): string[] =>
        estimate === null
            ? []
            : [`${name.padEnd(11)}Final estimate: PPL = ${estimate.value.toFixed(4)} +/- ${estimate.error.toFixed(5)}`];
    if (expert === null)
        return [...final("base", base), `Tokens that are the likeliest: ${percent(greedy.base).trim()}`];
    return [
        ...final("base", base),
        ...final("expert", expert),
        ...final("antiexpert", antiexpert),
        ...final("RAST", rast),
        `RAST against its base: Mean KLD ${divergence.mean.value.toFixed(6)} ± ${divergence.mean.error.toFixed(6)}, Maximum KLD ${divergence.maximum.toFixed(6)}, Same top p ${percent(sameTop).trim()}`,
        `Tokens that are the likeliest: base ${percent(greedy.base).trim()}, RAST ${percent(greedy.rast).trim()}`
    ];
}

/** How far another is from the reference, as llama-perplexity's `--kl-divergence` prints it. */
export function comparisonLines(comparison: DistributionComparison): string[] {
    const { perplexity, referencePerplexity, correlation, logRatio, ratio, divergence, rest, probability, sameTop } =
        comparison;
    const bound =
        rest > 0
            ? ` (at least: ${(100 * rest).toPrecision(3)} % of the reference's probability counts as one token)`
            : "";
    return [
        "====== Perplexity statistics ======",
        `Mean PPL(Q)                   : ${plain(perplexity)}`,
        `Mean PPL(base)                : ${plain(referencePerplexity)}`,
        `Cor(ln(PPL(Q)), ln(PPL(base))): ${(100 * correlation).toFixed(2).padStart(6)}%`,
        `Mean ln(PPL(Q)/PPL(base))     : ${plain(logRatio)}`,
        `Mean PPL(Q)/PPL(base)         : ${plain(ratio)}`,
        "",
        "====== KL divergence statistics ======",
        `Mean    KLD: ${plain(divergence.mean)}${bound}`,
        ...divergenceLines(divergence.spread),
        "",
        "====== Token probability statistics ======",
        `Mean    Δp: ${percent(probability.mean)}`,
        `Maximum Δp: ${(100 * probability.spread.maximum).toFixed(3).padStart(6)}%`,
        `99.0%   Δp: ${(100 * probability.spread.p99).toFixed(3).padStart(6)}%`,
        `Median  Δp: ${(100 * probability.spread.median).toFixed(3).padStart(6)}%`,
        ` 1.0%   Δp: ${(100 * probability.spread.p01).toFixed(3).padStart(6)}%`,
        `Minimum Δp: ${(100 * probability.spread.minimum).toFixed(3).padStart(6)}%`,
        `RMS Δp    : ${percent(probability.rms)}`,
        `Same top p: ${percent(sameTop)}`
    ];
}

function divergenceLines(spread: Spread): string[] {
    const rows: [string, keyof Spread][] = [
        ["Maximum", "maximum"],
        ["99.9%  ", "p999"],
        ["99.0%  ", "p99"],
        ["95.0%  ", "p95"],
        ["90.0%  ", "p90"],
        ["Median ", "median"],
        ["10.0%  ", "p10"],
        [" 5.0%  ", "p05"],
        [" 1.0%  ", "p01"],
        [" 0.1%  ", "p001"],
        ["Minimum", "minimum"]
    ];
    return rows.map(([name, key]) => `${name} KLD: ${spread[key].toFixed(6).padStart(10)}`);
}

/** All ensembles in one table: a row each, the first being what the others are held against. */
export function comparisonTable(
    { results, comparisons }: PerplexityResult,
    names: readonly string[]
): { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] } {
    const short = ({ value, error }: MeanEstimate, digits: number): string =>
        `${value.toFixed(digits)} ± ${error.toFixed(digits)}`;
    const share = ({ value }: MeanEstimate): string => `${(100 * value).toFixed(2)}%`;
    return {
        head: [
            "models",
            "PPL base",
            "PPL RAST",
            "KLD base",
            "KLD RAST",
            "seen",
            "same top base",
            "same top RAST",
            "KLD of RAST from base"
        ],
        rows: results.map((result, index) => {
            const comparison = index === 0 ? undefined : comparisons[index - 1]!;
            return [
                names[index] ?? String(index),
                short(result.perplexity.base, 3),
                short(result.perplexity.rast, 3),
                ...(comparison === undefined
                    ? ["-", "-", "-", "-", "-"]
                    : [
                          short(comparison.base.divergence.mean, 5),
                          short(comparison.rast.divergence.mean, 5),
                          `${(100 * (1 - comparison.rast.rest)).toFixed(2)}%`,
                          share(comparison.base.sameTop),
                          share(comparison.rast.sameTop)
                      ]),
                short(result.divergence.mean, 4)
            ];
        })
    };
}
