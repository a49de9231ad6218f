// A flag of a command, declared once: how it is written, what help says of it, and what is made of it. Its key in a group is the
// option that it stands for, so that errors about the option can name the flag. Numbers stay text until here, so that a
// wrong one is named as the flag it came from.
import { homedir } from "node:os";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { quote, shorten } from "../checks.js";
import { RastError } from "../errors.js";

/** What commander has for a flag: its text, all its texts where it may be repeated, or whether it is set. */
type TypedValue = string | readonly string[] | boolean;

/** What was typed, by commander's names. */
export type Typed = Readonly<Record<string, unknown>>;

/** One flag. */
export interface Flag<T> {
    /** As commander writes it: "-p, --prompt <list>". What stands in brackets says what a shell can complete: `words`. */
    readonly usage: string;
    readonly description: string;
    readonly repeatable: boolean;
    /** Under which help lists it: "Models". */
    readonly heading?: string;
    /**
     * The option's value; undefined as if the flag were not there.
     * @param name for errors: "--prompt"
     * @throws ERR_INVALID_OPTION
     */
    readonly read: (typed: TypedValue, name: string) => T | undefined;
}

/** Flags by the options they stand for: "topP", "base.gpuLayers". */
export type FlagGroup = Readonly<Record<string, Flag<unknown>>>;

/** The options of a group, those that were given. */
export type FlagValues<G extends FlagGroup> = {
    [K in keyof G]?: G[K] extends Flag<infer T> ? T : never;
};

function flag<T>(usage: string, description: string, read: (text: string, name: string) => T): Flag<T> {
    return { usage, description, repeatable: false, read: (typed, name) => read(typed as string, name) };
}

/** A flag with a text that `read` makes something of. */
export const valueFlag = flag;

/** A text as it was typed. */
export function textFlag(usage: string, description: string): Flag<string> {
    return flag(usage, description, (text) => text);
}

export function numberFlag(usage: string, description: string): Flag<number> {
    return flag(usage, description, toNumber);
}

/** The path of a file; "~/" is the home folder, also where no shell saw it (`--base=~/x`, a file of settings). */
export function fileFlag(usage: string, description: string): Flag<string> {
    return flag(usage, description, expandHome);
}

/** Several values between commas; a flag that comes again adds to them. */
export function listFlag<T>(usage: string, description: string, read: (item: string, name: string) => T): Flag<T[]> {
    return repeatableFlag(usage, description, (texts, name) =>
        texts.flatMap((text) => text.split(",").map((item) => read(item.trim(), name)))
    );
}

/** A path with the home folder in place of a leading "~". */
export function expandHome(path: string): string {
    return /^~(?=$|[\\/])/.test(path) ? join(homedir(), path.slice(1)) : path;
}

/** A flag that may come several times. */
export function repeatableFlag<T>(
    usage: string,
    description: string,
    read: (texts: readonly string[], name: string) => T
): Flag<T> {
    return { usage, description, repeatable: true, read: (typed, name) => read(typed as readonly string[], name) };
}

/**
 * A flag without a value; `--no-x` stands for false, and `x` is true without it. Its opposite can be typed, too
 * (`oppositeOf`): it is as if the flag were not there, against a file of settings that turns it on.
 */
export function switchFlag(usage: string, description: string): Flag<boolean> {
    const negated = usage.startsWith("--no-");
    return {
        usage,
        description,
        repeatable: false,
        read: (typed) => (typed === negated ? undefined : !negated)
    };
}

/** @throws ERR_INVALID_OPTION naming the flag */
export function toNumber(text: string, name: string): number {
    const result = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isNaN(result)) throw wrongFlag(name, "a number", text);
    return result;
}

/** A count of layers: a number or "auto". @throws ERR_INVALID_OPTION naming the flag */
export function toLayers(text: string, name: string): "auto" | number {
    return text === "auto" ? text : toNumber(text, name);
}

/** The error for a flag with a wrong text. @param advice sentences that follow */
export function wrongFlag(name: string, expected: string, received: string, advice = ""): RastError {
    const message = `Expected ${expected} for ${name}, received ${quote(received)}.${advice === "" ? "" : ` ${advice}`}`;
    return new RastError("ERR_INVALID_OPTION", message, { details: { option: name, value: shorten(received) } });
}

/** What turns a switch off again: "--no-json" of "--json", "--mmap" of "--no-mmap"; undefined of a flag with a value. */
export function oppositeOf(flag: Flag<unknown>): string | undefined {
    if (takesValue(flag)) return undefined;
    const name = longName(flag);
    return name.startsWith("--no-") ? `--${name.slice(5)}` : `--no-${name.slice(2)}`;
}

/** The flag as people type it: "--prompt". */
export function longName(flag: Flag<unknown>): string {
    return optionOf(flag).long!;
}

/** The same flags under a heading of help. */
export function under<G extends FlagGroup>(heading: string, group: G): G {
    return Object.fromEntries(
        Object.entries(group).map(([option, flag]) => [option, { ...flag, heading }])
    ) as unknown as G;
}

/** The flag's name in a file of settings: "top-p"; "mmap" for "--no-mmap". */
export function keyOf(flag: Flag<unknown>): string {
    return longName(flag).replace(/^--(?:no-)?/, "");
}

/** The flag's name in what commander parsed. */
export function attributeName(flag: Flag<unknown>): string {
    return optionOf(flag).attributeName();
}

/** Whether it is no mere switch. */
export function takesValue({ usage }: Flag<unknown>): boolean {
    return usage.includes("<");
}

/** Declares flags to commander, and the opposites of switches, which help does not list. */
export function addFlags(command: Command, group: FlagGroup): void {
    for (const flag of Object.values(group)) command.addOption(optionOf(flag));
    // Behind the others: commander looks whether a switch is there when its opposite comes.
    for (const flag of Object.values(group)) {
        const opposite = oppositeOf(flag);
        if (opposite !== undefined) command.addOption(new Option(opposite).hideHelp());
    }
}

/** The options of a group from what was typed. @throws ERR_INVALID_OPTION */
export function readFlags<G extends FlagGroup>(group: G, typed: Typed): FlagValues<G> {
    const values: Record<string, unknown> = {};
    for (const [name, flag] of Object.entries(group)) {
        const option = optionOf(flag);
        const given = typed[option.attributeName()] as TypedValue | undefined;
        // Nothing of an option that was not given: the trio's value holds.
        const value = given === undefined ? undefined : flag.read(given, option.long!);
        if (value !== undefined) values[name] = value;
    }
    return values as FlagValues<G>;
}

function optionOf({ usage, description, repeatable, heading }: Flag<unknown>): Option {
    const option = new Option(usage, description);
    if (heading !== undefined) option.helpGroup(`${heading}:`);
    if (!repeatable) return option;
    return option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text]);
}
