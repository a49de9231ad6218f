import {
    checkBoolean,
    checkNumber,
    checkOneOf,
    checkSignal,
    checkString,
    invalidOption,
    isArray,
    isObject,
    readArray,
    readIntegers,
    readOptions
} from "../checks.js";
import { RastError } from "../errors.js";
import type { NativeRequest, NativeSampling } from "../native/addon-types.js";
import { limits } from "../limits.js";
import { checkTemplateOptions, checkThinking, type ChatOptions } from "../text/chat-options.js";
import type { ChatMessage } from "../text/chat-template.js";
import { readJson, readJsonSchema, type JsonSchema, type JsonSchemaOption } from "./json-schema.js";
import { resolveSpeculation, type LoadedSpeculation, type Speculation } from "./speculation-options.js";
import {
    resolveSampling,
    samplingOptionNames,
    type SamplingContext,
    type SamplingOptions
} from "./sampling-options.js";

/** Which distribution tokens are drawn from: the fused one, the base's, or the first pair's expert's. */
export type Mode = "rast" | "base" | "expert";

/** A text to continue. */
export interface TextPrompt {
    /** Text to continue. The trio's prompt template is put around it, unless `raw` is set. */
    prompt: string;
    /** Not beside a prompt. */
    tokens?: undefined;
    /** Not beside a prompt. */
    messages?: undefined;
}

/** Tokens to continue. */
export interface TokensPrompt {
    /** Token ids to continue, exactly as given: no template, nothing added. */
    tokens: readonly number[] | Int32Array;
    /** Not beside tokens. */
    prompt?: undefined;
    /** Not beside tokens. */
    messages?: undefined;
}

/** A conversation to continue. */
export interface MessagesPrompt {
    /** A conversation, written out with the base model's chat template. */
    messages: readonly ChatMessage[];
    /** Not beside messages. */
    prompt?: undefined;
    /** Not beside messages. */
    tokens?: undefined;
}

/** What a text begins with: exactly one of `prompt`, `tokens` and `messages`. Both, or none, is ERR_INVALID_OPTION. */
export type Prompt = MessagesPrompt | TokensPrompt | TextPrompt;

/** How a text is read, whatever it is. */
export interface PromptSettings extends ChatOptions {
    /** Leave out the trio's prompt template. @default false */
    raw?: boolean | undefined;
    /** Start with the model's beginning-of-sequence token. @default what the trio, then the base model says */
    addBos?: boolean | undefined;
    /**
     * Read control tokens such as `<|im_end|>` in the caller's words as what they stand for: in a prompt, or in messages
     * and variables of a template. Those that a template itself writes always are. @default true for a prompt, false for
     * messages
     */
    parseSpecial?: boolean | undefined;
}

/** A text for the models, and how it is read. */
export type PromptOptions = PromptSettings & Prompt;

/** What is reported of drawn tokens. */
export interface ExplainOptions {
    /** Likeliest tokens under base and under ensemble, 0 to 20. @default 0 */
    top?: number | undefined;
}

/** Options of one generation: its text, and what else is to differ. */
export type GenerateOptions = GenerateSettings & Prompt;

/** Options of a generation without its text: what several have in common, spread beside the text of each. */
export interface GenerateSettings extends PromptSettings, SamplingOptions {
    /** Render control tokens in the text: all, or those with these names, at most 16: `["[TOOL_CALLS]"]`. @default false */
    showSpecial?: boolean | readonly string[] | undefined;
    /** Which distribution tokens are drawn from. @default "rast"; "base" in an engine without pairs */
    mode?: Mode | undefined;
    /** Most tokens to draw, an integer >= 1. @default the trio's value, else until the context is full */
    maxTokens?: number | undefined;
    /**
     * Most tokens of reasoning, an integer >= 0; then the model's own words for its end are put into the text, and the answer
     * follows. Not beside tokens; without effect where the model does not reason, or a prompt does not begin its reasoning.
     * @default the trio's value, else as many as it takes
     */
    maxThinkingTokens?: number | undefined;
    /**
     * Text that ends the completion, in its reasoning too, and is left out of it: at most 16 strings. Words that are put there to
     * end the reasoning are not looked at. @default the trio's
     */
    stop?: string | readonly string[] | undefined;
    /** Token ids that end the completion, beside the model's own. @default none */
    stopTokens?: readonly number[] | Int32Array | undefined;
    /** Go on after the model's end-of-generation tokens. @default false */
    ignoreEos?: boolean | undefined;
    /** Report log-probabilities, with this many alternatives per token, 0 to 20. @default none at all */
    logprobs?: number | undefined;
    /**
     * Report what the models say of every drawn token (`scores`): log-probabilities and ranks under base and ensemble, KL,
     * entropies; with `top` so many alternatives of either, 0 to 20. The text is the same with and without. In mode "base" they
     * are the base's alone; mode "expert" has none: score its text with `rast.score`. @default false
     */
    explain?: boolean | ExplainOptions | undefined;
    /** GBNF grammar that the text must follow; `root` is its start. It ends where the grammar does. @default none */
    grammar?: string | undefined;
    /**
     * JSON schema that the text must be valid by, instead of a grammar: a schema (an object or a boolean), a schema as
     * JSON text, of which the order of keys and all digits of numbers are kept, or `{ schema, unsupported }`. What
     * cannot be kept is refused, by name, unless `unsupported` is "ignore". docs/constraints.md has the details.
     * @default none
     */
    jsonSchema?: JsonSchema | JsonSchemaOption | undefined;
    /** As in `loadRast`, and with no longer drafts than were chosen there. @default what was chosen there */
    speculation?: Speculation | undefined;
    /** Ends the generation with stop reason "abort"; what was drawn until then stays. */
    signal?: AbortSignal | undefined;
}

