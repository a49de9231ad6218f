// A chat's body as an `Ask`.
import { describeValue, shorten } from "../../checks.js";
import type { JsonSchemaOption } from "../../engine/json-schema.js";
import type { ChatMessage, TextPart } from "../../text/chat-template.js";
import type { Ask } from "../ask/ask.js";
import { wrongField } from "../http/request-error.js";
import type { Tool, ToolChoice, ToolUse } from "../tools/tool.js";
import { defined, given, readCommon, readMaxTokens, type CommonBody, type Settings } from "./fields.js";

/** A message as it came. */
interface WrittenMessage {
    readonly role: string;
    readonly content?: string | readonly Readonly<Record<string, unknown>>[] | null;
    readonly name?: string | null;
    readonly reasoning_content?: string | null;
    readonly tool_call_id?: string | null;
    readonly tool_calls?: readonly unknown[] | null;
}

/** A body that `chatBody` has found right. */
export interface ChatBody extends CommonBody {
    readonly messages: readonly WrittenMessage[];
    readonly max_tokens?: number | null;
    readonly max_completion_tokens?: number | null;
    readonly max_reasoning_tokens?: number | null;
    readonly reasoning_effort?: string | null;
    readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null;
    readonly continue_final_message?: boolean | null;
    readonly logprobs?: boolean | null;
    readonly top_logprobs?: number | null;
    readonly tools?: readonly WrittenTool[] | null;
    readonly tool_choice?: string | { readonly function: { readonly name: string } } | null;
    readonly parallel_tool_calls?: boolean | null;
    readonly response_format?: ResponseFormat | null;
    readonly modalities?: readonly string[] | null;
}

interface WrittenTool {
    readonly type: string;
    readonly function?: {
        readonly name: string;
        readonly description?: string | null;
        readonly parameters?: Readonly<Record<string, unknown>> | null;
        readonly strict?: boolean | null;
    };
}

interface ResponseFormat {
    readonly type: "text" | "json_object" | "json_schema";
    readonly schema?: Readonly<Record<string, unknown>> | null;
    readonly json_schema?: {
        readonly schema?: Readonly<Record<string, unknown>> | null;
        readonly strict?: boolean | null;
    } | null;
}

/** @throws RequestError 400 */
export function readChat(body: ChatBody): Ask {
    const { logprobs, top_logprobs: top } = body;
    if (given(top) && logprobs !== true) throw wrongField("top_logprobs", "top_logprobs needs logprobs: true.");
    const other = body.modalities?.find((one) => one !== "text");
    if (other !== undefined) throw wrongField("modalities", "Models here write texts alone.");
    const completionTokens = readMaxTokens("max_completion_tokens", body.max_completion_tokens);
    const settings = defined<Settings>({
        ...readCommon(body),
        ...readFormat(body),
        ...readReasoning(body),
        maxTokens: completionTokens ?? readMaxTokens("max_tokens", body.max_tokens),
        continueFinalMessage: body.continue_final_message,
        logprobs: logprobs === true ? (top ?? 0) : undefined
    });
    return {
        model: body.model ?? undefined,
        prompts: [{ messages: body.messages.map(readMessage) }],
        n: body.n ?? 1,
        settings,
        tools: readTools(body)
    };
}

function readReasoning(body: ChatBody): Settings {
    const { reasoning_effort: effort, chat_template_kwargs: variables, max_reasoning_tokens: most } = body;
    // what a template does not read does nothing
    const own = given(effort)
        ? { reasoning_effort: effort, ...(effort === "none" ? { enable_thinking: false } : {}) }
        : {};
    const all = { ...own, ...variables };
    return defined<Settings>({
        maxThinkingTokens: most ?? (effort === "none" ? 0 : undefined),
        templateOptions: Object.keys(all).length > 0 ? all : undefined
    });
}

function readFormat({ response_format: format, grammar, json_schema: plain }: ChatBody): Settings {
    if (!given(format) || format.type === "text") return {};
    if (given(grammar) || given(plain)) {
        const other = given(grammar) ? "grammar" : "json_schema";
        throw wrongField("response_format", `Expected either response_format or ${other}, received both.`);
    }
    if (format.type === "json_object") return { jsonSchema: format.schema ?? { type: "object" } };
    const named = format.json_schema;
    const schema = named?.schema ?? format.schema;
    if (!given(schema)) throw wrongField("response_format.json_schema.schema", "A schema is required.");
    const option: JsonSchemaOption = {
        schema: schema,
        unsupported: named?.strict === true ? "refuse" : "ignore"
    };
    return { jsonSchema: option };
}

