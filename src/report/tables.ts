// Tables of text, and the two ways to write one.
import { plain } from "./shown-text.js";

/** Cells of text under headed columns. */
export interface Table {
    readonly columns: readonly { readonly name: string; readonly align: "left" | "right" }[];
    readonly rows: readonly (readonly string[])[];
}

/** A column that is filled from rows of some kind. */
export interface Column<Row> {
    readonly name: string;
    readonly align: "left" | "right";
    /** Null: nothing to say here. */
    readonly cell: (row: Row) => string | null;
    /** Leaves the column out where no row has anything to say. @default false */
    readonly optional?: boolean;
}

/** What stands in a cell that has nothing to say. */
export const emptyCell = "-";

/** Fills the columns; optional ones that stay empty are left out. */
export function fillTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Table {
    const filled = columns
        .map(({ name, align, cell, optional }) => ({ name, align, optional, cells: rows.map(cell) }))
        .filter(({ optional, cells }) => optional !== true || cells.some((cell) => cell !== null));
    return {
        columns: filled.map(({ name, align }) => ({ name, align })),
        rows: rows.map((_, index) => filled.map(({ cells }) => cells[index] ?? emptyCell))
    };
}

/** A markdown table, padded so that it reads well in a terminal too, whatever its cells hold. */
export function markdownTable({ columns, rows }: Table): string {
    const escape = (cell: string): string => plain(cell).replace(/\|/g, "\\|");
    const cells = rows.map((row) => row.map(escape));
    const names = columns.map(({ name }) => escape(name));
    const widths = names.map((name, index) => Math.max(3, width(name), ...cells.map((row) => width(row[index]!))));
    const line = (row: readonly string[]): string =>
        `| ${row.map((cell, index) => pad(cell, widths[index]!, columns[index]!.align)).join(" | ")} |\n`;
    const rule = columns.map(({ align }, index) =>
        align === "right" ? `${"-".repeat(widths[index]! - 1)}:` : "-".repeat(widths[index]!)
    );
    return line(names) + line(rule) + cells.map(line).join("");
}

function isFormula(text: string): boolean {
    return /^\s*[=+\-@]./s.test(text) && !/^[-+.\d][-+.\de ]*$/i.test(text);
}

function width(text: string): number {
    return [...text].length;
}

function pad(text: string, columns: number, align: "left" | "right"): string {
    const space = " ".repeat(columns - width(text));
    return align === "right" ? space + text : text + space;
}

/**
 * Lines of comma-separated values, quoted as RFC 4180 says; null is an empty field. Lines end in "\n", for Unix tools. Text that a
 * spreadsheet would calculate has an apostrophe in front; numbers stay as they are, also as text.
 */
export function csvLines(rows: readonly (readonly (string | number | null)[])[]): string {
    const field = (value: string | number | null): string => {
        const given = value === null ? "" : String(value);
        const text = typeof value === "string" && isFormula(given) ? `'${given}` : given;
        return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
    };
    return rows.map((row) => `${row.map(field).join(",")}\n`).join("");
}
