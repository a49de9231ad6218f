// Anthropic's bodies as `Ask`s. They have passed their schemas; null counts as left out.
import { isObject } from "../../checks.js";
import type { Speculation } from "../../engine/speculation-options.js";
import type { ChatMessage } from "../../text/chat-template.js";
import type { Ask } from "../ask/ask.js";
import { wrongField } from "../http/request-error.js";
import type { ToolChoice, ToolUse } from "../tools/tool.js";

type Block = Readonly<Record<string, unknown>> & { readonly type: string };

interface WrittenMessage {
    readonly role: "user" | "assistant" | "system";
    readonly content: string | readonly Block[];
}

/** A body that `countBody` has found right. */
export interface CountBody {
    readonly model: string;
    readonly messages: readonly WrittenMessage[];
    readonly system?: string | readonly Block[] | null;
    readonly tools?: readonly WrittenTool[] | null;
    readonly tool_choice?: WrittenChoice | null;
    readonly thinking?: {
        readonly type: "enabled" | "disabled" | "adaptive";
        readonly budget_tokens?: number | null;
    } | null;
}

interface WrittenTool {
    readonly type?: string | null;
    readonly name: string;
    readonly description?: string | null;
    readonly input_schema?: Readonly<Record<string, unknown>> | null;
    readonly strict?: boolean | null;
}

interface WrittenChoice {
    readonly type: "auto" | "any" | "tool" | "none";
    readonly name?: string | null;
    readonly disable_parallel_tool_use?: boolean | null;
}

interface Format {
    readonly schema: Readonly<Record<string, unknown>>;
}

/** A body that `messagesBody` has found right. */
export interface MessagesBody extends CountBody {
    readonly max_tokens: number;
    readonly stop_sequences?: readonly string[] | null;
    readonly stream?: boolean | null;
    readonly temperature?: number | null;
    readonly top_p?: number | null;
    readonly top_k?: number | null;
    readonly output_format?: Format | null;
    readonly output_config?: { readonly format?: Format | null } | null;
    readonly rast?: {
        readonly lambda?: number | readonly number[] | null;
        readonly seed?: number | null;
        readonly speculation?: Speculation | null;
    } | null;
}

/** Names of the engine's options in Anthropic's bodies. */
const fields: Readonly<Record<string, string>> = {
    maxTokens: "max_tokens",
    topP: "top_p",
    topK: "top_k",
    stop: "stop_sequences",
    maxThinkingTokens: "thinking.budget_tokens",
    jsonSchema: "output_config.format.schema",
    "tools[].parameters": "tools[].input_schema",
    lambda: "rast.lambda",
    seed: "rast.seed",
    speculation: "rast.speculation"
};

/** The name of an option of the engine's. */
export function fieldOf(option: string): string {
    return fields[option] ?? option;
}

/** @throws RequestError 400 */
export function readMessages(body: MessagesBody): Ask {
    const format = body.output_config?.format ?? body.output_format;
    const { rast } = body;
    const all: { readonly [K in keyof Ask["settings"]]: Ask["settings"][K] | null } = {
        ...readCount(body).settings,
        maxTokens: body.max_tokens,
        stop: body.stop_sequences?.filter((text) => text !== ""),
        temperature: body.temperature,
        // the engine keeps at least one
        topP: body.top_p === 0 ? 1e-9 : body.top_p,
        topK: body.top_k,
        jsonSchema:
            format === undefined || format === null ? undefined : { schema: format.schema, unsupported: "ignore" },
        lambda: rast?.lambda,
        seed: rast?.seed,
        speculation: rast?.speculation
    };
    const settings = Object.fromEntries(
        Object.entries(all).filter(([, value]) => value !== undefined && value !== null)
    ) as Ask["settings"];
    return { ...readCount(body), settings };
}

/** What of a body is its prompt. @throws RequestError 400 */
export function readCount(body: CountBody): Ask {
    const messages = [...readSystem(body.system), ...body.messages.flatMap(readMessage)];
    const last = body.messages.at(-1)!;
    const goesOn = last.role === "assistant" && messages.at(-1)!["tool_calls"] === undefined;
    return {
        model: body.model,
        prompts: [{ messages }],
        n: 1,
        settings: { ...readThinking(body), ...(goesOn ? { continueFinalMessage: true } : {}) },
        tools: readTools(body)
    };
}

/** Whether what the model reasons is wanted. */
export function wantsThinking({ thinking }: CountBody): boolean {
    return thinking !== undefined && thinking !== null && thinking.type !== "disabled";
}

// Models that reason do so unless they are told not to: RAST's effect lies there. Whoever did not ask is not shown it.
function readThinking({ thinking }: CountBody): Ask["settings"] {
    if (thinking === undefined || thinking === null) return {};
    if (thinking.type === "disabled") return { maxThinkingTokens: 0 };
    const { budget_tokens: budget } = thinking;
    return budget === undefined || budget === null ? {} : { maxThinkingTokens: budget };
}

