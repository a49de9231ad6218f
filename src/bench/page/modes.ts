// How the modes look on the page. The unit test computes that their colours are told apart.
import { markup } from "../../report/html.js";
import type { Series } from "../../report/series.js";
import { benchModes, benchPeers, type BenchCase } from "../record/schema.js";

type Mode = BenchCase["mode"];

/** Modes in the order of their bars and lines. */
export const modeOrder: readonly Mode[] = [...benchModes, ...benchPeers];

const looks: Readonly<Record<Mode, Pick<Series, "light" | "dark" | "dashes" | "marker">>> = {
    base: {
        light: "#4a4440",
        dark: "#c4cdd6",
        dashes: "2 4",
        marker: markup`<circle class="fill gap" r="5"/>`
    },
    host: {
        light: "#d97706",
        dark: "#f2b71f",
        dashes: "8 4",
        marker: markup`<rect class="fill gap" x="-5" y="-5" width="10" height="10"/>`
    },
    device: {
        light: "#1d5fd6",
        dark: "#5f79f2",
        dashes: null,
        marker: markup`<path class="fill gap" d="M0-7L7 0L0 7L-7 0Z"/>`
    },
    draft: {
        light: "#22a06b",
        dark: "#2bd184",
        dashes: "10 3 2 3",
        marker: markup`<path class="fill gap" d="M0-6.5L6.5 5H-6.5Z"/>`
    },
    "node-llama-cpp": {
        light: "#86217f",
        dark: "#b8529f",
        dashes: "5 3",
        marker: markup`<path class="fill gap" d="M0 6.5L6.5-5H-6.5Z"/>`
    }
};

/** A mode as a series of the page's charts. */
export function seriesOf(mode: Mode): Series {
    return { name: mode, style: `mode-${mode}`, ...looks[mode] };
}
