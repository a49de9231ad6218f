// The type of asyncDispose, for programs that are compiled without it.
/// <reference lib="esnext.disposable" preserve="true" />
import "./async-dispose.js";
import { checkNumber, checkSignal, invalidOption, readArray, readOptions } from "../checks.js";
import { RastError } from "../errors.js";
import { limits } from "../limits.js";
import type { EngineHost } from "../native/engine-host.js";
import type { ChatOptions } from "../text/chat-options.js";
import { applyChatTemplate, type ChatMessage } from "../text/chat-template.js";
import { abortReason, isAborted, watchSignal } from "./abort-signals.js";
import { disposedError, type EngineCore } from "./engine-core.js";
import {
    chatOptionNames,
    checkTokens,
    readChatOptions,
    readMessages,
    resolveGenerateOptions,
    resolvePromptOptions,
    type GenerateOptions,
    type PromptOptions,
    type ResolvedGenerateOptions
} from "./generate-options.js";
import { Generation } from "./generation.js";
import type { RastInfo } from "./info.js";
import { readJsonSchema, type JsonSchema, type JsonSchemaOption } from "./json-schema.js";
import {
    checkFile,
    readFlags,
    readMeasureOptions,
    type DetokenizeOptions,
    type LoadedState,
    type LoadStateOptions,
    type MeasureOptions,
    type SavedState,
    type SaveStateOptions,
    type TokenizeOptions
} from "./method-options.js";
import { neverBegun, Request, type Prepare, type PreparedRequest } from "./request.js";
import { prepareRequest, prepareTokens, tokenizeText } from "./prompt-tokens.js";
import type { RastResult } from "./results.js";
import { drawSamples, namingItem, untilRoom, type RunningSample } from "./samples.js";
import { prepareScore, scoreOf, type ScoreResult } from "./score.js";
import { resolveScoreOptions, type ScoreOptions } from "./score-options.js";

const maxSamples = 100_000;
// So that a slot never waits for JavaScript.
const maxWaitingSamples = 4;
// More than any context holds.
const maxDetokenized = limits.contextSize.max;

const byLoadRast = Symbol("made by loadRast");

// The safety net for engines that nobody disposed of. Held values must not refer to the engine object.
const collected = new FinalizationRegistry<{ readonly addon: EngineHost; readonly handle: number }>((engine) => {
    engine.addon.engineDispose(engine.handle).catch(() => {});
});

/**
 * A loaded engine: a base model, with or without its expert and antiexpert. Made by `loadRast`.
 * Any number of generations may be started at once; those beyond the engine's slots wait. Dispose of it to give the
 * memory back.
 */
export class Rast {
    /** What was loaded, where it runs and why. */
    readonly info: RastInfo;
    readonly #core: EngineCore;
    // Running requests that native code does not know yet.
    readonly #preparing = new Set<Promise<void>>();
    // Resolves when every generation started so far has its place in the queue.
    #lastInLine = Promise.resolve();
    #disposing: Promise<void> | undefined;

    /**
     * Not for callers: `loadRast` makes engines.
     * @internal
     * @throws TypeError
     */
    constructor(maker: symbol, core: EngineCore, info: RastInfo) {
        if (maker !== byLoadRast) {
            const error = new TypeError("Rast has no constructor to call: loadRast makes engines.");
            throw Object.assign(error, { code: "ERR_INVALID_ARGUMENT" });
        }
        this.#core = core;
        this.info = info;
        collected.register(this, { addon: core.addon, handle: core.handle }, this);
    }

    /**
     * Starts a generation at once. Errors, those of the options too, reject the generation's iterator and `result`. An abort
     * is no error: it ends with stop reason "abort" and what was drawn until then.
     * @throws nothing itself. Rejected with ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG,
     *     ERR_TOKENIZE, ERR_CHAT_TEMPLATE, ERR_GRAMMAR, ERR_JSON_SCHEMA, ERR_CONSTRAINT_LIMIT, ERR_QUEUE_FULL, ERR_DISPOSED,
     *     ERR_DECODE; of an isolated engine ERR_ENGINE_CRASHED
     * @example
     * ```ts
     * import { loadRast } from "rast-llama";
     *
     * const rast = await loadRast({ trio: "demo" });
     * for await (const part of rast.generate({ prompt: "6+34+63+39", seed: 3 })) process.stdout.write(part.text);
     * await rast.dispose();
     * ```
     */
    generate(options: GenerateOptions): Generation {
        return this.#generate(options, true);
    }

