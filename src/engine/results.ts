import type {
    NativeLogprobs,
    NativeNetworkUse,
    NativeRequestResult,
    NativeRoleTimes as RoleTimes,
    NativeStopReason as StopReason
} from "../native/addon-types.js";
import type { Mode } from "./generate-options.js";
import type { TokenScore } from "./token-scores.js";

export type { RoleTimes, StopReason };

/** Log-probability of a drawn token, natural logarithm, after bias and penalties and before the filters. */
export interface TokenLogprob {
    /** The token's id. */
    readonly token: number;
    /** At most 0; 0, without `top`, of tokens that were put there to end the reasoning. */
    readonly logprob: number;
    /** The likeliest tokens, likeliest first: as many as `logprobs` asked for. */
    readonly top: readonly TokenAlternative[];
}

/** A token that could have been drawn. */
export interface TokenAlternative {
    /** The token's id. */
    readonly token: number;
    /** Natural logarithm; at most 0. */
    readonly logprob: number;
}

/** New text of a running generation. */
export interface GenerationPart {
    /** Whole characters only. May be empty. */
    readonly text: string;
    /**
     * What is new of the reasoning, without the marks around it: of chats whose model reasons, else always "". It may come
     * later than its text, once it is certain.
     */
    readonly reasoning: string;
    /** What is new of the answer: the text, but for reasoning and marks. */
    readonly answer: string;
    /** Ids drawn since the last part; their text may come with a later one. */
    readonly tokens: readonly number[];
    /** One per token, when asked for. */
    readonly logprobs?: readonly TokenLogprob[];
    /** One per drawn token, when asked for with `explain`. */
    readonly scores?: readonly TokenScore[];
}

/** Layers of a role that a worker computes. */
export interface WorkerPlace {
    /** As the engine names it, e.g. "RPC0". */
    readonly device: string;
    /** The worker's address: "host:port". */
    readonly worker: string;
    /** How many of the role's layers it has. */
    readonly layers: number;
}

/** Where a role runs. */
export interface RolePlace {
    /** Device that holds the output layer, e.g. "CUDA0"; never a worker's. */
    readonly device: string;
    /** Devices of workers that hold layers of it; empty where there are none. */
    readonly workers: readonly WorkerPlace[];
    /** Layers on devices; the output layer counts as one more than `layers`. */
    readonly gpuLayers: number;
    /** Layers of the model, without the output layer. */
    readonly layers: number;
}

/** Places of all roles. */
export interface RolePlaces {
    /** The large model's. */
    readonly base: RolePlace;
    /** One per pair. */
    readonly pairs: readonly PairPlaces[];
}

/** Places of one pair. */
export interface PairPlaces {
    /** The expert's. */
    readonly expert: RolePlace;
    /** The antiexpert's. */
    readonly antiexpert: RolePlace;
}

/** What a generation came to. Plain data: `JSON.stringify` loses nothing. */
export interface RastResult {
    /** The completion, without the prompt and without a stop string: reasoning, its marks and the answer, as they came. */
    readonly text: string;
    /** What a chat's model reasoned before its answer, without the marks around it; null where it did not. */
    readonly reasoning: string | null;
    /** The text without reasoning and marks: all of it unless the prompt was a chat. */
    readonly answer: string;
    /** The completion, without the stop token. */
    readonly tokens: readonly number[];
    /** Why it ended. */
    readonly stopReason: StopReason;
    /** The stop string that ended it. */
    readonly stopString: string | null;
    /** The end-of-generation or stop token that ended it. */
    readonly stopToken: number | null;
    /** The seed used: give it again for the same draws. A string where a number cannot hold it. */
    readonly seed: number | string;
    /** Which distribution it was drawn from. */
    readonly mode: Mode;
    /** One per pair; empty unless the mode is "rast". */
    readonly lambdas: readonly number[];
    /** What drafting came to. */
    readonly speculation: SpeculationStats;
    /** Counts of tokens. */
    readonly usage: TokenUsage;
    /** Draws that the grammar refused, and that were drawn again. */
    readonly refusedDraws: number;
    /** How often it gave way to older generations for lack of cache space, and decoded its text anew. */
    readonly restarts: number;
    /** Where its time went. */
    readonly timings: RastTimings;
    /** Where tokens were drawn. */
    readonly path: "device" | "host";
    /** Why there, in one sentence. */
    readonly pathReason: string;
    /** Bytes read from the sampler's device for tokens drawn there. */
    readonly hostBytes: number;
    /** Every byte read, `hostRowBytes` included, per drawn token. */
    readonly hostBytesPerToken: number;
    /** Tokens whose draw was finished on the host. */
    readonly hostRows: number;
    /** Bytes read for them. */
    readonly hostRowBytes: number;
    /** CPU threads of its last round: fewer than `info.base.threads` where others were at work. */
    readonly threads: number;
    /**
     * What went to workers and came back; null of an engine without, and of a text that was aborted before the engine told
     * its figures.
     */
    readonly network: NetworkStats | null;
    /** Where the roles ran. */
    readonly devices: RolePlaces;
    /** One per token, when asked for. */
    readonly logprobs?: readonly TokenLogprob[];
    /** One per drawn token, when asked for with `explain`. */
    readonly scores?: readonly TokenScore[];
}

