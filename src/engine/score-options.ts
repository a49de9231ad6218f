import { checkNumber, checkOneOf, checkString, invalidOption, readOptions } from "../checks.js";
import { RastError } from "../errors.js";
import { limits } from "../limits.js";
import {
    checkTokens,
    promptOptionNames,
    resolveGenerateOptions,
    type GenerateContext,
    type Prompt,
    type PromptSettings,
    type ResolvedGenerateOptions
} from "./generate-options.js";
import type { SamplingOptions } from "./sampling-options.js";

/** No text stands before the completion: the model's beginning-of-sequence token does, where texts begin with one. */
export interface NoPrompt {
    /** Or an empty text. */
    prompt?: "" | undefined;
    /** Not here. */
    tokens?: undefined;
    /** Not here. */
    messages?: undefined;
}

/** A completion as text. */
export interface CompletionText {
    /**
     * Text that goes on where the prompt ends: tokenized by itself, with nothing in front of it (no beginning of sequence, no
     * space that it does not begin with). Not empty.
     */
    completion: string;
    /** Not beside a text. */
    completionTokens?: undefined;
}

/** A completion as tokens. */
export interface CompletionTokens {
    /** Token ids that follow the prompt's, exactly as given: one and more. */
    completionTokens: readonly number[] | Int32Array;
    /** Not beside tokens. */
    completion?: undefined;
}

/** How a completion is scored, whatever it is. */
export interface ScoreSettings extends PromptSettings, Pick<SamplingOptions, "lambda"> {
    /**
     * "rast": base, expert, antiexpert and ensemble; "base": the base alone, and no small model is asked. With lambda 0 it is the
     * base alone as well. @default "rast"; "base" in an engine without pairs
     */
    mode?: "rast" | "base" | undefined;
    /** Likeliest tokens of each position, under base and under ensemble, 0 to 20. @default 0 */
    top?: number | undefined;
    /** Ends it with ERR_ABORTED. */
    signal?: AbortSignal | undefined;
}

/** Options of `rast.score`: what stands before, what is scored, and how. */
export type ScoreOptions = ScoreSettings & (Prompt | NoPrompt) & (CompletionText | CompletionTokens);

/** A completion with every default filled in. Nothing of it is the caller's any more, but for the signal. */
export interface ResolvedScoreOptions {
    /** As a generation of the same prompt; its prompt is of no use where there is none. */
    readonly request: ResolvedGenerateOptions;
    readonly hasPrompt: boolean;
    readonly completion: string | Int32Array;
    /** Of the completion: what its control tokens stand for. */
    readonly parseSpecial: boolean;
}

const optionNames = [
    ...promptOptionNames,
    "completion",
    "completionTokens",
    "lambda",
    "mode",
    "top",
    "signal"
] as const;

/** @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG */
export function resolveScoreOptions(value: unknown, context: GenerateContext): ResolvedScoreOptions {
    const { completion, completionTokens, top, mode, ...prompt } = readOptions(
        "score",
        "the options of score",
        value,
        optionNames
    );
    if ((completion === undefined) === (completionTokens === undefined)) {
        const received = completion === undefined ? "none" : "both";
        const message = `Expected either completion or completionTokens, received ${received}.`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "completion" } });
    }
    const hasPrompt =
        prompt.tokens !== undefined ||
        prompt.messages !== undefined ||
        (prompt.prompt !== undefined && prompt.prompt !== "");
    if (!hasPrompt) delete prompt.prompt;
    const request = resolveGenerateOptions(
        {
            ...prompt,
            ...(hasPrompt ? {} : { tokens: [0] }),
            ...(mode === undefined ? {} : { mode: checkOneOf("mode", mode, ["rast", "base"]) }),
            temperature: 0,
            seed: 0,
            stop: []
        },
        context
    );
    return {
        request: { ...request, figures: readTop(top) },
        hasPrompt,
        completion: readCompletion(completion, completionTokens, context),
        parseSpecial: prompt.parseSpecial === undefined ? true : request.parseSpecial
    };
}

function readTop(top: unknown): number {
    return top === undefined ? 0 : checkNumber("top", top, limits.logprobs);
}

function readCompletion(text: unknown, tokens: unknown, context: GenerateContext): string | Int32Array {
    if (text !== undefined) return checkString("completion", text);
    const { vocabularySize, contextSize } = context;
    const ids = checkTokens("completionTokens", tokens, vocabularySize, contextSize + 1, (length) =>
        completionTooLong(0, length, contextSize)
    );
    if (ids.length === 0) throw invalidOption("completionTokens", "one token id and more", tokens);
    return ids;
}

/** The error for a text that no context of this engine can hold. */
export function completionTooLong(promptTokens: number, completionTokens: number, contextSize: number): RastError {
    const message =
        `Prompt and completion have ${promptTokens + completionTokens} tokens; the context holds ${contextSize}. ` +
        "Score it in parts, or raise contextSize where the models hold more.";
    return new RastError("ERR_PROMPT_TOO_LONG", message, { details: { promptTokens, completionTokens, contextSize } });
}
