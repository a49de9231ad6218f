import type { GenerateContext } from "../../src/engine/generate-options.js";

/** Of an engine with two pairs, 100 tokens and 64 of context. */
export const twoPairs: GenerateContext = {
    lambdas: [1, 0.5],
    defaults: {},
    vocabularySize: 100,
    contextSize: 64,
    maxTokens: undefined,
    maxThinkingTokens: undefined,
    stop: [],
    addBos: undefined,
    chat: {},
    speculation: { draft: -1, maxDraft: 15, ngram: "auto", possible: 15 }
};
