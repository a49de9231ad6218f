import { describeError } from "../checks.js";
import { RastError, isErrorCode } from "../errors.js";
import type { NativeReasoning, NativeRequestResult, NativeStep } from "../native/addon-types.js";
import { isAborted, watchSignal } from "./abort-signals.js";
import type { EngineCore, RunningRequest } from "./engine-core.js";
import type { ResolvedGenerateOptions } from "./generate-options.js";
import type { GenerationSink } from "./generation.js";
import {
    abortedResult,
    buildResult,
    readLogprobs,
    type RastResult,
    type SeenTimes,
    type TokenLogprob,
    type UnreportedResult
} from "./results.js";
import { readScores, type TokenScore } from "./token-scores.js";

/** What native code is told of a request beside its options. */
export interface PreparedRequest {
    readonly tokens: Int32Array;
    /** GBNF; without one any text will do. */
    readonly grammar: string | undefined;
    /** Control tokens that are shown where others are not. @default none */
    readonly shownTokens?: Int32Array | undefined;
    /** undefined: all of the text is the answer. */
    readonly reasoning?: NativeReasoning | undefined;
    /** The completion, where it is given and nothing is drawn. */
    readonly given?: Int32Array | undefined;
}

/** Makes a request's prompt and grammar; may stop when the signal aborts. */
export type Prepare = (options: ResolvedGenerateOptions, stop: AbortSignal) => Promise<PreparedRequest>;

/** A step that is being decoded cannot be ended when others take part in it: an abort waits for it no longer than this. */
const longestAbortMs = 250;

/** What takes long to prepare gives up its place in line: it must not hold up those that came later. */
const longestTurnMs = 40;

async function inTurn(before: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, longestTurnMs)));
    await Promise.race([before, late]);
    clearTimeout(timer);
}

