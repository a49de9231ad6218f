// Perplexity of a text under one or several ensembles, and how these differ.
import { checkNumber, checkSignal, checkString, invalidOption, readArray, readOptions } from "../checks.js";
import type { Rast } from "../engine/engine.js";
import { RastError } from "../errors.js";
import { limits } from "../limits.js";
import { loadRast } from "../loading/load.js";
import type { LoadOptions } from "../loading/load-options.js";
import { compareTraces, type TextComparison } from "./comparison.js";
import type { MeanEstimate } from "./estimates.js";
import { inOrder } from "./in-order.js";
import { forScoring, scoreStretch } from "./score-texts.js";
import { TextTrace, type DistributionEstimates, type DivergenceFigures } from "./text-trace.js";
import { windowCount, windowsOf } from "./windows.js";

/** What is asked of {@link perplexity}. */
export interface PerplexityOptions {
    /** The text, as it stands: control tokens in it are text. */
    text: string;
    /**
     * Models, as `loadRast` takes them: one ensemble, or several, which are loaded one after the other. The first is the
     * reference that the others are compared with.
     */
    models: readonly LoadOptions[];
    /** Tokens of a window, of which the second half is scored: 4 and more. @default 512, or what the models hold */
    window?: number | undefined;
    /** Windows at most, from the beginning. @default all that the text fills */
    windows?: number | undefined;
    /** Likeliest tokens of each ensemble that a comparison knows: 1 to 20. @default 20 */
    top?: number | undefined;
    /** Ends the work with ERR_ABORTED. */
    signal?: AbortSignal | undefined;
    /** Called now and then, and after each window. What it throws ends the work with ERR_ABORTED. */
    onProgress?: ((progress: PerplexityProgress) => void) | undefined;
}

/** How far the work is. */
export interface PerplexityProgress {
    /** Which of the ensembles, from 0. */
    readonly model: number;
    /** Whether it is still loading. */
    readonly loading: boolean;
    /** Of loading, or of its windows: 0 to 1. */
    readonly fraction: number;
    /** Perplexity of the ensemble so far; null before the first window. */
    readonly perplexity: number | null;
}

/** Models of an ensemble, by path. */
export interface ScoredModels {
    /** The large model. */
    readonly base: string;
    /** None of a base alone. */
    readonly pairs: readonly ScoredPair[];
}

/** A pair, by path. */
export interface ScoredPair {
    /** The small model after its training. */
    readonly expert: string;
    /** The same before it. */
    readonly antiexpert: string;
}

/** Shares of a text's tokens. */
export interface GreedyShares {
    /** To the base. */
    readonly base: MeanEstimate;
    /** To the ensemble. */
    readonly rast: MeanEstimate;
}

/** What one ensemble says of a text. */
export interface TextPerplexity {
    /** Its models, by path. */
    readonly models: ScoredModels;
    /** Strengths of its pairs. */
    readonly lambdas: readonly number[];
    /** Perplexities. */
    readonly perplexity: DistributionEstimates;
    /** KL(ensemble || base) in nats: how far the delta moves the base. */
    readonly divergence: DivergenceFigures;
    /** Share of positions where ensemble and base have the same likeliest token. */
    readonly sameTop: MeanEstimate;
    /** Share of the text's tokens that are the likeliest where they stand. */
    readonly greedy: GreedyShares;
}

/** What came of {@link perplexity}. */
export interface PerplexityResult {
    /** Tokens of a window. */
    readonly window: number;
    /** How many there were. */
    readonly windows: number;
    /** Tokens that were scored, in all of them. */
    readonly tokens: number;
    /** Likeliest tokens that were known of each ensemble. */
    readonly top: number;
    /** What each ensemble says, in the order of `models`. */
    readonly results: readonly TextPerplexity[];
    /** The second and later ones against the first. */
    readonly comparisons: readonly TextComparison[];
}

const optionNames = ["text", "models", "window", "windows", "top", "signal", "onProgress"] as const;
const defaultWindow = 512;
const mostModels = 64;
/** Windows that an engine decodes together, unless its options say otherwise. */
const atOnce = 1;

/**
 * Perplexity of a text under base, expert, antiexpert and ensemble, by llama-perplexity's rule: windows side by side, each begun with the
 * beginning of a sequence where models want one, and of each the second half is scored. With several ensembles (two trios, or
 * quantizations of one) also how the later ones differ from the first: perplexities, KL divergence and agreement of
 * the likeliest token. No row of logits is copied: the divergence comes from the likeliest tokens of each and is a lower bound
 * where these are not all.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION; ERR_SCORE_INPUT for a text that fills no window; ERR_TOKENIZER_MISMATCH where ensembles cut
 *     the text into other tokens; ERR_ABORTED; what `loadRast` and {@link Rast.score} throw
 * @example
 * ```ts
 * import { perplexity } from "rast-llama";
 *
 * const text = "Q: 6+34?\nS:6+34=40#40\n".repeat(20);
 * const { results, comparisons } = await perplexity({ text, window: 64, models: [{ trio: "demo" }, { trio: "demo-strong" }] });
 * console.log(results[0]?.perplexity.rast.value, comparisons[0]?.rast.divergence.mean.value);
 * ```
 */
