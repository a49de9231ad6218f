// POST /v1/completions: texts to go on with, also as token ids; with `echo` and `logprobs` what the models say of the prompt itself.
import type { GenerateSettings, TextPrompt, TokensPrompt } from "../../engine/generate-options.js";
import type { RastResult } from "../../engine/results.js";
import type { Ask, Answering, NamedAlternative, NamedScore } from "../ask/ask.js";
import type { EngineDesk, ScoredToken } from "../ask/engine-desk.js";
import type { ProtocolContext } from "../ask/protocol.js";
import { clientSignal } from "../http/client-signal.js";
import { EventStream, serverSentEvent } from "../http/event-stream.js";
import { wrongField } from "../http/request-error.js";
import type { FastifyPluginAsync } from "fastify";
import { gone } from "./chat.js";
import { failStream } from "./errors.js";
import { defined, given, readCommon, readMaxTokens, type CommonBody, type Settings } from "./fields.js";
import { completionBody } from "./schemas.js";
import {
    eventsOf,
    finishReason,
    finite,
    headOf,
    rastOf,
    rastTokens,
    timingsOf,
    usageOf,
    type AnswerHead
} from "./writing.js";

/** A body that `completionBody` has found right. */
interface CompletionBody extends CommonBody {
    readonly prompt: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
    readonly max_tokens?: number | null;
    readonly logprobs?: number | null;
    readonly echo?: boolean | null;
    readonly suffix?: string | null;
    readonly best_of?: number | null;
}

/** What of a body goes to the engine, and what comes before. */
interface CompletionAsk {
    readonly ask: Ask;
    readonly prompts: readonly (TextPrompt | TokensPrompt)[];
    readonly raw: boolean;
    readonly echo: boolean;
    /** Alternatives of each token; undefined = no log-probabilities. */
    readonly logprobs: number | undefined;
    /** Nothing is drawn. */
    readonly only: boolean;
}

/** OpenAI's. */
const defaultMaxTokens = 16;

/** What completions need beside answers. */
export interface CompletionContext extends ProtocolContext {
    readonly desk: EngineDesk;
}

/** Completions, streamed and not. */
export const completions: FastifyPluginAsync<CompletionContext> = async (app, { answer, bounds, desk }) => {
    const schema = { body: completionBody, summary: "A text to go on with", tags: ["OpenAI"] };
    app.post<{ Body: CompletionBody }>("/v1/completions", { schema }, async (request, reply) => {
        const { body } = request;
        const read = readCompletion(body);
        const { ask } = read;
        if (ask.prompts.length * ask.n > bounds.maxChoices) {
            throw wrongField("n", `At most ${bounds.maxChoices} choices are drawn for a request.`);
        }
        if (body.stream !== true) {
            const signal = clientSignal(reply);
            const echoed = await echoesOf(read, desk, signal, request.id);
            const { model, choices, results } = read.only
                ? {
                      model: desk.find(ask.model).id,
                      choices: read.prompts.map(() => emptyChoice("length")),
                      results: []
                  }
                : await collect(ask, await answer(ask, signal, request.id));
            if (signal.aborted) return gone(reply);
            return writeWhole(headOf("cmpl", "text_completion", model), read, choices, results, echoed);
        }
        const stream = new EventStream(reply, { contentType: "text/event-stream; charset=utf-8" }, bounds);
        try {
            const echoed = await echoesOf(read, desk, stream.signal, request.id);
            const answering = read.only ? undefined : await answer(ask, stream.signal, request.id);
            const model = answering?.model ?? desk.find(ask.model).id;
            await writeStream(stream, read, { model, answering, echoed }, body.stream_options?.include_usage === true);
        } catch (error) {
            failStream(stream, error, request);
        }
        return reply;
    });
};

/** @throws RequestError 400 */
function readCompletion(body: CompletionBody): CompletionAsk {
    if (given(body.suffix) && body.suffix !== "")
        throw wrongField("suffix", "Texts are not filled in between here: leave suffix out.");
    const n = body.n ?? 1;
    if (given(body.best_of) && body.best_of > n)
        throw wrongField("best_of", "best_of beyond n is not understood here.");
    const echo = body.echo === true;
    const only = body.max_tokens === 0;
    if (only && !echo)
        throw wrongField(
            "max_tokens",
            "Expected an integer >= 1 for max_tokens, or -1 for no limit, received 0; 0 needs echo."
        );
    const logprobs = body.logprobs ?? undefined;
    // who sums up a prompt's tokens draws one more and takes it off again: there must be one, were it the text's end
    const sums = echo && logprobs !== undefined && body.max_tokens === 1;
    const raw = body.rast?.raw ?? true;
    const prompts = readPrompts(body.prompt);
    const settings = defined<Settings>({
        ...readCommon(body),
        maxTokens: only ? 1 : given(body.max_tokens) ? readMaxTokens("max_tokens", body.max_tokens) : defaultMaxTokens,
        logprobs,
        ...(sums ? { ignoreEos: true } : {})
    });
    return {
        ask: {
            model: body.model ?? undefined,
            prompts,
            n,
            settings: { ...settings, raw } satisfies Omit<GenerateSettings, "signal" | "ordinal">,
            tools: undefined
        },
        prompts,
        raw,
        echo,
        logprobs,
        only
    };
}

