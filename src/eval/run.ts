import { dirname, join } from "node:path";
import type { GenerateOptions } from "../engine/generate-options.js";
import type { Rast } from "../engine/engine.js";
import { loadRast } from "../engine/load.js";
import type { LoadOptions } from "../engine/load-options.js";
import { resolveTrio, type Trio } from "../models/trio.js";
import { accuracyOf, isCorrect, type Accuracy, type DemoProblem } from "./sums.js";

/** A way to answer the demo's problems. */
export interface Contestant {
    readonly name: string;
    /** Not part of the ensemble: what the gain has to be seen against. */
    readonly control: boolean;
    readonly load: LoadOptions;
    readonly options: Pick<GenerateOptions, "mode">;
    /** Put in the model's mouth. */
    readonly opening: string;
}

/** How one did. */
export interface Score extends Accuracy {
    readonly name: string;
    readonly control: boolean;
    /** Share of answers that were worked out step by step. */
    readonly workedOut: number;
    readonly tokens: number;
    readonly seconds: number;
}

const parallel = 8;

/** Antiexpert, base, expert and RAST of a bundled trio; then the controls. */
export async function contestantsOf(name: string): Promise<{ trio: Trio; contestants: Contestant[] }> {
    const trio = await resolveTrio(name);
    const rast = { trio: trio.file, parallel };
    const alone = (base: string): LoadOptions => ({ base, parallel });
    const part = { control: false, opening: "", options: {} };
    return {
        trio,
        contestants: [
            { ...part, name: "antiexpert", load: alone(trio.pairs[0]!.antiexpert) },
            { ...part, name: "base", load: rast, options: { mode: "base" } },
            { ...part, name: "expert", load: rast, options: { mode: "expert" } },
            { ...part, name: "RAST", load: rast, options: { mode: "rast" } },
            {
                name: "base, made to go step by step",
                control: true,
                opening: "S:",
                load: rast,
                options: { mode: "base" }
            },
            {
                ...part,
                name: "base after reinforcement learning",
                control: true,
                load: alone(join(dirname(trio.base), "demo-base-rl.gguf"))
            }
        ]
    };
}

/** What an evaluation needs beside the contestants. */
export interface EvaluateInput {
    readonly trio: Trio;
    readonly problems: readonly DemoProblem[];
    readonly seed: number;
    readonly signal: AbortSignal;
    /** After each answer. */
    readonly onAnswer: (name: string, done: number) => void;
}

/** Lets contestants answer all problems, several at a time, each at the trio's own settings. */
export async function evaluate(contestants: readonly Contestant[], input: EvaluateInput): Promise<Score[]> {
    const scores: Score[] = [];
    let loaded: { readonly key: string; readonly rast: Rast } | undefined;
    try {
        for (const contestant of contestants) {
            const key = JSON.stringify(contestant.load);
            if (loaded?.key !== key) {
                await loaded?.rast.dispose();
                loaded = { key, rast: await loadRast({ ...contestant.load, signal: input.signal }) };
            }
            scores.push(await scoreOf(contestant, loaded.rast, input));
        }
        return scores;
    } finally {
        await loaded?.rast.dispose();
    }
}

async function scoreOf(contestant: Contestant, rast: Rast, input: EvaluateInput): Promise<Score> {
    const { trio, problems, seed, signal } = input;
    const start = performance.now();
    let done = 0;
    let correct = 0;
    let workedOut = 0;
    let tokens = 0;
    // As many at a time as the engine runs together.
    const queue = problems.entries();
    const worker = async (): Promise<void> => {
        for (const [ordinal, problem] of queue) {
            signal.throwIfAborted();
            const asked = trio.promptTemplate!.replace("{prompt}", () => problem.prompt) + contestant.opening;
            const options = { ...trio.sampling, ...contestant.options, seed, ordinal, signal };
            const result = await rast.complete({ ...options, prompt: asked, raw: true });
            const text = contestant.opening + result.text;
            correct += isCorrect({ text, stopReason: result.stopReason }, problem) ? 1 : 0;
            workedOut += text.startsWith("S:") ? 1 : 0;
            tokens += result.usage.completionTokens;
            input.onAnswer(contestant.name, ++done);
        }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    return {
        name: contestant.name,
        control: contestant.control,
        ...accuracyOf(correct, problems.length),
        workedOut: workedOut / problems.length,
        tokens,
        seconds: (performance.now() - start) / 1000
    };
}

/** Recovery rate: how much of what reinforcement learning gives the base RAST gives it. */
export function recoveryRate(scores: readonly Score[]): number | undefined {
    const value = (name: string): number | undefined => scores.find((score) => score.name === name)?.value;
    const [base, rast, trained] = [value("base"), value("RAST"), value("base after reinforcement learning")];
    if (base === undefined || rast === undefined || trained === undefined || trained <= base) return undefined;
    return (rast - base) / (trained - base);
}
