// The tables of a report.
import { fillTable, type Column, type Table } from "../../report/tables.js";
import { plain } from "../../report/shown-text.js";
import type { AtK, ContestantFigures, Difference, EvalReport, Recovery } from "../metrics/report.js";
import { differenceInWords, percent, withInterval } from "./words.js";

/** Figures of all contestants, a row each. */
export function contestantTable({ contestants, samples }: EvalReport): Table {
    const several = samples > 1;
    const at = (name: string, of: (row: ContestantFigures) => readonly AtK[]): Column<ContestantFigures>[] =>
        (several ? of(contestants[0]!) : [])
            .filter(({ k }) => k > 1)
            .map(({ k }) => ({
                name: `${name}@${k}`,
                align: "right",
                cell: (row) => percent(of(row).find((one) => one.k === k)!.value)
            }));
    const columns: Column<ContestantFigures>[] = [
        { name: "", align: "left", cell: ({ label }) => plain(label) },
        {
            name: several ? "accuracy = pass@1" : "accuracy",
            align: "right",
            cell: ({ accuracy }) => withInterval(accuracy)
        },
        ...at("pass", ({ passAtK }) => passAtK),
        ...at("majority", ({ majorityAtK }) => majorityAtK),
        { name: "no answer", align: "right", cell: ({ withoutAnswer }) => percent(withoutAnswer) },
        { name: "cut off", align: "right", cell: ({ cutOff }) => percent(cutOff) },
        {
            name: "took too long",
            align: "right",
            optional: true,
            cell: ({ timedOut }) => (timedOut === 0 ? null : String(timedOut))
        },
        {
            name: "not asked",
            align: "right",
            optional: true,
            cell: ({ failed }) => (failed === 0 ? null : String(failed))
        },
        { name: "tokens", align: "right", optional: true, cell: ({ tokens }) => tokens?.mean.toFixed(0) ?? null },
        {
            name: "tokens/s",
            align: "right",
            optional: true,
            cell: ({ tokensPerSecond }) => tokensPerSecond?.toFixed(tokensPerSecond < 100 ? 1 : 0) ?? null
        }
    ];
    return fillTable(columns, contestants);
}

/** Differences in points of a percent; null without any. */
export function differenceTable({ differences }: EvalReport): Table | null {
    if (differences.length === 0) return null;
    const columns: Column<Difference>[] = [
        { name: "", align: "left", cell: ({ a }) => plain(a) },
        { name: "less", align: "left", cell: ({ b }) => plain(b) },
        { name: "points", align: "right", cell: differenceInWords }
    ];
    return fillTable(columns, differences);
}

/** Recovery rates; null without any. */
export function recoveryTable({ recovery }: EvalReport): Table | null {
    if (recovery.length === 0) return null;
    const columns: Column<Recovery>[] = [
        { name: "", align: "left", cell: ({ contestant }) => plain(contestant) },
        { name: "recovery rate", align: "right", cell: withInterval },
        { name: "from", align: "left", cell: ({ base }) => plain(base) },
        { name: "to", align: "left", cell: ({ reference }) => plain(reference) }
    ];
    return fillTable(columns, recovery);
}
