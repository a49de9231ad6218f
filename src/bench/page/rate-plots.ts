// Tokens per second as plots: by mode, by number of sequences, by depth. A section without data is null.
import { hasPossibleIdeal, idealEstimate } from "../record/ideal.js";
import { idealInWords } from "../print/tables.js";
import { rateInWords } from "../record/words.js";
import { mean, standardDeviation } from "../record/statistics.js";
import type { BenchRecord, BenchResult } from "../record/schema.js";
import { barChart, type Bar } from "../../report/bar-chart.js";
import { figure, section, tick } from "../../report/figures.js";
import { markup, type Markup } from "../../report/html.js";
import { lineChart, lineLegend, type Line, type LineAxis } from "../../report/line-chart.js";
import { modeOrder, seriesOf } from "./modes.js";
import { groupRows } from "./row-groups.js";

/** Tokens per second by mode: bars. */
export function rateSection({ results }: BenchRecord): Markup | null {
    const figures = groupRows(results, null).map(({ caption, rows }, index) => {
        const description = rows.map((row) => {
            const ideal = idealInWords(row);
            const share = ideal === null ? "" : `, ${ideal} of the ideal`;
            return `${row.mode} ${rateInWords(row.samples)} tokens per second${share}`;
        });
        const head = {
            id: `rate${index}`,
            title: `Tokens per second: ${caption}`,
            description: `${description.join("; ")}.`
        };
        return figure(caption, barChart(head, rows.map(rateBar)));
    });
    const bars =
        "Bars are means over all repetitions, of all sequences together; error bars are one standard deviation.";
    const ideal = markup` The tick ${tick} is the ideal: what bare decodes of the same models, measured in turn with each
sample, would give with nothing between them. The percentage is the median share of it that was reached.`;
    const withIdeal = results.some(({ idealSamples }) => idealSamples.length > 0);
    return section("Tokens per second", [bars, withIdeal ? ideal : null], figures);
}

function rateBar(row: BenchResult): Bar {
    const [rate, deviation] = [mean(row.samples), standardDeviation(row.samples)];
    const ideal = hasPossibleIdeal(row) ? idealEstimate(row) : null;
    const doubt = row.warnings.length > 0 ? "?" : "";
    const share = ideal === null ? "" : ` · ${Math.round(100 * ideal.value)}%${doubt}`;
    return {
        label: row.mode,
        value: `${rateInWords(row.samples)}${doubt} t/s${share}`,
        parts: [{ name: "", value: rate, style: seriesOf(row.mode).style }],
        error: deviation > 0 ? { from: rate - deviation, to: rate + deviation } : null,
        mark: ideal === null ? null : mean(row.idealSamples)
    };
}

/** Tokens per second by the number of sequences: lines. */
export function sequencesSection(record: BenchRecord): Markup | null {
    return lineSection(
        record,
        "sequences",
        "By number of sequences",
        "Tokens per second of all sequences together; the axis has equal steps for equal factors.",
        { name: "sequences", scale: "log" }
    );
}

/** Tokens per second by depth: lines. */
export function depthSection(record: BenchRecord): Markup | null {
    return lineSection(
        record,
        "depth",
        "By depth",
        "Tokens per second when the context already holds so many tokens.",
        { name: "tokens of context before", scale: "linear" }
    );
}

function lineSection(
    { results }: BenchRecord,
    over: "sequences" | "depth",
    title: string,
    note: string,
    axis: LineAxis
): Markup | null {
    const groups = groupRows(results, over).filter(({ rows }) => new Set(rows.map((row) => row[over])).size > 1);
    const figures = groups.map(({ caption, rows }, index) => {
        const lines = modeOrder
            .map((mode): Line => ({
                series: seriesOf(mode),
                points: pointsOf(
                    rows.filter((row) => row.mode === mode),
                    over
                )
            }))
            .filter(({ points }) => points.length > 0);
        const description = lines.map(
            ({ series, points }) => `${series.name} ${points.map(({ x, y }) => `${y.toFixed(2)} at ${x}`).join(", ")}`
        );
        const head = {
            id: `${over}${index}`,
            title: `Tokens per second by ${axis.name}: ${caption}`,
            description: `${description.join("; ")}.`
        };
        const legend = lineLegend(lines.map(({ series }) => series));
        return figure(`${caption}: tokens per second`, [lineChart(head, axis, lines), legend]);
    });
    return section(title, `${note} Lines join means, error bars are one standard deviation.`, figures, "lines");
}

function pointsOf(rows: readonly BenchResult[], over: "sequences" | "depth"): Line["points"] {
    return rows
        .map((row) => ({ x: row[over], y: mean(row.samples), error: standardDeviation(row.samples) }))
        .sort((a, b) => a.x - b.x);
}
