// Samples to figures. Pure but for the comparison of answers: the same samples give the same figures, in whichever order they came.
import { wilsonInterval } from "../../accuracy.js";
import type { ContestantLine, RecordHead, SampleLine } from "../record/schema.js";
import { bootstrap, meanOf, quantile } from "./bootstrap.js";
import { majorityAtK, type Vote } from "./majority.js";
import { passAtK, shownKs } from "./pass-at-k.js";
import { recoveryRate } from "./recovery-rate.js";
import {
    reportFormat,
    type AtK,
    type ContestantFigures,
    type Difference,
    type EvalReport,
    type Lengths,
    type Recovery
} from "./report.js";
import { votesOf, type SameAnswer } from "./same-answers.js";

/** What figures need of a sample. */
export type Sampled = Pick<
    SampleLine,
    "problem" | "sample" | "right" | "extracted" | "timedOut" | "stop" | "tokens" | "ms"
> &
    Partial<Pick<SampleLine, "reason">>;

/** A contestant with all of its samples. */
export interface Answered {
    readonly contestant: ContestantLine;
    readonly samples: Iterable<Sampled>;
}

/** What a report is made of. */
export interface FiguresInput {
    readonly head: RecordHead;
    readonly answered: readonly Answered[];
    /** Compares answers for majorities. */
    readonly same: SameAnswer;
    readonly notes?: readonly string[];
}

/** One contestant, problem by problem. */
interface Sorted {
    readonly contestant: ContestantLine;
    readonly problems: ReadonlyMap<number, readonly Sampled[]>;
}

/**
 * The report on some contestants: of problems that all of them were asked, and of as many samples as all have of each; a note
 * says so where that is not all there is.
 * @returns undefined where they have no problem in common
 */
export async function reportOn({ head, answered, same, notes = [] }: FiguresInput): Promise<EvalReport | undefined> {
    const sorted = answered.map(sortedOf);
    const places = commonProblems(sorted);
    if (places.length === 0) return undefined;
    const counts = sorted.flatMap(({ problems }) => places.map((place) => problems.get(place)!.length));
    const n = counts.reduce((least, count) => Math.min(least, count), Infinity);
    const rows = sorted.map(({ contestant, problems }) => ({
        contestant,
        problems: places.map((place) => problems.get(place)!.slice(0, n))
    }));
    const letters = head.data.grading === "sums" ? undefined : same;
    const contestants: ContestantFigures[] = [];
    for (const { contestant, problems } of rows) contestants.push(await figuresOf(contestant, problems, n, letters));
    const shares = new Map(
        rows.map(({ contestant, problems }) => [
            contestant.label,
            problems.map((samples) => rightIn(samples) / samples.length)
        ])
    );
    return {
        format: reportFormat,
        data: { ...head.data, asked: places.length },
        prompt: head.prompt,
        sampling: head.sampling,
        seed: head.seed,
        versions: head.versions,
        samples: n,
        contestants,
        differences: await differencesOf(contestants, shares, head.seed),
        recovery: await recoveryOf(contestants, shares, head.seed),
        notes: [...notes, ...gaps(sorted, places, n), ...notAsked(rows)]
    };
}

function sortedOf({ contestant, samples }: Answered): Sorted {
    const problems = new Map<number, Sampled[]>();
    for (const one of samples) {
        const known = problems.get(one.problem);
        if (known === undefined) problems.set(one.problem, [one]);
        else known.push(one);
    }
    for (const all of problems.values()) all.sort((a, b) => a.sample - b.sample);
    return { contestant, problems };
}

function commonProblems(sorted: readonly Sorted[]): number[] {
    const [first, ...others] = sorted;
    if (first === undefined) return [];
    const common = [...first.problems.keys()].filter((place) => others.every(({ problems }) => problems.has(place)));
    return common.sort((a, b) => a - b);
}

function gaps(sorted: readonly Sorted[], places: readonly number[], n: number): string[] {
    const partial = sorted.filter(
        ({ problems }) => problems.size > places.length || [...problems.values()].some((samples) => samples.length > n)
    );
    if (partial.length === 0) return [];
    const names = partial.map(({ contestant }) => contestant.label).join(", ");
    return [
        `The record has more samples than these figures are of, which all contestants have: ${places.length} ${places.length === 1 ? "problem" : "problems"}, ${n} of each (more of ${names}).`
    ];
}

function notAsked(
    rows: readonly { readonly contestant: ContestantLine; readonly problems: readonly (readonly Sampled[])[] }[]
): string[] {
    return rows.flatMap(({ contestant: { label }, problems }) => {
        const all = problems.flat();
        const failed = all.filter(({ stop }) => stop === "error");
        const first = failed[0];
        if (first === undefined) return [];
        const count = failed.length === all.length ? "Nothing" : `${failed.length} of ${all.length} samples`;
        const not = failed.length === all.length ? "could" : "could not";
        return [`${count} ${not} be asked of ${label}, and counts as wrong: ${first.reason ?? "it failed"}`];
    });
}

