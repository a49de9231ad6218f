// What shells and manuals need to know of a flag, from how it is written.
import { takesValue, type Flag } from "../flag.js";

/** A flag in parts. */
export interface FlagWords {
    /** "-f", "--file". */
    readonly names: readonly string[];
    /** "file", "auto|on|off"; "" for a switch. */
    readonly value: string;
    /** Values that can be written as they stand in the usage. */
    readonly choices: readonly string[];
    /** Whether a path can be its value. */
    readonly isPath: boolean;
    readonly description: string;
}

// What stands for a value, and is none.
const placeholders: ReadonlySet<string> = new Set(["file", "integer", "list", "name", "number", "text", "type"]);

export function wordsOf(flag: Flag<unknown>): FlagWords {
    const { usage, description } = flag;
    const value = takesValue(flag) ? usage.slice(usage.indexOf("<") + 1, usage.lastIndexOf(">")) : "";
    const alternatives = value.split("|");
    const isPath = alternatives.includes("file");
    // JSON itself instead of a file of it is no word; as a format it is.
    const isChoice = (word: string): boolean => !placeholders.has(word) && !(isPath && word === "json");
    return {
        names: usage.match(/(?<=^|, )--?[\w-]+/g) ?? [],
        value,
        choices: alternatives.length < 2 ? [] : alternatives.filter(isChoice),
        isPath,
        description
    };
}
