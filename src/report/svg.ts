// What all charts share. Horizontal positions are in percent of the chart and vertical ones in pixels, so that a chart
// is as wide as its column while text in it keeps its size.
import { markup, type Content, type Markup } from "./html.js";

/** What a chart is called, and what it says to those who do not see it. */
export interface ChartHead {
    /** Unique on the page. */
    readonly id: string;
    readonly title: string;
    readonly description: string;
}

/** A chart of some height in pixels. */
export function chart({ id, title, description }: ChartHead, height: number, body: Content): Markup {
    return markup`<svg role="img" aria-labelledby="${id}-title ${id}-desc" width="100%" height="${height}">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${body}</svg>`;
}

/** Ends of a line: shares of the width, and pixels. */
export interface LineEnds {
    readonly x1: number;
    readonly x2: number;
    readonly y1: number;
    readonly y2: number;
}

/** A straight line. */
export function line({ x1, x2, y1, y2 }: LineEnds, style = ""): Markup {
    return markup`<line class="${style}" x1="${percent(x1)}" x2="${percent(x2)}" y1="${y1}" y2="${y2}"/>`;
}

/** A share of the width: 0.25 is "25%". */
export function percent(share: number): string {
    return `${Number((100 * share).toFixed(3))}%`;
}

/** Whether text surely fits into a share of the narrowest chart, with a little room beside it. */
export function fits(text: string, share: number): boolean {
    return widthOf(text) + 8 <= share * narrowestChart;
}

/** Text cut to what the narrowest chart holds. */
export function shortened(text: string): string {
    const characters = [...text];
    while (widthOf(characters.join("")) > narrowestChart) characters.pop();
    return characters.length === [...text].length ? text : `${characters.slice(0, -2).join("")}…`;
}

/** On a phone of 360 pixels. */
const narrowestChart = 320;

// An upper bound in pixels: nothing here can measure text, and system fonts differ. Bold letters of a wide font.
function widthOf(text: string): number {
    const narrow = text.match(/[ .,:;·'|!ijl()[\]]/g)?.length ?? 0;
    const wide = text.match(/[MW@%mw±]|[^\u0000-\u04ff]/gu)?.length ?? 0;
    return 8.7 * ([...text].length - narrow - wide) + 5.5 * narrow + 14 * wide;
}
