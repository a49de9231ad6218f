import { RastError } from "../errors.js";
import type { NativeTokens } from "../native/addon-types.js";
import { renderChat } from "../text/chat-template.js";
import { chatReasoning, promptReasoning, type ChatReasoning } from "../text/reasoning.js";
import type { TextMark } from "../text/template-thread.js";
import { promptTooLong, type ResolvedGenerateOptions, type ResolvedPromptOptions } from "./generate-options.js";
import { disposedError, type EngineCore } from "./engine-core.js";
import type { PreparedRequest } from "./request.js";

/** How a text becomes tokens. */
export interface TextOptions {
    /** Put the model's beginning-of-sequence token in front, unless the text begins with it. Nothing is put behind. */
    readonly addBos: boolean;
    readonly parseSpecial: boolean;
    /** Stretches of the text whose control tokens are text, whatever `parseSpecial` says. @default none */
    readonly contents?: readonly TextMark[];
    /** More than so many tokens need not be all. @default all are wanted */
    readonly enough?: number;
}

/** Of one text, in bytes of UTF-8; as in native code. */
const maxTextBytes = 64 * 2 ** 20;

const all = 2 ** 32 - 1;

/** Of a text that is copied within one turn of the event loop, in UTF-16 units. */
const maxSliceLength = 2 ** 20;

/** A part this long also shows that there is no place to cut a text, where 1 MiB is without one. */
const minPartLength = 2 ** 20 + 2 ** 17;
/** UTF-16 units of a token, rather more than less. */
const likelyTokenLength = 8;

let nextTokenizing = 1;

/**
 * The tokens of a request's prompt, and its grammar.
 * @throws ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG, ERR_CHAT_TEMPLATE, ERR_TOKENIZE, ERR_JSON_SCHEMA
 */
export async function prepareRequest(
    core: EngineCore,
    options: ResolvedGenerateOptions,
    stop?: AbortSignal
): Promise<PreparedRequest> {
    const made = await makePrompt(core, options, stop);
    const { tokens, reasoning } = await withReasoning(core, options, made, stop);
    const grammar = await grammarOf(core, options);
    const shownTokens = await namedTokens(core, options.shownTokens);
    return { tokens, grammar, shownTokens, ...(reasoning === undefined ? {} : { reasoning }) };
}

// Names that are no single token of this model name nothing that would not be shown.
async function namedTokens(core: EngineCore, names: readonly string[]): Promise<Int32Array> {
    const found: number[] = [];
    for (const name of names) {
        const { tokens } = await tokenizeText(core, [name], { addBos: false, parseSpecial: true });
        if (tokens.length === 1) found.push(tokens[0]!);
    }
    return Int32Array.from(found);
}

async function grammarOf(core: EngineCore, { constraint }: ResolvedGenerateOptions): Promise<string | undefined> {
    if (constraint.kind === "none") return undefined;
    if (constraint.kind === "grammar") return constraint.gbnf;
    return core.addon.grammarOfSchema(constraint.json, constraint.ignoreUnsupported);
}

/** A prompt's tokens, with what is put around the reasoning that follows. */
async function withReasoning(
    core: EngineCore,
    { maxThinkingTokens, constraint }: ResolvedGenerateOptions,
    { tokens, reasoning }: MadePrompt,
    stop: AbortSignal | undefined
): Promise<Pick<PreparedRequest, "tokens" | "reasoning">> {
    if (reasoning === undefined) return { tokens };
    const { format, open } = reasoning;
    const none = new Int32Array();
    const constrained = constraint.kind !== "none";
    const tokensOf = async (text: string, wanted: boolean): Promise<Int32Array> =>
        wanted && text !== ""
            ? (await tokenizeText(core, [text], { addBos: false, parseSpecial: true }, stop)).tokens
            : none;
    const ending = await tokensOf(format.ending, maxThinkingTokens >= 0 || constrained);
    if (open && maxThinkingTokens === 0) {
        const closed = Int32Array.of(...tokens, ...ending);
        checkLength(core, closed.length);
        return { tokens: closed };
    }
    const { opens, closes, drops, reopens } = format;
    return {
        tokens,
        reasoning: {
            open,
            opens,
            closes,
            drops,
            reopens,
            maxTokens: maxThinkingTokens,
            opening: await tokensOf(opens[0]!, constrained),
            ending,
            separator: await tokensOf(format.separator, constrained)
        }
    };
}

/**
 * The tokens of a prompt.
 * @throws ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG, ERR_CHAT_TEMPLATE, ERR_TOKENIZE
 */
export async function prepareTokens(
    core: EngineCore,
    options: ResolvedPromptOptions,
    stop?: AbortSignal
): Promise<Int32Array> {
    return (await makePrompt(core, options, stop)).tokens;
}

/** A prompt's tokens, and how reasoning is told from the answer that comes, if there may be any. */
interface MadePrompt {
    readonly tokens: Int32Array;
    readonly reasoning?: ChatReasoning | undefined;
}

