// The printers of a record.
import { idealEstimate } from "../record/ideal.js";
import { memoryTable } from "./memory-table.js";
import { networkTable, resultTable, stepParts, stepTable, warningsInWords } from "./tables.js";
import { activityInWords, originInWords } from "../record/words.js";
import { mean, median, standardDeviation } from "../record/statistics.js";
import type { BenchRecord, BenchResult } from "../record/schema.js";
import { csvLines, markdownTable } from "../../report/tables.js";

/** How a record can be printed. */
export const recordFormats = ["md", "csv", "json", "jsonl"] as const;
export type RecordFormat = (typeof recordFormats)[number];

/**
 * A record as text that ends in a newline.
 * @param format "md": tables for people; "csv": a line per result; "json": the record itself; "jsonl": an object per result
 */
export function printRecord(record: BenchRecord, format: RecordFormat): string {
    switch (format) {
        case "md":
            return printMarkdown(record);
        case "csv":
            return printCsv(record);
        case "json":
            return `${JSON.stringify(record, null, 4)}\n`;
        case "jsonl":
            return printJsonLines(record);
    }
}

function printMarkdown(record: BenchRecord): string {
    const activity = activityInWords(record);
    const sections = [
        `${originInWords(record)}\n${activity === "" ? "" : `${activity}\n`}`,
        markdownTable(resultTable(record))
    ];
    const step = stepTable(record);
    if (step !== null) sections.push(`Time of a step:\n\n${markdownTable(step)}`);
    const network = networkTable(record);
    if (network !== null) sections.push(`Workers, for a token:\n\n${markdownTable(network)}`);
    const memory = memoryTable(record);
    if (memory !== null) sections.push(`Memory:\n\n${markdownTable(memory)}`);
    const warnings = warningsInWords(record);
    if (warnings.length > 0) {
        const items = warnings.map((warning) => `- ${warning}\n`).join("");
        sections.push(
            `**Not to be believed as it stands** (a quiet machine, --wait-quiet, more repetitions or --loads help):\n\n${items}`
        );
    }
    return sections.join("\n");
}

// One object per result: the record's head and the result's fields side by side, as llama-bench does.
// Memory is of engines, not of results: JSON leaves out what is undefined.
function printJsonLines({ results, ...head }: BenchRecord): string {
    return results.map((result) => `${JSON.stringify({ ...head, memory: undefined, ...result })}\n`).join("");
}

type Field = readonly [name: string, value: (result: BenchResult, record: BenchRecord) => string | number | null];

const list = (values: readonly (string | number)[]): string => values.join(";");

const fields: readonly Field[] = [
    ["schema", (_, { schema }) => schema],
    ["date", (_, { date }) => date],
    ["command", (_, { command }) => command],
    ["cpu", (_, { machine }) => machine.cpu],
    ["cores", (_, { machine }) => machine.cores],
    ["memoryBytes", (_, { machine }) => machine.memoryBytes],
    ["platform", (_, { machine }) => machine.platform],
    ["arch", (_, { machine }) => machine.arch],
    ["release", (_, { machine }) => machine.release],
    ["node", (_, { machine }) => machine.node],
    ["devices", (_, { machine }) => list(machine.devices.map(({ description }) => description))],
    ["driver", (_, { machine }) => machine.driver],
    ["rast", (_, { versions }) => versions.rast],
    ["nodeLlamaCpp", (_, { versions }) => versions.nodeLlamaCpp],
    ["llamaCpp", (_, { versions }) => versions.llamaCpp],
    ["ggml", (_, { versions }) => versions.ggml],
    ["ggmlCommit", (_, { versions }) => versions.ggmlCommit],
    ["backend", (_, { backend }) => backend],
    ["backendReason", (_, { backendReason }) => backendReason],
    ["trio", (_, { trio }) => trio],
    ["modelFiles", (_, { models }) => list(models.map(({ file }) => file))],
    ["modelDescriptions", (_, { models }) => list(models.map(({ description }) => description))],
    ["modelBytes", (_, { models }) => list(models.map(({ fileBytes }) => fileBytes))],
    ["modelParameters", (_, { models }) => list(models.map(({ parameterCount }) => parameterCount))],
    ["repetitions", (_, { repetitions }) => repetitions],
    ["loads", (_, { loads }) => loads],
    ["seed", (_, { seed }) => seed],
    ["test", ({ test }) => test],
    ["kind", ({ kind }) => kind],
    ["mode", ({ mode }) => mode],
    ["tokens", ({ tokens }) => tokens],
    ["depth", ({ depth }) => depth],
    ["sequences", ({ sequences }) => sequences],
    ["threads", ({ threads }) => threads],
    ["gpuLayers", ({ gpuLayers }) => gpuLayers],
    ["kvType", ({ kvType }) => kvType],
    ["lambdas", ({ lambdas }) => list(lambdas)],
    ["temperature", ({ temperature }) => temperature],
    ["topP", ({ topP }) => topP],
    ["meanPerSecond", ({ samples }) => mean(samples)],
    ["sdPerSecond", ({ samples }) => standardDeviation(samples)],
    ["medianPerSecond", ({ samples }) => median(samples)],
    ["warnings", ({ warnings }, record) => [...record.warnings, ...warnings].join("; ")],
    ["othersCpus", ({ noise }) => noise?.othersCpus ?? null],
    ["stealShare", ({ noise }) => noise?.stealShare ?? null],
    ["throttledShare", ({ noise }) => noise?.throttledShare ?? null],
    ["yardstickMs", ({ noise }) => list(noise?.yardstickMs ?? [])],
    ["ofIdeal", (result) => idealEstimate(result)?.value ?? null],
    ["ofIdealLow", (result) => idealEstimate(result)?.interval?.[0] ?? null],
    ["ofIdealHigh", (result) => idealEstimate(result)?.interval?.[1] ?? null],
    ["hostBytesPerToken", ({ hostBytesPerToken }) => hostBytesPerToken],
    ...stepParts.map((part): Field => [`${part}Share`, ({ shares }) => shares?.[part] ?? null]),
    ["stepMs", ({ stepMs }) => stepMs],
    ["agreement", ({ agreement }) => agreement],
    ["tokensPerRound", ({ tokensPerRound }) => tokensPerRound],
    ["networkBytes", ({ network }) => network?.bytes ?? null],
    ["networkMs", ({ network }) => network?.networkMs ?? null],
    ["workerMs", ({ network }) => network?.workerMs ?? null],
    ["networkWaits", ({ network }) => network?.waits ?? null],
    ["path", ({ path }) => path],
    ["samples", ({ samples }) => list(samples)],
    ["idealSamples", ({ idealSamples }) => list(idealSamples)]
];

function printCsv(record: BenchRecord): string {
    return csvLines([
        fields.map(([name]) => name),
        ...record.results.map((result) => fields.map(([, value]) => value(result, record)))
    ]);
}
