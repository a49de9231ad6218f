// The printers of a comparison.
import type { Comparison, ComparedRow } from "../record/compare.js";
import { caseFields, settings, settingsInWords, varyingSettings } from "../record/cases.js";
import { caseColumns } from "./tables.js";
import { plain } from "../../report/shown-text.js";
import type { BenchCase } from "../record/schema.js";
import { csvLines, fillTable, markdownTable, type Column } from "../../report/tables.js";

/** How a comparison can be printed. */
export const comparisonFormats = ["md", "csv", "json"] as const;
export type ComparisonFormat = (typeof comparisonFormats)[number];

/** A comparison as text that ends in a newline; "csv" has a line per case, of one record or of both. */
export function printComparison(comparison: Comparison, format: ComparisonFormat): string {
    switch (format) {
        case "md":
            return printMarkdown(comparison);
        case "csv":
            return printCsv(comparison);
        case "json":
            return `${JSON.stringify(comparison, null, 4)}\n`;
    }
}

function printMarkdown({ a, b, criterion, warnings, rows, onlyInA, onlyInB }: Comparison): string {
    const rate = ({ mean, standardDeviation }: ComparedRow["a"]): string =>
        `${mean.toFixed(2)} ± ${standardDeviation.toFixed(2)}`;
    const right = (name: string, cell: Column<ComparedRow>["cell"], optional = false): Column<ComparedRow> => ({
        name,
        align: "right",
        cell,
        optional
    });
    const columns: Column<ComparedRow>[] = [
        ...caseColumns(varyingSettings(rows.map((row) => row.case))).map(({ cell, ...rest }) => ({
            ...rest,
            cell: (row: ComparedRow) => cell(row.case)
        })),
        right("a t/s", (row) => rate(row.a)),
        right("b t/s", (row) => rate(row.b)),
        right("b / a", (row) => row.ratio.toFixed(3)),
        right("a of ideal", (row) => row.a.ofIdeal?.toFixed(2) ?? null, true),
        right("b of ideal", (row) => row.b.ofIdeal?.toFixed(2) ?? null, true),
        right("b / a of ideal", (row) => row.idealRatio?.toFixed(3) ?? null, true),
        { name: "b is", align: "left", cell: (row) => row.verdict }
    ];
    const only = (name: string, cases: readonly BenchCase[]): string =>
        cases.length === 0
            ? ""
            : `\nOnly in ${name}:\n\n${cases.map((row) => `- ${plain(caseInWords(row))}\n`).join("")}`;
    return [
        `- a: ${plain(a.name)}: ${a.origin}\n- b: ${plain(b.name)}: ${b.origin}\n`,
        ...warnings.map((warning) => `- **Note:** ${plain(warning)}\n`),
        `\n${markdownTable(fillTable(columns, rows))}\n${criterion}\n`,
        only("a", onlyInA),
        only("b", onlyInB)
    ].join("");
}

function caseInWords(row: BenchCase): string {
    return `${row.test}, ${row.mode}, ${settingsInWords(row, settings)}`;
}

function printCsv({ rows, onlyInA, onlyInB }: Comparison): string {
    const cells = (row: BenchCase): (string | number)[] =>
        caseFields.map((field) => {
            const value = row[field];
            return typeof value === "string" || typeof value === "number" ? value : value.join(";");
        });
    const rates = ({
        mean,
        standardDeviation,
        median,
        ofIdeal,
        samples
    }: ComparedRow["a"]): (string | number | null)[] => [mean, standardDeviation, median, ofIdeal, samples.join(";")];
    const names = ["MeanPerSecond", "SdPerSecond", "MedianPerSecond", "OfIdeal", "Samples"];
    const nothing = new Array<null>(2 * names.length + 2).fill(null);
    return csvLines([
        [
            ...caseFields,
            ...names.map((name) => `a${name}`),
            ...names.map((name) => `b${name}`),
            "ratio",
            "idealRatio",
            "verdict"
        ],
        ...rows.map((row) => [
            ...cells(row.case),
            ...rates(row.a),
            ...rates(row.b),
            row.ratio,
            row.idealRatio,
            row.verdict
        ]),
        ...onlyInA.map((row) => [...cells(row), ...nothing, "only in a"]),
        ...onlyInB.map((row) => [...cells(row), ...nothing, "only in b"])
    ]);
}
