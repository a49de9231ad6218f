// What OpenAI's answers have in common: ids, counts, log-probabilities, times as llama-server tells them, and RAST's own.
import { randomBytes } from "node:crypto";
import type { RastResult } from "../../engine/results.js";
import type { EndEvent, NamedLogprob, NamedScore } from "../ask/ask.js";
import { serverSentEvent } from "../http/event-stream.js";

/** "chatcmpl-...", "cmpl-...". */
export function newId(prefix: string): string {
    return `${prefix}-${randomBytes(12).toString("hex")}`;
}

/** What every part of an answer begins with. */
export interface AnswerHead {
    readonly id: string;
    readonly object: string;
    /** Seconds since 1970. */
    readonly created: number;
    readonly model: string;
}

/** Of an answer that begins now. */
export function headOf(prefix: string, object: string, model: string): AnswerHead {
    return { id: newId(prefix), object, created: Math.floor(Date.now() / 1000), model };
}

/** Makes an answer's events: what all of them begin with is written once. */
export function eventsOf(head: AnswerHead): (fields: Readonly<Record<string, unknown>>) => string {
    const begin = JSON.stringify(head).slice(0, -1);
    return (fields) => serverSentEvent(`${begin},${JSON.stringify(fields).slice(1)}`);
}

/** OpenAI's word for an end. */
export function finishReason(finish: EndEvent["finish"]): "stop" | "length" | "tool_calls" {
    if (finish === "toolCalls") return "tool_calls";
    return finish === "length" ? "length" : "stop";
}

/** Counts of all choices: a prompt counts once, however many choices it has. */
export function usageOf(results: readonly RastResult[], n: number): Record<string, unknown> {
    const prompts = results.filter((_, index) => index % n === 0);
    const sum = (of: readonly RastResult[], count: (usage: RastResult["usage"]) => number): number =>
        of.reduce((total, { usage }) => total + count(usage), 0);
    const promptTokens = sum(prompts, ({ promptTokens }) => promptTokens);
    const completionTokens = sum(results, ({ completionTokens }) => completionTokens);
    return {
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
        prompt_tokens_details: { cached_tokens: sum(prompts, ({ cachedPromptTokens }) => cachedPromptTokens) },
        completion_tokens_details: { reasoning_tokens: sum(results, ({ reasoningTokens }) => reasoningTokens) }
    };
}

/** Times as llama-server has them: of all choices together, where there are several. */
export function timingsOf(results: readonly RastResult[]): Record<string, number> {
    const sum = (of: (result: RastResult) => number): number => results.reduce((total, one) => total + of(one), 0);
    const cached = sum(({ usage }) => usage.cachedPromptTokens);
    const promptTokens = sum(({ usage }) => usage.promptTokens) - cached;
    const promptMs = sum(({ timings }) => timings.prefillMs);
    const predicted = sum(({ usage }) => usage.completionTokens);
    const predictedMs = sum(({ timings }) => timings.decodeMs);
    // the first round's tokens are there when the time begins
    const later = sum(({ usage, timings }) => Math.max(0, usage.completionTokens - timings.firstRoundTokens));
    // what was drawn in the prompt's own round alone took as long as that
    const [timed, timedMs] = later > 0 ? [later, predictedMs] : [predicted, promptMs + predictedMs];
    const drafted = sum(({ speculation }) => speculation.drafted);
    return {
        cache_n: cached,
        prompt_n: promptTokens,
        prompt_ms: promptMs,
        prompt_per_token_ms: ratio(promptMs, promptTokens),
        prompt_per_second: ratio(1000 * promptTokens, promptMs),
        predicted_n: predicted,
        predicted_ms: predictedMs,
        predicted_per_token_ms: ratio(timedMs, timed),
        predicted_per_second: ratio(1000 * timed, timedMs),
        ...(drafted > 0 ? { draft_n: drafted, draft_n_accepted: sum(({ speculation }) => speculation.accepted) } : {})
    };
}

// Nothing in no time is no number of JSON's.
function ratio(of: number, by: number): number {
    return by > 0 ? of / by : 0;
}

/** What was drawn from, and what drafts came to: of the first choice. */
export function rastOf({ mode, lambdas, path, speculation }: RastResult): Record<string, unknown> {
    const lambda = lambdas.length === 1 ? lambdas[0]! : lambdas.length === 0 ? null : lambdas;
    return { mode, lambda, path, speculation };
}

/** Of a chat. */
export function chatLogprobs(logprobs: readonly NamedLogprob[]): Record<string, unknown> {
    return {
        content: logprobs.map(({ text, logprob, bytes, top }) => ({
            token: text,
            logprob: finite(logprob),
            bytes,
            top_logprobs: top.map((one) => ({ token: one.text, logprob: finite(one.logprob), bytes: one.bytes }))
        })),
        refusal: null
    };
}

/** JSON has no word for -Infinity; OpenAI's is this. */
export function finite(logprob: number): number {
    return Math.max(-9999, logprob);
}

/** What the models say of drawn tokens. */
export function rastTokens(scores: readonly NamedScore[]): Record<string, unknown> {
    return {
        tokens: scores.map(({ text, score }) => ({
            id: score.token,
            text,
            divergence: number(score.divergence),
            base_logprob: finite(score.logprob.base),
            rast_logprob: finite(score.logprob.rast),
            base_rank: score.rank.base,
            rast_rank: score.rank.rast,
            draft: score.draft,
            ...(score.top === undefined
                ? {}
                : {
                      top: {
                          base: score.top.base.map(alternative),
                          rast: score.top.rast.map(alternative)
                      }
                  })
        }))
    };
}

function alternative({ token, base, rast }: { token: number; base: number; rast: number }): Record<string, number> {
    return { id: token, base_logprob: finite(base), rast_logprob: finite(rast) };
}

// Infinity, where the base rules out what the ensemble does not.
function number(value: number): number {
    return Number.isFinite(value) ? value : 9999;
}
