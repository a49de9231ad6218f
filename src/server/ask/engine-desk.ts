// What is asked of a model beside answers: tokens of texts, texts of tokens, prompts as they are decoded, scores of prompts.
import type { Rast } from "../../engine/engine.js";
import type { TokensPrompt, TextPrompt } from "../../engine/generate-options.js";
import type { TokenScore } from "../../engine/token-scores.js";
import { RequestError } from "../http/request-error.js";
import type { Lease, Shelf } from "../shelf.js";
import { checkLength, preparePrompt, promptOnly, type PrepareChat } from "./answer.js";
import type { Ask, NamedAlternative } from "./ask.js";
import type { Door } from "./door.js";
import { findModel, type NamedModel } from "./model-names.js";
import type { SlotBoard } from "./slot-board.js";
import { tokenBytesOf, type TokenBytes } from "./token-bytes.js";

/** A prompt whose tokens are to be scored. */
export interface PromptToScore {
    readonly model: string | undefined;
    readonly prompt: TextPrompt | TokensPrompt;
    /** Whether the trio's prompt template is left out. */
    readonly raw: boolean;
    readonly mode: "rast" | "base" | "expert" | undefined;
    readonly lambda: number | readonly number[] | undefined;
    /** Likeliest tokens beside each. */
    readonly top: number;
}

/** A token of a prompt. */
export interface ScoredToken extends NamedAlternative {
    /** null of the first, before which nothing stands. */
    readonly score: TokenScore | null;
    /** Likeliest first. */
    readonly top: readonly NamedAlternative[];
}

/** A prompt with its scores. */
export interface ScoredPrompt {
    /** Those of the client's text. */
    readonly tokens: readonly ScoredToken[];
    /** All that were decoded, a beginning of sequence included. */
    readonly count: number;
}

/** What a desk needs. */
export interface DeskParts {
    readonly shelf: Shelf;
    readonly prepareChat: PrepareChat;
    /** Aborts when the server ends what is left. */
    readonly closing: AbortSignal;
    readonly door: Door;
    readonly board: SlotBoard;
    /** Tokens of a prompt that is scored. */
    readonly maxPromptTokens: number;
}

/** A model's own work: each counts as a request while it lasts, and leases end with it. */
export class EngineDesk {
    readonly #parts: DeskParts;

    constructor(parts: DeskParts) {
        this.#parts = parts;
    }

    /** @throws RequestError 404 */
    find(model: string | undefined): NamedModel {
        return findModel(this.#parts.shelf, model);
    }

    /** @throws RequestError 429; what `Shelf.lease` and the work do */
    async with<T>(
        model: string | undefined,
        signal: AbortSignal,
        work: (rast: Rast, named: NamedModel) => Promise<T>
    ): Promise<T> {
        const { shelf, door, closing } = this.#parts;
        const named = findModel(shelf, model);
        const leave = door.enter();
        let lease: Lease | undefined;
        try {
            lease = await shelf.lease(named.trio, AbortSignal.any([signal, closing]));
            return await work(lease.rast, named);
        } finally {
            lease?.release();
            leave();
        }
    }

    /** Of every prompt of an ask, tools included. */
    promptTokens(ask: Ask, signal: AbortSignal): Promise<readonly (readonly number[])[]> {
        return this.with(ask.model, signal, async (rast) => {
            const all: (readonly number[])[] = [];
            for (const prompt of ask.prompts) {
                const { options } = await preparePrompt(ask, prompt, rast, this.#parts.prepareChat);
                all.push(await rast.promptTokens(promptOnly(options)));
            }
            return all;
        });
    }

    /**
     * What the models say of every token of a prompt.
     * @param request the request's id
     * @throws RequestError 400 for a model that has no scores; ERR_PROMPT_TOO_LONG
     */
    scorePrompt(
        { model, prompt, raw, mode, lambda, top }: PromptToScore,
        signal: AbortSignal,
        request: string
    ): Promise<ScoredPrompt> {
        const { board, maxPromptTokens } = this.#parts;
        return this.with(model, signal, async (rast, named) => {
            const drawn = mode ?? named.mode ?? (rast.info.pairs.length > 0 ? "rast" : "base");
            if (drawn === "expert") {
                const message = "Tokens of a prompt are scored by the base and by RAST; the expert alone scores none.";
                throw new RequestError(400, message, { param: "model" });
            }
            const tokens =
                prompt.tokens === undefined
                    ? await rast.promptTokens({ ...prompt, raw })
                    : Array.from(prompt.tokens as ArrayLike<number>);
            checkLength(tokens.length, maxPromptTokens);
            // a beginning of sequence that the client did not write is none of its text
            const put =
                prompt.tokens === undefined
                    ? tokens.length - (await rast.promptTokens({ ...prompt, raw, addBos: false })).length
                    : 0;
            const bytes = tokenBytesOf(rast);
            const score = async (): Promise<readonly TokenScore[]> => {
                if (tokens.length < 2) return [];
                const leave = board.enter(named.trio, rast.info.parallel, { request, choice: 0 });
                try {
                    const { scores } = await rast.score({
                        tokens: tokens.slice(0, 1),
                        completionTokens: tokens.slice(1),
                        mode: drawn,
                        top,
                        signal,
                        ...(lambda === undefined || drawn === "base" ? {} : { lambda })
                    });
                    return scores;
                } finally {
                    leave();
                }
            };
            const scores = await score();
            const likely = scores.flatMap((score) => (score.top?.[drawn] ?? []).map(({ token }) => token));
            await bytes.prepare([...tokens, ...likely]);
            const scored = tokens.map((token, index): ScoredToken => {
                const score = index === 0 ? null : scores[index - 1]!;
                return {
                    token,
                    logprob: score === null ? 0 : score.logprob[drawn],
                    ...bytes.of(token),
                    score,
                    top: topOf(score, drawn, bytes)
                };
            });
            return { tokens: scored.slice(put), count: tokens.length };
        });
    }
}

function topOf(score: TokenScore | null, drawn: "rast" | "base", bytes: TokenBytes): readonly NamedAlternative[] {
    return (score?.top?.[drawn] ?? []).map((one) => ({
        token: one.token,
        logprob: one[drawn],
        ...bytes.of(one.token)
    }));
}
