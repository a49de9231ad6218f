// The plots of an evaluation. A section without data is null.
import { barChart, type Bar } from "../../report/bar-chart.js";
import { figure, section } from "../../report/figures.js";
import type { Markup } from "../../report/html.js";
import { lineChart, lineLegend, type Line, type LineAxis, type LinePoint } from "../../report/line-chart.js";
import type { AtK, ContestantFigures, EvalReport } from "../metrics/report.js";
import { percent, problems, withInterval } from "../print/words.js";
import { seriesOf } from "./looks.js";

type Figures = readonly ContestantFigures[];

/** Accuracies with intervals: bars. */
export function accuracySection({ contestants, data }: EvalReport): Markup | null {
    const bars = contestants.map(({ label, role, accuracy }): Bar => ({
        label,
        value: withInterval(accuracy),
        parts: [{ name: "", value: 100 * accuracy.value, style: seriesOf(role).style }],
        error: { from: 100 * accuracy.low, to: 100 * accuracy.high },
        mark: null
    }));
    const head = {
        id: "accuracy",
        title: `Accuracy on ${data.name}`,
        description: `${contestants.map(({ label, accuracy }) => `${label} ${withInterval(accuracy)}`).join("; ")}.`
    };
    return section(
        "Accuracy",
        "Share of right samples, with its interval at 95%, over problems.",
        [figure(`${data.name}, ${problems(data.asked)}`, barChart(head, bars))],
        "lines"
    );
}

/** Accuracy by the strength of the delta: a line for each trio that has several strengths. */
export function sweepSection({ contestants }: EvalReport): Markup | null {
    const figures = triosOf(contestants).flatMap(({ caption, of }, index) => {
        const steps = of
            .filter(({ role, lambda }) => role === "rast" && lambda !== null && new Set(lambda).size === 1)
            .sort((a, b) => a.lambda![0]! - b.lambda![0]!);
        if (steps.length < 2) return [];
        const [from, to] = [steps[0]!.lambda![0]!, steps.at(-1)!.lambda![0]!];
        // The axis of the chart begins at the first value, whichever that is.
        const level = (one: ContestantFigures): Line => ({
            series: seriesOf(one.role, one.role),
            points: [from, to].map((x) => ({ x, y: 100 * one.accuracy.value, error: 0 }))
        });
        const others = of.filter(({ role }) => role === "base" || role === "reference" || role === "expert");
        const lines: Line[] = [
            ...others.map(level),
            { series: seriesOf("rast"), points: steps.map((one) => accuracyAt(one.lambda![0]!, one)) }
        ];
        const words = steps.map(({ lambda, accuracy }) => `${percent(accuracy.value)} at ${lambda![0]!}`).join(", ");
        const level2 = others.map(({ role, accuracy }) => `; ${role} ${percent(accuracy.value)}`).join("");
        const head = {
            id: `sweep${index}`,
            title: `Accuracy by lambda${caption === "" ? "" : `: ${caption}`}`,
            description: `RAST ${words}${level2}.`
        };
        return [
            charted(
                `${caption === "" ? "" : `${caption}: `}percent right`,
                head,
                { name: "lambda", scale: "linear" },
                lines
            )
        ];
    });
    return section(
        "By strength of the delta",
        "Accuracy of RAST by lambda, with intervals at 95%; base, expert and reference, which have no lambda, as levels.",
        figures,
        "lines"
    );
}

function accuracyAt(x: number, { accuracy }: ContestantFigures): LinePoint {
    return { x, y: 100 * accuracy.value, error: 0, range: { from: 100 * accuracy.low, to: 100 * accuracy.high } };
}

