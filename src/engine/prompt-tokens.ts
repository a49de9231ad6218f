import { RastError } from "../errors.js";
import { applyChatTemplate } from "../text/chat-template.js";
import { promptTooLong, type ResolvedGenerateOptions, type ResolvedPromptOptions } from "./generate-options.js";
import { disposedError, type EngineCore, type PreparedRequest } from "./request.js";

/** How a text becomes tokens. */
export interface TextOptions {
    /** Put the model's beginning-of-sequence token in front, unless the text begins with it. Nothing is put behind. */
    readonly addBos: boolean;
    readonly parseSpecial: boolean;
}

/** Of one text, in bytes of UTF-8; as in native code. */
const maxTextBytes = 64 * 2 ** 20;

let nextTokenizing = 1;

/**
 * The tokens of a request's prompt, and its grammar.
 * @throws ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG, ERR_CHAT_TEMPLATE, ERR_TOKENIZE, ERR_JSON_SCHEMA
 */
export async function prepareRequest(
    core: EngineCore,
    options: ResolvedGenerateOptions,
    stop?: AbortSignal
): Promise<PreparedRequest> {
    const tokens = await prepareTokens(core, options, stop);
    const { constraint } = options;
    if (constraint.kind === "schema") return { tokens, grammar: await core.addon.grammarOfSchema(constraint.json) };
    return { tokens, grammar: constraint.kind === "grammar" ? constraint.gbnf : "" };
}

/**
 * The tokens of a prompt.
 * @throws ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG, ERR_CHAT_TEMPLATE, ERR_TOKENIZE
 */
export async function prepareTokens(
    core: EngineCore,
    options: ResolvedPromptOptions,
    stop?: AbortSignal
): Promise<Int32Array> {
    const { prompt, parseSpecial, addBos = core.native.addBos } = options;
    const tokens =
        prompt.kind === "tokens"
            ? prompt.tokens
            : await tokenizeText(core, await promptText(core, options), { addBos, parseSpecial }, stop);
    const { contextSize } = core.context;
    if (tokens.length === 0) throw new RastError("ERR_EMPTY_PROMPT", "The prompt has no tokens.");
    if (tokens.length > contextSize) throw promptTooLong(tokens.length, contextSize);
    return tokens;
}

/**
 * The tokens of a text. What the model's tokenizer would put behind it (an end of sequence, a separator) is left out: what
 * follows is to be drawn. A template often writes the beginning out itself, and a second one misleads the model.
 * @throws ERR_TOKENIZE, ERR_DISPOSED when it is stopped
 */
export async function tokenizeText(
    core: EngineCore,
    text: string,
    { addBos, parseSpecial }: TextOptions,
    stop?: AbortSignal
): Promise<Int32Array> {
    const { addon, handle, native } = core;
    if (stop?.aborted === true) throw disposedError();
    // before it is copied
    if (text.length > maxTextBytes) {
        throw new RastError("ERR_TOKENIZE", `The text has ${text.length} characters; at most 64 MiB are tokenized.`);
    }
    const id = nextTokenizing++ % 2 ** 32;
    const end = (): void => {
        if (!core.disposed) addon.stopTokenizing(handle, id);
    };
    stop?.addEventListener("abort", end, { once: true });
    try {
        const tokens = await addon.tokenize(handle, text, parseSpecial, id);
        const { bosToken } = native;
        const wanted = addBos && bosToken >= 0 && bosToken < native.vocabularySize && tokens[0] !== bosToken;
        if (!wanted) return tokens;
        const begun = new Int32Array(tokens.length + 1);
        begun[0] = bosToken;
        begun.set(tokens, 1);
        return begun;
    } finally {
        stop?.removeEventListener("abort", end);
    }
}

async function promptText(core: EngineCore, { prompt }: ResolvedPromptOptions): Promise<string> {
    if (prompt.kind === "messages") {
        const tokens = { bosToken: core.bosText, eosToken: core.eosText };
        return applyChatTemplate(core.native.chatTemplate, prompt.messages, tokens);
    }
    if (prompt.kind === "tokens") throw new RastError("ERR_INTERNAL", "Token ids need no text.");
    if (prompt.raw || core.promptTemplate === undefined) return prompt.text;
    // A function, as the prompt may contain "$&" and the like.
    return core.promptTemplate.replace("{prompt}", () => prompt.text);
}