/** What a text needed of the network. Decodes for several texts together count for each of them. */
export interface NetworkUse {
    /** Bytes to workers. */
    readonly sentBytes: number;
    /** Bytes from them. */
    readonly receivedBytes: number;
    /** How often the engine waited for an answer. */
    readonly waits: number;
    /** How long for that, in milliseconds, and until what was sent had gone. */
    readonly waitMs: number;
    /** Of that, the workers were computing. */
    readonly workerMs: number;
    /** The rest: latency and transfer. */
    readonly networkMs: number;
}

/** What a completion needed of the network, and what that is for a token and for a round. */
export interface NetworkStats extends NetworkUse {
    /** Of the prompt. */
    readonly prompt: NetworkUse;
    /** Bytes both ways for each completion token behind the first; null where there are none. */
    readonly bytesPerToken: number | null;
    /** Milliseconds likewise. */
    readonly networkMsPerToken: number | null;
    /** Bytes both ways for each round behind the first; null where there are none. */
    readonly bytesPerRound: number | null;
    /** Milliseconds likewise. */
    readonly networkMsPerRound: number | null;
}

/** Tokens of a generation. */
export interface TokenUsage {
    /** Tokens of the prompt, those included that a template or a beginning put there. */
    readonly promptTokens: number;
    /** Tokens of the text, those included that were put there, without the one that ended it. */
    readonly completionTokens: number;
    /** Of those, reasoning with the marks that end it, as far as it was drawn: never more than `maxThinkingTokens` and a mark. */
    readonly reasoningTokens: number;
    /** Prompt tokens that did not have to be decoded: an earlier or a parallel generation began with them. */
    readonly cachedPromptTokens: number;
}

/** What drafting came to. */
export interface SpeculationStats {
    /** "auto": lengths were chosen while running; "fixed": one length; "off": none. */
    readonly mode: "auto" | "fixed" | "off";
    /** Why it was off; null when it was not. */
    readonly reason: string | null;
    /** Longest draft of a round. */
    readonly maxDraft: number;
    /** Decodes of the base that gave tokens. */
    readonly rounds: number;
    /** Tokens that were drafted, by the expert or from the text, and that the base verified. */
    readonly drafted: number;
    /** Those of them that the ensemble drew as well. */
    readonly accepted: number;
    /** accepted / drafted; null without drafts. */
    readonly acceptanceRate: number | null;
    /** Of both, those that were taken from prompt and text, where these repeat themselves. */
    readonly ngram: NgramStats;
    /** Share of positions where expert and ensemble drew the same token from the same text; null if none was compared. */
    readonly agreement: number | null;
    /** Mean of tokens per round; null without rounds. */
    readonly tokensPerRound: number | null;
}

/** Drafts that cost no decode of the expert. */
export interface NgramStats {
    /** Tokens that the base verified. */
    readonly drafted: number;
    /** Those of them that the ensemble drew as well. */
    readonly accepted: number;
}