    #generate(options: GenerateOptions, keepParts: boolean): Generation {
        const core = this.#core;
        const read = (): ResolvedGenerateOptions => {
            this.#assertUsable();
            return resolveGenerateOptions(options, core.facts.context);
        };
        return this.#begin(read, (resolved, stop) => prepareRequest(core, resolved, stop), keepParts);
    }

    /**
     * Generates and gives the whole.
     * @throws what {@link Rast.generate} lists
     * @example
     * ```ts
     * import { loadRast } from "rast-llama";
     *
     * const rast = await loadRast({ trio: "demo" });
     * const grammar = 'root ::= "S:" [0-9+=;]+ "#" [0-9]+';
     * const { text, stopReason } = await rast.complete({ prompt: "6+34", grammar, maxTokens: 40, seed: 1 });
     * console.log(stopReason, text);
     * await rast.dispose();
     * ```
     */
    complete(options: GenerateOptions): Promise<RastResult> {
        return this.#generate(options, false).result;
    }

    /**
     * Several samples of one prompt, which is decoded once: like {@link Rast.complete}, with ordinals from the given
     * one on, so that sample i is what `complete` gives for ordinal + i and the same seed. A few more than run together
     * are started at a time, and the rest wait here, so that `maxQueue` does not bound n. If one fails, so does all, and
     * the rest is cancelled; after an abort those that had not begun are results without text.
     * @param n 1 to 100,000
     * @returns n results, in the order of their ordinals
     * @throws what {@link Rast.generate} lists
     * @example
     * ```ts
     * import { loadRast } from "rast-llama";
     *
     * const rast = await loadRast({ trio: "demo", parallel: 8 });
     * const samples = await rast.completeMany({ prompt: "6+34+63+39", seed: 1 }, 8);
     * console.log(samples.filter(({ text }) => text.endsWith("#142")).length, "of", samples.length);
     * await rast.dispose();
     * ```
     */
    async completeMany(options: GenerateOptions, n: number): Promise<RastResult[]> {
        const core = this.#core;
        this.#assertUsable();
        const count = checkNumber("n", n, { min: 1, max: maxSamples, integer: true });
        const resolved = resolveGenerateOptions(options, core.facts.context);
        const { sampling, signal } = resolved;
        const first = checkNumber("ordinal", sampling.ordinal, {
            ...limits.ordinal,
            max: limits.ordinal.max - count + 1
        });
        let prepared: Promise<PreparedRequest> | undefined;
        const start = (index: number): Generation =>
            this.#begin(
                () => ({ ...resolved, sampling: { ...sampling, ordinal: first + index } }),
                (sample, stop) => (prepared ??= prepareRequest(core, sample, stop)),
                false
            );
        const atOnce = core.facts.slots + Math.min(core.facts.slots, maxWaitingSamples);
        return drawSamples({
            count,
            atOnce,
            start,
            over: () => core.disposed || isAborted(signal),
            skipped: () => neverBegun(core, resolved),
            room: () => untilRoom(core, signal)
        });
    }

    /**
     * What the models say of a text that is given: of every token of the completion its log-probability under base, expert,
     * antiexpert and ensemble, its rank, KL and entropies. Nothing is drawn. It runs beside generations, in a slot like theirs, and
     * changes no other text. A prompt that others begin with is decoded once: all endings of one context may be asked for
     * together, by `Promise.all` or {@link Rast.scoreMany}. A round takes as many tokens of one text as the engine was loaded to
     * draft, and one: `speculation: { maxDraft: 63 }` in `loadRast` makes that 64, also in an engine without pairs, and costs
     * memory for as many rows as wide as the vocabulary.
     * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_EMPTY_PROMPT where there is nothing to score, ERR_PROMPT_TOO_LONG where
     *     prompt and completion exceed the context, ERR_TOKENIZE, ERR_CHAT_TEMPLATE, ERR_QUEUE_FULL, ERR_ABORTED, ERR_DISPOSED,
     *     ERR_DECODE; of an isolated engine ERR_ENGINE_CRASHED
     * @example
     * ```ts
     * import { loadRast } from "rast-llama";
     *
     * const rast = await loadRast({ trio: "demo" });
     * const { logprob, scores } = await rast.score({ prompt: "6+34", completion: "S:40" });
     * console.log(logprob.base, logprob.rast, scores.map(({ divergence }) => divergence));
     * await rast.dispose();
     * ```
     */
    async score(options: ScoreOptions): Promise<ScoreResult> {
        return this.#score(options).result;
    }

    #score(options: ScoreOptions): RunningSample<ScoreResult> {
        this.#assertUsable();
        const core = this.#core;
        const resolved = resolveScoreOptions(options, core.facts.context);
        const generation = this.#begin(
            () => resolved.request,
            (_, stop) => prepareScore(core, resolved, stop),
            false
        );
        return {
            result: generation.result.then((result) => scoreOf(result, resolved)),
            cancel: () => generation.cancel()
        };
    }

    /**
     * Scores many texts: each as {@link Rast.score} does. A few more than run together are started at a time, in order, and the
     * rest wait here, so that `maxQueue` does not bound their number: give texts with the same beginning one after the other.
     * If one fails, or is aborted, so are all; of what is wrong with a text, `details.index` says which it is, from 0.
     * @param texts 1 to 100,000
     * @returns one for each, in their order
     * @throws what {@link Rast.score} lists
     * @example
     * ```ts
     * import { loadRast } from "rast-llama";
     *
     * const rast = await loadRast({ trio: "demo", parallel: 4 });
     * const endings = ["40", "41", "50"];
     * const scored = await rast.scoreMany(endings.map((completion) => ({ prompt: "6+34", completion })));
     * const best = scored.reduce((a, b) => (b.logprob.rast > a.logprob.rast ? b : a));
     * console.log(endings[scored.indexOf(best)]);
     * await rast.dispose();
     * ```
     */
    async scoreMany(texts: readonly ScoreOptions[]): Promise<ScoreResult[]> {
        const core = this.#core;
        this.#assertUsable();
        const list = readArray("texts", `1 to ${maxSamples} texts to score`, texts, maxSamples) as ScoreOptions[];
        if (list.length === 0) throw invalidOption("texts", `1 to ${maxSamples} texts to score`, texts);
        return drawSamples({
            count: list.length,
            atOnce: core.facts.slots + Math.min(core.facts.slots, maxWaitingSamples),
            start: (index) => namingItem(index, () => this.#score(list[index]!)),
            over: () => false,
            skipped: () => {
                throw disposedError();
            },
            room: () => untilRoom(core, undefined)
        });
    }

    /**
     * Writes to a file what all models know after a text, so that a later engine with the same models can go on from
     * there: a long prompt, or a conversation. What is not decoded yet is decoded first.
     * @param file replaced if it exists, whole or not at all
     * @returns how many tokens the file holds
     * @throws ERR_STATE_FILE, ERR_ABORTED, and what {@link Rast.generate} lists
     * @example
     * ```ts
     * import { loadRast } from "rast-llama";
     * import { tmpdir } from "node:os";
     * import { join } from "node:path";
     *
     * const file = join(tmpdir(), "prompt.state");
     * const rast = await loadRast({ trio: "demo" });
     * await rast.saveState(file, { prompt: "6+34+63+39" });
     * await rast.loadState(file); // in a later engine of the same models
     * const { usage } = await rast.complete({ prompt: "6+34+63+39", seed: 1 });
     * console.log(usage.cachedPromptTokens, "of", usage.promptTokens, "tokens were known");
     * await rast.dispose();
     * ```
     */
    async saveState(file: string, text: SaveStateOptions): Promise<SavedState> {
        this.#assertUsable();
        const core = this.#core;
        const path = checkFile(file);
        const options = resolvePromptOptions("saveState", text, core.facts.context);
        const { signal } = options;
        assertNotAborted(signal, "Saving the state");
        const tokens = await prepareTokens(core, options);
        // one token more is drawn, so that all of these are decoded
        const decoded = await this.complete({ tokens, maxTokens: 1, ignoreEos: true, signal });
        assertNotAborted(signal, "Saving the state");
        if (decoded.stopReason === "abort") throw disposedError();
        return { tokens: await core.addon.engineSaveState(core.handle, path, tokens) };
    }

    /**
     * Reads a file of {@link Rast.saveState}. Prompts that begin with its tokens then need not decode them.
     * @throws ERR_FILE_NOT_FOUND; ERR_STATE_FILE for a file that is damaged or belongs to other models; nothing has changed then.
     *     ERR_QUEUE_FULL while every slot has a generation; ERR_ABORTED
     */
    async loadState(file: string, options: LoadStateOptions = {}): Promise<LoadedState> {
        this.#assertUsable();
        const core = this.#core;
        const path = checkFile(file);
        const read = readOptions("loadState", "the options of loadState", options, ["signal"]);
        const signal = read.signal === undefined ? undefined : checkSignal("signal", read.signal);
        assertNotAborted(signal, "Loading the state");
        let forget = (): void => {};
        const aborted = new Promise<never>((_, reject) => {
            forget = watchSignal(signal, () => reject(abortedError(signal!, "Loading the state")));
        });
        try {
            return { tokens: Array.from(await Promise.race([core.addon.engineLoadState(core.handle, path), aborted])) };
        } finally {
            forget();
        }
    }

    /**
     * Times bare decodes of one model, with no sampler and no other model beside it: a baseline for what an engine adds.
     * They run in a second context, made at the first call and kept, between the steps of generations.
     * @returns milliseconds of each step, or of the prompt
     * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_INVALID_ARGUMENT when it is more than the cache holds,
     *     ERR_INSUFFICIENT_MEMORY, ERR_CONTEXT_CREATE, ERR_DECODE, ERR_DISPOSED
     */
    async measureDecodes(options: MeasureOptions): Promise<number[]> {
        this.#assertUsable();
        const { addon, handle, facts } = this.#core;
        const ms = await addon.engineMeasure(handle, readMeasureOptions(options, facts));
        return Array.from(ms);
    }

    /**
     * Token ids of a text of at most 64 MiB, of which no stretch longer than 1 MiB is without a place to cut it, such as a
     * space between two words.
     * @throws ERR_TOKENIZE, ERR_INVALID_ARGUMENT, ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_DISPOSED
     */
    async tokenize(text: string, options: TokenizeOptions = {}): Promise<number[]> {
        this.#assertUsable();
        if (typeof text !== "string") throw invalidOption("text", "a string", text, "ERR_INVALID_ARGUMENT");
        const read = readFlags("tokenize", options, { addSpecial: false, parseSpecial: true });
        const { parseSpecial } = read;
        const addBos = read.addSpecial && this.#core.native.addBos;
        const { tokens } = await tokenizeText(this.#core, [text], { addBos, parseSpecial });
        return Array.from(tokens);
    }

    /**
     * Token ids of a prompt or conversation, as {@link Rast.generate} has them. Control tokens in the words of messages are
     * text, unless `parseSpecial` is set.
     * @throws ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG, ERR_TOKENIZE, ERR_CHAT_TEMPLATE, ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION,
     *     ERR_DISPOSED
     */
    async promptTokens(options: PromptOptions): Promise<number[]> {
        this.#assertUsable();
        const resolved = resolvePromptOptions("promptTokens", options, this.#core.facts.context);
        return Array.from(await prepareTokens(this.#core, resolved));
    }

    /**
     * Text of token ids: what {@link Rast.tokenize} made of a text becomes that text again, where the tokenizer has every
     * byte and keeps them apart (SentencePiece takes U+2581 for a space). Bytes that are no whole character become U+FFFD.
     * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_DISPOSED
     */
    async detokenize(tokens: readonly number[] | Int32Array, options: DetokenizeOptions = {}): Promise<string> {
        this.#assertUsable();
        const ids = checkTokens("tokens", tokens, this.#core.facts.context.vocabularySize, maxDetokenized);
        const read = readFlags("detokenize", options, { showSpecial: false, continuation: false });
        return this.#core.addon.detokenize(this.#core.handle, ids, read.showSpecial, read.continuation);
    }

    /**
     * Bytes of each token by itself: of a text's tokens, one after the other, they are its UTF-8, where a token may have a part
     * of a character alone. Control tokens have those of their names.
     * @throws ERR_INVALID_OPTION, ERR_DISPOSED
     */
    async tokenBytes(tokens: readonly number[] | Int32Array): Promise<Uint8Array[]> {
        this.#assertUsable();
        const { addon, handle, facts } = this.#core;
        const ids = checkTokens("tokens", tokens, facts.context.vocabularySize, maxDetokenized);
        return [...(await addon.tokenBytes(handle, ids))];
    }

    /** The base model's chat template, as its file has it; null where it has none. */
    get chatTemplate(): string | null {
        return this.#core.native.chatTemplate;
    }

    /**
     * A conversation as the base model's chat template writes it, ready for the assistant's turn. The template is a program
     * in the model's file: it runs in a thread of its own, for 5 s and 4 million characters at most.
     * @throws ERR_CHAT_TEMPLATE, ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_DISPOSED
     */
    async applyChatTemplate(messages: readonly ChatMessage[], options: ChatOptions = {}): Promise<string> {
        this.#assertUsable();
        const { native, facts } = this.#core;
        const { bosText: bosToken, eosText: eosToken, context } = facts;
        const read = readOptions("applyChatTemplate", "the options of applyChatTemplate", options, chatOptionNames);
        const input = { bosToken, eosToken, ...readChatOptions(read, context.chat) };
        return applyChatTemplate(native.chatTemplate, readMessages(messages), input);
    }

    /**
     * GBNF of a JSON schema, as option `jsonSchema` follows it: to be part of a larger grammar. Its rules are `root`, `r1`, `r2` ...
     * @throws ERR_JSON_SCHEMA, ERR_INVALID_OPTION, ERR_DISPOSED
     */
    async grammarOf(schema: JsonSchema | JsonSchemaOption): Promise<string> {
        this.#assertUsable();
        const { json, ignoreUnsupported } = readJsonSchema(schema);
        return this.#core.addon.grammarOfSchema(json, ignoreUnsupported);
    }

    /**
     * Ends what is running with stop reason "abort", then frees everything. Every later call waits for the first.
     * Afterwards every method but this one fails with ERR_DISPOSED.
     */
    dispose(): Promise<void> {
        collected.unregister(this);
        this.#disposing ??= this.#core.dispose(this.#preparing);
        return this.#disposing;
    }

    /** For `await using`: {@link Rast.dispose}. */
    [Symbol.asyncDispose](): Promise<void> {
        return this.dispose();
    }

    #begin(read: () => ResolvedGenerateOptions, prepare: Prepare, keepParts: boolean): Generation {
        return new Generation((sink) => {
            const request = new Request(this.#core, this, sink);
            const prepared = request.run(read, prepare, this.#lastInLine);
            this.#lastInLine = prepared;
            this.#preparing.add(prepared);
            void prepared.then(() => this.#preparing.delete(prepared));
            return () => request.cancel();
        }, keepParts);
    }

    #assertUsable(): void {
        if (this.#core.disposed) throw disposedError();
    }
}

function assertNotAborted(signal: AbortSignal | undefined, what: string): void {
    if (signal !== undefined && isAborted(signal)) throw abortedError(signal, what);
}

function abortedError(signal: AbortSignal, what: string): RastError {
    return new RastError("ERR_ABORTED", `${what} was aborted.`, { cause: abortReason(signal) });
}

/** The engine over what was loaded. */
export function makeRast(core: EngineCore, info: RastInfo): Rast {
    return new Rast(byLoadRast, core, info);
}
