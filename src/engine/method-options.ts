import {
    checkBoolean,
    checkNumber,
    checkOneOf,
    checkPath,
    invalidOption,
    readOptions,
    type NumberRange
} from "../checks.js";
import { limits } from "../limits.js";
import type { NativeBareDecodes, NativeRole } from "../native/addon-types.js";
import type { EngineFacts } from "./engine-core.js";
import type { Prompt, PromptSettings } from "./generate-options.js";

/** Options of {@link Rast.tokenize}. */
export interface TokenizeOptions {
    /**
     * Put the model's beginning-of-sequence token in front, where the model has texts begin with one and this one does not
     * yet, as in a prompt. Nothing is ever put behind a text: no end of sequence, no separator. @default false
     */
    addSpecial?: boolean | undefined;
    /** Read control tokens such as `<|im_end|>` as what they stand for. @default true */
    parseSpecial?: boolean | undefined;
}

/** Options of {@link Rast.detokenize}. */
export interface DetokenizeOptions {
    /** Render control tokens. @default false */
    showSpecial?: boolean | undefined;
    /**
     * The tokens go on after others: their text is what a completion with these tokens has. Otherwise they are a whole text,
     * and the space is taken off that SentencePiece tokenizers put in front of one: " Hello" continues, "Hello" is whole.
     * @default false
     */
    continuation?: boolean | undefined;
}

/** What {@link Rast.saveState} takes beside a text. */
export interface SaveStateSettings extends PromptSettings {
    /** Until the file is being written, an abort ends the call with ERR_ABORTED and no file; afterwards it comes too late. */
    signal?: AbortSignal | undefined;
}

/** Options of {@link Rast.saveState}: a text, as {@link Rast.generate} takes it. */
export type SaveStateOptions = SaveStateSettings & Prompt;

/** Options of {@link Rast.loadState}. */
export interface LoadStateOptions {
    /** An abort ends the call with ERR_ABORTED; what has been read by then may stay in the caches, and does no harm. */
    signal?: AbortSignal | undefined;
}

/** What {@link Rast.saveState} wrote. */
export interface SavedState {
    /** How many tokens the file holds. */
    readonly tokens: number;
}

/** What {@link Rast.loadState} read. */
export interface LoadedState {
    /** Ids of the text that the models now know. */
    readonly tokens: readonly number[];
}

/** Options of {@link Rast.measureDecodes}. */
export interface MeasureOptions {
    /** The model to time. @default "base" */
    role?: NativeRole | undefined;
    /** Which pair the role belongs to. @default 0 */
    pair?: number | undefined;
    /** Sequences that are decoded together, at most the engine's `parallel`. @default 1 */
    sequences?: number | undefined;
    /** Tokens that each sequence holds before. @default 0 */
    depth?: number | undefined;
    /** Steps, or tokens of a prompt in each sequence: 1 and more. */
    tokens: number;
    /** Time a prompt instead of steps. @default false */
    prompt?: boolean | undefined;
}

/** A path to a state file. @throws ERR_INVALID_OPTION */
export function checkFile(value: unknown): string {
    const file = checkPath("file", value);
    // The system would be given another name.
    if (/\p{Surrogate}/u.test(file)) throw invalidOption("file", "a path of whole characters", value);
    return file;
}

/** Options that are all true or false. @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
export function readFlags<K extends string>(
    where: string,
    options: unknown,
    defaults: Record<K, boolean>
): Record<K, boolean> {
    const names = Object.keys(defaults) as K[];
    const given = readOptions(where, `the options of ${where}`, options, names);
    const read = { ...defaults };
    for (const name of names) {
        if (given[name] !== undefined) read[name] = checkBoolean(name, given[name]);
    }
    return read;
}

const measureKeys = ["role", "pair", "sequences", "depth", "tokens", "prompt"] as const;

/** What to time. @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
export function readMeasureOptions(options: MeasureOptions, { slots, context }: EngineFacts): NativeBareDecodes {
    const given = readOptions("measureDecodes", "the options of measureDecodes", options, measureKeys);
    const role = checkOneOf("role", given.role ?? "base", ["base", "expert", "antiexpert"]);
    const pairs = context.lambdas.length;
    if (role !== "base" && pairs === 0) throw invalidOption("role", '"base", as there is no pair,', role);
    const integer = (name: "pair" | "sequences" | "depth" | "tokens", otherwise: number, range: NumberRange): number =>
        checkNumber(name, given[name] ?? otherwise, range);
    const pair = integer("pair", 0, { min: 0, max: Math.max(0, pairs - 1), integer: true });
    return {
        role,
        pair: role === "base" ? 0 : pair,
        sequences: integer("sequences", 1, { ...limits.parallel, max: slots }),
        depth: integer("depth", 0, limits.measuredDepth),
        tokens: integer("tokens", 0, limits.measuredTokens),
        prompt: checkBoolean("prompt", given.prompt ?? false)
    };
}
