// Texts of tokens, made visible: nothing of them is markup, moves the direction of writing, or is unseen.
import { markup, Markup } from "../../report/html.js";

/** A text with a visible sign for everything that has none: a line's end, a tab, control and format characters by their number. */
export function shownToken(text: string): string {
    return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, (character) => {
        const code = character.codePointAt(0)!;
        if (character === "\n") return "\u21B5";
        if (character === "\t") return "\u21E5";
        return `\u27E8${code
            .toString(16)
            .toUpperCase()
            .padStart(code < 0x80 ? 2 : 4, "0")}\u27E9`;
    });
}

/** The same in a sentence or a cell, where a space at its ends would not be seen either. */
export function quotedToken(text: string): string {
    const shown = shownToken(text);
    return `\u201C${shown.replace(/^ +| +$/g, (spaces) => "\u2423".repeat(spaces.length))}\u201D`;
}

const lineBreak = new Markup("\n");

/** A token within a text whose white space is kept: its lines end where they end. */
export function tokenInText(text: string): Markup {
    const lines = shownToken(text).split("\u21B5");
    return markup`${lines.map((line, index) => (index === 0 ? line : markup`\u21B5${lineBreak}${line}`))}`;
}
