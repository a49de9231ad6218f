// Rows that belong into one plot.
import { settings, settingsInWords, varyingSettings, type Setting } from "../record/cases.js";
import type { BenchResult } from "../record/schema.js";
import { modeOrder } from "./modes.js";

/** Rows that differ in mode alone, or in mode and what a plot runs over. */
export interface RowGroup {
    /** What the rows have in common and others have not, e.g. "tg128, 4 sequences". */
    readonly caption: string;
    /** In the order of modes. */
    readonly rows: readonly BenchResult[];
}

/** What the rows of a group may differ in besides the mode. */
export type Over = "sequences" | "depth" | null;

/** Groups in the order of their first rows. */
export function groupRows(rows: readonly BenchResult[], over: Over): RowGroup[] {
    const apart = settings.filter(({ name }) => name !== "lambda" && name !== over);
    const groups = new Map<string, BenchResult[]>();
    for (const row of rows) {
        const test = over === "depth" ? [row.kind, row.tokens] : [row.test, row.kind, row.tokens, row.depth];
        const key = JSON.stringify([...test, ...apart.map(({ value }) => value(row))]);
        groups.set(key, [...(groups.get(key) ?? []), row]);
    }
    const shown = varyingSettings(rows).filter(({ name }) => name !== over);
    return [...groups.values()].flatMap(splitByLambda).map((group) => describe(group, over, shown));
}

// The base alone has no lambda: it stands beside the rows of every one.
function splitByLambda(rows: BenchResult[]): BenchResult[][] {
    const lambda = settings.find(({ name }) => name === "lambda")!;
    const values = [...new Set(rows.map(lambda.value).filter((value) => value !== null))];
    if (values.length < 2) return [rows];
    return values.map((value) => rows.filter((row) => [null, value].includes(lambda.value(row))));
}

function describe(rows: readonly BenchResult[], over: Over, shown: readonly Setting[]): RowGroup {
    // a row with a lambda, where there is one, says the most
    const one = rows.find(({ mode }) => mode !== "base") ?? rows[0]!;
    const test = over === "depth" ? `${one.kind}${one.tokens}` : one.test;
    const words = settingsInWords(one, shown);
    return {
        caption: words === "" ? test : `${test}, ${words}`,
        rows: [...rows].sort((a, b) => modeOrder.indexOf(a.mode) - modeOrder.indexOf(b.mode))
    };
}
