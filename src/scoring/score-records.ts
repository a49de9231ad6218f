// Log-probabilities of given continuations: of one after a prompt, or of several endings that are to be chosen from.
import { checkBoolean, checkNumber, checkSignal, describeError, describeValue, readOptions } from "../checks.js";
import type { Rast } from "../engine/engine.js";
import type { ScoreResult } from "../engine/score.js";
import type { DistributionFigures, TokenScore } from "../engine/token-scores.js";
import { errorCatalogue, RastError, type ErrorCode } from "../errors.js";
import { droppedCharacters } from "./dropped-characters.js";
import { checkEngine } from "./engine-argument.js";
import { inOrder } from "./in-order.js";
import { nameOf, readRecords, textUnder, type JsonRecord, type RecordSource } from "./record-lines.js";
import { TokenTexts } from "./token-texts.js";

/** A text to be scored: what comes before it, and one or several ways to go on. */
export interface ScoreRecord {
    /** Where it stands in its file, from 1. */
    readonly line: number;
    /** What it calls itself. */
    readonly id?: string | number;
    /** What comes before. */
    readonly prompt: string;
    /** One completion, or the endings to choose from. */
    readonly endings: readonly string[];
    /** Whether the endings are to be chosen from. */
    readonly choice: boolean;
    /** Which ending is right, from 0, where the record says. */
    readonly gold?: number;
}

/** Whether every token of a completion is the likeliest where it stands. */
export interface GreedyFlags {
    /** To the base. */
    readonly base: boolean;
    /** To the ensemble. */
    readonly rast: boolean;
}

/** Which ending is the likeliest to each distribution, from 0; null where the distribution is not there. */
export type EndingChoice = { readonly [K in keyof DistributionFigures]: DistributionFigures[K] };

/** A token's score with what it says. */
export interface ScoredToken extends TokenScore {
    /** Of a character in several tokens, at the first of them. */
    readonly text: string;
}

/** What is said of one completion. */
export interface ScoredEnding {
    /** How many tokens it has. */
    readonly tokens: number;
    /** Its length as UTF-8. */
    readonly bytes: number;
    /** Sums of the log-probabilities of its tokens, in nats. */
    readonly logprob: DistributionFigures;
    /** Whether it is what each would have written greedily. */
    readonly greedy: GreedyFlags;
    /** Characters of it that the vocabulary has neither tokens nor bytes for: the score is of the rest. Left out where there are none. */
    readonly dropped?: number;
    /** Token by token, where asked for. */
    readonly scores?: readonly ScoredToken[];
}

/** What is said of a record. */
export interface ScoredRecord {
    /** Where the record stands in its file, from 1. */
    readonly line: number;
    /** What it calls itself. */
    readonly id?: string | number;
    /** One for each of its endings; of a completion one. */
    readonly endings: readonly ScoredEnding[];
    /** Of a choice: the ending with the largest sum. Of equal ones the first. */
    readonly best?: EndingChoice;
    /** Of a choice: the ending with the largest sum by its bytes, as lm-eval's `acc_norm` chooses. */
    readonly bestPerByte?: EndingChoice;
    /** The right ending, where the record says. */
    readonly gold?: number;
}

/** Why a record cannot be scored. */
export interface RecordError {
    /** Of the catalogue. */
    readonly code: ErrorCode;
    /** For a person. */
    readonly message: string;
    /** Of a choice: the ending that it is about, from 0. */
    readonly ending?: number;
}

/** A record that these models cannot score. */
export interface FailedRecord {
    /** Where the record stands in its file, from 1. */
    readonly line: number;
    /** What it calls itself. */
    readonly id?: string | number;
    /** Why. */
    readonly error: RecordError;
}

/** How records are scored. */
export interface ScoreRecordsOptions {
    /** Leave out the trio's prompt template. @default false */
    raw?: boolean | undefined;
    /** Token by token, too. @default false */
    tokens?: boolean | undefined;
    /** With that, the likeliest tokens of base and ensemble, so many. @default 0 */
    top?: number | undefined;
    /** Ends the work with ERR_ABORTED. */
    signal?: AbortSignal | undefined;
}