function readSystem(system: CountBody["system"]): ChatMessage[] {
    if (system === undefined || system === null) return [];
    const text =
        typeof system === "string" ? system : system.map((block, i) => textOf(block, `system[${i}]`)).join("\n");
    return text === "" ? [] : [{ role: "system", content: text }];
}

function textOf(block: Block, where: string): string {
    const { type, text } = block;
    if (type !== "text")
        throw wrongField(`${where}.type`, `${where} is of type ${type.slice(0, 60)}: models here read texts alone.`);
    if (typeof text !== "string") throw wrongField(`${where}.text`, `${where}.text must be string.`);
    return text;
}

/** A message as the messages of OpenAI's shape that it is: results of tools are messages of their own. */
function readMessage({ role, content }: WrittenMessage, index: number): ChatMessage[] {
    if (typeof content === "string") return [{ role, content }];
    const where = (i: number): string => `messages[${index}].content[${i}]`;
    return role === "assistant" ? [readTurn(content, where)] : readUser(role, content, where);
}

function readUser(role: string, content: readonly Block[], where: (i: number) => string): ChatMessage[] {
    const results: ChatMessage[] = [];
    const texts: string[] = [];
    content.forEach((block, i) => {
        if (block.type !== "tool_result") {
            texts.push(textOf(block, where(i)));
            return;
        }
        const { tool_use_id: id, content: inner } = block;
        if (typeof id !== "string")
            throw wrongField(`${where(i)}.tool_use_id`, `${where(i)}.tool_use_id must be string.`);
        results.push({ role: "tool", tool_call_id: id, content: resultText(inner, where(i)) });
    });
    if (content.length === 0) texts.push("");
    return [...results, ...(texts.length === 0 ? [] : [{ role, content: texts.join("\n") }])];
}

function resultText(content: unknown, where: string): string {
    if (content === undefined || content === null) return "";
    if (typeof content === "string") return content;
    if (!Array.isArray(content)) throw wrongField(`${where}.content`, `${where}.content must be string or array.`);
    return content
        .map((block: unknown, i) => {
            if (isObject(block) && typeof block["type"] === "string")
                return textOf(block as Block, `${where}.content[${i}]`);
            throw wrongField(`${where}.content[${i}]`, `${where}.content[${i}] must be a block.`);
        })
        .join("\n");
}

function readTurn(content: readonly Block[], where: (i: number) => string): ChatMessage {
    let text = "";
    let thoughts = "";
    const calls: unknown[] = [];
    content.forEach((block, i) => {
        if (block.type === "thinking") {
            if (typeof block["thinking"] === "string") thoughts += block["thinking"];
        } else if (block.type === "tool_use") {
            const { id, name, input } = block;
            if (typeof id !== "string") throw wrongField(`${where(i)}.id`, `${where(i)}.id must be string.`);
            if (typeof name !== "string") throw wrongField(`${where(i)}.name`, `${where(i)}.name must be string.`);
            calls.push({ id, type: "function", function: { name, arguments: JSON.stringify(input ?? {}) } });
        } else if (block.type !== "redacted_thinking") {
            text += textOf(block, where(i));
        }
    });
    return {
        role: "assistant",
        content: text,
        ...(thoughts === "" ? {} : { reasoning_content: thoughts }),
        ...(calls.length === 0 ? {} : { tool_calls: calls })
    };
}

function readTools({ tools, tool_choice: choice }: CountBody): ToolUse | undefined {
    if (tools === undefined || tools === null || tools.length === 0) {
        if (choice?.type === "any" || choice?.type === "tool")
            throw wrongField("tool_choice", "tool_choice needs tools.");
        return undefined;
    }
    const read = tools.map(({ type, name, description, input_schema: schema, strict }, index) => {
        if (type !== undefined && type !== null && type !== "custom") {
            throw wrongField(
                `tools[${index}].type`,
                `tools[${index}] is of type ${type.slice(0, 60)}: such tools are run by Anthropic's servers, and not here.`
            );
        }
        return {
            name,
            description: description ?? undefined,
            parameters: schema ?? undefined,
            strict: strict === true
        };
    });
    const names = read.map(({ name }) => name);
    return { tools: read, choice: readChoice(choice, names), parallel: choice?.disable_parallel_tool_use !== true };
}

function readChoice(choice: CountBody["tool_choice"], names: readonly string[]): ToolChoice {
    if (choice === undefined || choice === null || choice.type === "auto") return { kind: "auto" };
    if (choice.type === "none") return { kind: "none" };
    if (choice.type === "any") return { kind: "required", names };
    if (typeof choice.name !== "string" || !names.includes(choice.name)) {
        throw wrongField("tool_choice.name", "tool_choice.name must be the name of a tool.");
    }
    return { kind: "required", names: [choice.name] };
}
