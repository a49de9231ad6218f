// A body of OpenAI's responses as an `Ask`.
import { isObject } from "../../checks.js";
import type { JsonSchemaOption } from "../../engine/json-schema.js";
import type { ChatMessage } from "../../text/chat-template.js";
import type { Ask } from "../ask/ask.js";
import { wrongField } from "../http/request-error.js";
import type { Tool, ToolChoice, ToolUse } from "../tools/tool.js";
import { defined, given, readCommon, type CommonBody, type Settings } from "./fields.js";

type Item = Readonly<Record<string, unknown>>;

interface Format {
    readonly type: "text" | "json_object" | "json_schema";
    readonly schema?: Readonly<Record<string, unknown>> | null;
    readonly strict?: boolean | null;
}

/** A body that its schema has found right. */
export interface ResponsesBody extends CommonBody {
    readonly input?: string | readonly Item[] | null;
    readonly instructions?: string | null;
    readonly previous_response_id?: string | null;
    readonly store?: boolean | null;
    readonly max_output_tokens?: number | null;
    readonly max_reasoning_tokens?: number | null;
    readonly top_logprobs?: number | null;
    readonly include?: readonly string[] | null;
    readonly tools?: readonly Item[] | null;
    readonly tool_choice?: string | { readonly type: string; readonly name?: string | null } | null;
    readonly parallel_tool_calls?: boolean | null;
    readonly text?: { readonly format?: Format | null } | null;
    readonly reasoning?: { readonly effort?: string | null; readonly summary?: string | null } | null;
    readonly metadata?: Readonly<Record<string, unknown>> | null;
    readonly background?: boolean | null;
    readonly conversation?: unknown;
    readonly prompt?: unknown;
}

/** What was said before a response. */
export interface EarlierTurns {
    readonly messages: readonly ChatMessage[];
    /** An item of an earlier response, by its id. */
    readonly item: (id: string) => Item | undefined;
}

/** An ask, and the conversation that it is, without the instructions: those are of one response alone. */
export interface ReadResponse {
    readonly ask: Ask;
    readonly messages: readonly ChatMessage[];
}

/** @throws RequestError 400 */
export function readResponse(body: ResponsesBody, earlier: EarlierTurns): ReadResponse {
    if (body.background === true) throw wrongField("background", "Responses in the background are not offered here.");
    // left out, what was said before would be missing without a word
    if (given(body.conversation))
        throw wrongField(
            "conversation",
            "Conversations are not kept here: previous_response_id goes on from a response."
        );
    if (given(body.prompt)) throw wrongField("prompt", "Prompts are not kept here: write it out as input.");
    if (given(body.n) && body.n > 1) throw wrongField("n", "A response has one choice.");
    const { input, instructions } = body;
    const said = typeof input === "string" ? [{ role: "user", content: input }] : readItems(input ?? [], earlier);
    const messages = [...earlier.messages, ...said];
    if (messages.length === 0) throw wrongField("input", "input is required.");
    const before = given(instructions) && instructions !== "" ? [{ role: "system", content: instructions }] : [];
    const wantsLogprobs = given(body.top_logprobs) || body.include?.includes("message.output_text.logprobs") === true;
    const settings = defined<Settings>({
        ...readCommon(body),
        ...readFormat(body),
        ...readReasoning(body),
        maxTokens: body.max_output_tokens,
        logprobs: wantsLogprobs ? (body.top_logprobs ?? 0) : undefined
    });
    const ask = {
        model: body.model ?? undefined,
        prompts: [{ messages: [...before, ...messages] }],
        n: 1,
        settings,
        tools: readTools(body)
    };
    return { ask, messages };
}

function readReasoning({ reasoning, max_reasoning_tokens: most }: ResponsesBody): Settings {
    const effort = reasoning?.effort;
    if (!given(effort)) return defined<Settings>({ maxThinkingTokens: most });
    // what a template does not read does nothing
    const templateOptions = { reasoning_effort: effort, ...(effort === "none" ? { enable_thinking: false } : {}) };
    return defined<Settings>({ maxThinkingTokens: most ?? (effort === "none" ? 0 : undefined), templateOptions });
}

function readFormat({ text, grammar, json_schema: plain }: ResponsesBody): Settings {
    const format = text?.format;
    if (!given(format) || format.type === "text") return {};
    if (given(grammar) || given(plain))
        throw wrongField("text.format", "Expected either text.format or a grammar, received both.");
    if (format.type === "json_object") return { jsonSchema: { type: "object" } };
    if (!given(format.schema)) throw wrongField("text.format.schema", "A schema is required.");
    const jsonSchema: JsonSchemaOption = {
        schema: format.schema,
        unsupported: format.strict === true ? "refuse" : "ignore"
    };
    return { jsonSchema };
}

