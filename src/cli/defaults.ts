// Values of flags that were not typed: from the environment, then from a file of settings.
import { dirname, isAbsolute, join, resolve } from "node:path";
import { readFile } from "node:fs/promises";
import { describeValue, didYouMean, isObject, shorten, shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { configFolder } from "../machine/config-folder.js";
import { fileSize, systemError } from "../models/files.js";
import type { CommandDeclaration } from "./command.js";
import { commands } from "./commands/index.js";
import { expandHome, keyOf, longName, takesValue, type Flag, type FlagGroup } from "./flag.js";
import { modelFlags } from "./flags/models.js";

/** A value as if it had been typed, and where it comes from. */
export interface Default {
    readonly flag: Flag<unknown>;
    readonly value: string | readonly string[] | boolean;
    /** "the environment variable RAST_TRIO", or the file. */
    readonly source: string;
}

const maxBytes = 1_048_576;
const models: ReadonlySet<Flag<unknown>> = new Set(Object.values(modelFlags));
const modelKeys: ReadonlySet<string> = new Set([...models].map(keyOf));

/**
 * The defaults of a command, those of the environment before those of the file. Models are one thing: whoever types or sets a
 * trio or a base has no models of anybody else's.
 * @param isTyped whether a flag is on the command line
 * @throws ERR_CONFIG_FILE naming the file and the key, whichever command is meant; ERR_FILE_NOT_FOUND and its kin
 */
export async function readDefaults(
    { name, flags }: CommandDeclaration,
    env: Readonly<NodeJS.ProcessEnv>,
    isTyped: (flag: Flag<unknown>) => boolean
): Promise<Default[]> {
    const here = new Set(Object.values(flags));
    const own = new Map([...here].map((flag) => [keyOf(flag), flag]));
    // what is said of all commands is of a command's own flag for the same, such as one that can be given several times
    const forThis = <T extends Default>(one: T): T => {
        const flag = models.has(one.flag) ? own.get(keyOf(one.flag)) : undefined;
        if (flag?.repeatable !== true || flag === one.flag) return one;
        return { ...one, flag, value: typeof one.value === "string" ? [one.value] : one.value };
    };
    const fromEnv = environment(env)
        .map(forThis)
        .filter(({ flag }) => here.has(flag));
    const fromFile = (await readSettings(env))
        .filter(
            ({ flag, command }) => command === name || (command === "" && (name === "generate" || models.has(flag)))
        )
        .map((one) => (one.command === "" ? forThis(one) : one))
        .filter(({ flag }) => here.has(flag));
    const chosen = new Map<Flag<unknown>, Default>();
    // What is said of a command alone stands behind what is said of all.
    for (const one of [...fromFile, ...fromEnv]) chosen.set(one.flag, one);
    const isModel = (flag: Flag<unknown>): boolean => modelKeys.has(keyOf(flag));
    const namesModels = [modelFlags.trio, modelFlags.base].some((flag) => isTyped(own.get(keyOf(flag)) ?? flag));
    return [...chosen.values()].filter(
        ({ flag, source }) =>
            !isTyped(flag) && !(isModel(flag) && (namesModels || (fromEnv.length > 0 && source !== envSource)))
    );
}

const envSource = "the environment variable RAST_TRIO";

function environment({ RAST_TRIO: trio }: Readonly<NodeJS.ProcessEnv>): Default[] {
    return trio === undefined || trio === "" ? [] : [{ flag: modelFlags.trio, value: trio, source: envSource }];
}

interface Setting extends Default {
    /** The command that it is for; "" for all. */
    readonly command: string;
}

async function readSettings(env: Readonly<NodeJS.ProcessEnv>): Promise<Setting[]> {
    const named = env["RAST_CONFIG"];
    if (named === "") return [];
    const file = named === undefined ? join(configFolder(env), "config.json") : resolve(expandHome(named));
    const purpose = { what: "the command's settings" };
    try {
        if ((await fileSize(file, purpose)) > maxBytes) throw wrong(file, "", "it is too long for a file of settings");
    } catch (error) {
        if (named === undefined && error instanceof RastError && error.code === "ERR_FILE_NOT_FOUND") return [];
        throw error;
    }
    const text = await readFile(file, "utf8").catch((error: unknown) => {
        throw systemError(error, file, purpose);
    });
    let content: unknown;
    try {
        content = JSON.parse(text.replace(/^\uFEFF/, ""));
    } catch (error) {
        throw wrong(file, "", `it is not JSON: ${(error as Error).message}`);
    }
    if (!isObject(content)) throw wrong(file, "", `expected an object, received ${describeValue(content)}`);
    return parseSettings(content, file);
}

function parseSettings({ commands: own = {}, ...top }: Record<string, unknown>, file: string): Setting[] {
    const generate = commands.find(({ name }) => name === "generate")!;
    const settings = parseGroup(top, generate.flags, file, "", ["commands"]);
    if (!isObject(own)) throw wrong(file, "commands", `expected an object, received ${describeValue(own)}`);
    for (const [name, group] of Object.entries(own)) {
        const command = commands.find((one) => one.name === name);
        const where = `commands.${shorten(name)}`;
        if (command === undefined) {
            throw wrong(
                file,
                where,
                `there is no such command.${didYouMean(
                    name,
                    commands.map((one) => one.name)
                )}`
            );
        }
        if (!isObject(group)) throw wrong(file, where, `expected an object, received ${describeValue(group)}`);
        settings.push(...parseGroup(group, command.flags, file, name, []));
    }
    return settings;
}

function parseGroup(
    group: Record<string, unknown>,
    flags: FlagGroup,
    file: string,
    command: string,
    others: readonly string[]
): Setting[] {
    const known = new Map(Object.values(flags).map((flag) => [keyOf(flag), flag]));
    return Object.entries(group).flatMap(([key, given]): Setting[] => {
        const where = command === "" ? shorten(key) : `commands.${command}.${shorten(key)}`;
        const flag = known.get(key);
        if (flag === undefined) {
            const hint = hintFor(key, known) ?? didYouMean(key, [...known.keys(), ...others]);
            throw wrong(file, where, `this key is not known.${hint}`);
        }
        const value = toTyped(flag, given, file, where);
        return value === undefined ? [] : [{ flag, value, source: shortenMiddle(file), command }];
    });
}

// Of a key that is written as a flag is: "no-mmap", "--top-p". undefined where there is nothing to say.
function hintFor(key: string, known: ReadonlyMap<string, Flag<unknown>>): string | undefined {
    const bare = key.replace(/^-+/, "");
    if (bare !== key && known.has(bare)) return ` Write ${JSON.stringify(bare)}, without dashes in front.`;
    const positive = bare.replace(/^no-/, "");
    const flag = positive === bare ? undefined : known.get(positive);
    if (flag !== undefined && !takesValue(flag)) return ` Write ${JSON.stringify(positive)}: false.`;
    // Without models a trio or a base was meant, not --mode.
    if (/^models?$/.test(bare) && known.has("base")) return " A trio is trio, or base, expert and antiexpert.";
    return undefined;
}

// undefined where the value is what holds without it.
function toTyped(flag: Flag<unknown>, given: unknown, file: string, where: string): Default["value"] | undefined {
    if (!takesValue(flag)) {
        if (typeof given !== "boolean")
            throw wrong(file, where, `expected true or false, received ${describeValue(given)}`);
        const negated = longName(flag).startsWith("--no-");
        return given === negated ? undefined : given;
    }
    const text = (one: unknown): string => {
        if (typeof one === "number") return String(one);
        if (typeof one === "string") return toPath(flag, one, file);
        throw wrong(file, where, `expected text or a number, received ${describeValue(one)}`);
    };
    if (flag.repeatable) return (Array.isArray(given) ? given : [given]).map(text);
    if (isObject(given) && flag.usage.includes("json>")) return JSON.stringify(given);
    return text(given);
}

// Files lie beside the file of settings, unless they say where; a name of a trio is none.
function toPath({ usage }: Flag<unknown>, text: string, file: string): string {
    if (!/[<|]file[|>]/.test(usage) || text === "" || isAbsolute(text) || /^(?:~|\s*\{)/.test(text)) return text;
    if (usage.includes("<name|") && !/[\\/]|\.json$/i.test(text)) return text;
    return resolve(dirname(file), text);
}

function wrong(file: string, key: string, what: string): RastError {
    const place = key === "" ? shortenMiddle(file) : `${shortenMiddle(file)}, key ${key}`;
    return new RastError("ERR_CONFIG_FILE", `Settings ${place}: ${what}`, { details: { file, key } });
}