/**
 * The records in a file of JSON lines: `{"prompt", "completion"}`, or `{"context", "endings": [...]}` with the index of the right
 * one, from 0, under `gold`, `label` or `answer` if you like. All are checked at once.
 * @throws ERR_SCORE_INPUT naming the first line that is none, ERR_FILE_NOT_FOUND and its kin, the signal's reason
 */
export async function readScoreRecords(source: RecordSource, signal?: AbortSignal): Promise<ScoreRecord[]> {
    return readRecords(source, readScoreRecord, signal);
}

function readScoreRecord(record: JsonRecord, line: number): ScoreRecord | string {
    const id = nameOf(record);
    const head = { line, ...(id === undefined ? {} : { id }) };
    const prompt = textUnder(record, ["prompt", "context", "ctx", "question"]);
    if ("bad" in prompt) return prompt.bad;
    if (prompt.text === "") return "what comes before the text is empty";
    const list = record["endings"] ?? record["choices"];
    if (list === undefined || list === null) {
        const completion = textUnder(record, ["completion", "ending", "output", "response"]);
        if ("bad" in completion)
            return list === undefined
                ? completion.bad.replace("it has no", "it has no endings and no")
                : completion.bad;
        if (completion.text === "") return "its completion is empty";
        return { ...head, prompt: prompt.text, endings: [completion.text], choice: false };
    }
    if (!Array.isArray(list) || list.length === 0) return "its endings are no list of texts";
    const endings = list as unknown[];
    const wrong = endings.findIndex((one) => typeof one !== "string" || one === "");
    if (wrong >= 0) return `its ending ${wrong} is no text, or an empty one`;
    const name = ["gold", "label", "answer"].find((one) => (record[one] ?? null) !== null) ?? "gold";
    const gold = record[name] ?? undefined;
    // Many data sets have the number as text, and no text where nobody says.
    const index = typeof gold === "string" && /^\d*$/.test(gold) ? (gold === "" ? undefined : Number(gold)) : gold;
    if (index !== undefined && typeof index !== "number") {
        return `its ${name} is ${describeValue(index)}, not the index of an ending, from 0`;
    }
    if (typeof index === "number" && !(Number.isInteger(index) && index >= 0 && index < endings.length)) {
        return `its right ending is ${index}, and it has ${endings.length} of them, from 0`;
    }
    return {
        ...head,
        prompt: prompt.text,
        endings: endings as string[],
        choice: true,
        ...(typeof index === "number" ? { gold: index } : {})
    };
}

const optionNames = ["raw", "tokens", "top", "signal"] as const;

/**
 * Scores records, as many at a time as the engine has slots, and gives what it says of them in their order. A record that these
 * models cannot score (too long, a token they lack) is told with its error, and the rest go on.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_ABORTED, ERR_DISPOSED, ERR_DECODE
 * @example
 * ```ts
 * import { loadRast, scoreRecords } from "rast-llama";
 *
 * const rast = await loadRast({ trio: "demo", parallel: 4 });
 * const record = { line: 1, prompt: "6+34", endings: ["A:#40", "A:#41"], choice: true };
 * for await (const scored of scoreRecords(rast, [record])) {
 *     if ("error" in scored) console.log(scored.error.message);
 *     else console.log(scored.best?.rast, scored.endings.map(({ logprob }) => logprob.rast));
 * }
 * await rast.dispose();
 * ```
 */
