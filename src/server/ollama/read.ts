// Ollama's bodies as `Ask`s. They have passed their schemas; null counts as left out.
import type { GenerateSettings } from "../../engine/generate-options.js";
import type { Speculation } from "../../engine/speculation-options.js";
import type { ChatMessage } from "../../text/chat-template.js";
import type { Ask } from "../ask/ask.js";
import { wrongField } from "../http/request-error.js";
import type { ToolUse } from "../tools/tool.js";

type Settings = Ask["settings"];

interface Options {
    readonly num_predict?: number | null;
    readonly seed?: number | null;
    readonly stop?: string | readonly string[] | null;
    readonly temperature?: number | null;
    readonly top_k?: number | null;
    readonly top_p?: number | null;
    readonly min_p?: number | null;
    readonly repeat_penalty?: number | null;
    readonly repeat_last_n?: number | null;
    readonly presence_penalty?: number | null;
    readonly frequency_penalty?: number | null;
}

/** What both kinds of body have. */
export interface CommonBody {
    readonly model?: string | null;
    readonly stream?: boolean | null;
    readonly format?: string | Readonly<Record<string, unknown>> | null;
    readonly options?: Options | null;
    readonly keep_alive?: string | number | null;
    readonly think?: boolean | "low" | "medium" | "high" | null;
    readonly logprobs?: boolean | null;
    readonly top_logprobs?: number | null;
    readonly rast?: {
        readonly lambda?: number | readonly number[] | null;
        readonly speculation?: Speculation | null;
    } | null;
}

interface WrittenCall {
    readonly id?: string | null;
    readonly function: { readonly name: string; readonly arguments?: unknown };
}

interface WrittenMessage {
    readonly role: string;
    readonly content?: string | null;
    readonly thinking?: string | null;
    readonly tool_calls?: readonly WrittenCall[] | null;
    readonly tool_name?: string | null;
    readonly tool_call_id?: string | null;
}

/** A body that `chatBody` has found right. */
export interface ChatBody extends CommonBody {
    readonly messages?: readonly WrittenMessage[] | null;
    readonly tools?:
        | readonly {
              readonly function: {
                  readonly name: string;
                  readonly description?: string | null;
                  readonly parameters?: Readonly<Record<string, unknown>> | null;
              };
          }[]
        | null;
}

/** A body that `generateBody` has found right. */
export interface GenerateBody extends CommonBody {
    readonly prompt?: string | null;
    readonly system?: string | null;
    readonly raw?: boolean | null;
    readonly context?: readonly number[] | null;
}

/** Names of the engine's options in Ollama's bodies. */
const fields: Readonly<Record<string, string>> = {
    maxTokens: "options.num_predict",
    topP: "options.top_p",
    topK: "options.top_k",
    minP: "options.min_p",
    repetitionPenalty: "options.repeat_penalty",
    penaltyWindow: "options.repeat_last_n",
    presencePenalty: "options.presence_penalty",
    frequencyPenalty: "options.frequency_penalty",
    temperature: "options.temperature",
    seed: "options.seed",
    stop: "options.stop",
    jsonSchema: "format",
    thinking: "think",
    tokens: "context",
    "tools[].name": "tools[].function.name",
    "tools[].parameters": "tools[].function.parameters",
    lambda: "rast.lambda",
    speculation: "rast.speculation"
};

/** The name of an option of the engine's. */
export function fieldOf(option: string): string {
    return fields[option] ?? option;
}

/** A chat; undefined where there are no messages: the model is to be loaded. @throws RequestError 400 */
export function readChat(body: ChatBody): Ask | undefined {
    const { messages, tools } = body;
    if (messages === undefined || messages === null || messages.length === 0) return undefined;
    return {
        model: body.model ?? undefined,
        prompts: [{ messages: readMessages(messages) }],
        n: 1,
        settings: readSettings(body),
        tools: readTools(tools)
    };
}

/**
 * A completion; undefined where there is no prompt: the model is to be loaded.
 * @param asChat whether the prompt is a user's message, written out by the model's chat template
 */
export function readGenerate(body: GenerateBody, asChat: boolean): Ask | undefined {
    const { prompt, system, raw } = body;
    if (prompt === undefined || prompt === null || prompt === "") return undefined;
    const settings = readSettings(body);
    const shared = { model: body.model ?? undefined, n: 1, tools: undefined };
    const before = system === undefined || system === null || system === "" ? undefined : system;
    if (raw === true || !asChat) {
        const text = before === undefined || raw === true ? prompt : `${before}\n\n${prompt}`;
        const rest = without(settings, chatSettings);
        return { ...shared, prompts: [{ prompt: text }], settings: { ...rest, raw: raw === true } };
    }
    const messages: ChatMessage[] = [
        ...(before === undefined ? [] : [{ role: "system", content: before }]),
        { role: "user", content: prompt }
    ];
    return { ...shared, prompts: [{ messages }], settings };
}

