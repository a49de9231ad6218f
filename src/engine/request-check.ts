// What is wrong with a request by itself, whatever models there will be: for those who have many requests and no engine yet.
import { openAddonAlone } from "../native/binding.js";
import { checkMessages } from "../text/chat-template.js";
import { resolveGenerateOptions, type GenerateContext } from "./generate-options.js";

/** Of the engine that is to come, what its requests may depend on. */
export interface ForeseenEngine {
    /** Pairs of small models. */
    readonly pairs: number;
    /** Tokens of its longest drafts. */
    readonly maxDraft: number;
}

// Of a vocabulary and a context that no engine exceeds: what is too large for those that come is theirs to say.
const widest = 2 ** 31 - 1;

/**
 * A check of requests to an engine that is to be loaded. What only its models can tell (ids beyond the vocabulary, prompts too
 * long, templates, grammars over its tokens) it lets pass.
 * @returns throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_EMPTY_PROMPT, ERR_JSON_SCHEMA; without an addon ERR_ADDON_MISSING
 */
export function requestCheck({ pairs, maxDraft }: ForeseenEngine): (request: unknown) => Promise<void> {
    const context: GenerateContext = {
        lambdas: new Array<number>(pairs).fill(1),
        defaults: {},
        vocabularySize: widest,
        contextSize: widest,
        maxTokens: undefined,
        maxThinkingTokens: undefined,
        stop: [],
        addBos: undefined,
        chat: {},
        speculation: { draft: -1, maxDraft, ngram: "auto", possible: maxDraft }
    };
    const known = new Set<string>();
    return async (request) => {
        const { prompt, constraint } = resolveGenerateOptions(request, context);
        if (prompt.kind === "messages") checkMessages(prompt.messages, prompt.chat);
        if (constraint.kind !== "schema") return;
        const { json, ignoreUnsupported } = constraint;
        const key = `${ignoreUnsupported} ${json}`;
        if (known.has(key)) return;
        await openAddonAlone().grammarOfSchema(json, ignoreUnsupported);
        known.add(key);
    };
}
