// Two records of the same cases, side by side.
import { RastError } from "../../errors.js";
import { caseFields, caseKey } from "./cases.js";
import { machineInWords, originInWords, versionsInWords } from "./words.js";
import { mean, median, standardDeviation, type Samples } from "./statistics.js";
import { hasPossibleIdeal, ratioToIdeal } from "./ideal.js";
import type { BenchCase, BenchRecord, BenchResult } from "./schema.js";

/** How the second record fares: "unclear" is said of rows with too few samples to know their noise, or too much of it. */
export type Verdict = "faster" | "slower" | "same" | "unclear";

/** Fewer samples than this say nothing of noise. */
const fewestSamples = 3;
/** Differences up to this are called the same, however steady the samples: another run differs by as much. */
const indifference = 0.01;

/** When a row is called faster or slower, in one sentence. */
export const verdictCriterion =
    "Faster or slower: the median of each lies outside of all samples of the other, and they differ by more than 1%; " +
    "unclear: one has fewer than 3 samples, or warnings.";

/** Tokens per second of a row in one record. */
export interface ComparedRate {
    readonly mean: number;
    readonly standardDeviation: number;
    readonly median: number;
    /** Median of the paired ratios to the ideal; null where that was not measured. */
    readonly ofIdeal: number | null;
    readonly samples: Samples;
}

/** A case that both records have. */
export interface ComparedRow {
    readonly case: BenchCase;
    readonly a: ComparedRate;
    readonly b: ComparedRate;
    /** b's median tokens per second over a's. */
    readonly ratio: number;
    /** b's ratio to the ideal over a's; null unless both have one. */
    readonly idealRatio: number | null;
    readonly verdict: Verdict;
}

/** What {@link compareRecords} finds. */
export interface Comparison {
    readonly a: ComparedRecord;
    readonly b: ComparedRecord;
    readonly criterion: string;
    /** What else differs between the records, a sentence each. */
    readonly warnings: readonly string[];
    /** In the order of a. */
    readonly rows: readonly ComparedRow[];
    readonly onlyInA: readonly BenchCase[];
    readonly onlyInB: readonly BenchCase[];
}

/** One side of a comparison. */
export interface ComparedRecord {
    readonly name: string;
    /** Machine, date, versions and backend in one line. */
    readonly origin: string;
}

/**
 * Compares two records row by row; a ratio above 1 says that b is faster.
 * @param names what to call them, e.g. their files
 * @throws ERR_BENCH_RECORD when they have no case in common, naming what differs between the most similar ones
 */
export function compareRecords(
    a: BenchRecord,
    b: BenchRecord,
    names: { readonly a: string; readonly b: string } = { a: "a", b: "b" }
): Comparison {
    const ofB = new Map(b.results.map((row) => [caseKey(row), row]));
    const keysOfA = new Set(a.results.map(caseKey));
    const rows = a.results.flatMap((row) => {
        const other = ofB.get(caseKey(row));
        return other === undefined ? [] : [compareRows(row, other)];
    });
    if (rows.length === 0) throw nothingInCommon(a.results, b.results, names);
    return {
        a: { name: names.a, origin: originInWords(a) },
        b: { name: names.b, origin: originInWords(b) },
        criterion: verdictCriterion,
        warnings: [...differences(a, b), ...noiseOf(a, b, names)],
        rows,
        onlyInA: a.results.filter((row) => !ofB.has(caseKey(row))).map(caseOf),
        onlyInB: b.results.filter((row) => !keysOfA.has(caseKey(row))).map(caseOf)
    };
}

function compareRows(a: BenchResult, b: BenchResult): ComparedRow {
    const ofA = summary(a);
    const ofB = summary(b);
    return {
        case: caseOf(a),
        a: ofA,
        b: ofB,
        ratio: ofB.median / ofA.median,
        idealRatio: ofA.ofIdeal === null || ofB.ofIdeal === null ? null : ofB.ofIdeal / ofA.ofIdeal,
        verdict: a.warnings.length + b.warnings.length > 0 ? "unclear" : judge(a.samples, b.samples)
    };
}

