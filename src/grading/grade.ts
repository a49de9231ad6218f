import { describeError, invalidOption } from "../checks.js";
import { RastError } from "../errors.js";
import { packageRoot } from "../package-root.js";
import type { AnswerFoundBy } from "./extract.js";
import { gradingThreads } from "./grading-threads.js";

/** What a grader finds of one output. */
export interface Graded {
    /** Whether the answer says what the gold says. */
    readonly right: boolean;
    /** The part of the output that was taken as its answer, at most 2,000 characters of it; null where there is none. */
    readonly extracted: string | null;
    /** How it was found; null where there is none. */
    readonly foundBy: AnswerFoundBy | null;
    /** Why it is right or wrong, in a few words. */
    readonly reason: string;
    /** Whether it counts as wrong because it took too much: 3 s of a thread, or 512 MiB. */
    readonly timedOut: boolean;
}

/**
 * Grades one output of a model: takes its answer out of it and compares it with the gold, as a text, a choice, a number, a
 * list, an interval, a set, a matrix, an equation, an inequality or an expression. docs/grading.md has the rules.
 * It runs in a thread of its own, which is ended after 3 s; then the output counts as wrong and `timedOut` says so. So no
 * text, however hostile, blocks the event loop or ends the process.
 * @param output the whole text, or the answer alone
 * @param gold the right answer, as data sets have it: plain, in LaTeX, or with a \boxed or "####" in front of it
 * @throws ERR_INVALID_ARGUMENT where one of them is no text, or the gold is empty
 * @throws ERR_GRADER where no thread can be started, ERR_BUNDLED
 * @example
 * ```ts
 * import { grade } from "rast-llama";
 *
 * const { right, extracted, reason } = await grade("So x is \\boxed{\\frac{1}{2}}.", "0.5");
 * console.log(right, extracted, reason);
 * ```
 */
export async function grade(output: string, gold: string): Promise<Graded> {
    if (typeof output !== "string") throw invalidOption("output", "a string", output, "ERR_INVALID_ARGUMENT");
    if (typeof gold !== "string") throw invalidOption("gold", "a string", gold, "ERR_INVALID_ARGUMENT");
    if (gold.trim() === "") throw invalidOption("gold", "a string that is not empty", gold, "ERR_INVALID_ARGUMENT");
    // Where it cannot work it says so at once.
    packageRoot();
    const { right, extracted, foundBy, reason, timedOut } = await gradeWithGold(output, gold);
    return { right, extracted, foundBy, reason, timedOut };
}

/** The same, with the gold as it was compared. */
export async function gradeWithGold(output: string, gold: string): Promise<Graded & { readonly gold: string }> {
    const outcome = await gradingThreads.grade({ output, gold });
    if (!("ended" in outcome)) return { ...outcome, timedOut: false };
    if (outcome.ended === "failure") {
        const { cause } = outcome;
        throw new RastError("ERR_GRADER", `Grading could not begin: ${describeError(cause)}`, { cause });
    }
    return {
        right: false,
        extracted: null,
        foundBy: null,
        reason: outcome.reason,
        timedOut: true,
        gold: gold.slice(0, 2000)
    };
}