function readPrompts(prompt: CompletionBody["prompt"]): readonly (TextPrompt | TokensPrompt)[] {
    if (typeof prompt === "string") return [{ prompt }];
    if (typeof prompt[0] === "number") return [{ tokens: prompt as readonly number[] }];
    return (prompt as readonly (string | readonly number[])[]).map((one) =>
        typeof one === "string" ? { prompt: one } : { tokens: one }
    );
}

/** What is said of each prompt, where it is asked for. */
async function echoesOf(
    { ask, prompts, raw, echo, logprobs }: CompletionAsk,
    desk: EngineDesk,
    signal: AbortSignal,
    request: string
): Promise<readonly Echo[]> {
    if (!echo) return [];
    const { mode, lambda } = ask.settings;
    const echoes: Echo[] = [];
    for (const prompt of prompts) {
        if (logprobs === undefined) {
            const text =
                prompt.tokens === undefined
                    ? prompt.prompt
                    : await desk.with(ask.model, signal, (rast) =>
                          rast.detokenize(Array.from(prompt.tokens as ArrayLike<number>), {
                              showSpecial: true,
                              continuation: true
                          })
                      );
            const [counted] = await desk.promptTokens({ ...ask, prompts: [prompt] }, signal);
            echoes.push({ text, count: counted!.length, tokens: [] });
            continue;
        }
        const { tokens, count } = await desk.scorePrompt(
            { model: ask.model, prompt, raw, mode, lambda, top: logprobs },
            signal,
            request
        );
        const whole = Buffer.from(tokens.flatMap(({ bytes }) => bytes)).toString("utf8");
        echoes.push({ text: prompt.tokens === undefined ? prompt.prompt : whole, count, tokens });
    }
    return echoes;
}

interface EchoedAnswer {
    readonly model: string;
    /** undefined where nothing is drawn. */
    readonly answering: Answering | undefined;
    readonly echoed: readonly Echo[];
}

interface Echo {
    readonly text: string;
    readonly count: number;
    /** Without log-probabilities none. */
    readonly tokens: readonly ScoredToken[];
}

/** A token as OpenAI's completions list them. */
interface ListedToken {
    readonly text: string;
    /** null of a first token. */
    readonly logprob: number | null;
    readonly top: readonly NamedAlternative[];
}

interface WholeChoice {
    text: string;
    readonly tokens: ListedToken[];
    readonly scores: NamedScore[];
    finish: "stop" | "length";
}

function emptyChoice(finish: "stop" | "length"): WholeChoice {
    return { text: "", tokens: [], scores: [], finish };
}

async function collect(
    ask: Ask,
    { model, events }: Answering
): Promise<{
    readonly model: string;
    readonly choices: readonly WholeChoice[];
    readonly results: readonly RastResult[];
}> {
    const total = ask.prompts.length * ask.n;
    const choices = Array.from({ length: total }, () => emptyChoice("stop"));
    const results: (RastResult | undefined)[] = new Array<undefined>(total).fill(undefined);
    for await (const event of events) {
        const choice = choices[event.choice]!;
        if (event.kind === "delta") {
            choice.text += event.text;
            for (const one of event.logprobs ?? []) choice.tokens.push(one);
            for (const one of event.scores ?? []) choice.scores.push(one);
        } else if (event.kind === "end") {
            choice.finish = finishReason(event.finish) === "length" ? "length" : "stop";
            results[event.choice] = event.result;
        }
    }
    return { model, choices, results: results.flatMap((result) => result ?? []) };
}

function writeWhole(
    head: AnswerHead,
    { ask, echo, logprobs }: CompletionAsk,
    choices: readonly WholeChoice[],
    results: readonly RastResult[],
    echoed: readonly Echo[]
): Record<string, unknown> {
    const withScores = ask.settings.explain !== undefined && ask.settings.explain !== false;
    return {
        ...head,
        choices: choices.map((choice, index) => {
            const before = echo ? echoed[Math.floor(index / ask.n)] : undefined;
            const tokens = [...listed(before), ...choice.tokens];
            return {
                index,
                text: (before?.text ?? "") + choice.text,
                logprobs: logprobs === undefined ? null : completionLogprobs(tokens, 0),
                finish_reason: choice.finish,
                ...(withScores ? { rast: rastTokens(choice.scores) } : {})
            };
        }),
        usage: results.length === 0 ? usageOfEchoes(echoed) : usageOf(results, ask.n),
        ...(results.length === 0 ? {} : { timings: timingsOf(results), rast: rastOf(results[0]!) })
    };
}