/** The same behind the tokens of an earlier answer. What the model reasons is not told apart then. */
export function behindContext(ask: Ask, context: readonly number[], tokens: readonly number[]): Ask {
    const settings = without(ask.settings, [...chatSettings, "raw", "maxThinkingTokens"]);
    return { ...ask, prompts: [{ tokens: [...context, ...tokens] }], settings };
}

/** What only conversations have. */
const chatSettings = ["thinking", "templateOptions"] as const;

function without(settings: Settings, names: readonly (keyof Settings)[]): Settings {
    return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name as keyof Settings)));
}

function readSettings(body: CommonBody): Settings {
    const { format, think, logprobs, top_logprobs: top, rast } = body;
    const options = body.options ?? {};
    if (top !== undefined && top !== null && logprobs !== true)
        throw wrongField("top_logprobs", "top_logprobs needs logprobs: true.");
    const most = options.num_predict ?? -1;
    if (most === 0) throw wrongField("options.num_predict", "options.num_predict must be 1 or more; -1 is no limit.");
    const all: { readonly [K in keyof GenerateSettings]: GenerateSettings[K] | null } = {
        maxTokens: most < 0 ? undefined : most,
        seed: readSeed(options.seed),
        stop: options.stop ?? undefined,
        temperature: options.temperature,
        topK: options.top_k === undefined || options.top_k === null ? undefined : Math.max(0, options.top_k),
        // the engine keeps at least one
        topP: options.top_p === 0 ? 1e-9 : options.top_p,
        minP: options.min_p,
        repetitionPenalty: options.repeat_penalty,
        penaltyWindow: options.repeat_last_n,
        presencePenalty: options.presence_penalty,
        frequencyPenalty: options.frequency_penalty,
        jsonSchema: readFormat(format),
        thinking: typeof think === "boolean" ? think : undefined,
        templateOptions: typeof think === "string" ? { reasoning_effort: think } : undefined,
        logprobs: logprobs === true ? (top ?? 0) : undefined,
        lambda: rast?.lambda,
        speculation: rast?.speculation
    };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== null));
}

function readFormat(format: CommonBody["format"]): GenerateSettings["jsonSchema"] {
    if (format === undefined || format === null || format === "") return undefined;
    return typeof format === "string" ? { type: "object" } : { schema: format, unsupported: "ignore" };
}

function readSeed(seed: number | null | undefined): number | bigint | undefined {
    if (seed === undefined || seed === null || seed === -1) return undefined;
    return Number.isSafeInteger(seed) && seed >= 0 ? seed : BigInt.asUintN(64, BigInt(seed));
}

// Ollama's own clients write no ids: a result is of the call with its name, else of the first that has none yet.
function readMessages(messages: readonly WrittenMessage[]): ChatMessage[] {
    const open: { readonly id: string; readonly name: string }[] = [];
    return messages.map(({ role, content, thinking, tool_calls: calls, tool_name: name, tool_call_id: id }, index) => {
        const more = thinking === undefined || thinking === null ? {} : { reasoning_content: thinking };
        if (role === "tool") {
            const place = Math.max(
                0,
                name === undefined || name === null ? 0 : open.findIndex((call) => call.name === name)
            );
            const answered =
                id === undefined || id === null ? open.splice(place, 1)[0] : { id, name: name ?? undefined };
            return {
                role,
                content: content ?? "",
                ...(answered === undefined ? {} : { tool_call_id: answered.id }),
                ...((name ?? answered?.name) === undefined ? {} : { name: name ?? answered?.name })
            };
        }
        if (calls === undefined || calls === null || calls.length === 0)
            return { role, content: content ?? "", ...more };
        const made = calls.map((call, i) => {
            const own = { id: call.id ?? `call_${index}_${i}`, name: call.function.name };
            if (call.id === undefined || call.id === null) open.push(own);
            const given = call.function.arguments ?? {};
            return {
                id: own.id,
                type: "function",
                function: { name: own.name, arguments: typeof given === "string" ? given : JSON.stringify(given) }
            };
        });
        return { role, content: content ?? "", ...more, tool_calls: made };
    });
}

function readTools(tools: ChatBody["tools"]): ToolUse | undefined {
    if (tools === undefined || tools === null || tools.length === 0) return undefined;
    return {
        tools: tools.map(({ function: { name, description, parameters } }) => ({
            name,
            description: description ?? undefined,
            parameters: parameters ?? undefined,
            strict: false
        })),
        choice: { kind: "auto" },
        parallel: true
    };
}
