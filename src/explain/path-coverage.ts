// Path coverage: how much of what a trained model writes is what a base would have written anyway.
import { accuracyOf, type Accuracy, type ShareInterval } from "../accuracy.js";
import { checkBoolean, checkSignal, readOptions } from "../checks.js";
import type { Rast } from "../engine/engine.js";
import type { TokenScore } from "../engine/token-scores.js";
import { RastError } from "../errors.js";
import { checkEngine } from "../scoring/engine-argument.js";
import { inOrder } from "../scoring/in-order.js";
import { nameOf, readRecords, textUnder, type JsonRecord, type RecordSource } from "../scoring/record-lines.js";
import { failureOf, type FailedRecord } from "../scoring/score-records.js";

/** A text that a trained model wrote. */
export interface CoverageRecord {
    /** Where it stands in its file, from 1. */
    readonly line: number;
    /** What it calls itself. */
    readonly id?: string | number;
    /** What it was asked; null where `text` is all there is. Tokens of it do not count. */
    readonly prompt: string | null;
    /** What it wrote. */
    readonly text: string;
}

/** What is said of one text. */
export interface CoveredRecord {
    /** Where the record stands in its file, from 1. */
    readonly line: number;
    /** What it calls itself. */
    readonly id?: string | number;
    /** Share of its tokens that are the base's likeliest where they stand. */
    readonly base: Accuracy;
    /** The same of the ensemble; null where a base is loaded alone. */
    readonly rast: Accuracy | null;
    /** Places of the tokens that are not the base's likeliest, from 0. */
    readonly beside: readonly number[];
}

/** Coverage over all texts. */
export interface CoverageTotal extends Accuracy {
    /**
     * The 95% interval of the total where texts are what varies, not tokens: tokens of a text depend on each other, so it is the wider and the more
     * honest one. Null with fewer than two texts.
     */
    readonly overTexts: ShareInterval | null;
}

/** How records are covered. */
export interface PathCoverageOptions {
    /** Leave out the trio's prompt template around prompts. @default false */
    raw?: boolean | undefined;
    /** Called with every record, in their order, and waited for. */
    onRecord?: ((record: CoveredRecord | FailedRecord) => void | Promise<void>) | undefined;
    /** Ends the work with ERR_ABORTED. */
    signal?: AbortSignal | undefined;
}

/** What came of {@link pathCoverage}. */
export interface PathCoverage {
    /** Of the base. */
    readonly base: CoverageTotal;
    /** Of the ensemble; null where a base is loaded alone. */
    readonly rast: CoverageTotal | null;
    /** Texts that count. */
    readonly texts: number;
    /** Texts that these models cannot score: they count as nothing. */
    readonly failed: number;
}

/**
 * Texts in a file of JSON lines: `prompt` with `completion` (or `output`, `response`, `generation`, a text or a list with one), or `text` alone. All are checked
 * at once.
 * @throws ERR_SCORE_INPUT naming the first line that has none, ERR_FILE_NOT_FOUND and its kin, the signal's reason
 */
export async function readCoverageRecords(source: RecordSource, signal?: AbortSignal): Promise<CoverageRecord[]> {
    return readRecords(source, readCoverageRecord, signal);
}

const outputNames = ["completion", "output", "response", "generation"];

function readCoverageRecord(record: JsonRecord, line: number): CoverageRecord | string {
    const id = nameOf(record);
    const head = { line, ...(id === undefined ? {} : { id }) };
    const written = textUnder(unlisted(record), outputNames);
    if ("bad" in written) {
        const text = textUnder(record, ["text"]);
        if ("bad" in text) return text.bad.startsWith("it has no") ? `${written.bad}, and no text` : text.bad;
        return text.text === "" ? "its text is empty" : { ...head, prompt: null, text: text.text };
    }
    const prompt = textUnder(record, ["prompt", "question", "problem", "context"]);
    if ("bad" in prompt) return prompt.bad;
    if (prompt.text === "") return "its prompt is empty";
    if (written.text === "") return "its completion is empty";
    return { ...head, prompt: prompt.text, text: written.text };
}

// Samples of one are often a list of one.
function unlisted(record: JsonRecord): JsonRecord {
    return Object.fromEntries(
        Object.entries(record).map(([name, value]) => [
            name,
            Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value
        ])
    );
}

const optionNames = ["raw", "onRecord", "signal"] as const;