function listed(echo: Echo | undefined): ListedToken[] {
    return (echo?.tokens ?? []).map(({ text, score, logprob, top }) => ({
        text,
        logprob: score === null ? null : logprob,
        top
    }));
}

function usageOfEchoes(echoed: readonly Echo[]): Record<string, unknown> {
    const tokens = echoed.reduce((sum, echo) => sum + echo.count, 0);
    return { prompt_tokens: tokens, completion_tokens: 0, total_tokens: tokens };
}

/** @param offset characters (code points) before the first token, as OpenAI counts them */
function completionLogprobs(tokens: readonly ListedToken[], offset: number): Record<string, unknown> {
    let at = offset;
    const offsets = tokens.map(({ text }) => {
        const here = at;
        at += charactersOf(text);
        return here;
    });
    return {
        tokens: tokens.map(({ text }) => text),
        token_logprobs: tokens.map(({ logprob }) => (logprob === null ? null : finite(logprob))),
        top_logprobs: tokens.map((token) => (token.logprob === null ? null : likeliest(token))),
        text_offset: offsets
    };
}

function charactersOf(text: string): number {
    return Array.from(text).length;
}

// By text: of tokens with the same one the likeliest counts. The token itself is always there.
function likeliest({ text, logprob, top }: ListedToken): Record<string, number> {
    const all = new Map<string, number>();
    for (const one of top) all.set(one.text, Math.max(all.get(one.text) ?? -Infinity, finite(one.logprob)));
    all.set(text, Math.max(all.get(text) ?? -Infinity, finite(logprob!)));
    return Object.fromEntries(all);
}

async function writeStream(
    stream: EventStream,
    { ask, echo, logprobs, prompts }: CompletionAsk,
    { model, answering, echoed }: EchoedAnswer,
    includeUsage: boolean
): Promise<void> {
    const written = eventsOf(headOf("cmpl", "text_completion", model));
    const total = prompts.length * ask.n;
    const results: (RastResult | undefined)[] = new Array<undefined>(total).fill(undefined);
    const offsets = new Array<number>(total).fill(0);
    const noUsage = includeUsage ? { usage: null } : {};
    const send = (more: Record<string, unknown>): Promise<void> | undefined => stream.send(written(more));
    const sendPart = (
        index: number,
        text: string,
        tokens: readonly ListedToken[],
        scores: readonly NamedScore[]
    ): Promise<void> | undefined => {
        const choice = {
            index,
            text,
            logprobs: logprobs === undefined ? null : completionLogprobs(tokens, offsets[index]!),
            finish_reason: null,
            ...(scores.length > 0 ? { rast: rastTokens(scores) } : {})
        };
        offsets[index]! += tokens.reduce((sum, token) => sum + charactersOf(token.text), 0);
        return send({ choices: [choice], ...noUsage });
    };
    if (echo) {
        for (let index = 0; index < total; index++) {
            const before = echoed[Math.floor(index / ask.n)]!;
            await sendPart(index, before.text, listed(before), []);
        }
    }
    let ended = 0;
    for await (const event of answering?.events ?? nothing()) {
        if (event.kind === "delta") {
            const slow = sendPart(event.choice, event.text, event.logprobs ?? [], event.scores ?? []);
            if (slow !== undefined) await slow;
        }
        if (event.kind !== "end") continue;
        results[event.choice] = event.result;
        ended += 1;
        const there = results.flatMap((result) => result ?? []);
        const last = ended === total ? { timings: timingsOf(there), rast: rastOf(there[0]!) } : {};
        const reason = finishReason(event.finish) === "length" ? "length" : "stop";
        const end = { index: event.choice, text: "", logprobs: null, finish_reason: reason };
        await send({ choices: [end], ...(includeUsage ? noUsage : last) });
        if (includeUsage && ended === total) await send({ choices: [], usage: usageOf(there, ask.n), ...last });
    }
    if (answering === undefined) {
        for (let index = 0; index < total; index++) {
            await send({ choices: [{ index, text: "", logprobs: null, finish_reason: "length" }] });
        }
        if (includeUsage) await send({ choices: [], usage: usageOfEchoes(echoed) });
    }
    stream.end(serverSentEvent("[DONE]"));
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}