function summary(row: BenchResult): ComparedRate {
    const { samples } = row;
    return {
        mean: mean(samples),
        standardDeviation: standardDeviation(samples),
        median: median(samples),
        ofIdeal: hasPossibleIdeal(row) ? ratioToIdeal(row) : null,
        samples
    };
}

function judge(a: Samples, b: Samples): Verdict {
    if (a.length < fewestSamples || b.length < fewestSamples) return "unclear";
    const [ofA, ofB] = [median(a), median(b)];
    if (Math.abs(ofB / ofA - 1) <= indifference) return "same";
    if (a.every((value) => value < ofB) && b.every((value) => value > ofA)) return "faster";
    if (a.every((value) => value > ofB) && b.every((value) => value < ofA)) return "slower";
    return "same";
}

function caseOf(row: BenchCase): BenchCase {
    return Object.fromEntries(caseFields.map((field) => [field, row[field]])) as unknown as BenchCase;
}

function differences(a: BenchRecord, b: BenchRecord): string[] {
    const warnings: string[] = [];
    const compare = (what: string, ofA: string, ofB: string): void => {
        if (ofA !== ofB) warnings.push(`${what} differ: ${ofA} against ${ofB}.`);
    };
    const host = (record: BenchRecord): string => machineInWords({ ...record.machine, devices: [], driver: null });
    const devices = ({ machine, backend }: BenchRecord): string =>
        [backend, ...machine.devices.map(({ description }) => description)].join(", ") +
        (machine.driver === null ? "" : `, driver ${machine.driver}`);
    const models = ({ models }: BenchRecord): string =>
        models
            .map(({ role, file, description, fileBytes }) => `${role} ${file} (${description}, ${fileBytes} bytes)`)
            .join(", ");
    compare("The processors and systems", host(a), host(b));
    compare("The backends and devices", devices(a), devices(b));
    compare("The versions", versionsInWords(a.versions), versionsInWords(b.versions));
    compare("The models", models(a), models(b));
    if (a.schema !== b.schema) {
        warnings.push(
            "The clocks differ: before rast-bench/2 the first tokens of a text and their time did not count, and drafts looked faster."
        );
    }
    return warnings;
}

// What the records themselves say against their rows.
function noiseOf(a: BenchRecord, b: BenchRecord, names: { readonly a: string; readonly b: string }): string[] {
    return [
        { record: a, name: names.a },
        { record: b, name: names.b }
    ].flatMap(({ record, name }) => {
        const noisy = record.results.filter((row) => row.warnings.length > 0).length;
        const rows = noisy === 0 ? [] : [`${noisy} of ${record.results.length} rows of ${name} have warnings.`];
        return [...record.warnings.map((warning) => `${name}: ${warning}`), ...rows];
    });
}

function nothingInCommon(
    a: readonly BenchResult[],
    b: readonly BenchResult[],
    names: { readonly a: string; readonly b: string }
): RastError {
    let fewest: (keyof BenchCase)[] = [...caseFields];
    let nearest = { a: a[0], b: b[0] };
    for (const one of a) {
        for (const other of b) {
            const differing = caseFields.filter((field) => JSON.stringify(one[field]) !== JSON.stringify(other[field]));
            if (differing.length < fewest.length) {
                fewest = differing;
                nearest = { a: one, b: other };
            }
        }
    }
    const show = (row: BenchCase | undefined): string =>
        row === undefined ? "nothing" : fewest.map((field) => `${field} ${JSON.stringify(row[field])}`).join(", ");
    return new RastError(
        "ERR_BENCH_RECORD",
        `${names.a} and ${names.b} have no case in common: the most similar ones differ in ${fewest.join(", ")} ` +
            `(${show(nearest.a)} against ${show(nearest.b)}).`,
        { details: { a: names.a, b: names.b, fields: fewest } }
    );
}
