// Runs a pair and a base over texts, and says in a few figures what each makes of them.
import { checkNumber, checkString, readOptions } from "../checks.js";
import { RastError } from "../errors.js";
import { abortReason, isAborted } from "../engine/abort-signals.js";
import type { Rast } from "../engine/engine.js";
import type { TokenScore } from "../engine/token-scores.js";
import { loadRast } from "../loading/load.js";
import { resolveLoadOptions, type LoadOptions, type ModelOptions } from "../loading/load-options.js";
import type { NativeRole } from "../native/addon-types.js";
import type { SpecialTokens } from "../trio/special-tokens.js";
import type { Trio } from "../trio/trio.js";

/** How models are run for `checkTrio`. */
export interface DeepCheckOptions {
    /** A text to run them over, as it stands. @default the expert's own answers to a few built-in prompts */
    text?: string | undefined;
    /** Tokens that the expert writes after each prompt, 1 to 1,024. @default 64 */
    maxTokens?: number | undefined;
    /** Where and how the models are loaded. @default as `loadRast` does */
    load?: Pick<LoadOptions, "gpuLayers" | "device" | "threads" | "kvType" | "batchSize" | "tryModels"> | undefined;
}

/** Shares of positions, 0 to 1. */
export interface CoverageShares {
    /** Where the token is the model's likeliest. */
    readonly top1: number;
    /** Where it is among the likeliest 5. */
    readonly top5: number;
    /** Where it is among the likeliest 20. */
    readonly top20: number;
}

/** A figure of each model, in nats. */
export interface RoleFigures {
    /** The large model, with nothing added. */
    readonly base: number;
    /** The small model after its training. */
    readonly expert: number;
    /** The same before it. */
    readonly antiexpert: number;
}

/** Figures over all positions that were looked at. */
export interface DeepCheck {
    /** Which pair, from 0. */
    readonly pair: number;
    /** Places in texts where the three models said what comes next. */
    readonly positions: number;
    /** Whether the texts are the expert's own, written after built-in prompts; else the text that was given. */
    readonly expertText: boolean;
    /** Share of positions where expert and antiexpert have the same likeliest token, 0 to 1. */
    readonly agreement: number;
    /** KL(expert || antiexpert) in nats, the mean. */
    readonly divergence: number;
    /** Share of positions where the expert's likeliest token is the base's, or among the base's likeliest 5 and 20. */
    readonly coverage: CoverageShares;
    /** The same for the antiexpert. */
    readonly antiexpertCoverage: CoverageShares;
    /** How unsure each model is, in nats, the mean. */
    readonly entropy: RoleFigures;
    /** Mean log-probability of the texts' tokens, in nats. */
    readonly logprob: RoleFigures;
}

/** What else `runDeepCheck` is told. */
export interface DeepCheckInput extends DeepCheckOptions {
    readonly trio: Trio | undefined;
    readonly specialTokens: SpecialTokens;
    readonly signal: AbortSignal | undefined;
}

const contextSize = 1024;
const defaultTokens = 64;

// Sums, a question in words, a proof, code and prose: what small models after reinforcement learning are asked, and what all
// models know. A tokenizer that lacks a character leaves a prompt out.
const prompts: readonly string[] = [
    "6+34+63+39",
    "17+8+25",
    "Question: Anna has 3 boxes with 12 apples each and gives away 7 apples. How many apples are left? Let's think step by step.\nAnswer:",
    "Solve for x: 3x + 5 = 20. Show each step.\n",
    "Prove that the sum of two odd integers is even.\nProof.",
    'def is_prime(n):\n    """Return True if n is a prime number."""\n',
    "The capital of France is"
];

const loadKeys = ["gpuLayers", "device", "threads", "kvType", "batchSize", "tryModels"] as const;

/** @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
export function readDeepOptions(value: Record<string, unknown>): DeepCheckOptions {
    const { text, maxTokens, load } = readOptions("deep", "the options of deep", value, ["text", "maxTokens", "load"]);
    if (load !== undefined) {
        const given = readOptions("deep.load", "deep.load", load, loadKeys);
        // as a load would read them, of some model
        resolveLoadOptions({ base: "model.gguf", ...given });
    }
    return {
        text: text === undefined ? undefined : checkString("deep.text", text),
        maxTokens:
            maxTokens === undefined
                ? undefined
                : checkNumber("deep.maxTokens", maxTokens, { min: 1, max: 1024, integer: true }),
        load: load as DeepCheckOptions["load"]
    };
}

/**
 * Loads the three and runs them.
 * @throws what `loadRast` throws, ERR_ABORTED, ERR_TOKENIZE where none of the texts can be turned into tokens
 */