/** A union has the keys that all of its members have. */
type KeyOf<T> = T extends unknown ? keyof T : never;

/** What a text may be given with. */
export const promptOptionNames = [
    "prompt",
    "tokens",
    "messages",
    "raw",
    "addBos",
    "parseSpecial",
    "thinking",
    "templateOptions",
    "continueFinalMessage"
] as const satisfies readonly KeyOf<PromptOptions>[];

/** Options of how a conversation is written out. */
export const chatOptionNames = [
    "thinking",
    "templateOptions",
    "continueFinalMessage"
] as const satisfies readonly (keyof ChatOptions)[];

const optionNames = [
    ...samplingOptionNames,
    ...promptOptionNames,
    "showSpecial",
    "mode",
    "maxTokens",
    "maxThinkingTokens",
    "stop",
    "stopTokens",
    "ignoreEos",
    "logprobs",
    "explain",
    "grammar",
    "jsonSchema",
    "speculation",
    "signal"
] as const satisfies readonly KeyOf<GenerateOptions>[];

/** What a request may have. */
export { optionNames as generateOptionNames };

const maxStopStrings = limits.stopStrings.max;

/** What the loaded engine contributes to a request. */
export interface GenerateContext extends SamplingContext {
    readonly contextSize: number;
    /** The trio's defaults. */
    readonly maxTokens: number | undefined;
    readonly maxThinkingTokens: number | undefined;
    readonly stop: readonly string[];
    readonly addBos: boolean | undefined;
    readonly chat: Readonly<ChatOptions>;
    readonly speculation: LoadedSpeculation;
}

/** The prompt of a request, one of three kinds. */
export type ResolvedPrompt =
    | { readonly kind: "text"; readonly text: string; readonly raw: boolean }
    | { readonly kind: "tokens"; readonly tokens: Int32Array }
    | { readonly kind: "messages"; readonly messages: readonly ChatMessage[]; readonly chat: Readonly<ChatOptions> };

/** What a text must follow. */
export type Constraint =
    | { readonly kind: "none" }
    | { readonly kind: "grammar"; readonly gbnf: string }
    | { readonly kind: "schema"; readonly json: string; readonly ignoreUnsupported: boolean };

/** A text for the models with every default filled in. */
export interface ResolvedPromptOptions {
    readonly prompt: ResolvedPrompt;
    readonly addBos: boolean | undefined;
    /** Of the caller's words. */
    readonly parseSpecial: boolean;
    readonly signal: AbortSignal | undefined;
}

/** A request with every default filled in. Nothing of it is the caller's any more, but for the signal. */
export interface ResolvedGenerateOptions extends ResolvedPromptOptions {
    readonly showSpecial: boolean;
    /** Names of control tokens that are shown where others are not. */
    readonly shownTokens: readonly string[];
    readonly mode: Mode;
    /** -1 = until the context is full. */
    readonly maxTokens: number;
    /** -1 = any number. */
    readonly maxThinkingTokens: number;
    readonly stopStrings: readonly string[];
    readonly stopTokens: Int32Array;
    readonly ignoreEos: boolean;
    /** -1 = none. */
    readonly logprobs: number;
    /** Alternatives of each token's score; -1 = no scores. */
    readonly figures: number;
    readonly speculation: Pick<NativeRequest, "draft" | "maxDraft" | "ngram">;
    readonly constraint: Constraint;
    readonly sampling: NativeSampling;
}

/**
 * Checks the options of a request and fills in its defaults. Every option is read once.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG
 */
