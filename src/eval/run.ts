// An evaluation: contestants answer the problems of a task, one contestant after the other.
import type { Rast } from "../engine/engine.js";
import { loadRast } from "../loading/load.js";
import type { Trio } from "../trio/trio.js";
import type { Contestant, Part } from "./contestants.js";
import { inPool } from "./ask/pool.js";
import { accuracyOf, type Accuracy } from "./metrics.js";
import type { Answer, Task } from "./task.js";

/** How one did. */
export interface Score extends Accuracy {
    readonly part: Part;
    /** Share of answers that were worked out step by step. */
    readonly workedOut: number;
    readonly tokens: number;
    readonly seconds: number;
}

/** How contestants are asked. */
export interface Asking {
    /** Its template is put around every prompt, and its settings are drawn with. */
    readonly trio: Pick<Trio, "promptTemplate" | "sampling">;
    readonly seed: number;
    /** Ends it with the signal's reason. */
    readonly signal: AbortSignal;
}

/** What an evaluation needs beside the contestants. */
export interface EvaluateInput<Problem> extends Asking {
    readonly task: Task<Problem>;
    /** After each answer. */
    readonly onAnswer: (part: Part, done: number) => void;
}

/** Lets contestants answer all problems, as many at a time as their engine runs. @throws what `loadRast` lists, the signal's reason */
export async function evaluate<Problem>(
    contestants: readonly Contestant[],
    input: EvaluateInput<Problem>,
    load: typeof loadRast = loadRast
): Promise<Score[]> {
    const scores: Score[] = [];
    let loaded: { readonly key: string; readonly rast: Rast } | undefined;
    try {
        for (const contestant of contestants) {
            const key = JSON.stringify(contestant.load);
            if (loaded?.key !== key) {
                await loaded?.rast.dispose();
                loaded = { key, rast: await load({ ...contestant.load, signal: input.signal }) };
            }
            scores.push(await scoreOf(contestant, loaded.rast, input));
        }
        return scores;
    } finally {
        await loaded?.rast.dispose();
    }
}

async function scoreOf<Problem>(contestant: Contestant, rast: Rast, input: EvaluateInput<Problem>): Promise<Score> {
    const { task, signal } = input;
    const start = performance.now();
    const sums = { done: 0, correct: 0, workedOut: 0, tokens: 0 };
    const atOnce = contestant.load.parallel ?? 1;
    await inPool(task.problems.entries(), atOnce, signal, async ([ordinal, problem]) => {
        const { tokens, ...answer } = await ask(task.promptOf(problem), ordinal, contestant, rast, input);
        const { correct, workedOut } = task.grade(answer, problem);
        sums.correct += correct ? 1 : 0;
        sums.workedOut += workedOut ? 1 : 0;
        sums.tokens += tokens;
        input.onAnswer(contestant.part, ++sums.done);
    });
    const total = task.problems.length;
    return {
        part: contestant.part,
        ...accuracyOf(sums.correct, total),
        workedOut: sums.workedOut / total,
        tokens: sums.tokens,
        seconds: (performance.now() - start) / 1000
    };
}

/**
 * One answer of a contestant.
 * @param ordinal of the problem in its task: the draws depend on it
 * @param rast loaded as the contestant says
 */
export async function ask(
    prompt: string,
    ordinal: number,
    { opening, options }: Pick<Contestant, "opening" | "options">,
    rast: Rast,
    { trio, seed, signal }: Asking
): Promise<Answer & { readonly tokens: number }> {
    const asked = (trio.promptTemplate ?? "{prompt}").replace("{prompt}", () => prompt) + opening;
    const settings = { ...trio.sampling, ...options, seed, ordinal, signal };
    const { text, stopReason, usage } = await rast.complete({ ...settings, prompt: asked, raw: true });
    return { text: opening + text, stopReason, tokens: usage.completionTokens };
}
