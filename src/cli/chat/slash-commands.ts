// Commands within a chat: their names, what is said of them, and what a tab makes of a beginning.
import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";
import { didYouMean } from "../../checks.js";
import { RastError } from "../../errors.js";
import { expandHome } from "../flag.js";
import { settingNames } from "./chat-settings.js";

/** All commands, in the order of help. */
export const slashCommands = {
    help: ["", "this"],
    lambda: ["[number]", "strength of the delta from the next answer on; without a number: what it is"],
    mode: ["[rast|base|expert]", "what answers are drawn from"],
    seed: ["[integer|random]", "for the same draws again"],
    system: ["[text|-]", "the system message; - removes it"],
    set: ["[name value]", "any other setting; value default takes it back; alone: all of them"],
    retry: ["", "the last answer anew"],
    undo: ["", "forget the last question and its answer"],
    drop: ["[count]", "forget the oldest turns (1)"],
    clear: ["", "forget all that was said"],
    save: ["<file>", "the conversation as JSON; -f in front of the name replaces a file"],
    load: ["<file>", "go on with a saved conversation"],
    stats: ["", "figures of the last answer, and of all"],
    exit: ["", "leave; Ctrl-D does so, too"]
} as const satisfies Readonly<Record<string, readonly [usage: string, what: string]>>;

/** A command of a chat. */
export type SlashName = keyof typeof slashCommands;

const names = Object.keys(slashCommands) as SlashName[];
const aliases: ReadonlyMap<string, SlashName> = new Map([
    ["quit", "exit"],
    ["bye", "exit"],
    ["?", "help"],
    ["reset", "clear"]
]);

/** What was typed behind a slash. @throws ERR_INVALID_ARGUMENT for a command that is not known, or takes nothing of what follows it */
export function parseSlash(text: string): { readonly name: SlashName; readonly rest: string } {
    const [, typed = "", rest = ""] = /^\/(\S*)\s*([^]*)$/.exec(text) ?? [];
    const name = names.find((one) => one === typed) ?? aliases.get(typed);
    if (name === undefined) {
        const hint = didYouMean(
            `/${typed}`,
            names.map((one) => `/${one}`)
        );
        throw new RastError(
            "ERR_INVALID_ARGUMENT",
            `There is no command /${typed}.${hint} /help lists them; // begins a message with a slash.`
        );
    }
    if (slashCommands[name][0] === "" && rest.trim() !== "")
        throw new RastError("ERR_INVALID_ARGUMENT", `/${typed} takes nothing behind it.`);
    return { name, rest: rest.trim() };
}

/** What help says. */
export function slashHelp(): string {
    const heads = names.map((name) => `/${name} ${slashCommands[name][0]}`.trimEnd());
    const width = Math.max(...heads.map((head) => head.length)) + 2;
    const lines = names.map((name, index) => `${heads[index]!.padEnd(width)}${slashCommands[name][1]}`);
    return [
        ...lines,
        "",
        'A backslash at the end of a line goes on with the next one; """ begins and ends a text of several lines.',
        "Pasted text is one message. Ctrl-C stops an answer, and leaves when it is pressed again."
    ].join("\n");
}

/** Completions of a line, and the part of it that they complete: as readline asks. */
export function completeSlash(line: string): [string[], string] {
    const [, name, gap, rest = ""] = /^\/(\S*)(\s+)?([^]*)$/.exec(line) ?? [];
    if (name === undefined) return [[], line];
    if (gap === undefined) return [names.map((one) => `/${one}`).filter((one) => one.startsWith(line)), line];
    const starting = (words: readonly string[]): [string[], string] => [
        words.filter((word) => word.startsWith(rest)),
        rest
    ];
    switch (name) {
        case "mode":
            return starting(["rast", "base", "expert"]);
        case "seed":
            return starting(["random"]);
        case "set":
            return starting(settingNames);
        case "save":
        case "load":
            return [filesFrom(rest), rest];
        default:
            return [[], rest];
    }
}

function filesFrom(begun: string): string[] {
    const folder = /[\\/]$/.test(begun) ? begun : dirname(begun === "" ? "." : begun);
    const stem = /[\\/]$/.test(begun) || begun === "" ? "" : basename(begun);
    try {
        return readdirSync(expandHome(folder), { withFileTypes: true })
            .filter((entry) => entry.name.startsWith(stem) && (stem !== "" || !entry.name.startsWith(".")))
            .map(
                (entry) => `${begun.slice(0, begun.length - stem.length)}${entry.name}${entry.isDirectory() ? "/" : ""}`
            )
            .slice(0, 200);
    } catch {
        return [];
    }
}