/** pass@k and majority@k: curves, two pictures for each trio. */
export function curveSection({ contestants, samples }: EvalReport): Markup | null {
    if (samples < 2) return null;
    const kinds: readonly (readonly [string, string, (one: ContestantFigures) => readonly AtK[]])[] = [
        ["pass", "pass@k", ({ passAtK }) => passAtK],
        ["majority", "majority@k", ({ majorityAtK }) => majorityAtK]
    ];
    const figures = triosOf(contestants).flatMap(({ caption, of }, index) =>
        kinds.map(([id, name, valuesOf]) => {
            const shown = shownIn(of);
            const lines = shown.map((one): Line => ({
                series: seriesOf(one.role, withoutTrio(one, of)),
                points: valuesOf(one).map(({ k, value }) => ({ x: k, y: 100 * value, error: 0 }))
            }));
            const words = shown.map(
                (one) =>
                    `${withoutTrio(one, of)} ${valuesOf(one)
                        .map(({ k, value }) => `${percent(value)} at ${k}`)
                        .join(", ")}`
            );
            const head = {
                id: `${id}${index}`,
                title: `${name}${caption === "" ? "" : `: ${caption}`}`,
                description: `${words.join("; ")}.`
            };
            return charted(
                `${caption === "" ? "" : `${caption}: `}${name}, percent`,
                head,
                { name: "samples", scale: "log" },
                lines
            );
        })
    );
    return section(
        "By number of samples",
        "pass@k: at least one of k samples is right (unbiased estimate). majority@k: the answer that most of k samples give is right. " +
            "Of several strengths of RAST one is drawn, lambda 1 where it is among them.",
        figures,
        "lines"
    );
}

/** Lengths of texts: bars. */
export function lengthSection({ contestants }: EvalReport): Markup | null {
    const known = contestants.filter(({ tokens }) => tokens !== null);
    if (known.length === 0) return null;
    const words = ({ tokens }: ContestantFigures): string =>
        `${tokens!.mean.toFixed(0)}, median ${tokens!.median.toFixed(0)}, nine tenths up to ${tokens!.ninth.toFixed(0)}`;
    const bars = known.map((one): Bar => ({
        label: one.label,
        value: words(one),
        parts: [{ name: "", value: one.tokens!.mean, style: seriesOf(one.role).style }],
        error: null,
        mark: one.tokens!.median
    }));
    const head = {
        id: "length",
        title: "Tokens of a text",
        description: `${known.map((one) => `${one.label} ${words(one)}`).join("; ")}.`
    };
    return section(
        "Length",
        "Mean tokens of a text; the tick is the median.",
        [figure("tokens", barChart(head, bars))],
        "lines"
    );
}

interface TrioFigures {
    /** Empty where there is one. */
    readonly caption: string;
    readonly of: Figures;
}

// Servers and a reference belong to all.
function triosOf(contestants: Figures): TrioFigures[] {
    const names = [...new Set(contestants.filter(({ role }) => role !== "server").map(({ trio }) => trio))];
    if (names.length === 0) return [{ caption: "", of: contestants }];
    const reference = contestants.find(({ role }) => role === "reference");
    return names.map((name) => {
        const own = contestants.filter(({ role, trio }) => role === "server" || trio === name);
        const of = reference === undefined || own.includes(reference) ? own : [...own, reference];
        return { caption: names.length === 1 ? "" : (name ?? "models"), of };
    });
}

function shownIn(of: Figures): Figures {
    const rast = of.filter(({ role }) => role === "rast");
    const one = rast.find(({ lambda }) => lambda!.every((value) => value === 1)) ?? rast[Math.floor(rast.length / 2)];
    return of.filter((each) => each.role !== "rast" || each === one);
}

function withoutTrio({ label, trio }: ContestantFigures, of: Figures): string {
    const prefix = `${trio}: `;
    return of.length > 0 && label.startsWith(prefix) ? label.slice(prefix.length) : label;
}

function charted(
    caption: string,
    head: Parameters<typeof lineChart>[0],
    axis: LineAxis,
    lines: readonly Line[]
): Markup {
    return figure(caption, [lineChart(head, axis, lines), lineLegend(lines.map(({ series }) => series))]);
}
