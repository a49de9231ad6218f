// How special tokens of the small models fall together with the base's: an option, and a key of trio files.
import { checkString, invalidOption, isObject, quote, readOptions, readSafely } from "../checks.js";

/**
 * Special tokens (control tokens and added ones) may have other ids or texts in the small models; ordinary tokens may not.
 *
 * - `"by-role"`: a token of the base is the small model's with the same text, else with the same role: what ends a text or a
 *   turn, begins one, or pads. One without a counterpart gets no delta and is not drafted.
 * - `"same"`: all of them must be the same, or the load fails.
 * - an object: what its map says, the rest by role.
 */
export type SpecialTokens = "same" | "by-role" | SpecialTokenMap;

/** Special tokens that fall together by a caller's word. */
export interface SpecialTokenMap {
    /** Texts of the base's special tokens, each with the small model's, or null for no counterpart. */
    map: Readonly<Record<string, string | null>>;
}

const mostMapped = 4096;

/** @throws ERR_INVALID_OPTION naming the option, or the entry of the map */
export function checkSpecialTokens(name: string, value: unknown): SpecialTokens {
    if (value === "same" || value === "by-role") return value;
    if (!isObject(value)) throw invalidOption(name, '"same", "by-role" or an object with a map', value);
    const { map } = readOptions(name, name, value, ["map"]);
    if (!isObject(map)) throw invalidOption(`${name}.map`, "an object of texts", map);
    const entries = readSafely(`${name}.map`, () => Object.entries(map));
    if (entries.length > mostMapped) throw invalidOption(`${name}.map`, `at most ${mostMapped} tokens`, map);
    return {
        map: Object.fromEntries(
            entries.map(([text, own]) => {
                const entry = `${name}.map[${quote(text)}]`;
                return [checkString(`${name}.map`, text), own === null ? null : checkString(entry, own)];
            })
        )
    };
}
