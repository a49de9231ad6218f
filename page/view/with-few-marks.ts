/** Of marks that stand on one letter so many are shown: no script has more, and some thousand keep a browser busy for seconds. */
const mostMarks = 16;
const more = new RegExp(`(\\p{M}{${mostMarks}})\\p{M}+`, "gu");

/** A text as it is shown, with an ellipsis for what piles up on one letter. */
export function withFewMarks(text: string): string {
    return text.replace(more, "$1\u2026");
}
