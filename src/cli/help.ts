// Help as a terminal of 80 columns shows it, whatever the terminal.
import { type Help, type HelpConfiguration } from "commander";
import type { CommandDeclaration } from "./command.js";

/** Columns of help at most: longer lines are harder to read. */
export const helpColumns = 80;

const termColumns = 26;

/** Terms in a column of their own; a description begins on a line of its own beside a long one. */
export const helpStyle: HelpConfiguration = {
    minWidthToWrap: 20,
    subcommandTerm: (command) => command.name(),
    padWidth: () => termColumns,
    formatItem(term: string, width: number, description: string, helper: Help): string {
        const indent = " ".repeat(width + 4);
        const text = helper.boxWrap(description, (helper.helpWidth ?? helpColumns) - indent.length);
        const lines = text.replaceAll("\n", `\n${indent}`);
        return term.length > width ? `  ${term}\n${indent}${lines}` : `  ${term.padEnd(width + 2)}${lines}`;
    }
};

/** What stands below the flags; "" where there is nothing to say. */
export function exampleText({ examples = [] }: CommandDeclaration): string {
    if (examples.length === 0) return "";
    return `\nExamples:\n${examples.map(([line, what]) => `  ${what}\n    ${line}`).join("\n")}`;
}
