// Horizontal bars, plain or stacked, each under its label.
import { markup, type Markup } from "./html.js";
import { chart, fits, line, percent, shortened, type ChartHead } from "./svg.js";

/** A bar from the left edge. */
export interface Bar {
    readonly label: string;
    /** Its value in words. */
    readonly value: string;
    /** Side by side from the left; one for a plain bar. */
    readonly parts: readonly BarPart[];
    /** Error bar. */
    readonly error: { readonly from: number; readonly to: number } | null;
    /** A line across the bar, for what it is measured against. */
    readonly mark: number | null;
}

/** A piece of a bar. */
export interface BarPart {
    /** Written into the piece where there is room; empty: never. */
    readonly name: string;
    readonly value: number;
    /** Class that colours it. */
    readonly style: string;
}

const lineHeight = 20;
const textBaseline = 13;
const barHeight = 18;
const gap = 14;
/** Of the width, so that a mark at the largest value is not cut. */
const reach = 0.99;

/** Bars on a common scale from zero. */
export function barChart(head: ChartHead, bars: readonly Bar[]): Markup {
    const most = bars.reduce((largest, bar) => Math.max(largest, endOf(bar)), 0) || 1;
    const scale = (value: number): number => (reach * value) / most;
    // Label and value share a line where both surely fit.
    const oneLine = bars.every(({ label, value }) => fits(`${label}  ${value}`, 1));
    const height = (oneLine ? 1 : 2) * lineHeight + barHeight + gap;
    return chart(
        head,
        bars.length * height - gap + 4,
        bars.map((bar, index) => drawBar(bar, index * height, oneLine, scale))
    );
}

function endOf({ parts, error, mark }: Bar): number {
    const length = parts.reduce((sum, { value }) => sum + value, 0);
    return Math.max(length, error?.to ?? 0, mark ?? 0);
}

function drawBar(bar: Bar, top: number, oneLine: boolean, scale: (value: number) => number): Markup {
    const label = markup`<text class="name" x="0" y="${top + textBaseline}">${shortened(bar.label)}</text>`;
    const value = oneLine
        ? markup`<text x="100%" y="${top + textBaseline}" text-anchor="end">${bar.value}</text>`
        : markup`<text x="0" y="${top + lineHeight + textBaseline}">${shortened(bar.value)}</text>`;
    const y = top + (oneLine ? 1 : 2) * lineHeight;
    let before = 0;
    const parts = bar.parts.map((part) => {
        const from = before;
        before += part.value;
        return drawPart(part, scale(from), scale(before) - scale(from), y, bar.parts.length > 1);
    });
    const error = bar.error === null ? null : drawError(scale(Math.max(0, bar.error.from)), scale(bar.error.to), y);
    const mark = bar.mark === null ? null : drawMark(scale(bar.mark), y);
    return markup`<g>${label}${value}
<rect class="track" x="0" y="${y}" width="100%" height="${barHeight}"/>
${parts}${error}${mark}</g>
`;
}

function drawPart(part: BarPart, from: number, share: number, y: number, stacked: boolean): Markup | null {
    if (share <= 0) return null;
    const place = markup`x="${percent(from)}" y="${y}" width="${percent(share)}" height="${barHeight}"`;
    const box = markup`<rect class="fill${stacked ? " gap" : ""}" ${place}/>`;
    const named = part.name !== "" && fits(part.name, share);
    const name = markup`<text class="within" x="${percent(from)}" dx="5" y="${y + 13}">${part.name}</text>`;
    return markup`<g class="${part.style}">${box}${named ? name : null}</g>
`;
}

// Drawn twice: first wider in the colour of the paper, so that it stands out from the bar.
function outlined(style: string, lines: readonly Markup[]): Markup {
    return markup`<g class="halo">${lines}</g><g class="${style}">${lines}</g>`;
}

function drawError(from: number, to: number, top: number): Markup {
    const y = top + barHeight / 2;
    return outlined("ink", [
        line({ x1: from, x2: to, y1: y, y2: y }),
        line({ x1: from, x2: from, y1: y - 4, y2: y + 4 }),
        line({ x1: to, x2: to, y1: y - 4, y2: y + 4 })
    ]);
}

function drawMark(at: number, top: number): Markup {
    return outlined("mark", [line({ x1: at, x2: at, y1: top - 3, y2: top + barHeight + 3 })]);
}
