// Frames around charts and tables.
import type { Table } from "./tables.js";
import { markup, type Content, type Markup } from "./html.js";

/** Figures side by side under a heading and a note; null without any. */
export function section(title: string, note: Content, figures: readonly Markup[], style = ""): Markup | null {
    if (figures.length === 0) return null;
    return markup`<section><h2>${title}</h2>
<p class="note">${note}</p>
<div class="plots ${style}">
${figures}</div></section>
`;
}

/** A chart under its caption. */
export function figure(caption: string, body: Content): Markup {
    return markup`<figure><figcaption>${caption}</figcaption>
${body}</figure>
`;
}

/** The mark across a bar, for use in a sentence. */
export const tick: Markup = markup`<span class="swatch tick"></span>`;

/** A table whose cells may be markup, too. */
export interface ContentTable extends Pick<Table, "columns"> {
    readonly rows: readonly (readonly Content[])[];
}

/** A table in a box of its own, which scrolls where the page is too narrow. */
export function tableMarkup({ columns, rows }: ContentTable, label: string, style: string): Markup {
    const heads = columns.map(({ name, align }) => markup`<th scope="col" class="${align}">${name}</th>`);
    const cells = (row: readonly Content[]): Markup[] =>
        row.map((cell, index) => markup`<td class="${columns[index]!.align}">${cell}</td>`);
    const lines = rows.map(
        (row) => markup`<tr>${cells(row)}</tr>
`
    );
    return scrolling(
        label,
        markup`<table class="${style}">
<thead><tr>${heads}</tr></thead>
<tbody>
${lines}</tbody></table>`
    );
}

/** Values of stacked bars. */
export interface PartValues {
    /** What the values are, e.g. "ms of a step". */
    readonly what: string;
    /** Of the bars. */
    readonly heads: readonly string[];
    /** In the order of the stack. */
    readonly parts: readonly NamedValues[];
    readonly totals: readonly NamedValues[];
}

/** A value per bar. */
export interface NamedValues {
    readonly name: string;
    readonly values: readonly string[];
}

/** Legend and values of stacked bars in one table. */
export function partTable({ what, heads, parts, totals }: PartValues, label: string): Markup {
    const row = (style: string, swatch: Markup | null, { name, values }: NamedValues): Markup => {
        const cells = values.map((value) => markup`<td>${value}</td>`);
        return markup`<tr class="${style}"><th scope="row">${swatch}${name}</th>${cells}</tr>
`;
    };
    const swatches = parts.map((_, index) => markup`<span class="swatch part-${index}"></span> `);
    return scrolling(
        label,
        markup`<table class="values">
<thead><tr><th scope="col">${what}</th>${heads.map((name) => markup`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>
${parts.map((part, index) => row("", swatches[index]!, part))}${totals.map((total) => row("total", null, total))}</tbody></table>`
    );
}

function scrolling(label: string, table: Markup): Markup {
    return markup`<div class="scroll" role="region" tabindex="0" aria-label="${label}">${table}</div>`;
}
