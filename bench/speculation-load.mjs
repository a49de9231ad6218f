// One load of bench/speculation.mjs: an engine from its load to its end, by the caller's clock.
import { loadRast } from "../dist/index.js";

const rounded = (value) => Number(value.toPrecision(5));

/** Requests that are made together: shaped trios go on with a prompt of their own, others take problems. */
export function requestsOf({ sequences, tokens, problems }, repetition, seed) {
    return Array.from({ length: sequences }, (_, index) => {
        const common = { seed: seed + index };
        const number = repetition * sequences + index;
        if (problems !== undefined) return { ...common, prompt: problems[number % problems.length].prompt };
        // another prompt each time, the same for all kinds
        return { ...common, tokens: [300 + number, 400, 500, 600], maxTokens: tokens, ignoreEos: true };
    });
}

// Tokens per second from the call to the end of the last.
async function sample(rast, row, repetition, options) {
    const requests = requestsOf(row, repetition, 1 + repetition);
    const start = performance.now();
    const results = await Promise.all(
        requests.map((request) => rast.complete({ ...request, ...row.sampling, ...options }))
    );
    const ms = performance.now() - start;
    const sum = (of) => results.reduce((total, result) => total + of(result), 0);
    const tokens = sum(({ usage }) => usage.completionTokens);
    const agreements = results.flatMap(({ speculation }) => speculation.agreement ?? []);
    return {
        rate: rounded((1000 * tokens) / ms),
        perRound: rounded(tokens / sum(({ speculation }) => speculation.rounds)),
        agreement: agreements.length > 0 ? rounded(agreements.reduce((a, b) => a + b) / agreements.length) : null,
        firstTokenMs: rounded(Math.max(...results.map(({ timings }) => timings.firstTokenMs ?? 0)))
    };
}

// All kinds in turn, repetition by repetition, each time beginning with another. @returns rates by kind, and what else was seen
async function inTurn(rast, row, kinds, from, repetitions) {
    const names = Object.keys(kinds);
    const samples = Object.fromEntries(names.map((name) => [name, []]));
    for (let repetition = 0; repetition < repetitions; ++repetition) {
        for (let i = 0; i < names.length; ++i) {
            const name = names[(i + repetition) % names.length];
            if (name === "auto" && row.after > 0) {
                const before = { ...row, sequences: row.after };
                await sample(rast, before, from + repetition, kinds[name]);
            }
            samples[name].push(await sample(rast, row, from + repetition, kinds[name]));
        }
    }
    const column = (field) => Object.fromEntries(names.map((name) => [name, samples[name].map((one) => one[field])]));
    return {
        rates: column("rate"),
        perRound: column("perRound"),
        agreement: column("agreement"),
        firstTokenMs: column("firstTokenMs")
    };
}

/**
 * Loads, measures and ends an engine. First `auto` alone with the base, which teaches it nothing of drafts; then all kinds,
 * where the rounds of fixed lengths teach it, too.
 * @param row {trio, threads, sequences, after, tokens, sampling, problems}
 * @param kinds options by name: base, off, auto and fixed lengths
 */
export async function measureLoad(row, kinds, { maxDraft, repetitions }) {
    const start = performance.now();
    const rast = await loadRast({
        ...row.trio,
        ...(row.threads === undefined ? {} : { threads: row.threads }),
        contextSize: 256,
        parallel: Math.max(row.sequences, row.after),
        speculation: { maxDraft },
        reusePrefixes: false,
        tryModels: false
    });
    try {
        const loadMs = rounded(performance.now() - start);
        // weights and graphs of base and expert, and nothing about drafts
        for (const mode of ["base", "expert"]) await sample(rast, { ...row, tokens: 4 }, 900, { mode });
        const { base, auto } = kinds;
        const alone = await inTurn(rast, row, { base, auto }, 0, repetitions);
        // graphs of the lengths
        for (const options of Object.values(kinds)) await sample(rast, { ...row, tokens: 17 }, 901, options);
        const company = await inTurn(rast, row, kinds, 100, repetitions);
        const { info } = rast;
        return {
            info,
            load: {
                loadMs,
                costs: info.draftCosts,
                alone: alone.rates,
                company: company.rates,
                perRound: { auto: alone.perRound.auto },
                agreement: { auto: alone.agreement.auto },
                firstTokenMs: { auto: alone.firstTokenMs.auto, off: company.firstTokenMs.off }
            }
        };
    } finally {
        await rast.dispose();
    }
}
