// How contestants look on the page. The unit test computes that their colours are told apart.
import { markup } from "../../report/html.js";
import type { Series } from "../../report/series.js";
import type { ContestantFigures } from "../metrics/report.js";

type Look = Pick<Series, "light" | "dark" | "dashes" | "marker">;
type Role = ContestantFigures["role"];

/** By what somebody is; those of the same role in one chart are of several trios, and have captions of their own. */
export const looks: Readonly<Record<Role, Look>> = {
    base: { light: "#4a4440", dark: "#c4cdd6", dashes: "2 4", marker: markup`<circle class="fill gap" r="5"/>` },
    expert: {
        light: "#d97706",
        dark: "#f2b71f",
        dashes: "8 4",
        marker: markup`<rect class="fill gap" x="-5" y="-5" width="10" height="10"/>`
    },
    rast: {
        light: "#1d5fd6",
        dark: "#5f79f2",
        dashes: null,
        marker: markup`<path class="fill gap" d="M0-7L7 0L0 7L-7 0Z"/>`
    },
    reference: {
        light: "#22a06b",
        dark: "#2bd184",
        dashes: "10 3 2 3",
        marker: markup`<path class="fill gap" d="M0-6.5L6.5 5H-6.5Z"/>`
    },
    antiexpert: {
        light: "#86217f",
        dark: "#b8529f",
        dashes: "5 3",
        marker: markup`<path class="fill gap" d="M0 6.5L6.5-5H-6.5Z"/>`
    },
    server: {
        light: "#005500",
        dark: "#667722",
        dashes: "1 3",
        marker: markup`<path class="fill gap" d="M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z"/>`
    }
};

/** In the order of the style sheet. */
export const roles = Object.keys(looks) as Role[];

/** A contestant as a series of the page's charts. @param name in legends */
export function seriesOf(role: Role, name: string = role): Series {
    return { name, style: `role-${role}`, ...looks[role] };
}
