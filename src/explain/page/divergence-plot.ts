// KL along a text, token by token, or stretch by stretch where there are many.
import { markup, type Markup } from "../../report/html.js";
import { niceTicks, tickInWords } from "../../report/line-chart.js";
import { chart, line, percent } from "../../report/svg.js";
import type { ExplainedToken } from "../explanation.js";
import { counted, natsInWords } from "./words.js";

/** More bars than these cannot be told apart. */
const mostBars = 240;
/** Pixels. */
const plotTop = 20;
const plotHeight = 150;
const plotBottom = plotTop + plotHeight;
/** Shares of the width. */
const plotLeft = 0.12;
const plotWidth = 0.88;

interface Stretch {
    readonly mean: number;
    readonly most: number;
    readonly changed: boolean;
}

/** Bars from zero upwards; those of changed tokens have a mark below. */
export function divergencePlot(tokens: readonly ExplainedToken[]): Markup {
    const each = Math.max(1, Math.ceil(tokens.length / mostBars));
    const stretches = Array.from({ length: Math.ceil(tokens.length / each) }, (_, index) =>
        stretchOf(tokens.slice(index * each, (index + 1) * each))
    );
    const ticks = niceTicks(Math.max(...stretches.map(({ most }) => most)));
    const top = ticks.at(-1)!;
    const y = (nats: number): number => Math.round(10 * (plotBottom - (plotHeight * nats) / top)) / 10;
    const width = plotWidth / stretches.length;
    const most = tokens.reduce((best, token, index) => (token.divergence > tokens[best]!.divergence ? index : best), 0);
    const head = {
        id: "divergence",
        title: "KL divergence of the ensemble from the base along the text, in nats",
        description:
            `${counted(tokens.length, "token")}${each > 1 ? `, ${each} to a bar: their mean, and a thin line up to the largest` : ", one to a bar"}; ` +
            `the largest is ${natsInWords(tokens[most]!.divergence)} at token ${most + 1}; ` +
            `${tokens.filter(({ changed }) => changed).length} are not the base's likeliest.`
    };
    const bars = stretches.map(({ mean, most: largest, changed }, index) => {
        const x = plotLeft + index * width;
        const bar = markup`<rect class="fill part-1" x="${percent(x + 0.08 * width)}" y="${y(mean)}" width="${percent(0.84 * width)}" height="${Math.max(0, plotBottom - y(mean)).toFixed(1)}"/>`;
        const middle = x + width / 2;
        const whisker = each > 1 ? line({ x1: middle, x2: middle, y1: y(largest), y2: y(mean) }, "axis") : null;
        const mark = changed
            ? markup`<rect class="moved" x="${percent(x + 0.08 * width)}" y="${plotBottom + 4}" width="${percent(0.84 * width)}" height="5"/>`
            : null;
        return markup`${bar}${whisker}${mark}
`;
    });
    return chart(head, plotBottom + 34, [
        ticks.map((tick) => {
            const ends = { x1: 0, x2: 1, y1: y(tick), y2: y(tick) };
            return markup`${line(ends, tick === 0 ? "axis" : "grid")}<text class="soft" x="0" y="${y(tick) - 5}">${tickInWords(tick)}</text>
`;
        }),
        bars,
        markup`<text class="soft" x="${percent(plotLeft)}" y="${plotBottom + 26}">token 1</text>
<text class="soft" x="100%" y="${plotBottom + 26}" text-anchor="end">${tokens.length}</text>
`
    ]);
}

function stretchOf(tokens: readonly ExplainedToken[]): Stretch {
    return {
        mean: tokens.reduce((sum, { divergence }) => sum + divergence, 0) / tokens.length,
        most: Math.max(...tokens.map(({ divergence }) => divergence)),
        changed: tokens.some(({ changed }) => changed)
    };
}
