// What a page compares, looking alike in all of its charts.
import type { Markup } from "./html.js";

/** One of several things that are compared. */
export interface Series {
    /** Shown in legends. */
    readonly name: string;
    /** Class of its marks, and name of its colour in the style sheet: letters, digits and hyphens. */
    readonly style: string;
    /** Colour in the light and in the dark scheme, "#rrggbb". */
    readonly light: string;
    readonly dark: string;
    /** Of its lines, as SVG's stroke-dasharray; null: a whole line. */
    readonly dashes: string | null;
    /** At each point of its lines, around 0 0: series are told apart without colour, too. */
    readonly marker: Markup;
}
