// How texts are scored here: engines for it, and stretches of tokens.
import type { Rast } from "../engine/engine.js";
import type { TokenScore } from "../engine/token-scores.js";
import type { LoadOptions } from "../loading/load-options.js";

/** Tokens of a text that an engine for scores looks at together, beside the first: each takes a row as wide as the vocabulary in memory. */
const rowsAhead = 31;

/** Options of an engine that scores so many texts together, and draws nothing. What they say themselves comes first. */
export function forScoring(options: LoadOptions, parallel: number): LoadOptions {
    const together = options.parallel ?? parallel;
    const { contextSize = Infinity, batchSize = Infinity } = options;
    // A fixed length is measured by nobody.
    const draft = Math.min(rowsAhead, contextSize - 1, batchSize - together);
    return {
        ...options,
        parallel: together,
        speculation: options.speculation ?? (draft > 0 ? { draft } : "off")
    };
}

/** Tokens of a text. */
export interface ScoredStretch {
    readonly tokens: readonly number[] | Int32Array;
    /** The first token to be scored; those before are context. At least 1. */
    readonly from: number;
    /** Likeliest tokens to be told with each score. */
    readonly top: number;
    /** Strengths of the pairs, where they are not the engine's. */
    readonly lambda?: number | readonly number[];
    readonly signal?: AbortSignal | undefined;
}

/** @returns a score of each token from the first one on @throws what `Rast.score` does */
export async function scoreStretch(
    rast: Pick<Rast, "score">,
    { tokens, from, top, lambda, signal }: ScoredStretch
): Promise<readonly TokenScore[]> {
    const { scores } = await rast.score({
        tokens: tokens.slice(0, from),
        completionTokens: tokens.slice(from),
        top,
        signal,
        ...(lambda === undefined ? {} : { lambda })
    });
    return scores;
}
