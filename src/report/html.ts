// HTML and SVG as a template: whatever is put into it is escaped, unless it comes from the same template.
import { plain } from "./shown-text.js";

/** HTML or SVG made by {@link markup}. */
export class Markup {
    constructor(readonly text: string) {}
}

/** What a template takes: text and numbers are escaped, lists joined, null is nothing. */
export type Content = Markup | string | number | null | readonly Content[];

const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;"
};

/** Text for HTML, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
    return plain(text).replace(/[&<>"']/g, (character) => entities[character]!);
}

function render(content: Content): string {
    if (content === null) return "";
    if (content instanceof Markup) return content.text;
    if (typeof content === "string" || typeof content === "number") return escapeHtml(String(content));
    return content.map(render).join("");
}

/** Tag of templates; attributes must be quoted. Not named html, lest prettier move the white space. */
export function markup(texts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
    return new Markup(
        texts.map((text, index) => text + (index < contents.length ? render(contents[index]!) : "")).join("")
    );
}
