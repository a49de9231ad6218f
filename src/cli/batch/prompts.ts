import { extname } from "node:path";
import { didYouMean, isObject, quote, shorten, shortenMiddle } from "../../checks.js";
import { generateOptionNames, type GenerateOptions } from "../../engine/generate-options.js";
import { RastError } from "../../errors.js";
import { readAll, readInput } from "../input.js";
import type { Input } from "../io.js";

/** One prompt of a batch. */
export interface BatchPrompt {
    /** Its place among the prompts, from 0. */
    readonly index: number;
    /** Where it stands, for messages: "Line 3 of prompts.jsonl". */
    readonly where: string;
    /** The file's own name for it. */
    readonly id?: string | number;
    /** Options of `rast.generate`, as the file has them. */
    readonly request: Readonly<Record<string, unknown>> & GenerateOptions;
}

const kinds = ["prompt", "tokens", "messages"] as const;
const known: readonly string[] = ["id", ...generateOptionNames.filter((name) => name !== "signal")];

/**
 * The prompts of a file, in its order. In one of JSON lines (.jsonl, .ndjson) a line is a string, or an object with `prompt`,
 * `messages` or `tokens`, an `id` if it likes, and options of `rast.generate`; one of JSON (.json) is a list of those; in any
 * other file a line is a prompt. Standard input is JSON where it looks like that. Empty lines are passed over. All of them
 * are looked at before anything is generated.
 * @param path "-" = standard input
 * @param note is told what may not have been meant
 * @throws ERR_INVALID_OPTION naming the line; ERR_EMPTY_PROMPT on a terminal; what `readInput` lists
 */
export async function readPrompts(path: string, stdin: Input, note: (text: string) => void): Promise<BatchPrompt[]> {
    const piped = path === "-";
    if (piped && stdin.isTTY === true) {
        const message = "No prompts: --batch - reads standard input, which is a terminal. Name a file, or pipe one in.";
        throw new RastError("ERR_EMPTY_PROMPT", message, { details: { option: "--batch" } });
    }
    const text = (piped ? await readAll(stdin) : await readInput(path, "the batch")).replace(/^\uFEFF/, "");
    const source = piped ? "standard input" : shortenMiddle(path);
    const kind = extname(path).toLowerCase();
    const list = kind === ".json" ? (arrayIn(text) ?? listIn(text)) : piped ? listIn(text) : undefined;
    const entries = list?.map((value, at) => {
        const where = `Entry ${at + 1} of ${source}`;
        return { where, ...toPrompt(value, where) };
    });
    const json = piped ? /^\s*[{"]/.test(text) : [".jsonl", ".ndjson", ".json"].includes(kind);
    const prompts = (entries ?? promptsOfLines(text, source, json)).map((one, index) => ({ index, ...one }));
    if (prompts.length === 0) throw wrong(`There is no prompt in ${source}.`);
    if (!piped && !json && (listIn(text) !== undefined || isObject(parsed(firstLine(text))))) {
        note(
            `${source} looks like JSON and is read as text, a prompt a line: JSON lines are in a file .jsonl, a list in one .json.`
        );
    }
    return prompts;
}

type Entry = Omit<BatchPrompt, "index">;

function promptsOfLines(text: string, source: string, json: boolean): Entry[] {
    const prompts: Entry[] = [];
    for (const [at, line] of text.split(/\r?\n/).entries()) {
        if (line.trim() === "") continue;
        const where = `Line ${at + 1} of ${source}`;
        prompts.push({ where, ...(json ? parseLine(line, where) : { request: { prompt: line } }) });
    }
    return prompts;
}

// A whole text that is a list of prompts, or one written over several lines.
function listIn(text: string): readonly unknown[] | undefined {
    if (!/^\s*[[{]/.test(text)) return undefined;
    const value = parsed(text);
    if (Array.isArray(value)) return value.every((one) => typeof one === "string" || isObject(one)) ? value : undefined;
    return isObject(value) && text.trim().includes("\n") ? [value] : undefined;
}

// Whatever its entries are: which of them is wrong is said later.
function arrayIn(text: string): readonly unknown[] | undefined {
    const value = /^\s*\[/.test(text) ? parsed(text) : undefined;
    return Array.isArray(value) ? value : undefined;
}

function firstLine(text: string): string {
    return /\S.*/.exec(text)?.[0] ?? "";
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        return undefined;
    }
}

function parseLine(line: string, where: string): Omit<Entry, "where"> {
    let value: unknown;
    try {
        value = JSON.parse(line);
    } catch (error) {
        throw wrong(`${where} is not JSON: ${(error as Error).message}`);
    }
    return toPrompt(value, where);
}

function toPrompt(value: unknown, where: string): Omit<Entry, "where"> {
    if (typeof value === "string") return { request: { prompt: value } };
    if (!isObject(value)) throw wrong(`${where} is neither a string nor an object.`);
    for (const key of Object.keys(value)) {
        if (!known.includes(key)) {
            throw wrong(`${where} has an unknown key ${quote(key)}.${didYouMean(shorten(key), known)}`);
        }
    }
    const given = kinds.filter((kind) => value[kind] !== undefined);
    if (given.length !== 1) {
        const received = given.length === 0 ? "none" : given.join(" and ");
        throw wrong(`${where}: expected exactly one of prompt, tokens and messages, received ${received}.`);
    }
    const { id, ...options } = value;
    const request = options as BatchPrompt["request"];
    if (id === undefined) return { request };
    if (typeof id !== "string" && typeof id !== "number") throw wrong(`${where}: its id is neither text nor a number.`);
    return { id, request };
}

function wrong(message: string): RastError {
    return new RastError("ERR_INVALID_OPTION", message, { details: { option: "--batch" } });
}