/** Times of a generation, in milliseconds. */
export interface RastTimings {
    /** Of the engine, once. */
    readonly loadMs: number;
    /** Waiting for a free slot. */
    readonly queueMs: number;
    /** Decoding the prompt. */
    readonly prefillMs: number;
    /** Decoding and drawing the completion, but for its first round: from the first token to the end. */
    readonly decodeMs: number;
    /** From submission to the first token; null when there was none. */
    readonly firstTokenMs: number | null;
    /** Completion tokens that were there at `firstTokenMs`: drafts may be verified in the prompt's own round. */
    readonly firstRoundTokens: number;
    /** Completion tokens after the first round per second of `decodeMs`; null when there were none. */
    readonly tokensPerSecond: number | null;
    /**
     * All completion tokens per second from submission to the end, waiting and prompt included: what a stopwatch around
     * the call says. Null when there were none.
     */
    readonly overallTokensPerSecond: number | null;
    /** Of each role; those of several pairs together. */
    readonly roles: TimesOfRoles;
}

/** Times of all roles. */
export interface TimesOfRoles {
    /** The base's. */
    readonly base: RoleTimes;
    /** The experts'. */
    readonly expert: RoleTimes;
    /** The antiexperts'. */
    readonly antiexpert: RoleTimes;
}

/** What a result takes from the engine and the request rather than from the token loop. */
export interface ResultFrame {
    readonly text: string;
    readonly reasoning: string | null;
    readonly answer: string;
    readonly tokens: readonly number[];
    readonly logprobs: readonly TokenLogprob[] | undefined;
    readonly scores: readonly TokenScore[] | undefined;
    readonly seed: bigint;
    readonly mode: Mode;
    readonly lambdas: readonly number[];
    readonly speculation: { readonly draft: number; readonly maxDraft: number };
    readonly draftReason: string;
    readonly loadMs: number;
    readonly path: "device" | "host";
    readonly pathReason: string;
    readonly threads: number;
    /** Whether the engine has workers. */
    readonly overNetwork: boolean;
    readonly devices: RolePlaces;
}

/** Puts a result together. */
export function buildResult(frame: ResultFrame, native: NativeRequestResult | UnreportedResult): RastResult {
    const { stopReason, stopString, stopToken, queueMs, prefillMs, decodeMs, firstTokenMs } = native;
    const { hostBytes, hostRows, hostRowBytes, promptTokens, completionTokens, firstRoundTokens, roles } = native;
    const drawn = completionTokens + (stopToken === null ? 0 : 1);
    return {
        text: frame.text,
        reasoning: frame.reasoning,
        answer: frame.answer,
        tokens: frame.tokens,
        stopReason,
        stopString,
        stopToken,
        seed: frame.seed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(frame.seed) : frame.seed.toString(),
        mode: frame.mode,
        lambdas: frame.mode === "rast" ? [...frame.lambdas] : [],
        speculation: speculationStats(frame, native, drawn),
        usage: {
            promptTokens,
            completionTokens,
            reasoningTokens: native.reasoningTokens,
            cachedPromptTokens: native.cachedTokens
        },
        refusedDraws: native.refused,
        restarts: native.restarts,
        timings: {
            loadMs: frame.loadMs,
            queueMs,
            prefillMs,
            decodeMs,
            firstTokenMs,
            firstRoundTokens,
            tokensPerSecond: rateOf(completionTokens - firstRoundTokens, decodeMs),
            overallTokensPerSecond: rateOf(completionTokens, queueMs + prefillMs + decodeMs),
            roles
        },
        path: frame.path,
        pathReason: frame.pathReason,
        hostBytes,
        hostBytesPerToken: drawn > 0 ? (hostBytes + hostRowBytes) / drawn : 0,
        hostRows,
        hostRowBytes,
        threads: native.threads === 0 ? frame.threads : native.threads,
        network: frame.overNetwork && native.network !== null ? networkStats(native, drawn) : null,
        devices: frame.devices,
        ...(frame.logprobs === undefined ? {} : { logprobs: frame.logprobs }),
        ...(frame.scores === undefined ? {} : { scores: frame.scores })
    };
}

// Nothing is no rate, and neither is something in no time.
function rateOf(tokens: number, ms: number): number | null {
    return tokens > 0 && ms > 0 ? (1000 * tokens) / ms : null;
}