/** One request, from options to result. */
export class Request implements RunningRequest {
    /** Keeps the engine from being collected while a request runs. */
    readonly owner: object;
    readonly #core: EngineCore;
    readonly #sink: GenerationSink;
    #id: number | undefined;
    #cancelled = false;
    #settled = false;
    #options: ResolvedGenerateOptions | undefined;
    readonly #preparation = new AbortController();
    readonly #aborted = new Promise<undefined>((resolve) => {
        this.#preparation.signal.addEventListener("abort", () => resolve(undefined), { once: true });
    });
    // What `prepareGrammar` made and no request has yet; 0 = nothing.
    #grammar = 0;
    #promptTokens = 0;
    #ending: NodeJS.Timeout | undefined;
    #submittedAt = 0;
    #first: { readonly at: number; readonly tokens: number } | undefined;
    #lastAt = 0;
    #text = "";
    // As soon as it may have any.
    #reasoning: string | undefined;
    #answer = "";
    readonly #tokens: number[] = [];
    readonly #logprobs: TokenLogprob[] = [];
    readonly #scores: TokenScore[] = [];
    #forgetSignal = (): void => {};

    constructor(core: EngineCore, owner: object, sink: GenerationSink) {
        this.owner = owner;
        this.#core = core;
        this.#sink = sink;
    }

    /**
     * Reads the options, prepares the prompt and submits. Never rejects: the sink hears of everything.
     * @param read gives the options or throws what is wrong with them
     * @param prepare makes the prompt of them, and need not go on when the signal aborts
     * @param before the `run` of the request before: what is prepared sooner does not overtake it, unless it would wait
     *     for long
     */
    async run(read: () => ResolvedGenerateOptions, prepare: Prepare, before: Promise<void>): Promise<void> {
        await this.#prepareAndSubmit(read, prepare, before);
        await before;
    }

    async #prepareAndSubmit(
        read: () => ResolvedGenerateOptions,
        prepare: Prepare,
        before: Promise<void>
    ): Promise<void> {
        try {
            const options = read();
            this.#options = options;
            if (isAborted(options.signal) || this.#core.disposed) this.cancel();
            else this.#forgetSignal = watchSignal(options.signal, () => this.cancel());
            if (!this.#cancelled) {
                // whoever aborts does not wait for what is at work
                const prepared = await Promise.race([prepare(options, this.#preparation.signal), this.#aborted]);
                if (prepared === undefined) return;
                this.#promptTokens = prepared.tokens.length;
                if (prepared.grammar !== undefined) await this.#prepareGrammar(prepared.grammar, options.showSpecial);
                await inTurn(before);
                if (!this.#cancelled && !this.#core.disposed) {
                    this.#submit(options, prepared);
                    return;
                }
            }
            this.endAborted();
        } catch (error) {
            // A dispose during preparation makes the native calls fail: that is the abort, not an error.
            const aborted = this.#options !== undefined && (this.#cancelled || this.#core.disposed);
            if (aborted) this.endAborted();
            else this.#fail(error);
        } finally {
            this.#dropGrammar();
        }
    }

    /** Ends it as soon as the engine can. Never throws. */
    cancel(): void {
        if (this.#cancelled) return;
        this.#cancelled = true;
        this.#dropGrammar();
        if (this.#settled) return;
        if (this.#id === undefined) {
            this.#preparation.abort();
            this.endAborted();
        } else if (!this.#core.disposed) {
            this.#cancelNative();
            this.endSoon();
        }
    }

    /** Takes what one engine step brought. */
    receive(step: NativeStep): void {
        if (this.#settled) return;
        const { reasoning = "", answer = "" } = this.#reasoning === undefined ? { answer: step.text } : step;
        if (step.tokens.length > 0 || step.text !== "" || reasoning !== "" || answer !== "") {
            const logprobs = step.logprobs === undefined ? undefined : readLogprobs(step.tokens, step.logprobs);
            const scores =
                step.figures === undefined ? undefined : readScores(step.tokens, step.figures, this.#options!.figures);
            const tokens = Array.from(step.tokens);
            this.#text += step.text;
            this.#answer += answer;
            if (this.#reasoning !== undefined) this.#reasoning += reasoning;
            for (const token of tokens) this.#tokens.push(token);
            if (tokens.length > 0) {
                this.#lastAt = performance.now();
                this.#first ??= { at: this.#lastAt, tokens: tokens.length };
            }
            if (logprobs !== undefined) for (const entry of logprobs) this.#logprobs.push(entry);
            if (scores !== undefined) for (const score of scores) this.#scores.push(score);
            this.#sink.part({
                text: step.text,
                reasoning,
                answer,
                tokens,
                ...(logprobs === undefined ? {} : { logprobs }),
                ...(scores === undefined ? {} : { scores })
            });
        }
        if (step.error !== undefined) this.#fail(stepError(step.error));
        else if (step.result !== undefined) this.#finish(step.result);
    }

    /** Ends it here and now with what there is, as native code will not report on it. */
    endAborted(): void {
        if (!this.#settled) this.#finish(abortedResult(this.#promptTokens, this.#tokens.length, this.#seen()));
    }

    /** Ends it with what there is, unless native code has ended it before: what a step still at work brings is lost. */
    endSoon(): void {
        if (!this.#settled) this.#ending ??= setTimeout(() => this.endAborted(), longestAbortMs);
    }

    /** Fails it, as its step could not be taken in; native code is told to stop. */
    breakOff(error: unknown): void {
        if (this.#settled) return;
        this.#cancelNative();
        const message = `A step of a generation could not be delivered: ${describeError(error)}.`;
        this.#fail(new RastError("ERR_INTERNAL", message, { cause: error }));
    }

    #seen(): SeenTimes | undefined {
        if (this.#first === undefined) return undefined;
        const { at, tokens } = this.#first;
        return { firstTokenMs: at - this.#submittedAt, firstRoundTokens: tokens, decodeMs: this.#lastAt - at };
    }

    // An engine that is gone has nothing to cancel.
    #cancelNative(): void {
        if (this.#id === undefined) return;
        try {
            this.#core.addon.engineCancel(this.#core.handle, this.#id);
        } catch {
            return;
        }
    }

    async #prepareGrammar(gbnf: string, showSpecial: boolean): Promise<void> {
        if (this.#cancelled) return;
        const { addon, handle } = this.#core;
        this.#grammar = this.#core.nextId();
        await addon.prepareGrammar(handle, this.#grammar, gbnf, showSpecial);
    }

    // An engine that is gone has nothing to drop.
    #dropGrammar(): void {
        if (this.#grammar === 0) return;
        const { addon, handle } = this.#core;
        try {
            addon.dropGrammar(handle, this.#grammar);
        } catch {
            return;
        } finally {
            this.#grammar = 0;
        }
    }

    #submit(
        options: ResolvedGenerateOptions,
        { tokens: prompt, reasoning, given, shownTokens }: PreparedRequest
    ): void {
        const { mode, maxTokens, stopStrings, stopTokens, ignoreEos, showSpecial, logprobs, figures } = options;
        const { speculation, sampling } = options;
        if (reasoning !== undefined) this.#reasoning = "";
        this.#id = this.#core.add(this);
        this.#submittedAt = performance.now();
        this.#core.addon.engineSubmit(this.#core.handle, this.#id, {
            prompt,
            mode,
            maxTokens,
            stopStrings,
            stopTokens,
            ignoreEos,
            showSpecial,
            shownTokens: shownTokens ?? new Int32Array(),
            logprobs,
            figures,
            given: given ?? new Int32Array(),
            ...speculation,
            grammar: this.#grammar,
            reasoning: reasoning ?? null,
            sampling
        });
        this.#grammar = 0;
    }

    #finish(native: NativeRequestResult | UnreportedResult): void {
        const result = resultOf(
            this.#core,
            this.#options!,
            {
                text: this.#text,
                reasoning: native.reasoningTokens > 0 || this.#reasoning !== "" ? (this.#reasoning ?? null) : null,
                answer: this.#answer,
                tokens: this.#tokens,
                logprobs: this.#logprobs,
                scores: this.#scores
            },
            native
        );
        this.#settle(true);
        this.#sink.finish(result);
    }

    #fail(error: unknown): void {
        if (this.#settled) return;
        // One that was refused had no place that is free now.
        this.#settle(!(error instanceof RastError && error.code === "ERR_QUEUE_FULL"));
        this.#sink.fail(error);
    }

    #settle(leavesRoom: boolean): void {
        this.#settled = true;
        clearTimeout(this.#ending);
        this.#forgetSignal();
        if (this.#id === undefined) return;
        this.#core.remove(this.#id, leavesRoom);
    }
}

function resultOf(
    { native: engine, facts: { loadMs, devices, overNetwork } }: EngineCore,
    options: ResolvedGenerateOptions,
    drawn: Pick<RastResult, "text" | "reasoning" | "answer" | "tokens"> & {
        readonly logprobs: readonly TokenLogprob[];
        readonly scores: readonly TokenScore[];
    },
    native: NativeRequestResult | UnreportedResult
): RastResult {
    return buildResult(
        {
            text: drawn.text,
            reasoning: drawn.reasoning,
            answer: drawn.answer,
            tokens: drawn.tokens,
            logprobs: options.logprobs < 0 ? undefined : drawn.logprobs,
            scores: options.figures < 0 ? undefined : drawn.scores,
            seed: options.sampling.seed,
            mode: options.mode,
            lambdas: options.sampling.lambdas,
            speculation: options.speculation,
            draftReason: engine.draftReason,
            loadMs,
            path: engine.samplerPath,
            pathReason: engine.samplerReason,
            threads: engine.base.threads,
            overNetwork: overNetwork ?? false,
            devices
        },
        native
    );
}

/** The result of a generation that was aborted before it began. */
export function neverBegun(core: EngineCore, options: ResolvedGenerateOptions): RastResult {
    return resultOf(
        core,
        options,
        { text: "", reasoning: null, answer: "", tokens: [], logprobs: [], scores: [] },
        abortedResult(0, 0)
    );
}

function stepError({ code, message, details }: NonNullable<NativeStep["error"]>): RastError {
    return new RastError(isErrorCode(code) ? code : "ERR_INTERNAL", message, { details });
}