export async function* scoreRecords(
    rast: Rast,
    records: Iterable<ScoreRecord> | AsyncIterable<ScoreRecord>,
    options: ScoreRecordsOptions = {}
): AsyncGenerator<ScoredRecord | FailedRecord, void, undefined> {
    checkEngine(rast, "scoreMany");
    const read = readOptions("scoreRecords", "the options of scoreRecords", options, optionNames);
    const wanted: Wanted = {
        raw: read.raw === undefined ? false : checkBoolean("raw", read.raw),
        tokens: read.tokens === undefined ? false : checkBoolean("tokens", read.tokens),
        top: read.top === undefined ? 0 : checkNumber("top", read.top, { min: 0, max: 20, integer: true }),
        texts: new TokenTexts(rast)
    };
    const signal = read.signal === undefined ? undefined : checkSignal("signal", read.signal);
    yield* inOrder(records, 2 * rast.info.parallel, signal, "Scoring", async (record, stop) => {
        try {
            return await scoreRecord(rast, record, wanted, stop);
        } catch (error) {
            return failureOf(record, error, record.choice);
        }
    });
}

/** What of a record is no fault of its own is thrown. @param choice whether `details.index` of an error says which ending it is about */
export function failureOf(
    { line, id }: Pick<ScoreRecord, "line" | "id">,
    error: unknown,
    choice = false
): FailedRecord {
    if (!(error instanceof RastError) || !errorCatalogue[error.code].byInput) throw error;
    const { code, details } = error;
    const ending = choice ? details["index"] : undefined;
    const message = describeError(error);
    return {
        line,
        ...(id === undefined ? {} : { id }),
        error:
            typeof ending === "number"
                ? { code, message: `Ending ${ending}, counted from 0: ${message}`, ending }
                : { code, message }
    };
}

/** Whose tokens are made texts together. */
const endingsAtOnce = 16;

interface Wanted {
    readonly raw: boolean;
    readonly tokens: boolean;
    readonly top: number;
    readonly texts: TokenTexts;
}

async function scoreRecord(
    rast: Rast,
    { line, id, prompt, endings, choice, gold }: ScoreRecord,
    wanted: Wanted,
    signal: AbortSignal | undefined
): Promise<ScoredRecord> {
    const { raw, tokens, top } = wanted;
    const results = await rast.scoreMany(
        endings.map((completion) => ({ prompt, completion, raw, top: tokens ? top : 0, signal }))
    );
    const scored: ScoredEnding[] = [];
    // Of thousands of endings not all at once.
    for (let from = 0; from < results.length; from += endingsAtOnce) {
        signal?.throwIfAborted();
        const some = results.slice(from, from + endingsAtOnce);
        const told = some.map((result, index) => endingOf(rast, result, endings[from + index]!, wanted, signal));
        scored.push(...(await Promise.all(told)));
    }
    return {
        line,
        ...(id === undefined ? {} : { id }),
        endings: scored,
        ...(choice
            ? { best: choose(scored, () => 1), bestPerByte: choose(scored, ({ bytes }) => Math.max(1, bytes)) }
            : {}),
        ...(gold === undefined ? {} : { gold })
    };
}

async function endingOf(
    rast: Rast,
    { scores, logprob, greedy }: ScoreResult,
    completion: string,
    { tokens, texts }: Wanted,
    signal: AbortSignal | undefined
): Promise<ScoredEnding> {
    const ids = scores.map(({ token }) => token);
    const dropped = droppedCharacters(
        completion,
        await rast.detokenize(ids, { showSpecial: true, continuation: true })
    );
    const ending = {
        tokens: scores.length,
        bytes: Buffer.byteLength(completion),
        logprob,
        greedy,
        ...(dropped === 0 ? {} : { dropped })
    };
    if (!tokens) return ending;
    const said = await texts.inOrder(ids, signal);
    return { ...ending, scores: scores.map((score, index) => ({ text: said[index]!.text, ...score })) };
}

function choose(endings: readonly ScoredEnding[], length: (ending: ScoredEnding) => number): EndingChoice {
    const best = (name: keyof DistributionFigures): number | null => {
        if (endings[0]!.logprob[name] === null) return null;
        const values = endings.map((ending) => ending.logprob[name]! / length(ending));
        return values.reduce((most, value, index) => (value > values[most]! ? index : most), 0);
    };
    return { base: best("base")!, expert: best("expert"), antiexpert: best("antiexpert"), rast: best("rast")! };
}