export function resolveGenerateOptions(value: unknown, context: GenerateContext): ResolvedGenerateOptions {
    const options = readOptions("generate", "the options of generate", value, optionNames);
    const maxTokens = options.maxTokens === undefined ? context.maxTokens : options.maxTokens;
    const mode = readMode(options.mode, context.lambdas.length);
    return {
        ...resolvePrompt(options, context),
        ...readShowSpecial(options.showSpecial),
        mode,
        // More than the context holds cannot be drawn; the cut keeps the number within 32 bits.
        maxTokens:
            maxTokens === undefined
                ? -1
                : Math.min(checkNumber("maxTokens", maxTokens, limits.maxTokens), context.contextSize),
        maxThinkingTokens: readMaxThinking(options, context),
        stopStrings: options.stop === undefined ? context.stop : checkStop("stop", options.stop),
        stopTokens:
            options.stopTokens === undefined
                ? new Int32Array(0)
                : checkTokens("stopTokens", options.stopTokens, context.vocabularySize, context.vocabularySize),
        ignoreEos: options.ignoreEos === undefined ? false : checkBoolean("ignoreEos", options.ignoreEos),
        logprobs: options.logprobs === undefined ? -1 : checkNumber("logprobs", options.logprobs, limits.logprobs),
        figures: readExplain(options.explain, mode),
        speculation: resolveSpeculation(options.speculation, context.speculation),
        constraint: readConstraint(options),
        sampling: resolveSampling(options, context)
    };
}

/**
 * Checks the options of a text without a generation. Every option is read once.
 * @param where for messages: "saveState"
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_EMPTY_PROMPT, ERR_PROMPT_TOO_LONG
 */
export function resolvePromptOptions(where: string, value: unknown, context: GenerateContext): ResolvedPromptOptions {
    const options = readOptions(where, `the options of ${where}`, value, [...promptOptionNames, "signal"]);
    return resolvePrompt(options, context);
}

type Read<K extends string> = Readonly<Partial<Record<K, unknown>>>;

function resolvePrompt(
    options: Read<(typeof promptOptionNames)[number] | "signal">,
    context: GenerateContext
): ResolvedPromptOptions {
    const flag = <T>(name: "raw" | "addBos" | "parseSpecial", otherwise: T): boolean | T =>
        options[name] === undefined ? otherwise : checkBoolean(name, options[name]);
    const signal = options.signal === undefined ? undefined : checkSignal("signal", options.signal);
    const prompt = readPrompt(options, context, flag("raw", false));
    return {
        signal,
        prompt,
        addBos: flag("addBos", context.addBos),
        parseSpecial: flag("parseSpecial", prompt.kind !== "messages")
    };
}

/**
 * Token ids as they cross to native code, copied.
 * @param most ids at most
 * @throws ERR_INVALID_OPTION unless all are integers in [0, vocabularySize), or what `tooMany` makes
 */
export function checkTokens(
    name: string,
    value: unknown,
    vocabularySize: number,
    most: number,
    tooMany: (length: number) => RastError = () => invalidOption(name, `at most ${most} token ids`, value)
): Int32Array<ArrayBuffer> {
    const check = (token: unknown, index: number): void => {
        const fits = Number.isInteger(token) && (token as number) >= 0 && (token as number) < vocabularySize;
        if (!fits) throw invalidOption(`${name}[${index}]`, `a token id in [0, ${vocabularySize - 1}]`, token);
    };
    return readIntegers(name, "an array or Int32Array of token ids", value, most, check, tooMany);
}

/** The error for a prompt that no context of this engine can hold. */
export function promptTooLong(promptTokens: number, contextSize: number, atLeast = false): RastError {
    return new RastError(
        "ERR_PROMPT_TOO_LONG",
        `The prompt has ${atLeast ? "at least " : ""}${promptTokens} tokens; the context holds ${contextSize}. ` +
            "Shorten the prompt, or raise contextSize where the models hold more.",
        { details: { promptTokens, contextSize } }
    );
}

/**
 * Stop strings, as an array.
 * @throws ERR_INVALID_OPTION unless it is a string or an array of at most 16, none of them empty
 */
export function checkStop(name: string, value: unknown): readonly string[] {
    if (typeof value === "string") return [checkString(name, value)];
    if (!isArray(value)) throw invalidOption(name, "a string or an array of strings", value);
    const list = readArray(name, `at most ${maxStopStrings} strings`, value, maxStopStrings);
    return list.map((text, index) => checkString(`${name}[${index}]`, text));
}

function readMaxThinking(
    { maxThinkingTokens, tokens }: Read<"maxThinkingTokens" | "tokens">,
    context: GenerateContext
): number {
    if (maxThinkingTokens === undefined) return context.maxThinkingTokens ?? -1;
    if (tokens !== undefined) {
        const message = "Expected messages or a prompt beside maxThinkingTokens, received tokens.";
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "maxThinkingTokens" } });
    }
    return checkNumber("maxThinkingTokens", maxThinkingTokens, limits.maxThinkingTokens);
}

