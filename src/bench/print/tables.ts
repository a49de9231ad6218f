// The tables of a record's rows, as the printers and the page show them.
import { settingsInWords, shownSettings, varyingSettings, type Setting } from "../record/cases.js";
import { hasPossibleIdeal, idealEstimate } from "../record/ideal.js";
import { median, type Estimate } from "../record/statistics.js";
import {
    modelsInWords,
    modelsOf,
    parametersInWords,
    rateInWords,
    shareInWords,
    sizeInWords,
    threeDigits
} from "../record/words.js";
import type { BenchCase, BenchNetwork, BenchRecord, BenchResult } from "../record/schema.js";
import { plain } from "../../report/shown-text.js";
import { fillTable, type Column, type Table } from "../../report/tables.js";

/** Parts of a step, in the order of the stack. */
export const stepParts = ["base", "expert", "antiexpert", "sampling", "overhead"] as const;

/** Settings as columns. */
export function settingColumns(which: readonly Setting[]): Column<BenchCase>[] {
    return which.map(({ name, value }) => ({
        name,
        align: "right",
        cell: (row) => {
            const text = value(row);
            return text === null ? null : plain(text);
        }
    }));
}

/** Columns that say which row it is: what differs between rows, test and mode. */
export function caseColumns(which: readonly Setting[]): Column<BenchCase>[] {
    return [
        ...settingColumns(which),
        { name: "test", align: "right", cell: ({ test }) => plain(test) },
        { name: "mode", align: "left", cell: ({ mode }) => mode }
    ];
}

/** "0.97 [0.95, 0.98]", or the value alone. */
export function estimateInWords({ value, interval }: Estimate): string {
    const digits = (number: number): string => number.toFixed(2);
    return interval === null ? digits(value) : `${digits(value)} [${interval.map(digits).join(", ")}]`;
}

/** The ratio to the ideal; with "?" where there are warnings, and nothing but that where it cannot be. Null without one. */
export function idealInWords(row: BenchResult): string | null {
    const estimate = idealEstimate(row);
    if (estimate === null) return null;
    if (!hasPossibleIdeal(row)) return "?";
    return `${estimateInWords(estimate)}${row.warnings.length > 0 ? "?" : ""}`;
}

/** Warnings, each with the rows that it is of: "tg128, draft, 4 sequences: other programs used 0.97 of 2 CPUs". */
export function warningsInWords({ warnings, results }: BenchRecord): string[] {
    const varying = varyingSettings(results);
    const rows = results.flatMap((row) => {
        const name = [row.test, row.mode, settingsInWords(row, varying)].filter((word) => word !== "").join(", ");
        return row.warnings.length === 0 ? [] : [`${name}: ${row.warnings.join("; ")}`];
    });
    return [...warnings, ...rows].map(plain);
}

/**
 * The results: llama-bench's columns in its words and order, and ours. The mode stands before the rate that it explains.
 * @param withModels whether the columns that say which models ran on what come first
 */
export function resultTable(record: BenchRecord, withModels = true): Table {
    const columns: Column<BenchResult>[] = [
        ...(withModels ? modelColumns(record) : []),
        ...caseColumns(shownSettings(record.results)),
        ...measuredColumns
    ];
    return fillTable(columns, record.results);
}

function modelColumns(record: BenchRecord): Column<BenchResult>[] {
    const models = (row: BenchResult): BenchRecord["models"] => modelsOf(record, row.mode);
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
    return [
        { name: "model", align: "left", cell: (row) => modelsInWords(models(row)) },
        {
            name: "size",
            align: "right",
            cell: (row) => sizeInWords(sum(models(row).map(({ fileBytes }) => fileBytes)))
        },
        {
            name: "params",
            align: "right",
            cell: (row) => parametersInWords(sum(models(row).map(({ parameterCount }) => parameterCount)))
        },
        { name: "backend", align: "left", cell: () => plain(record.backend) }
    ];
}

const measuredColumns: readonly Column<BenchResult>[] = [
    { name: "t/s", align: "right", cell: ({ samples }) => rateInWords(samples) },
    { name: "median", align: "right", cell: ({ samples }) => median(samples).toFixed(2) },
    { name: "of ideal", align: "right", optional: true, cell: idealInWords },
    {
        name: "bytes/token",
        align: "right",
        optional: true,
        cell: ({ hostBytesPerToken: bytes }) =>
            bytes === null ? null : Number.isInteger(bytes) ? String(bytes) : bytes.toFixed(1)
    },
    { name: "agreement", align: "right", optional: true, cell: ({ agreement }) => agreement?.toFixed(3) ?? null },
    {
        name: "tokens/round",
        align: "right",
        optional: true,
        cell: ({ tokensPerRound }) => tokensPerRound?.toFixed(2) ?? null
    },
    {
        name: "warnings",
        align: "right",
        optional: true,
        cell: ({ warnings }) => (warnings.length === 0 ? null : String(warnings.length))
    }
];

/** What a token needed of workers and of the way to them; null where no row has any. */
export function networkTable(record: BenchRecord): Table | null {
    const rows = record.results.filter(({ network }) => network !== null);
    if (rows.length === 0) return null;
    const column = (name: string, of: (network: BenchNetwork) => string): Column<BenchResult> => ({
        name,
        align: "right",
        cell: ({ network }) => (network === null ? null : of(network))
    });
    return fillTable(
        [
            ...caseColumns(varyingSettings(rows)),
            column("ms here", ({ hereMs }) => threeDigits(hereMs)),
            column("ms of workers", ({ workerMs }) => threeDigits(workerMs)),
            column("ms of network", ({ networkMs }) => threeDigits(networkMs)),
            column("waits", ({ waits }) => waits.toFixed(2)),
            column("network KiB", ({ bytes }) => (bytes / 1024).toFixed(1))
        ],
        rows
    );
}

/** How long a step takes and what its time goes into; null where no row says. */
export function stepTable(record: BenchRecord): Table | null {
    const rows = record.results.filter(({ shares, stepMs }) => shares !== null || stepMs !== null);
    if (rows.length === 0) return null;
    const columns: Column<BenchResult>[] = [
        ...caseColumns(varyingSettings(rows)),
        ...stepParts.map((part): Column<BenchResult> => ({
            name: part,
            align: "right",
            cell: ({ shares }) => (shares === null ? null : shareInWords(shares[part]))
        })),
        {
            name: "ms/step",
            align: "right",
            cell: ({ stepMs }) => (stepMs === null ? null : threeDigits(stepMs))
        }
    ];
    return fillTable(columns, rows);
}
