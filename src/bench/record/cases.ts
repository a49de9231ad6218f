// What tells the rows of a record apart: equality of cases, and which of their settings are worth showing.
import type { BenchCase } from "./schema.js";

/** All fields of a case, in the order in which differences are named. */
export const caseFields = [
    "test",
    "kind",
    "mode",
    "tokens",
    "depth",
    "sequences",
    "threads",
    "gpuLayers",
    "kvType",
    "lambdas",
    "temperature",
    "topP"
] as const satisfies readonly (keyof BenchCase)[];

// Fails to compile when a field of BenchCase is missing above.
type Missing = Exclude<keyof BenchCase, (typeof caseFields)[number]>;
const complete: [Missing] extends [never] ? true : Missing = true;
void complete;

/** Equal for two rows exactly when all fields of their cases are. */
export function caseKey(row: BenchCase): string {
    return JSON.stringify(caseFields.map((field) => row[field]));
}

/** A setting of a case that becomes a column of its own. */
export interface Setting {
    /** llama-bench's word where it has one. */
    readonly name: string;
    /** What it has to be to go without saying; null: it is always said. */
    readonly usual: string | null;
    /** Null where it plays no part in a row. */
    readonly value: (row: BenchCase) => string | null;
    /** For captions, e.g. "4 sequences". */
    readonly inWords: (value: string) => string;
}

/** The settings of a case besides test and mode. The usual values are the defaults of the engine without a GPU. */
export const settings: readonly Setting[] = [
    {
        name: "threads",
        usual: null,
        value: (row) => String(row.threads),
        inWords: (value) => (value === "1" ? "1 thread" : `${value} threads`)
    },
    {
        name: "ngl",
        usual: "0",
        value: (row) => String(row.gpuLayers),
        inWords: (value) => `${value} layers on the GPU`
    },
    { name: "type_kv", usual: "f16", value: (row) => row.kvType, inWords: (value) => `KV cache ${value}` },
    {
        name: "sequences",
        usual: "1",
        value: (row) => String(row.sequences),
        inWords: (value) => (value === "1" ? "1 sequence" : `${value} sequences`)
    },
    {
        name: "lambda",
        usual: "1",
        value: (row) => (row.mode === "base" || row.kind === "pp" ? null : inShort(row.lambdas)),
        inWords: (value) => `lambda ${value}`
    },
    {
        name: "temperature",
        usual: "1",
        value: (row) => (row.kind === "pp" ? null : String(row.temperature)),
        inWords: (value) => (value === "0" ? "greedy" : `temperature ${value}`)
    },
    {
        name: "top_p",
        usual: "0.95",
        // the likeliest token is in any top-p
        value: (row) => (row.kind === "pp" || row.temperature === 0 ? null : String(row.topP)),
        inWords: (value) => `top-p ${value}`
    }
];

function inShort(lambdas: readonly number[]): string {
    const distinct = [...new Set(lambdas)];
    return (distinct.length === 1 ? distinct : lambdas).join(", ");
}

function valuesOf(setting: Setting, rows: readonly BenchCase[]): Set<string> {
    return new Set(rows.map((row) => setting.value(row)).filter((value) => value !== null));
}

/** Settings that differ between rows. */
export function varyingSettings(rows: readonly BenchCase[]): Setting[] {
    return settings.filter((setting) => valuesOf(setting, rows).size > 1);
}

/** Settings that differ between rows or are not what they usually are: llama-bench's rule for its columns. */
export function shownSettings(rows: readonly BenchCase[]): Setting[] {
    return settings.filter((setting) =>
        [...valuesOf(setting, rows)].some((value, index) => index > 0 || value !== setting.usual)
    );
}

/** Some settings of a row in words, e.g. "4 sequences, lambda 0.5"; empty where there is nothing to say. */
export function settingsInWords(row: BenchCase, which: readonly Setting[]): string {
    const words = which.map((setting) => {
        const value = setting.value(row);
        return value === null ? null : setting.inWords(value);
    });
    return words.filter((word) => word !== null).join(", ");
}