function readShowSpecial(value: unknown): Pick<ResolvedGenerateOptions, "showSpecial" | "shownTokens"> {
    if (value === undefined || typeof value === "boolean") return { showSpecial: value ?? false, shownTokens: [] };
    if (!isArray(value)) throw invalidOption("showSpecial", "true, false or names of control tokens", value);
    const list = readArray("showSpecial", `at most ${maxStopStrings} names`, value, maxStopStrings);
    return { showSpecial: false, shownTokens: list.map((name, i) => checkString(`showSpecial[${i}]`, name)) };
}

function withoutMessages(name: string): RastError {
    const message = `Expected messages beside ${name}, received none.`;
    return new RastError("ERR_INVALID_OPTION", message, { details: { option: name } });
}

function readMode(value: unknown, pairs: number): Mode {
    if (value === undefined) return pairs > 0 ? "rast" : "base";
    const mode = checkOneOf("mode", value, ["rast", "base", "expert"]);
    if (mode !== "base" && pairs === 0) {
        const message = `Expected "base" for mode, received "${mode}": the engine has no expert and no antiexpert.`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "mode" } });
    }
    return mode;
}

function readExplain(value: unknown, mode: Mode): number {
    if (value === undefined || value === false) return -1;
    if (mode === "expert") {
        const message =
            'Expected mode "rast" or "base" beside explain, received "expert": the scores are of the base\'s rows. Score the text ' +
            "with rast.score.";
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "explain" } });
    }
    if (value === true) return 0;
    if (!isObject(value)) throw invalidOption("explain", "true, false or an object", value);
    const { top } = readOptions("explain", "explain", value, ["top"]);
    return top === undefined ? 0 : checkNumber("explain.top", top, limits.logprobs);
}

function readConstraint({ grammar, jsonSchema }: Read<"grammar" | "jsonSchema">): Constraint {
    if (grammar !== undefined && jsonSchema !== undefined) {
        const message = "Expected either grammar or jsonSchema, received both.";
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "grammar" } });
    }
    if (grammar !== undefined) return { kind: "grammar", gbnf: checkString("grammar", grammar) };
    return jsonSchema === undefined ? { kind: "none" } : { kind: "schema", ...readJsonSchema(jsonSchema) };
}

/**
 * A conversation as plain data, read once. Its shape is checked where it is written out.
 * @throws ERR_INVALID_OPTION
 */
export function readMessages(value: unknown): readonly ChatMessage[] {
    if (!isArray(value)) throw invalidOption("messages", "an array with at least one message", value);
    return JSON.parse(readJson("messages", value)) as ChatMessage[];
}

/**
 * How a conversation is written out, copied.
 * @param otherwise what the trio says
 * @throws ERR_INVALID_OPTION
 */
export function readChatOptions(
    { thinking, templateOptions, continueFinalMessage }: Read<keyof ChatOptions>,
    otherwise: Readonly<ChatOptions>
): Readonly<ChatOptions> {
    const given =
        templateOptions === undefined
            ? {}
            : (JSON.parse(
                  readJson("templateOptions", checkTemplateOptions("templateOptions", templateOptions))
              ) as object);
    return {
        thinking: thinking === undefined ? otherwise.thinking : checkThinking("thinking", thinking),
        templateOptions: { ...otherwise.templateOptions, ...given },
        ...(continueFinalMessage === undefined
            ? {}
            : { continueFinalMessage: checkBoolean("continueFinalMessage", continueFinalMessage) })
    };
}

function readPrompt(
    options: Read<"prompt" | "tokens" | "messages" | keyof ChatOptions>,
    { vocabularySize, contextSize, chat }: GenerateContext,
    raw: boolean
): ResolvedPrompt {
    const given = (["prompt", "tokens", "messages"] as const).filter((name) => options[name] !== undefined);
    if (given.length !== 1) {
        const received = given.length === 0 ? "none" : given.join(" and ");
        const message = `Expected exactly one of prompt, tokens and messages, received ${received}.`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "prompt", received: given } });
    }
    const { tokens, messages } = options;
    if (messages !== undefined) {
        return { kind: "messages", messages: readMessages(messages), chat: readChatOptions(options, chat) };
    }
    for (const name of chatOptionNames) {
        if (options[name] !== undefined) throw withoutMessages(name);
    }
    if (tokens !== undefined) {
        const tooLong = (length: number): RastError => promptTooLong(length, contextSize);
        return { kind: "tokens", tokens: checkTokens("tokens", tokens, vocabularySize, contextSize, tooLong) };
    }
    const text = checkString("prompt", options.prompt, true);
    // A template or a beginning-of-sequence token around nothing is hardly what was meant.
    if (text === "") throw new RastError("ERR_EMPTY_PROMPT", "The prompt is empty.");
    return { kind: "text", text, raw };
}
