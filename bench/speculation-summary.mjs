// What the samples of a row of bench/speculation.mjs come to. A row has loads, each {which, alone, company}: tokens per
// second by kind of request, repetition by repetition, of requests that were alone with the base, and of all kinds in turn.
import { median } from "../dist/bench/record/statistics.js";

/** Sample by sample against the base that ran beside: what the machine does meanwhile falls out. */
function againstBase(samples, kind) {
    return median(samples[kind].map((rate, index) => rate / samples.base[index]));
}

/** Median and least of a ratio over loads; null without any. */
function overLoads(values) {
    return values.length === 0 ? null : { median: median(values), least: Math.min(...values), loads: values };
}

/**
 * Ratios of a row. The best length is the one that is best over all loads: the best of each load would be that of its noise.
 * `alone`: auto taught by its own rounds alone, over the best length in the same load, both against the base beside them.
 * `firstRequest`: its first request ever after a first load.
 */
export function summarize({ loads }, kinds) {
    if (loads.length === 0) return null;
    // a row may have been measured with fewer
    const fixedKinds = kinds.filter((kind) => loads.every(({ company }) => kind in company));
    const rateOf = (kind) => median(loads.map(({ company }) => againstBase(company, kind)));
    const best = fixedKinds.reduce((one, other) => (rateOf(other) > rateOf(one) ? other : one));
    const of = (which, value) => overLoads(loads.filter((load) => load.which === which).map(value));
    const alone = ({ alone: samples }) => againstBase(samples, "auto");
    const ratios = (value, which) => ({
        best: of(which, (load) => value(load) / againstBase(load.company, best)),
        off: of(which, (load) => value(load) / againstBase(load.company, "off")),
        base: of(which, value)
    });
    const inCompany = ({ company }) => againstBase(company, "auto");
    return {
        best,
        firstRequest: ratios(({ alone: { auto, base } }) => auto[0] / median(base), "first"),
        first: ratios(alone, "first"),
        second: ratios(alone, "second"),
        companyFirst: ratios(inCompany, "first"),
        companySecond: ratios(inCompany, "second"),
        byKind: Object.fromEntries(["off", "auto", ...fixedKinds].map((kind) => [kind, rateOf(kind)]))
    };
}
