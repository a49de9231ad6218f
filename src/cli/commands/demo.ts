import { loadRast } from "../../engine/load.js";
import type { Rast } from "../../engine/engine.js";
import { contestantsOf, recoveryRate } from "../../eval/contestants.js";
import { evaluate, type Score } from "../../eval/run.js";
import { isCorrect, readDemoProblems, sumsTask, type DemoProblem } from "../../eval/sums.js";
import { RastError } from "../../errors.js";
import { Interruption } from "../interruption.js";
import { exitCodes, paint, StatusLine } from "../output.js";

/** `rast demo`: a few problems side by side, then accuracies over many. */
export async function runDemo(flags: Record<string, unknown>): Promise<void> {
    const trioName = typeof flags["trio"] === "string" ? flags["trio"] : "demo";
    const count = readCount(flags["problems"]);
    const seed = readSeed(flags["seed"]);
    const json = flags["json"] === true;
    const problems = await readDemoProblems();
    if (count > problems.length) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected at most ${problems.length} for --problems, received ${count}.`
        );
    }
    const { trio, contestants } = await contestantsOf(trioName);
    const interruption = new Interruption();
    const { signal } = interruption;
    const status = new StatusLine();
    try {
        if (!json) {
            const rast = await loadRast({ trio: trio.file, signal });
            try {
                introduce(rast);
                for (const problem of chooseExamples(problems)) await sideBySide(rast, problem, seed, signal);
            } finally {
                await rast.dispose();
            }
            process.stdout.write(`\n${paint("bold", `${count} held-out problems, sampled at temperature 1`)}\n`);
        }
        let finished = 0;
        const scores = await evaluate(contestants, {
            trio,
            task: sumsTask(problems.slice(0, count)),
            seed,
            signal,
            onAnswer: (name) => {
                finished += 1;
                status.show(progressBar(finished / (count * contestants.length), name));
            }
        });
        status.clear();
        const recovery = recoveryRate(scores);
        if (json) {
            process.stdout.write(
                `${JSON.stringify({ trio: trio.name, lambda: trio.pairs[0]!.lambda, problems: count, seed, scores, recoveryRate: recovery ?? null })}\n`
            );
        } else {
            printScores(scores, recovery);
        }
    } catch (error) {
        status.clear();
        if (!interruption.happened) throw error;
        process.exitCode = exitCodes.interrupted;
    } finally {
        interruption.end();
    }
}

function readCount(value: unknown): number {
    const count = value === undefined ? 200 : Number(value);
    if (!Number.isInteger(count) || count < 1) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected an integer from 1 for --problems, received "${String(value)}".`
        );
    }
    return count;
}

function readSeed(value: unknown): number {
    const seed = value === undefined ? 1 : Number(value);
    if (!Number.isSafeInteger(seed) || seed < 0) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected an integer from 0 for --seed, received "${String(value)}".`
        );
    }
    return seed;
}

// One in words with something beside the point in it, one more in words, one in figures.
function chooseExamples(problems: readonly DemoProblem[]): DemoProblem[] {
    const kinds = [/ sees /, / has (?!.* sees )/, /^\d/];
    return kinds.flatMap((kind) => problems.find((problem) => kind.test(problem.prompt)) ?? []);
}

function introduce(rast: Rast): void {
    const { base, pairs } = rast.info;
    process.stdout.write(
        `${paint("bold", "RAST on the bundled trio")}: base ${base.parameterCount.toLocaleString("en")} parameters, ` +
            `expert and antiexpert ${pairs[0]!.expert.parameterCount.toLocaleString("en")} each, ` +
            `${base.quantization ?? "?"}, on ${base.device}\n` +
            "The base can work a sum out and seldom does; reinforcement learning taught the small model to.\n"
    );
}

async function sideBySide(rast: Rast, problem: DemoProblem, seed: number, signal: AbortSignal): Promise<void> {
    process.stdout.write(`\n${paint("bold", `${problem.prompt}?`)}  (${problem.answer})\n`);
    for (const mode of ["base", "rast"] as const) {
        process.stdout.write(mode === "base" ? "  base alone  " : "  with RAST   ");
        const generation = rast.generate({ prompt: problem.prompt, mode, seed, signal });
        for await (const part of generation) process.stdout.write(part.text);
        const result = await generation.result;
        signal.throwIfAborted();
        const right = isCorrect(result, problem);
        process.stdout.write(
            `  ${right ? paint("green", "right") : paint("red", "wrong")}, ${Math.round(result.timings.tokensPerSecond)} tokens/s\n`
        );
    }
}

function progressBar(fraction: number, name: string): string {
    const width = 30;
    const filled = Math.round(fraction * width);
    return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${Math.floor(fraction * 100)}% ${name}`;
}

function printScores(scores: readonly Score[], recovery: number | undefined): void {
    const percent = (value: number): string => `${(100 * value).toFixed(1)}%`;
    const line = (score: Score): string =>
        `  ${score.name.padEnd(34)}${percent(score.value).padStart(7)}  ` +
        `[${percent(score.low)}, ${percent(score.high)}]`.padEnd(18) +
        `${percent(score.workedOut).padStart(8)} worked out ${Math.round(score.tokens / score.seconds)
            .toString()
            .padStart(7)} tokens/s\n`;
    for (const score of scores.filter((one) => !one.control)) {
        process.stdout.write(score.name === "RAST" ? paint("bold", line(score)) : line(score));
    }
    process.stdout.write("for comparison\n");
    for (const score of scores.filter((one) => one.control)) process.stdout.write(line(score));
    if (recovery !== undefined) {
        process.stdout.write(
            `RAST gives the base ${percent(recovery)} of what reinforcement learning itself gives it.\n`
        );
    }
}
