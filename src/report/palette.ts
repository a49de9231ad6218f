// Colours of a page. Marks are told apart by people with any colour vision, and stand out from the paper by 3:1;
// the unit test computes both.

/** Colours of one scheme. */
export interface Scheme {
    readonly paper: string;
    /** Behind code and table heads. */
    readonly panel: string;
    readonly ink: string;
    /** Of lesser text. */
    readonly soft: string;
    readonly rule: string;
    readonly link: string;
    /** Of stacked parts, in the order of the stack. */
    readonly parts: readonly string[];
}

/** For light screens and for paper. */
export const light: Scheme = {
    paper: "#ffffff",
    panel: "#f4f5f7",
    ink: "#1a1d21",
    soft: "#555d66",
    rule: "#d4d8dd",
    link: "#0b57b0",
    parts: ["#24407f", "#c88200", "#4b8ff5", "#92240c", "#85787f"]
};

/** For dark screens. */
export const dark: Scheme = {
    paper: "#15181d",
    panel: "#1f242b",
    ink: "#e6e9ed",
    soft: "#a3acb7",
    rule: "#39414b",
    link: "#8ab8f5",
    parts: ["#3b70d5", "#ecbc2a", "#86d5ff", "#d2502c", "#8d7f88"]
};

/** Black or white, whichever reads better on a colour. */
export function inkOn(colour: string): string {
    return contrast(colour, "#ffffff") >= contrast(colour, "#0a0b0d") ? "#ffffff" : "#0a0b0d";
}

/** WCAG's contrast of two colours, 1 to 21. */
export function contrast(a: string, b: string): number {
    const [darker, lighter] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (lighter! + 0.05) / (darker! + 0.05);
}

function luminance(colour: string): number {
    const [red, green, blue] = linearRgb(colour);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Red, green and blue of "#rrggbb" in linear light, 0 to 1. */
export function linearRgb(colour: string): [number, number, number] {
    const channel = (index: number): number => {
        const value = Number.parseInt(colour.slice(index, index + 2), 16) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    return [channel(1), channel(3), channel(5)];
}
