// RAST's text with what the models say of each of its tokens, and the base's own text from the same seed beside it.
import { basename } from "node:path";
import { checkNumber, checkSignal, describeError, invalidOption, readOptions } from "../checks.js";
import { abortReason, isAborted } from "../engine/abort-signals.js";
import type { Rast } from "../engine/engine.js";
import {
    generateOptionNames,
    type GenerateOptions,
    type GenerateSettings,
    type Prompt
} from "../engine/generate-options.js";
import type { ModelInfo } from "../engine/info.js";
import type { RastResult } from "../engine/results.js";
import type { TokenScore } from "../engine/token-scores.js";
import { RastError } from "../errors.js";
import { packageVersion } from "../package-root.js";
import { checkEngine } from "../scoring/engine-argument.js";
import { scoreStretch } from "../scoring/score-texts.js";
import { TokenTexts } from "../scoring/token-texts.js";
import { alignTokens, commonStart } from "./alignment.js";
import type { ExplainedModel, ExplainedText, ExplainedToken, Explanation } from "./explanation.js";
import { reasoningKindOf } from "./reasoning-words.js";
import { summaryOf } from "./summary.js";

/** Options of {@link explain}: those of a generation, and what an explanation needs besides. */
export interface ExplanationSettings extends Omit<GenerateSettings, "mode" | "logprobs" | "explain"> {
    /** Likeliest tokens of base and ensemble to be recorded for each token: 1 to 20. @default 8 */
    top?: number | undefined;
    /** Called with every few tokens. What it throws ends the work with ERR_ABORTED. */
    onProgress?: ((progress: ExplanationProgress) => void) | undefined;
}

/** How far an explanation is. */
export interface ExplanationProgress {
    /** Whose text is being written, or that the base's is scored. */
    readonly stage: "rast" | "base" | "scores";
    /** Tokens of it so far. */
    readonly tokens: number;
}

/** What is to be explained: a text's beginning, and how it goes on. */
export type ExplanationOptions = ExplanationSettings & Prompt;

const defaultTop = 8;

/**
 * Lets RAST write a text and says what the delta did to each token of it: log-probabilities under all four distributions, ranks, KL
 * divergence, the likeliest tokens of base and ensemble, and whether it was drafted. The base alone writes from the same seed beside it,
 * and both are aligned where they part.
 * @throws ERR_INVALID_OPTION, for an engine without a pair as well, ERR_UNKNOWN_OPTION, ERR_ABORTED, and what {@link Rast.generate} lists
 * @example
 * ```ts
 * import { explain, loadRast } from "rast-llama";
 *
 * const rast = await loadRast({ trio: "demo" });
 * const { summary, rast: written } = await explain(rast, { prompt: "6+34+63+39", seed: 3 });
 * console.log(`${summary.changed} of ${summary.tokens} tokens are not the base's likeliest`);
 * for (const { text, changed, divergence } of written.tokens) if (changed) console.log(JSON.stringify(text), divergence);
 * await rast.dispose();
 * ```
 */
export async function explain(rast: Rast, options: ExplanationOptions): Promise<Explanation> {
    checkEngine(rast, "generate");
    const names = generateOptionNames.filter((name) => !ownNames.includes(name));
    const read = readOptions("explain", "the options of explain", options, [...names, "top", "onProgress"]);
    const { top: wanted = defaultTop, onProgress, ...request } = read;
    const top = checkNumber("top", wanted, { min: 1, max: 20, integer: true });
    if (onProgress !== undefined && typeof onProgress !== "function") {
        throw invalidOption("onProgress", "a function", onProgress);
    }
    const signal = request.signal === undefined ? undefined : checkSignal("signal", request.signal);
    if (rast.info.pairs.length === 0) {
        const message = "There is nothing to explain without an expert and an antiexpert: the engine has a base alone.";
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "expert" } });
    }
    const work: Work = {
        rast,
        top,
        lambda: request.lambda as GenerateOptions["lambda"],
        signal,
        tell: telling(onProgress as ExplanationSettings["onProgress"])
    };
    const given = request as unknown as GenerateOptions;
    const written = await write(work, "rast", { ...given, mode: "rast", explain: { top } });
    const { seed } = written;
    const alone = await write(work, "base", {
        ...given,
        mode: "base",
        seed: typeof seed === "string" ? BigInt(seed) : seed
    });
    const promptTokens = await promptTokensOf(rast, given);
    const aloneScores = await scoresOf(work, promptTokens, alone);
    assertGoing(signal);
    return assemble(work, { given, promptTokens, written, alone, aloneScores });
}

const ownNames: readonly string[] = ["mode", "logprobs", "explain"];

interface Work {
    readonly rast: Rast;
    readonly top: number;
    readonly lambda: GenerateOptions["lambda"];
    readonly signal: AbortSignal | undefined;
    readonly tell: (progress: ExplanationProgress) => void;
}

