// Lines over a number, one per series.
import { markup, type Markup } from "./html.js";
import type { Series } from "./series.js";
import { chart, fits, line, percent, type ChartHead } from "./svg.js";

/** The values of one series. */
export interface Line {
    readonly series: Series;
    /** From left to right. */
    readonly points: readonly LinePoint[];
}

/** A value, with an error bar of `error` up and down, or from `range.from` to `range.to`. */
export interface LinePoint {
    readonly x: number;
    readonly y: number;
    readonly error: number;
    readonly range?: { readonly from: number; readonly to: number };
}

function rangeOf({ y, error, range }: LinePoint): { readonly from: number; readonly to: number } {
    return range ?? { from: y - error, to: y + error };
}

/** The horizontal axis. */
export interface LineAxis {
    readonly name: string;
    /** "log": equal steps for equal factors; only for numbers above zero. */
    readonly scale: "linear" | "log";
}

/** Pixels. */
const plotTop = 20;
const plotHeight = 180;
const plotBottom = plotTop + plotHeight;
/** Shares of the width. */
const plotLeft = 0.15;
const plotRight = 0.92;

/** Lines with a marker and an error bar at each point, from zero upwards. */
export function lineChart(head: ChartHead, axis: LineAxis, lines: readonly Line[]): Markup {
    const points = lines.flatMap((one) => one.points);
    const ticks = niceTicks(points.reduce((largest, point) => Math.max(largest, rangeOf(point).to), 0));
    const values = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
    const place = placement(values, axis.scale, ticks.at(-1)!);
    return chart(head, plotBottom + 44, [
        ticks.map((tick) => drawTick(tick, place.y(tick))),
        labelled(values, place).map((value) => drawLabel(value, place.x(value))),
        markup`<text class="soft" x="100%" y="${plotBottom + 38}" text-anchor="end">${axis.name}</text>
`,
        lines.map((one) => drawLine(one, place))
    ]);
}

interface Place {
    /** Share of the width. */
    readonly x: (value: number) => number;
    /** In pixels. */
    readonly y: (value: number) => number;
}

function placement(values: readonly number[], scale: LineAxis["scale"], top: number): Place {
    const along = scale === "log" ? Math.log2 : (value: number): number => value;
    const [first, last] = [along(values[0]!), along(values.at(-1)!)];
    const share = (value: number): number => (last === first ? 0.5 : (along(value) - first) / (last - first));
    return {
        x: (value) => plotLeft + (plotRight - plotLeft) * share(value),
        y: (value) => Math.round(10 * (plotBottom - (plotHeight * value) / top)) / 10
    };
}

/** Round numbers from zero to at least the largest value, four to six of them. */
export function niceTicks(most: number): number[] {
    if (!(most > 0)) return [0, 1];
    const rough = most / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
    const steps = Math.ceil((most / step) * 0.999);
    return Array.from({ length: steps + 1 }, (_, index) => Number((index * step).toPrecision(10)));
}

/** "0", "2.5", "12k", "3M", "1e-5": never more than six characters. */
export function tickInWords(tick: number): string {
    if (tick >= 1e9 || (tick > 0 && tick < 1e-3)) return tick.toExponential().replace("e+", "e");
    if (tick >= 1e6) return `${Number((tick / 1e6).toPrecision(4))}M`;
    return tick >= 1e4 ? `${Number((tick / 1e3).toPrecision(4))}k` : String(tick);
}

function drawTick(tick: number, y: number): Markup {
    const ends = { x1: 0, x2: 1, y1: y, y2: y };
    return markup`${line(ends, tick === 0 ? "axis" : "grid")}<text class="soft" x="0" y="${y - 5}">${tickInWords(tick)}</text>
`;
}

// Few digits only where there are so many that they would not fit.
function labelOf(value: number): string {
    return value >= 1e6 ? tickInWords(value) : String(value);
}

function drawLabel(value: number, x: number): Markup {
    const ends = { x1: x, x2: x, y1: plotBottom, y2: plotBottom + 5 };
    return markup`${line(ends, "axis")}<text x="${percent(x)}" y="${plotBottom + 19}" text-anchor="middle">${labelOf(value)}</text>
`;
}

// Values whose labels have room between the one before and the last, which is always labelled.
function labelled(values: readonly number[], place: Place): number[] {
    const far = (a: number, b: number): boolean => fits(labelOf(a) + labelOf(b), 2 * Math.abs(place.x(a) - place.x(b)));
    const last = values.at(-1)!;
    const kept: number[] = [];
    for (const value of values.slice(0, -1)) {
        if (far(value, last) && kept.every((other) => far(other, value))) kept.push(value);
    }
    return [...kept, last];
}

function drawLine({ series, points }: Line, place: Place): Markup {
    const segments = points.slice(1).map((to, index) => {
        const from = points[index]!;
        return line({ x1: place.x(from.x), x2: place.x(to.x), y1: place.y(from.y), y2: place.y(to.y) }, "line");
    });
    const marks = points.map((point) => {
        const { x, y } = point;
        const { from, to } = rangeOf(point);
        const at = percent(place.x(x));
        const [low, high] = [place.y(Math.max(0, from)), place.y(to)];
        const path = `M0 ${low}V${high}M-4 ${low}H4M-4 ${high}H4`;
        // Within a marker's height an error bar would only blur it.
        const bar = low - high < 8 ? null : markup`<svg x="${at}"><path class="error" d="${path}"/></svg>`;
        return markup`${bar}<svg x="${at}" y="${place.y(y)}">${series.marker}</svg>`;
    });
    return markup`<g class="${series.style}">${segments}${marks}</g>
`;
}

/** What the lines of some series look like. */
export function lineLegend(all: readonly Series[]): Markup {
    const stroke = line({ x1: 0, x2: 1, y1: 7, y2: 7 }, "line");
    const items = all.map(({ name, style, marker }) => {
        const placed = markup`<svg x="17" y="7">${marker}</svg>`;
        return markup`<li><svg class="${style}" width="34" height="14" aria-hidden="true">${stroke}${placed}</svg>${name}</li>
`;
    });
    return markup`<ul class="legend">
${items}</ul>`;
}
