// Text of unknown origin, made fit to be shown.

/** A text without what moves a terminal's cursor or turns the direction of writing. */
export function plain(text: string): string {
    return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}