function telling(onProgress: ExplanationSettings["onProgress"]): Work["tell"] {
    return (progress) => {
        try {
            onProgress?.(progress);
        } catch (error) {
            const message = `The explanation was aborted, as onProgress failed: ${describeError(error)}.`;
            throw new RastError("ERR_ABORTED", message, { cause: error });
        }
    };
}

async function write(
    { rast, signal, tell }: Work,
    stage: "rast" | "base",
    options: GenerateOptions
): Promise<RastResult> {
    const generation = rast.generate(options);
    let tokens = 0;
    for await (const part of generation) tell({ stage, tokens: (tokens += part.tokens.length) });
    const result = await generation.result;
    assertGoing(signal);
    return result;
}

function assertGoing(signal: AbortSignal | undefined): void {
    if (signal === undefined || !isAborted(signal)) return;
    throw new RastError("ERR_ABORTED", "The explanation was aborted.", { cause: abortReason(signal) });
}

async function promptTokensOf(rast: Rast, options: GenerateOptions): Promise<readonly number[]> {
    const { prompt, tokens, messages, raw, addBos, parseSpecial, thinking, templateOptions, continueFinalMessage } =
        options;
    const all = {
        prompt,
        tokens,
        messages,
        raw,
        addBos,
        parseSpecial,
        thinking,
        templateOptions,
        continueFinalMessage
    };
    return rast.promptTokens(all as unknown as Prompt);
}

interface Written {
    readonly given: GenerateOptions;
    readonly promptTokens: readonly number[];
    readonly written: RastResult;
    readonly alone: RastResult;
    readonly aloneScores: readonly TokenScore[];
}

// What was drawn with scores has them; what the base drew, or what was put into a text, is scored as it stands.
async function scoresOf(
    { rast, top, lambda, signal, tell }: Work,
    promptTokens: readonly number[],
    { mode, tokens, scores }: RastResult
): Promise<readonly TokenScore[]> {
    if (mode === "rast" && scores?.length === tokens.length) return scores;
    if (tokens.length === 0) return [];
    tell({ stage: "scores", tokens: tokens.length });
    return scoreStretch(rast, {
        tokens: [...promptTokens, ...tokens],
        from: promptTokens.length,
        top,
        signal,
        ...(lambda === undefined ? {} : { lambda })
    });
}

async function assemble(
    work: Work,
    { given, promptTokens, written, alone, aloneScores }: Written
): Promise<Explanation> {
    const { rast, top, signal } = work;
    const scores = await scoresOf(work, promptTokens, written);
    const texts = new TokenTexts(rast);
    const alternatives = [...scores, ...aloneScores].flatMap(({ top: lists }) => [...lists!.base, ...lists!.rast]);
    await texts.prepare(
        alternatives.map(({ token }) => token),
        signal
    );
    const explained = await explainText(texts, written, scores, signal);
    const base = await explainText(texts, alone, aloneScores, signal);
    const same = commonStart(written.tokens, alone.tokens);
    const isSame = same === written.tokens.length && same === alone.tokens.length;
    const { info } = rast;
    return {
        madeBy: `rast-llama ${packageVersion()}`,
        date: `${new Date().toISOString().slice(0, 19)}Z`,
        prompt: given.prompt ?? null,
        promptText: await rast.detokenize(promptTokens, { showSpecial: true }),
        promptTokens: promptTokens.length,
        models: {
            trio: info.trio,
            base: named(info.base),
            pairs: info.pairs.map((pair) => ({ expert: named(pair.expert), antiexpert: named(pair.antiexpert) }))
        },
        lambdas: written.lambdas,
        seed: written.seed,
        top,
        drawableTokens: info.drawableTokens,
        rast: explained,
        base,
        alignment: alignTokens(written.tokens, alone.tokens),
        summary: summaryOf(explained.tokens, isSame ? null : same),
        tokenTexts: Object.fromEntries(alternatives.map(({ token }) => [token, texts.of(token)]))
    };
}

async function explainText(
    texts: TokenTexts,
    { tokens, stopReason }: RastResult,
    scores: readonly TokenScore[],
    signal: AbortSignal | undefined
): Promise<ExplainedText> {
    const said = await texts.inOrder(tokens, signal);
    const text = said.map((one) => one.text).join("");
    let at = 0;
    const explained = tokens.map((_, index): ExplainedToken => {
        const score = scores[index]!;
        const one = said[index]!;
        const from = at;
        at += one.text.length;
        const changed = score.rank.base > 0;
        const swapped = score.top!.base[0]!.token !== score.top!.rast[0]!.token;
        const kind = changed || swapped ? reasoningKindOf(text, from, at) : null;
        return { ...one, ...score, changed, swapped, kind };
    });
    return { text, tokens: explained, stopReason };
}

function named({ path, description }: ModelInfo): ExplainedModel {
    return { file: basename(path), description };
}
