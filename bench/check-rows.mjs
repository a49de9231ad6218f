// How bench/check.mjs judges rows: pure arithmetic.
import { median, pairedRatios } from "../dist/bench/record/statistics.js";

export const caseOf = ({ test, mode, sequences, temperature }) =>
    `${test} x ${sequences} ${mode}, temperature ${temperature}`;

/** Of every load the median of its ratios to the baseline, and of these the median: layouts in memory differ by load. */
export function ratioOverLoads({ samples, idealSamples }, loads) {
    const ratios = pairedRatios(samples, idealSamples);
    const each = ratios.length / loads;
    return median(Array.from({ length: loads }, (_, load) => median(ratios.slice(load * each, (load + 1) * each))));
}

/**
 * Rows against the known ones. A row is slower when every round that measured it says so: other programs make some rows look slow
 * in some rounds, a slower engine makes its rows slow in all.
 * @param known a record
 * @param rounds records, the first of all rows, later ones of those that looked slower
 * @returns {{ name, before, after, rounds, isSlower }[]} `after` is the best round's
 */
export function judge(known, rounds, tolerance) {
    return rounds[0].results.map((row) => {
        const name = caseOf(row);
        const then = known.results.find((one) => caseOf(one) === name);
        if (then === undefined) return { name, before: null, after: null, rounds: 0, isSlower: false };
        const before = ratioOverLoads(then, known.loads);
        const measured = rounds.flatMap(({ results, loads }) => {
            const found = results.find((one) => caseOf(one) === name);
            return found === undefined ? [] : [ratioOverLoads(found, loads)];
        });
        const after = Math.max(...measured);
        return { name, before, after, rounds: measured.length, isSlower: after / before < 1 - tolerance };
    });
}