function readMessage(message: WrittenMessage, index: number): ChatMessage {
    const { name, reasoning_content: reasoning, tool_call_id: call, tool_calls: calls } = message;
    const where = `messages[${index}]`;
    // most templates know no developer
    const role = message.role === "developer" ? "system" : message.role;
    const { content } = message;
    if (!given(content) && !(calls !== undefined && calls !== null && calls.length > 0)) {
        throw wrongField(`${where}.content`, `${where}.content is required.`);
    }
    return {
        role,
        content: Array.isArray(content)
            ? readParts(content as readonly Readonly<Record<string, unknown>>[], where)
            : ((content as string | null | undefined) ?? null),
        ...(given(name) ? { name } : {}),
        ...(given(reasoning) ? { reasoning_content: reasoning } : {}),
        ...(given(call) ? { tool_call_id: call } : {}),
        ...(given(calls) && calls.length > 0 ? { tool_calls: calls } : {})
    };
}

const ofOtherSenses: Readonly<Record<string, string>> = {
    image_url: "Images",
    input_image: "Images",
    image: "Images",
    input_audio: "Sounds",
    audio: "Sounds",
    file: "Files",
    video_url: "Videos"
};

function readParts(parts: readonly Readonly<Record<string, unknown>>[], where: string): TextPart[] {
    return parts.map((part, index) => {
        const at = `${where}.content[${index}]`;
        const type = part["type"] as string;
        const field = type === "refusal" ? "refusal" : "text";
        if (type !== "text" && type !== "input_text" && type !== "output_text" && type !== "refusal") {
            const what = Object.hasOwn(ofOtherSenses, type)
                ? ofOtherSenses[type]!
                : `Parts of type ${JSON.stringify(shorten(type))}`;
            throw wrongField(`${at}.type`, `${what} are not understood here: models read texts alone.`);
        }
        const text = part[field];
        if (typeof text !== "string")
            throw wrongField(
                `${at}.${field}`,
                `Expected a string for ${at}.${field}, received ${describeValue(text)}.`
            );
        return { type: "text", text };
    });
}

function readTools(body: ChatBody): ToolUse | undefined {
    const { tools, tool_choice: choice } = body;
    if (!given(tools) || tools.length === 0) {
        if (given(choice) && choice !== "none" && choice !== "auto")
            throw wrongField("tool_choice", "tool_choice needs tools.");
        return undefined;
    }
    const read = tools.map(readTool);
    const names = read.map(({ name }) => name);
    const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
    if (twice >= 0) throw wrongField(`tools[${twice}].function.name`, "Two tools have the same name.");
    // a name asks for one call, and no more
    const named = given(choice) && typeof choice === "object";
    return { tools: read, choice: readChoice(choice, names), parallel: !named && (body.parallel_tool_calls ?? true) };
}

function readTool({ type, function: made }: WrittenTool, index: number): Tool {
    if (type !== "function" || made === undefined) {
        throw wrongField(`tools[${index}].type`, 'Tools are functions: { type: "function", function: { name, ... } }.');
    }
    const kind = made.parameters?.["type"];
    if (given(kind) && kind !== "object") {
        const at = `tools[${index}].function.parameters`;
        throw wrongField(at, `Expected a schema of an object for ${at}, received one of ${describeValue(kind)}.`);
    }
    return {
        name: made.name,
        description: made.description ?? undefined,
        parameters: made.parameters ?? undefined,
        strict: made.strict ?? false
    };
}

function readChoice(choice: ChatBody["tool_choice"], names: readonly string[]): ToolChoice {
    if (!given(choice) || choice === "auto") return { kind: "auto" };
    if (choice === "none") return { kind: "none" };
    if (typeof choice === "string") return { kind: "required", names };
    const { name } = choice.function;
    if (!names.includes(name)) throw wrongField("tool_choice.function.name", "No tool has this name.");
    return { kind: "required", names: [name] };
}
