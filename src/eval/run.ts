// An evaluation: contestants answer the problems of a task, one contestant after the other.
import type { Rast } from "../engine/engine.js";
import { loadRast } from "../loading/load.js";
import type { Trio } from "../trio/trio.js";
import { parallel, type Contestant } from "./contestants.js";
import { accuracyOf, type Accuracy } from "./metrics.js";
import type { Task } from "./task.js";

/** How one did. */
export interface Score extends Accuracy {
    readonly name: string;
    readonly control: boolean;
    /** Share of answers that were worked out step by step. */
    readonly workedOut: number;
    readonly tokens: number;
    readonly seconds: number;
}

/** What an evaluation needs beside the contestants. */
export interface EvaluateInput<Problem> {
    readonly task: Task<Problem>;
    /** Its template is put around every prompt, and its settings are drawn with. */
    readonly trio: Pick<Trio, "promptTemplate" | "sampling">;
    readonly seed: number;
    /** Ends it with the signal's reason. */
    readonly signal: AbortSignal;
    /** After each answer. */
    readonly onAnswer: (name: string, done: number) => void;
}

/** Lets contestants answer all problems, several at a time. @throws what `loadRast` lists, the signal's reason */
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
    // As many at a time as the engine runs together.
    const queue = task.problems.entries();
    const worker = async (): Promise<void> => {
        for (const [ordinal, problem] of queue) {
            signal.throwIfAborted();
            const { tokens, ...answer } = await answerTo(task.promptOf(problem), ordinal, contestant, rast, input);
            const { correct, workedOut } = task.grade(answer, problem);
            sums.correct += correct ? 1 : 0;
            sums.workedOut += workedOut ? 1 : 0;
            sums.tokens += tokens;
            input.onAnswer(contestant.name, ++sums.done);
        }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    const total = task.problems.length;
    return {
        name: contestant.name,
        control: contestant.control,
        ...accuracyOf(sums.correct, total),
        workedOut: sums.workedOut / total,
        tokens: sums.tokens,
        seconds: (performance.now() - start) / 1000
    };
}

async function answerTo<Problem>(
    prompt: string,
    ordinal: number,
    { opening, options }: Contestant,
    rast: Rast,
    { trio, seed, signal }: EvaluateInput<Problem>
): Promise<{ text: string; stopReason: string; tokens: number }> {
    const asked = (trio.promptTemplate ?? "{prompt}").replace("{prompt}", () => prompt) + opening;
    const settings = { ...trio.sampling, ...options, seed, ordinal, signal };
    const { text, stopReason, usage } = await rast.complete({ ...settings, prompt: asked, raw: true });
    return { text: opening + text, stopReason, tokens: usage.completionTokens };
}
