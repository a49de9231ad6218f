// Accuracies over many problems, a row for each part and a column for each pair.
import type { Part } from "../../eval/contestants.js";
import type { Score } from "../../eval/run.js";
import type { CommandIo } from "../io.js";
import { painter } from "../output.js";
import type { ShownPair } from "./pairs.js";

/** A row: who answers, and whether each pair has its own. */
export interface Row {
    readonly part: Part;
    readonly title: string;
    readonly perPair: boolean;
}

/** In the order in which they are measured and shown. */
export const rows: readonly Row[] = [
    { part: "base", title: "base alone", perPair: false },
    { part: "antiexpert", title: "antiexpert: small, before learning", perPair: true },
    { part: "expert", title: "expert: small, after learning", perPair: true },
    { part: "rast", title: "RAST: base + expert - antiexpert", perPair: true },
    { part: "begun base", title: 'base, every answer begun with "S:"', perPair: false },
    { part: "trained base", title: "base after learning itself", perPair: false }
];

const titleWidth = 38;
const cellWidth = 24;
const percent = (value: number): string => `${(100 * value).toFixed(1)}%`;

/** What stands above the rows. */
export function showHead(io: CommandIo, pairs: readonly ShownPair[], problems: number): void {
    const title = `${problems} problems that training never saw`;
    const columns = pairs.map(({ label }) => label.padEnd(cellWidth)).join("");
    io.stdout.write(
        `\n${painter(io)("bold", title)}, one answer each, drawn at temperature 1: right answers [95% interval]\n` +
            `${" ".repeat(titleWidth)}${columns.trimEnd()}\n`
    );
}

/** @param scores one, or one of each pair */
export function showRow(io: CommandIo, { part, title }: Row, scores: readonly Score[]): void {
    const cells = scores.map(({ value, low, high }) =>
        `${percent(value).padStart(6)} [${percent(low)}, ${percent(high)}]`.padEnd(cellWidth)
    );
    const line = `  ${title.padEnd(titleWidth - 2)}${cells.join("").trimEnd()}`;
    io.stdout.write(`${part === "rast" ? painter(io)("bold", line) : line}\n`);
}

/** Scores by part; of those that each pair has of its own, that pair's. */
export type PairScores = Readonly<Record<Part, Score>>;

/** What the figures say, in sentences that hold for whatever they are. */
export function showMeaning(
    io: CommandIo,
    pairs: readonly (ShownPair & { readonly scores: PairScores; readonly recoveryRate: number | undefined })[]
): void {
    const { base, "begun base": begun } = pairs[0]!.scores;
    const each = (say: (of: (typeof pairs)[number]) => string): string =>
        pairs.map((of) => `with ${of.label.endsWith(" pair") ? "the " : ""}${of.label} ${say(of)}`).join(", ");
    const write = (line: string): void => void io.stdout.write(`${line}\n`);
    write("\nIs it only that sums get worked out, not guessed? How many are:");
    write(`  base alone ${percent(base.workedOut)}; RAST ${each(({ scores }) => percent(scores.rast.workedOut))}.`);
    write('With "S:" put in its mouth the base works out all of them, and no small model is needed.');
    write(`  So it has ${percent(begun.value)} right. Against that RAST is`);
    write(`  ${each(({ scores }) => comparison(scores.rast, begun))}.`);
    const rates = pairs.map(({ recoveryRate }) => recoveryRate);
    if (rates.every((rate) => rate !== undefined)) {
        write("Of what reinforcement learning itself gives the base, RAST gives");
        write(`  ${each(({ recoveryRate }) => percent(recoveryRate!))}.`);
    }
}

/** Better or worse only where the intervals are apart. */
function comparison(a: Score, b: Score): string {
    const how = a.low > b.high ? "better" : a.high < b.low ? "worse" : "neither better nor worse for sure";
    return `${how} (${percent(a.value)})`;
}
