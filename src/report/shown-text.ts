// Text of unknown origin, made fit to be shown.

/** A text without what moves a terminal's cursor or turns the direction of writing. */
export function plain(text: string): string {
    return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}

/**
 * A text of several lines without what moves a terminal's cursor but for their ends and tabs. What joins letters and emoji stays,
 * as it moves nothing.
 */
export function plainLines(text: string): string {
    return text
        .replace(/\r/g, "")
        .replace(/[^\P{Cc}\n\t]|[^\P{Cf}\u00AD\u200C\u200D]|[\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}
