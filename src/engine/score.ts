import { RastError } from "../errors.js";
import { abortReason, isAborted } from "./abort-signals.js";
import { disposedError, type EngineCore } from "./engine-core.js";
import { continuationTokens, prepareTokens, tokenizeText } from "./prompt-tokens.js";
import type { PreparedRequest } from "./request.js";
import type { RastResult, RastTimings } from "./results.js";
import { completionTooLong, type ResolvedScoreOptions } from "./score-options.js";
import type { DistributionFigures, TokenScore } from "./token-scores.js";

/** What the models say of a given completion. Plain data, but for -Infinity, which JSON has no word for. */
export interface ScoreResult {
    /** The completion's tokens, all that have a score. */
    readonly tokens: readonly number[];
    /** One per token. */
    readonly scores: readonly TokenScore[];
    /** Sums of the tokens' log-probabilities, in nats: those of the whole completion after the prompt. */
    readonly logprob: DistributionFigures;
    /** Whether every token is the likeliest where it stands: what drawing at temperature 0 would have given. */
    readonly greedy: {
        /** Under the base. */
        readonly base: boolean;
        /** Under the ensemble. */
        readonly rast: boolean;
    };
    /** Which models were asked. */
    readonly mode: "rast" | "base";
    /** One per pair; empty in mode "base". */
    readonly lambdas: readonly number[];
    /** Counts of tokens. */
    readonly usage: ScoreUsage;
    /** How often it gave way to older requests for lack of cache space, and decoded its text anew. */
    readonly restarts: number;
    /** Where its time went. */
    readonly timings: RastTimings;
    /** Where rows are drawn. */
    readonly path: "device" | "host";
    /** Bytes read from the device for scores made there. */
    readonly hostBytes: number;
    /** Rows that were read to the host, as the device lacks what scores need. */
    readonly hostRows: number;
    /** Bytes read for them. */
    readonly hostRowBytes: number;
}

/** Tokens of a score. */
export interface ScoreUsage {
    /** What stood before the completion, a beginning of sequence included. */
    readonly promptTokens: number;
    /** Tokens that were scored. */
    readonly completionTokens: number;
    /** Prompt tokens that did not have to be decoded: an earlier or a parallel request began with them. */
    readonly cachedPromptTokens: number;
}

/**
 * The tokens of prompt and completion. Without a prompt the text is tokenized whole, and the model's beginning of sequence
 * stands before it; where texts have none its first token does, which then has no score.
 * @throws ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG, ERR_CHAT_TEMPLATE, ERR_TOKENIZE
 */
export async function prepareScore(
    core: EngineCore,
    { request, hasPrompt, completion, parseSpecial }: ResolvedScoreOptions,
    stop: AbortSignal
): Promise<PreparedRequest> {
    const { contextSize } = core.facts.context;
    const enough = contextSize + 1;
    const parts = async (): Promise<{ readonly prompt: Int32Array; readonly given: Int32Array }> => {
        if (hasPrompt) {
            const prompt = await prepareTokens(core, request, stop);
            const given =
                typeof completion === "string"
                    ? await continuationTokens(core, completion, { parseSpecial, enough }, stop)
                    : completion;
            return { prompt, given };
        }
        const { bosToken, addBos: modelAddsBos } = core.native;
        const addBos = request.addBos ?? modelAddsBos;
        const whole =
            typeof completion === "string"
                ? (await tokenizeText(core, [completion], { addBos, parseSpecial, enough }, stop)).tokens
                : addBos && bosToken >= 0 && completion[0] !== bosToken
                  ? Int32Array.of(bosToken, ...completion)
                  : completion;
        return { prompt: whole.slice(0, 1), given: whole.slice(1) };
    };
    const { prompt, given } = await parts();
    if (given.length === 0) {
        const why = hasPrompt
            ? "the vocabulary has none for this text."
            : "without a prompt, and a beginning of sequence, the first token of a text has no score.";
        throw new RastError("ERR_EMPTY_PROMPT", `There is no token to score: ${why}`);
    }
    if (prompt.length + given.length > contextSize + 1)
        throw completionTooLong(prompt.length, given.length, contextSize);
    return { tokens: prompt, grammar: undefined, given };
}

/**
 * @param result of the request
 * @throws ERR_ABORTED, ERR_DISPOSED when it did not come to its end
 */
export function scoreOf(
    result: RastResult,
    { request: { mode, signal } }: Pick<ResolvedScoreOptions, "request">
): ScoreResult {
    if (result.stopReason === "abort") {
        if (signal === undefined || !isAborted(signal)) throw disposedError();
        throw new RastError("ERR_ABORTED", "Scoring was aborted.", { cause: abortReason(signal) });
    }
    const scores = result.scores ?? [];
    const { promptTokens, completionTokens, cachedPromptTokens } = result.usage;
    return {
        tokens: result.tokens,
        scores,
        logprob: sumOf(scores),
        greedy: {
            base: scores.every(({ rank }) => rank.base === 0),
            rast: scores.every(({ rank }) => rank.rast === 0)
        },
        mode: mode === "base" ? "base" : "rast",
        lambdas: result.lambdas,
        usage: { promptTokens, completionTokens, cachedPromptTokens },
        restarts: result.restarts,
        timings: result.timings,
        path: result.path,
        hostBytes: result.hostBytes,
        hostRows: result.hostRows,
        hostRowBytes: result.hostRowBytes
    };
}

function sumOf(scores: readonly TokenScore[]): DistributionFigures {
    const sum = { base: 0, expert: 0, antiexpert: 0, rast: 0 };
    let hasPair = scores.length > 0;
    for (const { logprob } of scores) {
        sum.base += logprob.base;
        sum.rast += logprob.rast;
        sum.expert += logprob.expert ?? 0;
        sum.antiexpert += logprob.antiexpert ?? 0;
        hasPair &&= logprob.expert !== null && logprob.antiexpert !== null;
    }
    return hasPair ? sum : { ...sum, expert: null, antiexpert: null };
}
