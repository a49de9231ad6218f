// What an evaluation comes to: plain data that tables and pages are made of.
import type { Accuracy } from "../../accuracy.js";
import type { ContestantLine, RecordedData, RecordHead } from "../record/schema.js";
import type { Estimate } from "./bootstrap.js";

/** In a report: readers refuse what they do not know. */
export const reportFormat = "rast-eval-report/1" satisfies EvalReport["format"];

/** A figure at some number of samples. */
export interface AtK {
    /** Samples, from 1. */
    readonly k: number;
    /** From 0 to 1. */
    readonly value: number;
}

/** Lengths of texts, in tokens. */
export interface Lengths {
    /** Mean. */
    readonly mean: number;
    /** Median. */
    readonly median: number;
    /** Nine tenths are at most so long. */
    readonly ninth: number;
}

/** How one contestant did. */
export interface ContestantFigures extends Omit<ContestantLine, "type"> {
    /**
     * Right samples of all. `value` is the mean over problems of their shares; the interval is Wilson's for as many trials as
     * there are problems: over problems, and with several samples each rather too wide.
     */
    readonly accuracy: Accuracy;
    /** Chance that at least one of k samples is right, a mean over problems (unbiased). */
    readonly passAtK: readonly AtK[];
    /** Whether the answer of most of k samples is right, a mean over problems. */
    readonly majorityAtK: readonly AtK[];
    /** Share of samples in which no answer was found; they count as wrong. */
    readonly withoutAnswer: number;
    /** Share of samples that ended at the limit of tokens. */
    readonly cutOff: number;
    /** Samples whose grading took too long; they count as wrong. */
    readonly timedOut: number;
    /** Samples of problems that cannot be asked at all, such as one longer than the context; they count as wrong. */
    readonly failed: number;
    /** Of texts; null where a server does not say. */
    readonly tokens: Lengths | null;
    /** Tokens of all texts per second that they took; null where nobody says. */
    readonly tokensPerSecond: number | null;
}

/** How far two contestants are apart: accuracy of `a` less that of `b`. */
export interface Difference extends Estimate {
    /** A contestant's label. */
    readonly a: string;
    /** Another one's. */
    readonly b: string;
}

/** How much of what training gives the base RAST gives it. */
export interface Recovery extends Estimate {
    /** Label of RAST with a strength. */
    readonly contestant: string;
    /** Label of its base. */
    readonly base: string;
    /** Label of the large model after training. */
    readonly reference: string;
}

/** What was asked. */
export interface AskedData extends RecordedData {
    /** Problems that these figures are of. */
    readonly asked: number;
}

/** What an evaluation comes to. Plain data: `JSON.stringify` loses nothing. */
export interface EvalReport {
    /** Tells its kind and version. */
    readonly format: "rast-eval-report/1";
    /** What was asked. */
    readonly data: AskedData;
    /** How it was asked. */
    readonly prompt: RecordHead["prompt"];
    /** How tokens were drawn. */
    readonly sampling: RecordHead["sampling"];
    /** Of all draws. */
    readonly seed: number;
    /** Versions that draws depend on. */
    readonly versions: RecordHead["versions"];
    /** Of each problem. */
    readonly samples: number;
    /** In the order in which they were asked. */
    readonly contestants: readonly ContestantFigures[];
    /** To the base of the same trio, and between trios where there are several. */
    readonly differences: readonly Difference[];
    /** Of trios with a reference. */
    readonly recovery: readonly Recovery[];
    /** What a reader should know, in sentences. */
    readonly notes: readonly string[];
}
