// What makes up a whole as stacked bars: the time of a step, the memory of an engine. A section without data is null.
import { measuredBytes, memoryByPart, memoryParts } from "../record/memory.js";
import { memoryInWords } from "../print/memory-table.js";
import { stepParts } from "../print/tables.js";
import { sizeInWords } from "../record/words.js";
import type { BenchRecord } from "../record/schema.js";
import { barChart, type Bar, type BarPart } from "../../report/bar-chart.js";
import { figure, partTable, section, tick } from "../../report/figures.js";
import { markup, type Markup } from "../../report/html.js";
import { groupRows, type RowGroup } from "./row-groups.js";

function stack(names: readonly string[], values: readonly number[]): BarPart[] {
    return names.map((name, index) => ({ name, value: values[index]!, style: `part-${index}` }));
}

function listed(names: readonly string[], values: readonly string[]): string {
    return names.map((name, index) => `${name} ${values[index]!}`).join(", ");
}

/** Time of a step by part. */
export function stepSection({ results }: BenchRecord): Markup | null {
    const measured = results.filter(({ shares, stepMs }) => shares !== null && stepMs !== null);
    return section(
        "Time of a step",
        "What a step spends its milliseconds on. Sampling is fusing, filtering and drawing; overhead is everything " +
            "between the decodes. A step is one token of every sequence, or with drafts one round of them.",
        groupRows(measured, null).map(stepFigure)
    );
}

function stepFigure({ caption, rows }: RowGroup, index: number): Markup {
    const steps = rows.map(({ stepMs }) => stepMs ?? 0);
    const times = rows.map(({ shares }, at) => stepParts.map((part) => steps[at]! * (shares?.[part] ?? 0)));
    // One number of decimals for all of a figure, so that columns line up.
    const longest = Math.max(...steps);
    const digits = (ms: number): string => ms.toFixed(longest >= 1000 ? 0 : longest >= 100 ? 1 : longest >= 1 ? 2 : 3);
    const bars = rows.map((row, at): Bar => {
        const tokens = row.tokensPerRound === null ? "" : `, ${row.tokensPerRound.toFixed(2)} tokens`;
        return {
            label: row.mode,
            value: `${digits(steps[at]!)} ms${tokens}`,
            parts: stack(stepParts, times[at]!),
            error: null,
            mark: null
        };
    });
    const description = rows.map(({ mode }, at) => `${mode} ${listed(stepParts, times[at]!.map(digits))}`);
    const head = {
        id: `step${index}`,
        title: `Milliseconds of a step by part: ${caption}`,
        description: `${description.join("; ")}.`
    };
    const values = {
        what: "ms of a step",
        heads: rows.map(({ mode }) => mode),
        parts: stepParts.map((name, part) => ({ name, values: times.map((of) => digits(of[part]!)) })),
        totals: [{ name: "together", values: steps.map(digits) }]
    };
    return figure(caption, [barChart(head, bars), partTable(values, head.title)]);
}

/** Memory by part, with the measured peak. */
export function memorySection({ memory }: BenchRecord): Markup | null {
    if (memory.length === 0) return null;
    const names = memory.map((row) => memoryInWords(row, memory));
    const bytes = memory.map(memoryByPart);
    const accounted = memory.map(({ accountedBytes }) => sizeInWords(accountedBytes));
    const peaks = memory.map(measuredBytes);
    const peaksInWords = peaks.map((peak) => (peak === null ? "not measured" : sizeInWords(peak)));
    const bars = memory.map((_, at): Bar => {
        const peak = peaks[at]!;
        return {
            label: names[at]!,
            value: `${accounted[at]!}${peak === null ? "" : `, peak ${sizeInWords(peak)}`}`,
            parts: stack(memoryParts, bytes[at]!),
            error: null,
            mark: peak
        };
    });
    const description = memory.map((_, at) => {
        const parts = listed(memoryParts, bytes[at]!.map(sizeInWords));
        return `${names[at]!}: ${parts}; accounted ${accounted[at]!}, peak ${peaksInWords[at]!}`;
    });
    const head = { id: "memory", title: "Memory of an engine by part", description: `${description.join(". ")}.` };
    const values = {
        what: "part",
        heads: names,
        parts: memoryParts.map((name, part) => ({ name, values: bytes.map((of) => sizeInWords(of[part]!)) })),
        totals: [
            { name: "accounted", values: accounted },
            { name: "peak", values: peaksInWords }
        ]
    };
    const measured = markup` The tick ${tick} is the measured peak: resident memory of the process beyond what it was
before loading, and what a device's driver tells.`;
    return markup`<section><h2>Memory</h2>
<p class="note">What the engine says it holds, by what it is for.${peaks.some((peak) => peak !== null) ? measured : null}</p>
<figure>${barChart(head, bars)}${partTable(values, head.title)}</figure></section>
`;
}