function speculationStats(
    { mode, speculation: { draft, maxDraft }, draftReason }: ResultFrame,
    { drafts }: Pick<NativeRequestResult, "drafts">,
    drawn: number
): SpeculationStats {
    const off =
        draftReason !== ""
            ? draftReason
            : mode !== "rast"
              ? `mode "${mode}" takes its tokens from one model`
              : undefined;
    const reason = off ?? (maxDraft === 0 ? "it was turned off for this request" : null);
    const { rounds, drafted, accepted, ngramDrafted, ngramAccepted, compared, agreed } = drafts;
    return {
        mode: reason !== null ? "off" : draft < 0 ? "auto" : "fixed",
        reason,
        maxDraft: reason !== null ? 0 : maxDraft,
        rounds,
        drafted,
        accepted,
        acceptanceRate: drafted > 0 ? accepted / drafted : null,
        ngram: { drafted: ngramDrafted, accepted: ngramAccepted },
        agreement: compared > 0 ? agreed / compared : null,
        tokensPerRound: rounds > 0 ? drawn / rounds : null
    };
}

// The first round is the prompt's.
function networkStats(
    { network, promptNetwork, firstRoundTokens, drafts: { rounds } }: NativeRequestResult,
    drawn: number
): NetworkStats {
    const use = networkUse(network);
    const bytes = use.sentBytes + use.receivedBytes;
    const per = (what: number, count: number): number | null => (count > 0 ? what / count : null);
    const tokens = drawn - firstRoundTokens;
    return {
        ...use,
        prompt: networkUse(promptNetwork),
        bytesPerToken: per(bytes, tokens),
        networkMsPerToken: per(use.networkMs, tokens),
        bytesPerRound: per(bytes, rounds - 1),
        networkMsPerRound: per(use.networkMs, rounds - 1)
    };
}

function networkUse({ sentBytes, receivedBytes, waits, waitMs, workerMs }: NativeNetworkUse): NetworkUse {
    return { sentBytes, receivedBytes, waits, waitMs, workerMs, networkMs: Math.max(0, waitMs - workerMs) };
}

/** What native code says of a request; without what it needed of the network where it did not come to that. */
export type UnreportedResult = Omit<NativeRequestResult, "network" | "promptNetwork"> & { readonly network: null };

/** What was seen of a text from outside of the token loop, in milliseconds. */
export interface SeenTimes {
    /** From submission to the first token; null when there was none. */
    readonly firstTokenMs: number | null;
    /** Tokens that came together with it. */
    readonly firstRoundTokens: number;
    /** From then to the last token. */
    readonly decodeMs: number;
}

const nothingSeen: SeenTimes = { firstTokenMs: null, firstRoundTokens: 0, decodeMs: 0 };

/** The result of a request that ended before the token loop reported on it. */
export function abortedResult(
    promptTokens: number,
    completionTokens: number,
    { firstTokenMs, firstRoundTokens, decodeMs }: SeenTimes = nothingSeen
): UnreportedResult {
    const idle: RoleTimes = { prefillMs: 0, decodeMs: 0, samplingMs: 0, prefillTokens: 0, decodeSteps: 0 };
    return {
        stopReason: "abort",
        stopString: null,
        stopToken: null,
        promptTokens,
        completionTokens,
        reasoningTokens: 0,
        cachedTokens: 0,
        restarts: 0,
        refused: 0,
        queueMs: 0,
        prefillMs: firstTokenMs ?? 0,
        decodeMs,
        firstTokenMs,
        firstRoundTokens,
        roles: { base: idle, expert: idle, antiexpert: idle },
        drafts: { rounds: 0, drafted: 0, accepted: 0, ngramDrafted: 0, ngramAccepted: 0, compared: 0, agreed: 0 },
        hostBytes: 0,
        hostRows: 0,
        hostRowBytes: 0,
        threads: 0,
        network: null
    };
}

/** Log-probabilities of some tokens as objects. Tokens that can never be drawn are left out of the alternatives. */
export function readLogprobs(tokens: Int32Array, native: NativeLogprobs): TokenLogprob[] {
    const width = tokens.length === 0 ? 0 : native.topTokens.length / tokens.length;
    return Array.from(tokens, (token, row) => ({
        token,
        logprob: native.drawn[row]!,
        top: Array.from({ length: width }, (_, column) => ({
            token: native.topTokens[row * width + column]!,
            logprob: native.topLogprobs[row * width + column]!
        })).filter((entry) => Number.isFinite(entry.logprob))
    }));
}
