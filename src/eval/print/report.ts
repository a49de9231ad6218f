// A report as text.
import { csvLines, markdownTable } from "../../report/tables.js";
import { plain } from "../../report/shown-text.js";
import type { EvalReport } from "../metrics/report.js";
import { contestantTable, differenceTable, recoveryTable } from "./tables.js";
import { intervalsInWords, modelsInWords, settingsInWords } from "./words.js";

/** Tables in Markdown, which read well on a terminal too. */
export function printMarkdown(report: EvalReport): string {
    const differences = differenceTable(report);
    const recovery = recoveryTable(report);
    const sections = [
        `${plain(settingsInWords(report))}\n`,
        markdownTable(contestantTable(report)),
        `${intervalsInWords(report)}\n`,
        ...(recovery === null ? [] : [markdownTable(recovery)]),
        ...(differences === null ? [] : [markdownTable(differences)]),
        ...report.notes.map((note) => `${plain(note)}\n`)
    ];
    return sections.join("\n");
}

/** A line for each contestant, shares from 0 to 1. */
export function printCsv({ contestants, data, samples, recovery }: EvalReport): string {
    const first = contestants[0]!;
    const head = [
        ...["contestant", "role", "trio", "lambda", "models", "data", "problems", "samples"],
        ...["accuracy", "low", "high", "right", "graded"],
        ...first.passAtK.map(({ k }) => `pass@${k}`),
        ...first.majorityAtK.map(({ k }) => `majority@${k}`),
        ...["recovery_rate", "without_answer", "cut_off", "timed_out", "not_asked"],
        ...["mean_tokens", "median_tokens", "tokens_per_second"]
    ];
    const rows = contestants.map((one) => [
        ...[one.label, one.role, one.trio, one.lambda?.join(" ") ?? null, modelsInWords(one)],
        ...[data.name, data.asked, samples],
        ...[one.accuracy.value, one.accuracy.low, one.accuracy.high, one.accuracy.correct, one.accuracy.total],
        ...one.passAtK.map(({ value }) => value),
        ...one.majorityAtK.map(({ value }) => value),
        recovery.find(({ contestant }) => contestant === one.label)?.value ?? null,
        ...[one.withoutAnswer, one.cutOff, one.timedOut, one.failed],
        ...[one.tokens?.mean ?? null, one.tokens?.median ?? null, one.tokensPerSecond]
    ]);
    return csvLines([head, ...rows]);
}