export async function runDeepCheck(
    { pair, base, expert, antiexpert }: { pair: number } & Readonly<Record<NativeRole, ModelOptions>>,
    { text, maxTokens = defaultTokens, load, trio, specialTokens, signal }: DeepCheckInput
): Promise<DeepCheck> {
    const rast = await loadRast({
        ...load,
        base,
        expert,
        antiexpert,
        specialTokens,
        contextSize,
        // as many rows at once as drafts would have
        speculation: { maxDraft: 31 },
        signal
    });
    try {
        const figures = new Figures();
        const texts =
            text === undefined ? await expertTexts(rast, trio, maxTokens, signal) : await givenText(rast, text);
        for (const { tokens, from } of texts) {
            if (signal !== undefined && isAborted(signal)) throw aborted(signal);
            const [given, completionTokens] = [tokens.subarray(0, from + 1), tokens.subarray(from + 1)];
            // the pair is asked whatever its strength
            figures.add((await rast.score({ tokens: given, completionTokens, lambda: 1, signal })).scores);
        }
        return figures.result(pair, text === undefined);
    } finally {
        await rast.dispose();
    }
}

interface ScoredText {
    readonly tokens: Int32Array;
    /** Position that the first wanted token follows. */
    readonly from: number;
}

async function expertTexts(
    rast: Rast,
    trio: Trio | undefined,
    maxTokens: number,
    signal: AbortSignal | undefined
): Promise<ScoredText[]> {
    const texts: ScoredText[] = [];
    let failure: RastError | undefined;
    for (const prompt of prompts) {
        const asked = trio?.promptTemplate?.replace("{prompt}", () => prompt) ?? prompt;
        try {
            const tokens = await rast.promptTokens({ prompt: asked });
            const { tokens: written } = await rast.complete({
                tokens,
                mode: "expert",
                temperature: 0,
                maxTokens,
                ignoreEos: false,
                signal
            });
            if (signal !== undefined && isAborted(signal)) throw aborted(signal);
            if (written.length > 0) {
                texts.push({ tokens: Int32Array.from([...tokens, ...written]), from: tokens.length - 1 });
            }
        } catch (error) {
            if (!(error instanceof RastError) || error.code !== "ERR_TOKENIZE") throw error;
            failure = error;
        }
    }
    if (texts.length > 0) return texts;
    throw (
        failure ??
        new RastError(
            "ERR_EMPTY_PROMPT",
            "The expert writes nothing after the built-in prompts: give a text of its kind."
        )
    );
}

async function givenText(rast: Rast, text: string): Promise<ScoredText[]> {
    const tokens = await rast.tokenize(text, { addSpecial: true });
    if (tokens.length < 2) {
        throw new RastError(
            "ERR_EMPTY_PROMPT",
            "The text has less than two tokens: there is nothing to be said of it."
        );
    }
    const size = rast.info.contextSize;
    const texts: ScoredText[] = [];
    for (let at = 0; at + 1 < tokens.length; at += size - 1) {
        texts.push({ tokens: Int32Array.from(tokens.slice(at, at + size)), from: 0 });
    }
    return texts;
}

interface ModelColumns {
    top1: number;
    top5: number;
    top20: number;
}

// Sums over positions.
class Figures {
    #positions = 0;
    #agreed = 0;
    #divergence = 0;
    readonly #entropy = { base: 0, expert: 0, antiexpert: 0 };
    readonly #logprob = { base: 0, expert: 0, antiexpert: 0 };
    readonly #coverage: ModelColumns = { top1: 0, top5: 0, top20: 0 };
    readonly #antiexpertCoverage: ModelColumns = { top1: 0, top5: 0, top20: 0 };

    add(scores: readonly TokenScore[]): void {
        for (const { entropy, logprob, pair } of scores) {
            if (pair === undefined) continue; // a small model without a finite number
            this.#positions += 1;
            for (const role of ["base", "expert", "antiexpert"] as const) {
                this.#entropy[role] += entropy[role] ?? 0;
                // a token that a model cannot say weighs as much as the rarest that any can
                this.#logprob[role] += Math.max(logprob[role] ?? 0, -30);
            }
            this.#agreed += pair.expertTop.antiexpert === 0 ? 1 : 0;
            this.#divergence += Math.min(pair.divergence, 30);
            count(this.#coverage, pair.expertTop.base);
            count(this.#antiexpertCoverage, pair.expertTop.antiexpert);
        }
    }

    result(pair: number, expertText: boolean): DeepCheck {
        const n = Math.max(1, this.#positions);
        const shares = ({ top1, top5, top20 }: ModelColumns): ModelColumns => ({
            top1: top1 / n,
            top5: top5 / n,
            top20: top20 / n
        });
        const means = (sums: { base: number; expert: number; antiexpert: number }): typeof sums => ({
            base: sums.base / n,
            expert: sums.expert / n,
            antiexpert: sums.antiexpert / n
        });
        return {
            pair,
            positions: this.#positions,
            expertText,
            agreement: this.#agreed / n,
            divergence: this.#divergence / n,
            coverage: shares(this.#coverage),
            antiexpertCoverage: shares(this.#antiexpertCoverage),
            entropy: means(this.#entropy),
            logprob: means(this.#logprob)
        };
    }
}

function count(to: ModelColumns, rank: number): void {
    to.top1 += rank < 1 ? 1 : 0;
    to.top5 += rank < 5 ? 1 : 0;
    to.top20 += rank < 20 ? 1 : 0;
}

function aborted(signal: AbortSignal): RastError {
    return new RastError("ERR_ABORTED", "The check was aborted.", { cause: abortReason(signal) });
}