async function makePrompt(core: EngineCore, options: ResolvedPromptOptions, stop?: AbortSignal): Promise<MadePrompt> {
    const { prompt, parseSpecial, addBos = core.native.addBos } = options;
    if (prompt.kind === "tokens") {
        checkLength(core, prompt.tokens.length);
        return { tokens: prompt.tokens };
    }
    const { parts, marks, reasoning } = await promptText(core, prompt);
    // without a template there is nothing but content
    const plain = !parseSpecial && parts.length === 1 && prompt.kind === "text";
    const contents = parseSpecial || plain ? [] : marks;
    const enough = core.facts.context.contextSize;
    const how = { addBos, enough, parseSpecial: !plain, contents };
    const { tokens, whole } = await tokenizeText(core, parts, how, stop);
    checkLength(core, tokens.length, !whole);
    return { tokens, reasoning };
}

/** @throws ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG */
function checkLength({ facts }: EngineCore, length: number, atLeast = false): void {
    const { contextSize } = facts.context;
    if (length === 0) throw new RastError("ERR_EMPTY_PROMPT", "The prompt has no tokens.");
    if (length > contextSize) throw promptTooLong(length, contextSize, atLeast);
}

/**
 * The tokens of a text, given in parts. What the model's tokenizer would put behind it (an end of sequence, a separator) is
 * left out: what follows is to be drawn. A template often writes the beginning out itself, and a second one misleads the
 * model.
 * @throws ERR_TOKENIZE, ERR_DISPOSED when it is stopped
 */
export async function tokenizeText(
    core: EngineCore,
    parts: readonly string[],
    { addBos, parseSpecial, contents = [], enough = all }: TextOptions,
    stop?: AbortSignal
): Promise<NativeTokens> {
    const { addon, handle, native } = core;
    if (stop?.aborted === true) throw disposedError();
    // before it is copied
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    if (length > maxTextBytes) {
        throw new RastError("ERR_TOKENIZE", `The text has ${length} characters; at most 64 MiB are tokenized.`);
    }
    let id = 0;
    const end = (): void => {
        if (!core.disposed) addon.stopTokenizing(handle, id);
    };
    const tokenize = (part: string | Uint8Array, goesOn: boolean, ranges: Int32Array): Promise<NativeTokens> => {
        if (stop?.aborted === true || core.disposed) throw disposedError();
        id = nextTokenizing++ % 2 ** 32;
        return addon.tokenize(handle, part, { parseSpecial, enough, goesOn, contents: ranges }, id);
    };
    stop?.addEventListener("abort", end, { once: true });
    try {
        // What is far too long shows it in its first part.
        const likely = Math.max(minPartLength, enough * likelyTokenLength);
        let made: NativeTokens | undefined;
        if (length > 2 * likely) {
            // it has no fewer tokens where control tokens are text
            const first = await tokenize(beginning(parts, likely), true, new Int32Array());
            if (first.tokens.length > enough) made = first;
        }
        if (made === undefined) {
            const text = parts.join("");
            const ranges = contents.length === 0 ? new Int32Array() : await byteRanges(text, contents);
            made = await tokenize(text.length > maxSliceLength ? await encodeInTurns(text) : text, false, ranges);
        }
        const { tokens, whole } = made;
        const { bosToken } = native;
        const wanted = addBos && bosToken >= 0 && bosToken < native.vocabularySize && tokens[0] !== bosToken;
        if (!wanted) return made;
        const begun = new Int32Array(tokens.length + 1);
        begun[0] = bosToken;
        begun.set(tokens, 1);
        return { tokens: begun, whole };
    } finally {
        stop?.removeEventListener("abort", end);
    }
}

/** About so many UTF-16 units. The parts are not joined before: that would copy them. */
function beginning(parts: readonly string[], length: number): string {
    let begun = "";
    for (const part of parts) {
        if (begun.length < length) begun += part.slice(0, length - begun.length);
    }
    return begun.slice(0, wholeCharacters(begun, begun.length));
}

function wholeCharacters(text: string, end: number): number {
    const last = text.charCodeAt(end - 1);
    return last >= 0xd800 && last < 0xdc00 ? end - 1 : end;
}

/** Whether a character of two units lies across this place. A half without its other one is a character of its own. */
function splitsCharacter(text: string, at: number): boolean {
    return /[\uDC00-\uDFFF]/.test(text.charAt(at)) && wholeCharacters(text, at) < at;
}

/** The UTF-8 of a long text, with a turn of the event loop after every slice. */
async function encodeInTurns(text: string): Promise<Uint8Array> {
    const slices: string[] = [];
    for (let at = 0; at < text.length; at += slices.at(-1)!.length) {
        const end = Math.min(text.length, at + maxSliceLength);
        slices.push(text.slice(at, end === text.length ? end : wholeCharacters(text, end)));
    }
    let bytes = 0;
    for (const slice of slices) {
        bytes += Buffer.byteLength(slice);
        await eventLoopTurn();
    }
    const all = new Uint8Array(bytes);
    const encoder = new TextEncoder();
    let at = 0;
    for (const slice of slices) {
        at += encoder.encodeInto(slice, all.subarray(at)).written;
        await eventLoopTurn();
    }
    return all;
}

