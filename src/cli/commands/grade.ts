import { once } from "node:events";
import type { BadLine, GradedLine, GradeFileOptions, GradeSummary } from "../../grading/grade-file.js";
import { RastError } from "../../errors.js";
import { counted } from "../../explain/page/words.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodeOf, exitCodes, type ExitCode } from "../exit-codes.js";
import { oneLine } from "../failure.js";
import { expandHome, fileFlag, readFlags, switchFlag, textFlag } from "../flag.js";
import { interruptible } from "../interruption.js";
import { painter } from "../output.js";
import type { Output } from "../io.js";

const flags = {
    outputField: textFlag("--output-field <name>", "field with what a model said, a text or a list of them"),
    answerField: textFlag("--answer-field <name>", "field with the right answer"),
    answers: fileFlag(
        "--answers <name|file>",
        "take right answers from a data set (JSON lines, JSON, CSV; gsm8k, math500 ...), by id, question or place"
    ),
    wrong: switchFlag("--wrong", "list only outputs that are wrong"),
    quiet: switchFlag("-q, --quiet", "print the totals alone"),
    json: switchFlag("--json", "print a line of JSON for each output, and one of totals; errors as JSON, too")
};

/** `rast grade`: whether the answers in a file of outputs are right. */
export const grade: CommandDeclaration = {
    name: "grade",
    description: "grade the outputs in a file: what was answered, whether it is right, and why",
    operands: {
        usage: "<file>",
        description: "JSON lines or CSV with an output and an answer each; - is standard input",
        advice: "It grades one file at a time."
    },
    examples: [
        ["rast grade outputs.jsonl", "every answer, and the accuracy"],
        ["rast grade --wrong samples_math500.jsonl", "what lm-eval logged, and is wrong"],
        ["rast grade --json -q outputs.jsonl", "the totals as JSON"],
        ["rast grade batch-outputs.jsonl --answers math500", "what rast generate --batch wrote"]
    ],
    flags,
    run
};

async function run({ io, operands, typed }: CommandCall): Promise<ExitCode> {
    const { gradeFile } = await import("../../grading/grade-file.js");
    const { outputField, answerField, answers, wrong = false, quiet = false, json = false } = readFlags(flags, typed);
    const path = operands[0]!;
    if (path === "-" && io.stdin.isTTY === true) {
        throw new RastError(
            "ERR_GRADE_FILE",
            "Nothing to grade: standard input is a terminal. Name a file, or pipe one in."
        );
    }
    const paint = painter(io);
    const badLines = new BadLines(io, path);
    const options = (signal: AbortSignal, book: GradeFileOptions["answers"]): GradeFileOptions => ({
        ...(book === undefined ? {} : { answers: book }),
        ...(outputField === undefined ? {} : { outputField }),
        ...(answerField === undefined || answers !== undefined ? {} : { answerField }),
        signal,
        onGraded: async (graded) => {
            await badLines.release();
            if (quiet || (wrong && graded.right)) return;
            await write(io.stdout, json ? `${JSON.stringify({ type: "graded", ...graded })}\n` : lineOf(graded, paint));
        },
        onBadLine: async (bad) => {
            if (json && !quiet) await write(io.stdout, `${JSON.stringify({ type: "bad", ...bad })}\n`);
            else await badLines.add(bad);
        }
    });
    const source = path === "-" ? (io.stdin as AsyncIterable<Uint8Array>) : expandHome(path);
    const { value, interruptedBy } = await interruptible(io.signals, async (signal) => {
        const book = answers === undefined ? undefined : await answersIn(answers, answerField, signal);
        const summary = await gradeFile(source, options(signal, book));
        await badLines.release();
        return summary;
    });
    if (value === undefined) {
        io.stderr.write("rast: interrupted; there are no totals.\n");
        return exitCodeOf(interruptedBy!);
    }
    await write(io.stdout, json ? `${JSON.stringify({ type: "summary", ...value })}\n` : totalsOf(value));
    return value.badLines > 0 ? exitCodes.failure : exitCodes.ok;
}

async function answersIn(
    name: string,
    answer: string | undefined,
    signal: AbortSignal
): Promise<NonNullable<GradeFileOptions["answers"]>> {
    const { loadData } = await import("../../eval/data/load-data.js");
    return (await loadData(name, { answer }, { signal })).problems;
}

const mostNamed = 20;

/** Says which lines cannot be graded: none before one that can, as an error says it all otherwise, and not more than a screen of them. */
class BadLines {
    readonly #io: CommandCall["io"];
    readonly #path: string;
    #held: BadLine[] = [];
    #named = 0;
    #released = false;

    constructor(io: CommandCall["io"], path: string) {
        this.#io = io;
        this.#path = path;
    }

    async add(bad: BadLine): Promise<void> {
        if (this.#named + this.#held.length > mostNamed) return;
        this.#held.push(bad);
        if (this.#released) await this.release();
    }

    /** Something is graded. */
    async release(): Promise<void> {
        this.#released = true;
        const lines = this.#held;
        this.#held = [];
        for (const bad of lines) {
            const last = ++this.#named > mostNamed;
            const text = last
                ? "rast: further lines that cannot be graded are counted, not named.\n"
                : badLineOf(bad, this.#path);
            await write(this.#io.stderr, text);
        }
    }
}

// A file may be larger than memory, and so may what is said of it.
async function write(stream: Output, text: string): Promise<void> {
    if (!stream.write(text)) await once(stream, "drain");
}

function lineOf(
    { line, sample, right, extracted, gold, reason }: GradedLine,
    paint: ReturnType<typeof painter>
): string {
    const place = sample === 0 ? String(line) : `${line}.${sample}`;
    const verdict = right ? paint("green", "right") : paint("red", "wrong");
    const answer =
        extracted === null
            ? ":"
            : ` ${shown(extracted)}${right && extracted === gold ? "" : paint("dim", ` for ${shown(gold)}`)}:`;
    return `${place.padStart(6)} ${verdict}${answer} ${reason}\n`;
}

function shown(text: string): string {
    const line = oneLine(text.trim());
    return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function badLineOf({ line, reason }: BadLine, path: string): string {
    return `rast: line ${line} of ${path === "-" ? "standard input" : path}: ${oneLine(reason)}.\n`;
}

function totalsOf({ accuracy, records, withoutAnswer, timedOut, badLines, repeatedLines }: GradeSummary): string {
    const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
    const { value, low, high, correct, total } = accuracy;
    const lines = [
        `${percent(value)} right: ${correct} of ${counted(total, "output")} (95%: ${percent(low)} to ${percent(high)})` +
            (records === total ? "" : `, of ${counted(records, "record")}`),
        `${percent(withoutAnswer / total)} without an answer: ${withoutAnswer}`,
        ...(timedOut === 0 ? [] : [`${timedOut} took too long and ${timedOut === 1 ? "counts" : "count"} as wrong`]),
        ...(repeatedLines === 0
            ? []
            : [
                  `${counted(repeatedLines, "line")} ${repeatedLines === 1 ? "repeats a record" : "repeat records"} for a further filter and ${repeatedLines === 1 ? "was" : "were"} left out`
              ]),
        ...(badLines === 0 ? [] : [`${counted(badLines, "line")} could not be graded`])
    ];
    return `${lines.join("\n")}\n`;
}
