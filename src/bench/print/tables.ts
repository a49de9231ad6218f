// The tables of a record, as the printers and the page show them.
import { settings, shownSettings, varyingSettings, type Setting } from "../record/cases.js";
import { idealEstimate } from "../record/ideal.js";
import { measuredBytes, memoryByPart, memoryParts, repackedBytes } from "../record/memory.js";
import type { Estimate } from "../record/statistics.js";
import {
    modelsInWords,
    modelsOf,
    parametersInWords,
    rateInWords,
    shareInWords,
    sizeInWords,
    threeDigits
} from "../record/words.js";
import type { BenchCase, BenchMemory, BenchRecord, BenchResult } from "../record/schema.js";
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

/**
 * The results: llama-bench's columns in its words and order, and ours. The mode stands before the rate that it explains.
 * @param withModels whether the columns that say which models ran on what come first
 */
export function resultTable(record: BenchRecord, withModels = true): Table {
    const models = (row: BenchResult): BenchRecord["models"] => modelsOf(record, row.mode);
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
    const ofModels: Column<BenchResult>[] = [
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
    const columns: Column<BenchResult>[] = [
        ...(withModels ? ofModels : []),
        ...caseColumns(shownSettings(record.results)),
        { name: "t/s", align: "right", cell: ({ samples }) => rateInWords(samples) },
        {
            name: "of ideal",
            align: "right",
            optional: true,
            cell: (row) => {
                const estimate = idealEstimate(row);
                return estimate === null ? null : estimateInWords(estimate);
            }
        },
        {
            name: "bytes/token",
            align: "right",
            optional: true,
            cell: ({ hostBytesPerToken: bytes }) =>
                bytes === null ? null : Number.isInteger(bytes) ? String(bytes) : bytes.toFixed(1)
        },
        {
            name: "agreement",
            align: "right",
            optional: true,
            cell: ({ agreement }) => agreement?.toFixed(3) ?? null
        },
        {
            name: "tokens/round",
            align: "right",
            optional: true,
            cell: ({ tokensPerRound }) => tokensPerRound?.toFixed(2) ?? null
        }
    ];
    return fillTable(columns, record.results);
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

const repackedColumn: Column<BenchMemory> = {
    name: "of it repacked",
    align: "right",
    optional: true,
    cell: (row) => (repackedBytes(row) === 0 ? null : sizeInWords(repackedBytes(row)))
};

/** Memory of each engine by purpose, and what was measured against what is accounted for; null without any. */
export function memoryTable({ memory }: BenchRecord): Table | null {
    if (memory.length === 0) return null;
    const columns: Column<BenchMemory>[] = [
        ...memorySettings
            .filter(({ always, value }) => always || differs(value, memory))
            .map(({ name, value }): Column<BenchMemory> => ({
                name,
                align: "right",
                cell: (row) => plain(value(row))
            })),
        ...memoryParts.flatMap((name, index): Column<BenchMemory>[] => [
            { name, align: "right", cell: (row) => sizeInWords(memoryByPart(row)[index]!) },
            ...(name === "weights" ? [repackedColumn] : [])
        ]),
        { name: "accounted", align: "right", cell: ({ accountedBytes }) => sizeInWords(accountedBytes) },
        {
            name: "peak",
            align: "right",
            cell: ({ peakBytes }) => (peakBytes === null ? null : sizeInWords(peakBytes))
        },
        {
            name: "device",
            align: "right",
            optional: true,
            cell: ({ deviceBytes }) => (deviceBytes === null ? null : sizeInWords(deviceBytes))
        },
        {
            name: "measured/accounted",
            align: "right",
            cell: (row) => {
                const measured = measuredBytes(row);
                return measured === null || row.accountedBytes === 0
                    ? null
                    : (measured / row.accountedBytes).toFixed(2);
            }
        }
    ];
    return fillTable(columns, memory);
}

interface MemorySetting {
    readonly name: string;
    /** Shown even where all rows are alike. */
    readonly always: boolean;
    readonly value: (memory: BenchMemory) => string;
    readonly inWords: (memory: BenchMemory) => string;
}

const memorySettings: readonly MemorySetting[] = [
    ...settings
        .filter(({ name }) => name === "threads" || name === "ngl" || name === "type_kv")
        .map(({ name, inWords }) => {
            const value = ({ threads, gpuLayers, kvType }: BenchMemory): string =>
                name === "threads" ? String(threads) : name === "ngl" ? String(gpuLayers) : kvType;
            return { name, always: false, value, inWords: (row: BenchMemory) => inWords(value(row)) };
        }),
    { name: "sampler", always: true, value: ({ sampler }) => sampler, inWords: ({ sampler }) => sampler },
    {
        name: "drafts",
        always: true,
        value: ({ speculation }) => (speculation ? "yes" : "no"),
        inWords: ({ speculation }) => (speculation ? "drafts" : "no drafts")
    },
    {
        name: "context",
        always: true,
        value: ({ contextSize }) => String(contextSize),
        inWords: ({ contextSize }) => `context ${contextSize}`
    },
    {
        name: "sequences",
        always: true,
        value: ({ sequences }) => String(sequences),
        inWords: ({ sequences }) => (sequences === 1 ? "1 sequence" : `${sequences} sequences`)
    }
];

function differs(value: MemorySetting["value"], among: readonly BenchMemory[]): boolean {
    return new Set(among.map(value)).size > 1;
}

/** An engine's settings in words, as far as they tell it from the others, e.g. "device, drafts, 4 sequences". */
export function memoryInWords(row: BenchMemory, among: readonly BenchMemory[]): string {
    return memorySettings
        .filter(({ name, value }) => name === "sampler" || name === "drafts" || differs(value, among))
        .map(({ inWords }) => plain(inWords(row)))
        .join(", ");
}
