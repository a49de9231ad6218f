// The memory of engines as a table.
import { plain } from "../../report/shown-text.js";
import { fillTable, type Column, type Table } from "../../report/tables.js";
import { settings } from "../record/cases.js";
import { measuredRatio, memoryByPart, memoryParts, repackedBytes } from "../record/memory.js";
import type { BenchMemory, BenchRecord } from "../record/schema.js";
import { sizeInWords } from "../record/words.js";

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
            optional: true,
            cell: (row) => measuredRatio(row)?.toFixed(2) ?? null
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
