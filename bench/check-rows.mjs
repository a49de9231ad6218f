// How bench/check.mjs judges rows: pure arithmetic.
import { mean, median, pairedRatios } from "../dist/bench/record/statistics.js";

export const caseOf = ({ test, mode, sequences, temperature }) =>
    `${test} x ${sequences} ${mode}, temperature ${temperature}`;

/** The row of all rows that generate: what slows the engine slows them all, and their noise falls out. */
export const together = "all that generates, together";
const togetherShare = 0.6;

/** Of every load the median of its ratios to the baseline, and of these the median: layouts in memory differ by load. */
export function ratioOverLoads({ samples, idealSamples }, loads) {
    const ratios = pairedRatios(samples, idealSamples);
    const each = ratios.length / loads;
    return median(Array.from({ length: loads }, (_, load) => median(ratios.slice(load * each, (load + 1) * each))));
}

/**
 * Rows against the known ones, and all that generate together, by their geometric mean and 0.6 of the tolerance. A row is slower when
 * every round that measured it says so: other programs make some rows look slow in some rounds, a slower engine makes
 * its rows slow in all.
 * @param known a record
 * @param rounds records, the first of all rows, later ones of those that looked slower
 * @returns {{ name, ratio, rounds, isSlower }[]} `ratio`, now over then, is the best round's; null of rows that the record lacks
 */
export function judge(known, rounds, tolerance) {
    const then = new Map(known.results.map((row) => [caseOf(row), ratioOverLoads(row, known.loads)]));
    const ratioOf = (row, loads) => ratioOverLoads(row, loads) / (then.get(caseOf(row)) ?? NaN);
    const byRound = rounds.map(({ results, loads }) => {
        const rows = new Map(results.map((row) => [caseOf(row), ratioOf(row, loads)]));
        const generating = results.filter(({ kind }) => kind === "tg").map((row) => Math.log(rows.get(caseOf(row))));
        return generating.length === 0 ? rows : rows.set(together, Math.exp(mean(generating)));
    });
    return [...byRound[0].keys()].map((name) => {
        const ratios = byRound.flatMap((rows) => rows.get(name) ?? []);
        const ratio = Math.max(...ratios);
        const most = name === together ? togetherShare * tolerance : tolerance;
        return { name, ratio: Number.isNaN(ratio) ? null : ratio, rounds: ratios.length, isSlower: ratio < 1 - most };
    });
}
