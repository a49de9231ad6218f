// Errors of the API name options ("topP"); people at the command line know flags ("--top-p").
import { RastError } from "../errors.js";
import type { FailedRecord } from "../scoring/score-records.js";
import type { CommandDeclaration } from "./command.js";
import { longName } from "./flag.js";

/** The flag of every option of a command. */
export type FlagNames = ReadonlyMap<string, string>;

export function flagNames({ flags, aliases = {} }: Pick<CommandDeclaration, "flags" | "aliases">): FlagNames {
    const names = Object.entries(flags).map(([option, flag]) => [option, longName(flag)] as const);
    return new Map([...names, ...Object.entries(aliases)]);
}

// They speak of keys in a file.
const ofFiles: ReadonlySet<string> = new Set([
    "ERR_TRIO_FILE",
    "ERR_CONFIG_FILE",
    "ERR_BENCH_RECORD",
    "ERR_EVAL_RECORD",
    "ERR_JSON_SCHEMA",
    "ERR_GRAMMAR"
]);

/** The same error's message and details, with flags in place of options. What is quoted stays as it was typed. */
export function inFlags(
    { code, message, details }: RastError,
    names: FlagNames
): { readonly message: string; readonly details: Readonly<Record<string, unknown>> } {
    if (ofFiles.has(code) || details["option"] === "--batch") return { message, details };
    const named = ["option", "clashesWith"].flatMap((key) => {
        const option = details[key];
        const flag = typeof option === "string" ? flagOf(option, names) : undefined;
        return flag === undefined ? [] : [{ key, option: option as string, flag }];
    });
    // Quotes first, so that nothing within is taken for an option.
    const parts = message.split(/("(?:[^"\\]|\\.)*")/);
    const translated = parts.map((part, index) => (index % 2 === 1 ? part : outsideQuotes(part, named, names)));
    return {
        message: translated.join(""),
        details: { ...details, ...Object.fromEntries(named.map(({ key, flag }) => [key, flag])) }
    };
}

/** A text of the API's, such as a note or why a problem could not be asked, with flags in place of options. */
export function textInFlags(text: string, names: FlagNames): string {
    return inFlags(new RastError("ERR_INVALID_OPTION", text), names).message;
}

/** A record that cannot be scored, its message with flags in place of options. */
export function failureInFlags(failed: FailedRecord, names: FlagNames): FailedRecord {
    return { ...failed, error: { ...failed.error, message: textInFlags(failed.error.message, names) } };
}

function outsideQuotes(
    text: string,
    named: readonly { readonly option: string; readonly flag: string }[],
    names: FlagNames
): string {
    // Types are the API's: whatever is typed at the command line is text.
    let result = text.replace(/ \((?:number|string|boolean|bigint)\)/g, "");
    result = result.replace(/\bpass it as prompt\b/g, "give it as the prompt without --chat and what implies it");
    result = result.replace(
        /\bLeave out thinking: (true|false)\b/g,
        (_, on) => `Leave out --thinking ${on === "true" ? "on" : "off"}`
    );
    // The option that the error is about, where messages put it: many options are ordinary words, too.
    for (const { option, flag } of named) {
        result = replaceName(result, option, flag, "(?<=\\b(?:for|either|or|the) )");
    }
    // Advice names options without further ado: "Lower contextSize, parallel or batchSize".
    result = result.replace(/\b(?:lower|raise|set) \w+(?:(?:, | or )\w+)*/gi, (advice) =>
        replaceAll(advice, [...names])
    );
    // Nothing but an option is written like this.
    return replaceAll(
        result,
        [...names].filter(([option]) => /[a-z][A-Z]/.test(option))
    );
}

function replaceAll(text: string, names: readonly (readonly [string, string])[]): string {
    return names.reduce((result, [option, flag]) => replaceName(result, option, flag), text);
}

// Not within a path, a flag or a longer name.
function replaceName(text: string, option: string, flag: string, before = ""): string {
    const name = option.replace(/[.[\]]/g, "\\$&");
    return text.replace(new RegExp(`(?<![\\w/\\\\.-])${before}${name}(?![\\w/\\\\-]|\\.\\w|\\[)`, "g"), () => flag);
}

// "pairs[1].expert.path" is what --expert said, "lambda[1]" the second --lambda.
function flagOf(option: string, names: FlagNames): string | undefined {
    let name = option.replace(/^a key of /, "").replace(/^pairs\[\d+\]\./, "");
    for (;;) {
        const shorter = name.replace(/(?:^|\.)\w+$|\[\d+\]$/, "");
        if (names.has(name) || shorter === name) return names.get(name);
        name = shorter;
    }
}