/**
 * How much of what a trained model wrote a base would have written anyway: the share of positions where the base's likeliest token is
 * the text's (the paper's path coverage rate). Nothing is generated: each text is decoded once, as many at a time as the engine has
 * slots. With a pair the same is told of the ensemble.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_ABORTED, ERR_DISPOSED, ERR_DECODE; ERR_SCORE_INPUT where none of the records can be scored
 * @example
 * ```ts
 * import { loadRast, pathCoverage } from "rast-llama";
 *
 * const rast = await loadRast({ trio: "demo" });
 * const written = await rast.complete({ prompt: "6+34+63+39", mode: "expert", seed: 1 });
 * const record = { line: 1, prompt: "6+34+63+39", text: written.text };
 * const { base, rast: ensemble } = await pathCoverage(rast, [record]);
 * console.log(base.value, ensemble?.value);
 * await rast.dispose();
 * ```
 */
export async function pathCoverage(
    rast: Rast,
    records: Iterable<CoverageRecord> | AsyncIterable<CoverageRecord>,
    options: PathCoverageOptions = {}
): Promise<PathCoverage> {
    checkEngine(rast, "score");
    const read = readOptions("pathCoverage", "the options of pathCoverage", options, optionNames);
    const raw = read.raw === undefined ? false : checkBoolean("raw", read.raw);
    const signal = read.signal === undefined ? undefined : checkSignal("signal", read.signal);
    const onRecord = read.onRecord as PathCoverageOptions["onRecord"];
    const covered: CoveredRecord[] = [];
    let first: FailedRecord | undefined;
    let failed = 0;
    const results = inOrder(records, 2 * rast.info.parallel, signal, "The path coverage", async (record, stop) => {
        try {
            return coveredRecord(record, await scoresOf(rast, record, raw, stop), rast.info.pairs.length > 0);
        } catch (error) {
            return failureOf(record, error);
        }
    });
    for await (const result of results) {
        await onRecord?.(result);
        if ("error" in result) {
            first ??= result;
            failed++;
        } else {
            covered.push(result);
        }
    }
    if (covered.length === 0) {
        const why = first === undefined ? "there are none" : `line ${first.line}: ${first.error.message}`;
        throw new RastError("ERR_SCORE_INPUT", `None of the texts can be scored: ${why}`, { details: { ...first } });
    }
    const together = covered.map(({ rast: one }) => one).filter((one) => one !== null);
    return {
        base: totalOf(covered.map(({ base }) => base)),
        rast: together.length === covered.length ? totalOf(together) : null,
        texts: covered.length,
        failed
    };
}

async function scoresOf(
    rast: Rast,
    { prompt, text }: CoverageRecord,
    raw: boolean,
    signal: AbortSignal
): Promise<readonly TokenScore[]> {
    if (prompt !== null) return (await rast.score({ prompt, completion: text, raw, signal })).scores;
    return (await rast.score({ completion: text, signal })).scores;
}

function coveredRecord({ line, id }: CoverageRecord, scores: readonly TokenScore[], withPair: boolean): CoveredRecord {
    const covers = (name: "base" | "rast"): Accuracy =>
        accuracyOf(scores.filter(({ rank }) => rank[name] === 0).length, scores.length);
    return {
        line,
        ...(id === undefined ? {} : { id }),
        base: covers("base"),
        rast: withPair ? covers("rast") : null,
        beside: scores.flatMap(({ rank }, index) => (rank.base > 0 ? [index] : []))
    };
}

/** All texts together: every token counts the same. */
export function totalOf(texts: readonly Accuracy[]): CoverageTotal {
    const correct = texts.reduce((sum, one) => sum + one.correct, 0);
    const total = texts.reduce((sum, one) => sum + one.total, 0);
    return { ...accuracyOf(correct, total), overTexts: intervalOverTexts(texts, correct / total, total) };
}

// The usual linearised variance of a ratio of two sums over texts.
function intervalOverTexts(texts: readonly Accuracy[], value: number, total: number): CoverageTotal["overTexts"] {
    const n = texts.length;
    if (n < 2) return null;
    const squares = texts.reduce((sum, one) => sum + (one.correct - value * one.total) ** 2, 0);
    const error = Math.sqrt((squares * n) / (n - 1)) / total;
    const reach = 1.959964 * error;
    return { low: Math.max(0, value - reach), high: Math.min(1, value + reach) };
}
