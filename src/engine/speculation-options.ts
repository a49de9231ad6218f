import { checkNumber, invalidOption, isObject, readOptions } from "../checks.js";
import { RastError } from "../errors.js";
import { limits } from "../limits.js";

/**
 * Whether the expert drafts tokens that the base then verifies several at a time. The text is the same either way.
 * "auto": as many as pay at the moment, down to none; `{ maxDraft }`: the same with a limit of its own, 0 to 63;
 * `{ draft }`: always that many, 0 to 63.
 */
export type Speculation =
    | "auto"
    | "off"
    | {
          /** Most tokens of a draft. */
          maxDraft: number;
      }
    | {
          /** Tokens of every draft. */
          draft: number;
      };

/** Checked. */
export interface ResolvedSpeculation {
    /** Tokens per round; -1 = chosen while running. */
    readonly draft: number;
    /** Most tokens per round; undefined = what the engine was loaded for, or the default. */
    readonly maxDraft: number | undefined;
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
    if (value === "auto") return { draft: -1, maxDraft: undefined };
    if (value === "off") return { draft: 0, maxDraft: 0 };
    const expected = '"auto", "off", { maxDraft } or { draft }';
    if (!isObject(value)) throw invalidOption("speculation", expected, value);
    const read = readOptions("speculation", "speculation", value, ["maxDraft", "draft"]);
    if (Object.keys(read).length !== 1) throw invalidOption("speculation", expected, value);
    if (read.draft === undefined) {
        return { draft: -1, maxDraft: checkNumber("speculation.maxDraft", read.maxDraft, limits.maxDraft) };
    }
    const draft = checkNumber("speculation.draft", read.draft, limits.maxDraft);
    return { draft, maxDraft: draft };
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
export function assertDraftFits({ maxDraft }: ResolvedSpeculation, room: DraftRoom): void {
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
    speculation: ResolvedSpeculation,
    { contextSize, batchSize, parallel }: DraftRoom,
    pairs: number,
    mostDrafts?: number
): { readonly maxDraft: number; readonly rows: number } {
    const wanted = pairs === 0 ? 0 : (speculation.maxDraft ?? defaultMaxDraft);
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
): { readonly draft: number; readonly maxDraft: number } {
    const { draft, maxDraft = loaded.maxDraft } = value === undefined ? loaded : checkSpeculation(value);
    if (maxDraft > loaded.maxDraft) {
        const message =
            `Drafts of ${maxDraft} tokens were asked for, and the engine was loaded for ${loaded.maxDraft}: ` +
            "set speculation in loadRast.";
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "speculation", maxDraft } });
    }
    return { draft: Math.min(draft, loaded.possible), maxDraft: Math.min(maxDraft, loaded.possible) };
}
