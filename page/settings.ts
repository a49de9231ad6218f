// What a person has set, kept in the browser.
import { numberOf, objectOf, parsed, textOf } from "./api/json.js";
import type { KeyValues } from "./chats/key-values.js";

/** Colours of the page. */
export type Theme = "auto" | "light" | "dark";

/** All settings; null is what trio and server say themselves. */
export interface Settings {
    readonly temperature: number | null;
    readonly topP: number | null;
    readonly maxTokens: number | null;
    /** null: another one for every answer. */
    readonly seed: number | null;
    readonly lambda: number | null;
    readonly system: string;
    /** Whether the base answers beside RAST. */
    readonly side: boolean;
    /** Whether a model that reasons does so first. */
    readonly thinking: boolean;
    /** Whether the server is asked how far tokens were moved. */
    readonly figures: boolean;
    readonly theme: Theme;
    /** "" for the server's first. */
    readonly trio: string;
}

export const defaultSettings: Settings = {
    temperature: null,
    topP: null,
    maxTokens: null,
    seed: null,
    lambda: null,
    system: "",
    side: true,
    thinking: true,
    figures: true,
    theme: "auto",
    trio: ""
};

/** What numbers may be. */
export const ranges = {
    temperature: { min: 0, max: 100, integer: false },
    topP: { min: 0.001, max: 1, integer: false },
    maxTokens: { min: 1, max: 1_000_000, integer: true },
    seed: { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true },
    lambda: { min: -10, max: 10, integer: false }
} as const;

/** A setting that is a number. */
export type NumberSetting = keyof typeof ranges;

const longestSystem = 100_000;
const key = "rast.settings";

/** A number as it was typed: null for nothing, undefined for one that may not be. */
export function readNumber(name: NumberSetting, typed: string): number | null | undefined {
    if (typed.trim() === "") return null;
    const value = Number(typed);
    return fits(name, value) ? value : undefined;
}

function fits(name: NumberSetting, value: number): boolean {
    const { min, max, integer } = ranges[name];
    return Number.isFinite(value) && value >= min && value <= max && (!integer || Number.isInteger(value));
}

/** The settings of last time; what makes no sense is as if it were not there. */
export function loadSettings(storage: KeyValues): Settings {
    const kept = objectOf(parsed(storage.getItem(key) ?? ""));
    const number = (name: NumberSetting): number | null => {
        const value = numberOf(kept[name]);
        return value !== null && fits(name, value) ? value : null;
    };
    const { theme, side, thinking, figures } = kept;
    return {
        temperature: number("temperature"),
        topP: number("topP"),
        maxTokens: number("maxTokens"),
        seed: number("seed"),
        lambda: number("lambda"),
        system: textOf(kept["system"]).slice(0, longestSystem),
        side: typeof side === "boolean" ? side : defaultSettings.side,
        thinking: typeof thinking === "boolean" ? thinking : defaultSettings.thinking,
        figures: typeof figures === "boolean" ? figures : defaultSettings.figures,
        theme: theme === "light" || theme === "dark" ? theme : "auto",
        trio: textOf(kept["trio"]).slice(0, 1000)
    };
}

/** Keeps them; where the browser keeps nothing, they hold until the page is left. */
export function saveSettings(storage: KeyValues, settings: Settings): void {
    try {
        storage.setItem(key, JSON.stringify(settings));
    } catch {
        // full, or forbidden
    }
}

/** A seed for answers that are to be compared. */
export function seedFor({ seed }: Settings, random: () => number = Math.random): number {
    return seed ?? Math.floor(random() * 2 ** 32);
}
