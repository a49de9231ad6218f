// What an explanation is: plain data, which a page, a terminal or a program shows.
import type { DistributionFigures, TokenScore } from "../engine/token-scores.js";
import type { AlignedStretch } from "./alignment.js";
import type { ReasoningKind } from "./reasoning-words.js";

/** A token of an explained text. */
export interface ExplainedToken extends TokenScore {
    /** What it says; of a character that several tokens make up, all of that at the first of them, "" at the others. */
    readonly text: string;
    /** Whether its character began with an earlier token. */
    readonly continues: boolean;
    /** Whether the base would not have taken it: its likeliest token is another. */
    readonly changed: boolean;
    /** Whether the delta made another token the likeliest than the base's. */
    readonly swapped: boolean;
    /** Which step it is part of, by the words around it; null where nothing changed. */
    readonly kind: ReasoningKind | null;
}

/** A text with what the models say of each of its tokens. */
export interface ExplainedText {
    /** All of it. */
    readonly text: string;
    /** Its tokens, without the one that ended it. */
    readonly tokens: readonly ExplainedToken[];
    /** Why it ended: a stop reason. */
    readonly stopReason: string;
}

/** An explained text in a few figures. */
export interface ExplanationSummary {
    /** Tokens of RAST's text. */
    readonly tokens: number;
    /** Those that are not the base's likeliest where they stand. */
    readonly changed: number;
    /** Places where the delta made another token the likeliest. */
    readonly swapped: number;
    /** Share of tokens that are the base's likeliest, 0 to 1; null without tokens. */
    readonly pathCoverage: number | null;
    /** Mean of KL(ensemble || base) over the tokens, in nats; null without tokens. */
    readonly meanDivergence: number | null;
    /** Mean entropies, in nats; null without tokens. */
    readonly meanEntropy: DistributionFigures | null;
    /** Tokens that were drafted, and drawn as well. */
    readonly drafted: number;
    /** Of changed tokens, how many are part of which step. */
    readonly kinds: Readonly<Record<ReasoningKind, number>>;
    /** Tokens before the first difference between both texts; null where they are the same. */
    readonly firstDifference: number | null;
}

/** Why RAST wrote what it wrote. Plain data: `JSON.stringify` loses nothing but -Infinity. */
export interface Explanation {
    /** Which package made it: "rast-llama 0.1.0". */
    readonly madeBy: string;
    /** When, in UTC: "2026-11-26T13:20:00Z". */
    readonly date: string;
    /** As it was given; null where it was tokens. */
    readonly prompt: string | null;
    /** What the models were given, template included. */
    readonly promptText: string;
    /** Tokens of that. */
    readonly promptTokens: number;
    /** The models. */
    readonly models: ExplainedModels;
    /** Strengths of the pairs. */
    readonly lambdas: readonly number[];
    /** Of both texts: give it again for the same draws. A string where a number cannot hold it. */
    readonly seed: number | string;
    /** Likeliest tokens that were recorded of each distribution. */
    readonly top: number;
    /** How many tokens all models have, padding left out: figures are over these, whatever a bias bans. */
    readonly drawableTokens: number;
    /** What RAST wrote. */
    readonly rast: ExplainedText;
    /** What the base alone writes from the same seed, with what the ensemble says of that. */
    readonly base: ExplainedText;
    /** Both side by side. */
    readonly alignment: readonly AlignedStretch[];
    /** In a few figures. */
    readonly summary: ExplanationSummary;
    /** Texts of the tokens in lists of likeliest ones, by id. */
    readonly tokenTexts: Readonly<Record<string, string>>;
}

/** The models of an explanation, in words. */
export interface ExplainedModels {
    /** Name of the trio; null when the models were given by path. */
    readonly trio: string | null;
    /** The large model. */
    readonly base: ExplainedModel;
    /** Expert and antiexpert of each pair. */
    readonly pairs: readonly ExplainedPair[];
}

/** A pair of an explanation. */
export interface ExplainedPair {
    /** The small model after its training. */
    readonly expert: ExplainedModel;
    /** The same before it. */
    readonly antiexpert: ExplainedModel;
}

/** A model of an explanation. */
export interface ExplainedModel {
    /** The name of its file. */
    readonly file: string;
    /** In llama.cpp's words, e.g. "qwen2 7B Q4_K - Medium". */
    readonly description: string;
}
