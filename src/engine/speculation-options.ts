import { checkNumber, checkOneOf, invalidOption, isObject, readOptions } from "../checks.js";
import { RastError } from "../errors.js";
import { limits } from "../limits.js";
import type { NativeRequest } from "../native/addon-types.js";

/**
 * Whether the expert drafts tokens that the base then verifies several at a time. The text is the same either way.
 * "auto": as many as pay at the moment, down to none; `{ maxDraft }`: the same with a limit of its own, 0 to 63;
 * `{ draft }`: always that many, 0 to 63. Beside them, or alone, `{ ngram }`: drafts that are taken from prompt and text where
 * these repeat themselves, which costs no decode of the expert.
 */
export type Speculation =
    | "auto"
    | "off"
    | {
          /** Most tokens of a draft; in an engine without pairs, rows beside the first that a score takes at a time. */
          maxDraft?: number | undefined;
          /** Not beside `maxDraft`. */
          draft?: undefined;
          /** Drafts from the text itself. @default "auto" */
          ngram?: NgramDrafts | undefined;
      }
    | {
          /** Tokens of every draft. */
          draft: number;
          /** Not beside `draft`. */
          maxDraft?: undefined;
          /** Drafts from the text itself. @default false */
          ngram?: NgramDrafts | undefined;
      };

/**
 * Whether drafts are taken from the text itself: "auto": where they are likelier to pay than the expert's; true: wherever the
 * latest three tokens were there before; false: never. @default "auto", with `draft` false
 */
export type NgramDrafts = boolean | "auto";

/** Checked. */
export interface ResolvedSpeculation {
    /** Tokens per round; -1 = chosen while running. */
    readonly draft: number;
    /** Most tokens per round; undefined = what the engine was loaded for, or the default. */
    readonly maxDraft: number | undefined;
    readonly ngram: NativeRequest["ngram"];
}

/** Where nothing is asked for. */
export const defaultMaxDraft = 15;
// Every row of a round takes memory as wide as the vocabulary; with many sequences few of them draft long.
const sharedRows = 64;

/**
 * Checks the option `speculation`.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
 */
export function checkSpeculation(value: unknown): ResolvedSpeculation {
    if (value === "auto") return { draft: -1, maxDraft: undefined, ngram: "auto" };
    if (value === "off") return { draft: 0, maxDraft: 0, ngram: "never" };
    const expected = '"auto", "off", { maxDraft }, { draft } or { ngram }';
    if (!isObject(value)) throw invalidOption("speculation", expected, value);
    const { maxDraft, draft, ngram } = readOptions("speculation", "speculation", value, ["maxDraft", "draft", "ngram"]);
    const given = [maxDraft, draft, ngram].filter((one) => one !== undefined).length;
    if (given === 0 || (maxDraft !== undefined && draft !== undefined)) {
        throw invalidOption("speculation", expected, value);
    }
    if (draft === undefined) {
        const most =
            maxDraft === undefined ? undefined : checkNumber("speculation.maxDraft", maxDraft, limits.maxDraft);
        return { draft: -1, maxDraft: most, ngram: readNgram(ngram, "auto") };
    }
    const fixed = checkNumber("speculation.draft", draft, limits.maxDraft);
    return { draft: fixed, maxDraft: fixed, ngram: readNgram(ngram, "never") };
}

function readNgram(value: unknown, otherwise: NativeRequest["ngram"]): NativeRequest["ngram"] {
    if (value === undefined) return otherwise;
    const ngram = checkOneOf("speculation.ngram", value, ["auto", true, false]);
    return ngram === "auto" ? "auto" : ngram ? "always" : "never";
}

/** What decides how long drafts may be. */
export interface DraftRoom {
    readonly contextSize: number;
    readonly batchSize: number;
    readonly parallel: number;
}

/**
 * A draft that was asked for must fit in context and batch.
 * @throws ERR_INVALID_OPTION
 */
export function assertDraftFits({ maxDraft }: Pick<ResolvedSpeculation, "maxDraft">, room: DraftRoom): void {
    if (maxDraft === undefined || maxDraft === 0) return;
    const refuse = (what: "contextSize" | "batchSize", needed: number): never => {
        const message =
            `Drafts of ${maxDraft} tokens with ${room.parallel === 1 ? "1 sequence" : `${room.parallel} sequences`} need a ${what} ` +
            `of at least ${needed}, received ${room[what]}.`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "speculation", maxDraft, ...room } });
    };
    if (maxDraft >= room.contextSize) refuse("contextSize", maxDraft + 1);
    if (maxDraft + room.parallel > room.batchSize) refuse("batchSize", maxDraft + room.parallel);
}

/**
 * The longest draft of an engine and the rows of one round, over all its sequences.
 * @param mostDrafts that can be taken back, where only a sequence that is alone in a round may have drafts
 */
export function planDrafts(
    speculation: Omit<ResolvedSpeculation, "ngram">,
    { contextSize, batchSize, parallel }: DraftRoom,
    pairs: number,
    mostDrafts?: number
): { readonly maxDraft: number; readonly rows: number } {
    // without an expert nobody drafts: the rows are for scores, where they are asked for
    const wanted = speculation.maxDraft ?? (pairs === 0 ? 0 : defaultMaxDraft);
    const maxDraft = Math.max(0, Math.min(wanted, contextSize - 1, batchSize - parallel));
    if (mostDrafts !== undefined && maxDraft > 0) {
        return { maxDraft, rows: Math.min(Math.max(parallel, mostDrafts) + 1, batchSize) };
    }
    const drafted = Math.min(parallel * maxDraft, Math.max(sharedRows - parallel, maxDraft));
    return { maxDraft, rows: Math.max(parallel, Math.min(parallel + drafted, batchSize)) };
}

/** What a request may choose from. */
export interface LoadedSpeculation extends ResolvedSpeculation {
    /** The longest draft that the engine was asked to load for, and the longest that it can do. */
    readonly maxDraft: number;
    readonly possible: number;
}

/**
 * The drafts of one request.
 * @throws ERR_INVALID_OPTION when they are longer than the engine was loaded for
 */
export function resolveSpeculation(
    value: unknown,
    loaded: LoadedSpeculation
): Pick<NativeRequest, "draft" | "maxDraft" | "ngram"> {
    const { draft, maxDraft = loaded.maxDraft, ngram } = value === undefined ? loaded : checkSpeculation(value);
    if (maxDraft > loaded.maxDraft) {
        const message =
            `Drafts of ${maxDraft} tokens were asked for, and the engine was loaded for ${loaded.maxDraft}: ` +
            "set speculation in loadRast.";
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "speculation", maxDraft } });
    }
    return { draft: Math.min(draft, loaded.possible), maxDraft: Math.min(maxDraft, loaded.possible), ngram };
}
