import type { Part } from "../../eval/contestants.js";
import type { Score } from "../../eval/run.js";
import type { DemoProblem } from "../../eval/sums.js";
import { RastError } from "../../errors.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { showExamples } from "../demo/examples.js";
import { shownPairs, type ShownPair } from "../demo/pairs.js";
import { rows, showHead, showMeaning, showRow, type PairScores, type Row } from "../demo/table.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { readFlags, switchFlag, textFlag, valueFlag, wrongFlag } from "../flag.js";
import { drawsSeed } from "../flags/draws.js";
import { interruptible } from "../interruption.js";
import { painter, StatusLine } from "../output.js";

const flags = {
    trio: textFlag("--trio <name>", "demo, demo-seed2 or demo-strong alone (default demo beside demo-strong)"),
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
    description: "solve small sums with bundled trios: side by side, then accuracies",
    flags,
    run
};

interface Evaluation {
    readonly problems: readonly DemoProblem[];
    readonly seed: number;
    readonly signal: AbortSignal;
    /** After each answer, of how many there will be. */
    readonly onAnswer: (part: Part) => void;
}

async function run({ io, typed }: CommandCall): Promise<ExitCode> {
    const { trio: trioName, problems: count = 200, seed = 1, json = false } = readFlags(flags, typed);
    const { recoveryRate } = await import("../../eval/metrics/recovery-rate.js");
    const { readDemoProblems } = await import("../../eval/sums.js");
    const problems = await readDemoProblems();
    if (count > problems.length) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected at most ${problems.length} for --problems, received ${count}.`
        );
    }
    const pairs = await shownPairs(trioName);
    if (!json) io.stdout.write(`${painter(io)("bold", "RAST on the bundled demo models")}\n`);
    const status = new StatusLine(io);
    const total = count * rows.reduce((sum, { perPair }) => sum + (perPair ? pairs.length : 1), 0);
    let finished = 0;
    const work = async (signal: AbortSignal): Promise<PairScores[]> => {
        if (!json) {
            await showExamples(io, pairs, problems, { seed, signal });
            showHead(io, pairs, count);
        }
        const evaluation = {
            problems: problems.slice(0, count),
            seed,
            signal,
            onAnswer: (part: Part) => status.show(progressBar(++finished / total, part))
        };
        const onRow = (row: Row, scores: readonly Score[]): void => {
            status.clear();
            if (!json) showRow(io, row, scores);
        };
        return evaluateRows(pairs, evaluation, onRow).finally(() => status.clear());
    };
    // Whatever fails when the engine is taken away is the interruption's doing.
    const { value, interruptedBy } = await interruptible(io.signals, work, () => true);
    if (value === undefined) return exitCodeOf(interruptedBy!);
    const results = pairs.map((pair, index) => {
        const scores = value[index]!;
        const right = (part: "base" | "rast" | "trained base"): number => scores[part].value;
        const shares = { base: right("base"), rast: right("rast"), reference: right("trained base") };
        return { ...pair, scores, recoveryRate: recoveryRate(shares) };
    });
    if (!json) {
        showMeaning(io, results);
        return exitCodes.ok;
    }
    const trios = results.map(({ trio, scores, recoveryRate }) => ({
        trio: trio.name,
        lambda: trio.pairs[0]!.lambda,
        recoveryRate: recoveryRate ?? null,
        scores: rows.map(({ part }) => scores[part])
    }));
    io.stdout.write(`${JSON.stringify({ problems: count, seed, trios })}\n`);
    return exitCodes.ok;
}

/** Row by row, the pairs of a row at the same time. @returns the scores of each pair */
async function evaluateRows(
    pairs: readonly ShownPair[],
    { problems, seed, signal, onAnswer }: Evaluation,
    onRow: (row: Row, scores: readonly Score[]) => void
): Promise<PairScores[]> {
    const { contestant } = await import("../../eval/contestants.js");
    const { evaluate } = await import("../../eval/run.js");
    const { sumsTask } = await import("../../eval/sums.js");
    const task = sumsTask(problems);
    const found = pairs.map((): Partial<Record<Part, Score>> => ({}));
    for (const row of rows) {
        const columns = row.perPair ? pairs : pairs.slice(0, 1);
        const settled = await Promise.allSettled(
            columns.map(async ({ trio }) => {
                const input = { task, trio, seed, signal, onAnswer };
                const [score] = await evaluate([contestant(trio, row.part)], input);
                return score!;
            })
        );
        const scores = settled.map((one) => {
            if (one.status === "rejected") throw one.reason;
            return one.value;
        });
        for (const [index, of] of found.entries()) of[row.part] = scores[row.perPair ? index : 0]!;
        onRow(row, scores);
    }
    return found as PairScores[];
}

function progressBar(fraction: number, name: string): string {
    const width = 30;
    const filled = Math.round(fraction * width);
    return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${Math.floor(fraction * 100)}% ${name}`;
}
