// What is said and done of special tokens that are not the same in all models.
import { quote } from "../checks.js";
import type { NativeSpecialToken, NativeSpecialTokenRule } from "../native/addon-types.js";
import type { SpecialTokens } from "../trio/special-tokens.js";

/** Without a word of the caller's. */
export const defaultSpecialTokens: SpecialTokens = "by-role";

/** What each small model has of the base's special tokens, by its path; nothing of models where all are the same. */
export type SpecialTokensByPath = ReadonlyMap<string, readonly NativeSpecialToken[]>;

const shownAtMost = 6;

export function nativeRule(rule: SpecialTokens): NativeSpecialTokenRule {
    const map = typeof rule === "object" ? Object.entries(rule.map) : [];
    return { byRole: rule !== "same", map: map.map(([base, own]) => ({ base, own: own ?? "" })) };
}

/** For the engine: base id, own id and whether the own one comes back as it, for those whose ids differ. */
export function nativeTokens(tokens: readonly NativeSpecialToken[]): Int32Array {
    const moved = tokens.filter(({ token, own }) => token !== own);
    return Int32Array.from(moved.flatMap(({ token, own, back }) => [token, own, back ? 1 : 0]));
}

/** A sentence or two for `info.notes`; undefined where all are the same. */
export function specialTokensNote(role: string, tokens: readonly NativeSpecialToken[]): string | undefined {
    if (tokens.length === 0) return undefined;
    const found = tokens.filter(({ own }) => own >= 0);
    const lacking = tokens.filter(({ own }) => own < 0);
    const sentences = [];
    if (found.length > 0) {
        const pairs = shown(found.map(({ text, ownText }) => `${quote(text)} is ${quote(ownText)}`));
        sentences.push(`Special tokens have other names or ids in ${role}: ${pairs}.`);
    }
    if (lacking.length > 0) {
        const texts = shown(lacking.map(({ text }) => quote(text)));
        sentences.push(`${lacking.length} of the base's special tokens get no delta, as ${role} lacks them: ${texts}.`);
    }
    return sentences.join(" ");
}

function shown(items: readonly string[]): string {
    const rest = items.length - shownAtMost;
    return items.slice(0, shownAtMost).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