export async function perplexity(options: PerplexityOptions): Promise<PerplexityResult> {
    const read = readOptions("perplexity", "the options of perplexity", options, optionNames);
    const text = checkString("text", read.text, true);
    const models = readArray("models", "an array of options of loadRast", read.models, mostModels) as LoadOptions[];
    if (models.length === 0) throw invalidOption("models", "at least one ensemble", read.models);
    const signal = read.signal === undefined ? undefined : checkSignal("signal", read.signal);
    if (read.onProgress !== undefined && typeof read.onProgress !== "function") {
        throw invalidOption("onProgress", "a function", read.onProgress);
    }
    const top = read.top === undefined ? 20 : checkNumber("top", read.top, { min: 1, max: 20, integer: true });
    const job: Job = {
        text,
        signal,
        window:
            read.window === undefined
                ? undefined
                : checkNumber("window", read.window, { ...limits.contextSize, min: 4 }),
        windows:
            read.windows === undefined
                ? Infinity
                : checkNumber("windows", read.windows, { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true }),
        top: models.length === 1 ? 1 : top,
        onProgress: read.onProgress as Job["onProgress"]
    };
    const traces: Traced[] = [];
    for (const [index, model] of models.entries()) {
        const { window } = traces[0] ?? job;
        traces.push(await traceOf(model, index, { ...job, window }));
        assertSameTokens(traces);
    }
    const [first, ...others] = traces;
    return {
        window: first!.window,
        windows: first!.windows,
        tokens: first!.trace.count,
        top: job.top,
        results: traces.map(resultOf),
        comparisons: others.map(({ trace }) => compareTraces(first!.trace, trace))
    };
}

interface Job {
    readonly text: string;
    readonly signal: AbortSignal | undefined;
    readonly window: number | undefined;
    readonly windows: number;
    readonly top: number;
    readonly onProgress: ((progress: PerplexityProgress) => void) | undefined;
}

interface Traced {
    readonly trace: TextTrace;
    readonly window: number;
    readonly windows: number;
    readonly models: TextPerplexity["models"];
    readonly lambdas: readonly number[];
}

async function traceOf(model: LoadOptions, index: number, job: Job): Promise<Traced> {
    const { signal, top } = job;
    const tell = (progress: Omit<PerplexityProgress, "model">): void => {
        try {
            job.onProgress?.({ model: index, ...progress });
        } catch (error) {
            throw new RastError("ERR_ABORTED", "The perplexity was aborted, as onProgress failed.", { cause: error });
        }
    };
    const { contextSize = job.window ?? defaultWindow } = model;
    const rast = await loadRast({
        ...forScoring({ ...model, contextSize }, atOnce),
        signal,
        onProgress: ({ overall }) => tell({ loading: true, fraction: overall, perplexity: null })
    }).catch((error: unknown) => {
        throw asAborted(error);
    });
    try {
        const size = Math.min(job.window ?? defaultWindow, rast.info.contextSize);
        if (job.window !== undefined && size < job.window) throw tooWide(job.window, size);
        const { tokens, bos } = await tokensOf(rast, job.text);
        const count = Math.min(job.windows, windowCount(tokens.length, size));
        if (count === 0) throw tooShort(tokens.length, size);
        const trace = new TextTrace(top);
        let [done, surprise] = [0, 0];
        const scored = inOrder(
            windowsOf(tokens, size, bos, count),
            2 * rast.info.parallel,
            signal,
            "The perplexity",
            (window, stop) => scoreStretch(rast, { tokens: window.tokens, from: window.scoredFrom, top, signal: stop })
        );
        for await (const scores of scored) {
            trace.add(scores);
            for (const { logprob } of scores) surprise -= logprob.rast;
            done++;
            tell({ loading: false, fraction: done / count, perplexity: Math.exp(surprise / trace.count) });
        }
        const { base, pairs } = rast.info;
        return {
            trace,
            window: size,
            windows: count,
            models: {
                base: base.path,
                pairs: pairs.map(({ expert, antiexpert }) => ({ expert: expert.path, antiexpert: antiexpert.path }))
            },
            lambdas: pairs.map(({ lambda }) => lambda)
        };
    } finally {
        await rast.dispose();
    }
}

async function tokensOf(rast: Rast, text: string): Promise<{ tokens: Int32Array; bos: number | undefined }> {
    const tokens = Int32Array.from(await rast.tokenize(text, { addSpecial: true, parseSpecial: false }));
    const { bosToken } = rast.info;
    return { tokens, bos: tokens.length > 0 && tokens[0] === bosToken ? bosToken : undefined };
}

function assertSameTokens(traces: readonly Traced[]): void {
    const [first, last] = [traces[0]!, traces.at(-1)!];
    const { trace, window } = first;
    let differs = last.trace.count !== trace.count;
    for (let index = 0; !differs && index < trace.count; index++) {
        differs = trace.token(index) !== last.trace.token(index);
    }
    if (!differs && last.window === window) return;
    throw new RastError(
        "ERR_TOKENIZER_MISMATCH",
        `Models to be compared must cut a text into the same tokens: ${last.models.base} and ${first.models.base} do not.`,
        { details: { models: [first.models.base, last.models.base] } }
    );
}

function resultOf({ trace, models, lambdas }: Traced): TextPerplexity {
    return {
        models,
        lambdas,
        perplexity: trace.perplexity,
        divergence: trace.divergence,
        sameTop: trace.sameTop,
        greedy: { base: trace.greedy("base"), rast: trace.greedy("rast") }
    };
}

function tooShort(tokens: number, window: number): RastError {
    return new RastError(
        "ERR_SCORE_INPUT",
        `The text has ${tokens} tokens, and a window takes ${window}: give a longer text, or lower window.`,
        { details: { option: "window", tokens, window } }
    );
}

function tooWide(window: number, most: number): RastError {
    const message = `Expected at most ${most} for window, as the models hold no more, received ${window}.`;
    return new RastError("ERR_INVALID_OPTION", message, { details: { option: "window", window, most } });
}

// A load has its own words for it.
function asAborted(error: unknown): unknown {
    if (!(error instanceof RastError) || error.code !== "ERR_LOAD_ABORTED") return error;
    return new RastError("ERR_ABORTED", "The perplexity was aborted.", { cause: error.cause });
}