/** Stretches of a text in bytes of its UTF-8, as native code takes them; half characters are whole ones. */
async function byteRanges(text: string, marks: readonly TextMark[]): Promise<Int32Array> {
    const ranges = new Int32Array(2 * marks.length);
    let [at, bytes, sinceTurn] = [0, 0, 0];
    const upTo = async (end: number): Promise<number> => {
        while (at < end) {
            const most = Math.min(end, at + maxSliceLength);
            const next = splitsCharacter(text, most) ? most - 1 : most;
            if (next <= at) break;
            bytes += Buffer.byteLength(text.slice(at, next));
            sinceTurn += next - at;
            at = next;
            if (sinceTurn < maxSliceLength) continue;
            sinceTurn = 0;
            await eventLoopTurn();
        }
        return bytes;
    };
    for (const [index, [from, to]] of marks.entries()) {
        ranges[2 * index] = await upTo(from);
        ranges[2 * index + 1] = await upTo(splitsCharacter(text, to) ? to + 1 : to);
    }
    return ranges;
}

function eventLoopTurn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
}

/** A prompt's text, in parts, and which of it are the caller's own words. */
interface PromptText {
    readonly parts: readonly string[];
    readonly marks: readonly TextMark[];
    readonly reasoning?: ChatReasoning | undefined;
}

async function promptText(
    core: EngineCore,
    prompt: Exclude<ResolvedPromptOptions["prompt"], { readonly kind: "tokens" }>
): Promise<PromptText> {
    if (prompt.kind === "messages") {
        const { bosText: bosToken, eosText: eosToken } = core.facts;
        const input = { bosToken, eosToken, ...prompt.chat };
        const { chatTemplate } = core.native;
        const { text, marks } = await renderChat(chatTemplate, prompt.messages, input);
        return { parts: [text], marks, reasoning: chatReasoning(chatTemplate ?? "", text, marks) };
    }
    const { text } = prompt;
    const template = core.native.chatTemplate ?? "";
    if (prompt.raw || core.facts.promptTemplate === undefined) {
        return { parts: [text], marks: [[0, text.length, 1]], reasoning: promptReasoning(template, text, "") };
    }
    const [before, ...after] = core.facts.promptTemplate.split("{prompt}");
    const marks: readonly TextMark[] = [[before!.length, before!.length + text.length, 1]];
    const behind = after.join("{prompt}");
    return { parts: [before!, text, behind], marks, reasoning: promptReasoning(template, text, behind) };
}

// Of engines whose tokenizer puts a space in front of every text.
const spacePrefixes = new WeakMap<EngineCore, Promise<boolean>>();

/**
 * The tokens of a text that goes on after others: nothing is put in front of it, not the space that SentencePiece puts in
 * front of texts either.
 * @throws ERR_TOKENIZE, ERR_DISPOSED when it is stopped
 */
export async function continuationTokens(
    core: EngineCore,
    text: string,
    { parseSpecial, enough }: Pick<TextOptions, "parseSpecial" | "enough">,
    stop?: AbortSignal
): Promise<Int32Array> {
    const tokensOf = async (part: string): Promise<Int32Array> =>
        (
            await tokenizeText(
                core,
                [part],
                { addBos: false, parseSpecial, ...(enough === undefined ? {} : { enough }) },
                stop
            )
        ).tokens;
    let prefixes = spacePrefixes.get(core);
    if (prefixes === undefined) {
        prefixes = putsSpaceInFront(core);
        spacePrefixes.set(core, prefixes);
    }
    if (!(await prefixes)) return tokensOf(text);
    // the space that it begins with is the one that is put there
    if (text.startsWith(" ") && text.length > 1) return tokensOf(text.slice(1));
    for (const anchor of anchors) {
        try {
            const before = await tokensOf(anchor);
            const both = await tokensOf(anchor + text);
            const apart = both.length > before.length && before.every((token, index) => both[index] === token);
            if (apart) return both.slice(before.length);
        } catch (error) {
            if (!isUntold(error)) throw error;
        }
    }
    return tokensOf(text);
}

/** What a text is put behind to see its tokens without that space: in most vocabularies one of these merges with nothing. */
const anchors = ["\n", "\u0001", "0", "a"] as const;

// A letter that the vocabulary lacks.
function isUntold(error: unknown): boolean {
    return error instanceof RastError && error.code === "ERR_TOKENIZE";
}

async function putsSpaceInFront(core: EngineCore): Promise<boolean> {
    const { addon, handle } = core;
    for (const letter of ["a", "0", "1"]) {
        try {
            const { tokens } = await tokenizeText(core, [letter], { addBos: false, parseSpecial: false });
            return (await addon.detokenize(handle, tokens, false, true)).startsWith(" ");
        } catch (error) {
            if (!isUntold(error)) throw error;
        }
    }
    return false;
}