function rightIn(samples: readonly Sampled[]): number {
    return samples.filter(({ right }) => right).length;
}

async function figuresOf(
    { label, role, trio, lambda, models, server }: ContestantLine,
    problems: readonly (readonly Sampled[])[],
    n: number,
    same: SameAnswer | undefined
): Promise<ContestantFigures> {
    const all = problems.flat();
    const right = problems.map(rightIn);
    const value = meanOf(right) / n;
    const share = (has: (one: Sampled) => boolean): number => all.filter(has).length / all.length;
    const tokens = all.map((one) => one.tokens).filter((one) => one !== null);
    const ms = all.reduce((sum, one) => sum + one.ms, 0);
    const sum = tokens.reduce((total, one) => total + one, 0);
    return {
        label,
        role,
        trio,
        lambda,
        models,
        server,
        accuracy: {
            correct: right.reduce((total, one) => total + one, 0),
            total: all.length,
            value,
            ...wilsonInterval(value, problems.length)
        },
        passAtK: shownKs(n).map((k) => ({ k, value: meanOf(right.map((one) => passAtK(n, one, k))) })),
        majorityAtK: await majoritiesOf(problems, n, same),
        withoutAnswer: share(({ extracted, timedOut }) => extracted === null && !timedOut),
        cutOff: share(({ stop }) => stop === "maxTokens" || stop === "contextFull"),
        timedOut: all.filter(({ timedOut }) => timedOut).length,
        failed: all.filter(({ stop }) => stop === "error").length,
        tokens: tokens.length === all.length ? lengthsOf(tokens) : null,
        tokensPerSecond: tokens.length === all.length && ms > 0 ? (1000 * sum) / ms : null
    };
}

async function majoritiesOf(
    problems: readonly (readonly Sampled[])[],
    n: number,
    same: SameAnswer | undefined
): Promise<AtK[]> {
    const votes: Vote[][] = [];
    // One sample is its own majority, and so nothing needs to be compared.
    for (const samples of problems) votes.push(await votesOf(samples, n === 1 ? undefined : same));
    return shownKs(n).map((k) => ({ k, value: meanOf(votes.map((of) => majorityAtK(of, k))) }));
}

function lengthsOf(tokens: readonly number[]): Lengths {
    const sorted = [...tokens].sort((a, b) => a - b);
    return { mean: meanOf(sorted), median: quantile(sorted, 0.5), ninth: quantile(sorted, 0.9) };
}

type Shares = ReadonlyMap<string, readonly number[]>;

function rowsOf(shares: Shares, labels: readonly string[]): number[][] {
    const columns = labels.map((label) => shares.get(label)!);
    return columns[0]!.map((_, at) => columns.map((column) => column[at]!));
}

async function differencesOf(
    contestants: readonly ContestantFigures[],
    shares: Shares,
    seed: number
): Promise<Difference[]> {
    const found: Difference[] = [];
    for (const [a, b] of comparedOf(contestants)) {
        const estimate = await bootstrap(rowsOf(shares, [a, b]), ([one, other]) => one! - other!, seed);
        found.push({ a, b, ...estimate! });
    }
    return found;
}

// Each with its trio's base; each trio's with the same of the first.
function comparedOf(contestants: readonly ContestantFigures[]): (readonly [a: string, b: string])[] {
    const pairs: [string, string][] = [];
    const bases = new Map<string | null, string>();
    for (const { role, trio, label } of contestants) if (role === "base") bases.set(trio, label);
    const onlyBase = bases.size === 1 ? [...bases.values()][0] : undefined;
    for (const { trio, label } of contestants) {
        const base = bases.get(trio) ?? onlyBase;
        if (base !== undefined && base !== label) pairs.push([label, base]);
    }
    const first = new Map<string, string>();
    for (const { role, lambda, label, trio } of contestants) {
        if (role === "server" || trio === null) continue;
        const kind = JSON.stringify([role, lambda]);
        const known = first.get(kind);
        if (known === undefined) first.set(kind, label);
        else pairs.push([label, known]);
    }
    return pairs;
}

async function recoveryOf(
    contestants: readonly ContestantFigures[],
    shares: Shares,
    seed: number
): Promise<Recovery[]> {
    const found: Recovery[] = [];
    for (const { role, trio, label } of contestants) {
        if (role !== "rast") continue;
        const base = contestants.find((one) => one.role === "base" && one.trio === trio);
        const reference =
            contestants.find((one) => one.role === "reference" && one.trio === trio) ??
            contestants.find((one) => one.role === "reference");
        if (base === undefined || reference === undefined) continue;
        const labels = [base.label, label, reference.label];
        const of = ([b, r, l]: readonly number[]): number | undefined =>
            recoveryRate({ base: b!, rast: r!, reference: l! });
        const estimate = await bootstrap(rowsOf(shares, labels), of, seed);
        if (estimate !== undefined)
            found.push({ contestant: label, base: base.label, reference: reference.label, ...estimate });
    }
    return found;
}
