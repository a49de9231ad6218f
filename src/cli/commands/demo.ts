import type { Rast } from "../../engine/engine.js";
import type { Score } from "../../eval/run.js";
import type { DemoProblem } from "../../eval/sums.js";
import { RastError } from "../../errors.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { readFlags, switchFlag, textFlag, valueFlag, wrongFlag } from "../flag.js";
import { drawsSeed } from "../flags/draws.js";
import { interruptible } from "../interruption.js";
import type { CommandIo } from "../io.js";
import { painter, StatusLine } from "../output.js";

const flags = {
    trio: textFlag("--trio <name>", "demo, demo-seed2 or demo-strong (default demo)"),
    problems: valueFlag(
        "--problems <integer>",
        "held-out problems to solve, at most 1000 (default 200)",
        (text, name) => {
            const count = Number(text);
            if (!Number.isInteger(count) || count < 1) throw wrongFlag(name, "an integer from 1", text);
            return count;
        }
    ),
    seed: drawsSeed,
    json: switchFlag("--json", "print one JSON object with the accuracies; errors as JSON, too")
};

/** `rast demo`: a few problems side by side, then accuracies over many. */
export const demo: CommandDeclaration = {
    name: "demo",
    description: "solve small sums with a bundled trio: side by side, then accuracies",
    flags,
    run
};

async function run({ io, typed }: CommandCall): Promise<ExitCode> {
    const { trio: trioName = "demo", problems: count = 200, seed = 1, json = false } = readFlags(flags, typed);
    const { contestantsOf, recoveryRate } = await import("../../eval/contestants.js");
    const { evaluate } = await import("../../eval/run.js");
    const { readDemoProblems, sumsTask } = await import("../../eval/sums.js");
    const problems = await readDemoProblems();
    if (count > problems.length) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected at most ${problems.length} for --problems, received ${count}.`
        );
    }
    const { trio, contestants } = await contestantsOf(trioName);
    const status = new StatusLine(io);
    const work = async (signal: AbortSignal): Promise<Score[]> => {
        if (!json) await showExamples(io, trio.file, problems, seed, signal);
        if (!json) {
            const title = `${count} held-out problems, sampled at temperature 1`;
            io.stdout.write(`\n${painter(io)("bold", title)}\n`);
        }
        let finished = 0;
        return evaluate(contestants, {
            trio,
            task: sumsTask(problems.slice(0, count)),
            seed,
            signal,
            onAnswer: (name) => {
                finished += 1;
                status.show(progressBar(finished / (count * contestants.length), name));
            }
        }).finally(() => status.clear());
    };
    // Whatever fails when the engine is taken away is the interruption's doing.
    const { value: scores } = await interruptible(io.signals, work, () => true);
    if (scores === undefined) return exitCodes.interrupted;
    const recovery = recoveryRate(scores);
    if (json) {
        const { name, pairs } = trio;
        const report = { trio: name, lambda: pairs[0]!.lambda, problems: count, seed, scores };
        io.stdout.write(`${JSON.stringify({ ...report, recoveryRate: recovery ?? null })}\n`);
    } else {
        printScores(io, scores, recovery);
    }
    return exitCodes.ok;
}

async function showExamples(
    io: CommandIo,
    trio: string,
    problems: readonly DemoProblem[],
    seed: number,
    signal: AbortSignal
): Promise<void> {
    const { loadRast } = await import("../../loading/load.js");
    const rast = await loadRast({ trio, signal });
    try {
        introduce(io, rast);
        for (const problem of chooseExamples(problems)) await sideBySide(io, rast, problem, seed, signal);
    } finally {
        await rast.dispose();
    }
}

// One in words with something beside the point in it, one more in words, one in figures.
function chooseExamples(problems: readonly DemoProblem[]): DemoProblem[] {
    const kinds = [/ sees /, / has (?!.* sees )/, /^\d/];
    return kinds.flatMap((kind) => problems.find((problem) => kind.test(problem.prompt)) ?? []);
}

function introduce(io: CommandIo, rast: Rast): void {
    const { base, pairs } = rast.info;
    io.stdout.write(
        `${painter(io)("bold", "RAST on the bundled trio")}: base ${base.parameterCount.toLocaleString("en")} parameters, ` +
            `expert and antiexpert ${pairs[0]!.expert.parameterCount.toLocaleString("en")} each, ` +
            `${base.quantization ?? "?"}, on ${base.device}\n` +
            "The base can work a sum out and seldom does; reinforcement learning taught the small model to.\n"
    );
}

async function sideBySide(
    io: CommandIo,
    rast: Rast,
    problem: DemoProblem,
    seed: number,
    signal: AbortSignal
): Promise<void> {
    const { isCorrect } = await import("../../eval/sums.js");
    const paint = painter(io);
    io.stdout.write(`\n${paint("bold", `${problem.prompt}?`)}  (${problem.answer})\n`);
    for (const mode of ["base", "rast"] as const) {
        io.stdout.write(mode === "base" ? "  base alone  " : "  with RAST   ");
        const generation = rast.generate({ prompt: problem.prompt, mode, seed, signal });
        for await (const part of generation) io.stdout.write(part.text);
        const result = await generation.result;
        signal.throwIfAborted();
        const right = isCorrect(result, problem);
        io.stdout.write(
            `  ${right ? paint("green", "right") : paint("red", "wrong")}, ${Math.round(result.timings.tokensPerSecond)} tokens/s\n`
        );
    }
}

function progressBar(fraction: number, name: string): string {
    const width = 30;
    const filled = Math.round(fraction * width);
    return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${Math.floor(fraction * 100)}% ${name}`;
}

function printScores(io: CommandIo, scores: readonly Score[], recovery: number | undefined): void {
    const paint = painter(io);
    const percent = (value: number): string => `${(100 * value).toFixed(1)}%`;
    const line = (score: Score): string =>
        `  ${score.name.padEnd(34)}${percent(score.value).padStart(7)}  ` +
        `[${percent(score.low)}, ${percent(score.high)}]`.padEnd(18) +
        `${percent(score.workedOut).padStart(8)} worked out ${Math.round(score.tokens / score.seconds)
            .toString()
            .padStart(7)} tokens/s\n`;
    for (const score of scores.filter((one) => !one.control)) {
        io.stdout.write(score.name === "RAST" ? paint("bold", line(score)) : line(score));
    }
    io.stdout.write("for comparison\n");
    for (const score of scores.filter((one) => one.control)) io.stdout.write(line(score));
    if (recovery !== undefined) {
        io.stdout.write(`RAST gives the base ${percent(recovery)} of what reinforcement learning itself gives it.\n`);
    }
}