/** Items as messages: what an assistant reasoned, said and called in a row is one turn of its own. */
function readItems(items: readonly Item[], { item: find }: EarlierTurns): ChatMessage[] {
    const messages: ChatMessage[] = [];
    let turn: { text: string; reasoning: string; calls: unknown[] } | undefined;
    const endTurn = (): void => {
        if (turn === undefined) return;
        const { text, reasoning, calls } = turn;
        turn = undefined;
        if (text === "" && calls.length === 0) return;
        messages.push({
            role: "assistant",
            content: text,
            ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
            ...(calls.length === 0 ? {} : { tool_calls: calls })
        });
    };
    items.forEach((written, index) => {
        const where = `input[${index}]`;
        const item = resolve(written, where, find);
        const type =
            item["type"] === undefined || item["type"] === null ? "message" : stringOf(item["type"], `${where}.type`);
        if (type === "message" && item["role"] !== "assistant") {
            endTurn();
            const role = item["role"];
            if (typeof role !== "string") throw wrongField(`${where}.role`, `${where}.role is required.`);
            if (!given(item["content"])) throw wrongField(`${where}.content`, `${where}.content is required.`);
            messages.push({ role, content: textOf(item["content"], `${where}.content`) });
        } else if (type === "function_call_output") {
            endTurn();
            const id = stringOf(item["call_id"], `${where}.call_id`);
            messages.push({ role: "tool", tool_call_id: id, content: textOf(item["output"], `${where}.output`) });
        } else if (type === "message") {
            turn ??= { text: "", reasoning: "", calls: [] };
            turn.text += textOf(item["content"], `${where}.content`);
        } else if (type === "reasoning") {
            // reasoning begins a turn
            if (turn !== undefined && (turn.text !== "" || turn.calls.length > 0)) endTurn();
            turn ??= { text: "", reasoning: "", calls: [] };
            turn.reasoning += reasoningOf(item);
        } else if (type === "function_call") {
            turn ??= { text: "", reasoning: "", calls: [] };
            const name = stringOf(item["name"], `${where}.name`);
            const id = stringOf(item["call_id"], `${where}.call_id`);
            const text = item["arguments"];
            turn.calls.push({
                id,
                type: "function",
                function: { name, arguments: typeof text === "string" ? text : "{}" }
            });
        } else {
            throw wrongField(`${where}.type`, `Items of type ${type.slice(0, 60)} are not understood here.`);
        }
    });
    endTurn();
    return messages;
}

function resolve(item: Item, where: string, find: (id: string) => Item | undefined): Item {
    if (item["type"] !== "item_reference") return item;
    const found = find(stringOf(item["id"], `${where}.id`));
    if (found === undefined) throw wrongField(`${where}.id`, "No item with this id is kept here.");
    return found;
}

function stringOf(value: unknown, where: string): string {
    if (typeof value !== "string") throw wrongField(where, `${where} must be string.`);
    return value;
}

function textOf(content: unknown, where: string): string {
    if (content === undefined || content === null) return "";
    if (typeof content === "string") return content;
    return (content as readonly Item[])
        .map((part, index) => {
            const type = stringOf(part["type"], `${where}[${index}].type`);
            const field = type === "refusal" ? "refusal" : "text";
            if (type !== "input_text" && type !== "output_text" && type !== "text" && type !== "refusal") {
                throw wrongField(
                    `${where}[${index}].type`,
                    `${where}[${index}] is ${type.slice(0, 60)}: models here read texts alone.`
                );
            }
            return stringOf(part[field], `${where}[${index}].${field}`);
        })
        .join("\n");
}

function reasoningOf({ content, summary }: Item): string {
    const parts = [
        ...(Array.isArray(content) ? (content as unknown[]) : []),
        ...(Array.isArray(summary) ? (summary as unknown[]) : [])
    ];
    return parts.flatMap((part) => (isObject(part) && typeof part["text"] === "string" ? part["text"] : [])).join("\n");
}

function readTools({ tools, tool_choice: choice, parallel_tool_calls: parallel }: ResponsesBody): ToolUse | undefined {
    if (!given(tools) || tools.length === 0) {
        if (given(choice) && choice !== "none" && choice !== "auto")
            throw wrongField("tool_choice", "tool_choice needs tools.");
        return undefined;
    }
    const read = tools.map((tool, index): Tool => {
        const { name, description, parameters, strict } = tool;
        const type = stringOf(tool["type"], `tools[${index}].type`);
        if (type !== "function") {
            throw wrongField(
                `tools[${index}].type`,
                `Tools of type ${type.slice(0, 60)} are run by OpenAI's servers, and not here.`
            );
        }
        if (typeof name !== "string") {
            const form = 'Functions are { type: "function", name, parameters } here, without a "function" within.';
            throw wrongField(`tools[${index}].name`, `tools[${index}].name is required. ${form}`);
        }
        return {
            name,
            description: typeof description === "string" ? description : undefined,
            parameters: isObject(parameters) ? parameters : undefined,
            strict: strict === true
        };
    });
    return {
        tools: read,
        choice: readChoice(
            choice,
            read.map(({ name }) => name)
        ),
        // a name asks for one call, and no more
        parallel: !(given(choice) && typeof choice === "object") && (parallel ?? true)
    };
}

function readChoice(choice: ResponsesBody["tool_choice"], names: readonly string[]): ToolChoice {
    if (!given(choice) || choice === "auto") return { kind: "auto" };
    if (choice === "none") return { kind: "none" };
    if (typeof choice === "string") return { kind: "required", names };
    const { type, name } = choice;
    if (type !== "function") throw wrongField("tool_choice.type", "A function may be chosen, and nothing else.");
    if (!given(name) || !names.includes(name)) throw wrongField("tool_choice.name", "No tool has this name.");
    return { kind: "required", names: [name] };
}
