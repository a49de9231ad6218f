// Earlier turns in the form that a template reads: calls, their results, roles.
import { isArray, isObject } from "../../checks.js";
import type { ChatMessage } from "../../text/chat-template.js";
import { writtenId, type ToolFamily } from "./families.js";
import type { Tool } from "./tool.js";

interface Call {
    readonly id: string | undefined;
    readonly type: "function";
    readonly function: { readonly name: string; readonly arguments: unknown };
}

/**
 * Messages as a template reads them: calls with arguments as objects, or as text where it prints them as they are; ids in the family's
 * form; results with the name of what was called; a text of the assistant where there is none.
 * @param messages in OpenAI's shape
 */
export function writtenMessages(
    messages: readonly ChatMessage[],
    template: string,
    family: ToolFamily | undefined
): ChatMessage[] {
    const names = new Map<string, string>();
    const id = (given: unknown): string | undefined =>
        typeof given === "string" ? writtenId({ shortIds: family?.shortIds ?? false }, given) : undefined;
    return messages.flatMap((message): ChatMessage[] => {
        const role = roleOf(message.role, template);
        const calls = readCalls(message, template, id);
        for (const call of calls) if (call.id !== undefined) names.set(call.id, call.function.name);
        // templates ask whether there are any by whether the name is there
        const rest = without(message, "tool_calls");
        if (calls.length > 0) return withCalls({ ...rest, role }, calls, template, family);
        const result = id(message["tool_call_id"]);
        if (role !== "tool" || result === undefined) return [{ ...rest, role }];
        const name = names.get(result);
        return [
            {
                ...rest,
                role,
                tool_call_id: result,
                ...(name === undefined || rest["name"] !== undefined ? {} : { name })
            }
        ];
    });
}

function without(message: ChatMessage, name: string): ChatMessage {
    return Object.fromEntries(Object.entries(message).filter(([key]) => key !== name)) as unknown as ChatMessage;
}

function roleOf(role: string, template: string): string {
    if (role === "developer" && !template.includes("developer")) return "system";
    return role === "function" && !template.includes("'function'") ? "tool" : role;
}

function readCalls(
    message: ChatMessage,
    template: string,
    id: (given: unknown) => string | undefined
): readonly Call[] {
    const list = message["tool_calls"];
    if (!isArray(list)) return [];
    const asText = printsArguments(template);
    return list.flatMap((call): Call[] => {
        if (!isObject(call) || !isObject(call["function"])) return [];
        const { name, arguments: given } = call["function"];
        if (typeof name !== "string") return [];
        const args = asText ? textOf(given) : objectOf(given);
        return [{ id: id(call["id"]), type: "function", function: { name, arguments: args } }];
    });
}

/** Whether a template writes arguments out as they are, so that they must be text. */
function printsArguments(template: string): boolean {
    const takesObjects =
        /arguments(?:['"]\])?\s*\|\s*(?:items|tojson|dictsort)|(?:arguments|_args)\.items|arguments(?:['"]\])? is (?:not )?(?:string|mapping)/;
    return template.includes("arguments") && !takesObjects.test(template);
}

function textOf(given: unknown): string {
    return typeof given === "string" ? given : JSON.stringify(given ?? {});
}

// What is no JSON stays the text it is: nobody's words are lost.
function objectOf(given: unknown): unknown {
    if (typeof given !== "string") return given ?? {};
    if (given.trim() === "") return {};
    try {
        const parsed: unknown = JSON.parse(given);
        return isObject(parsed) ? parsed : given;
    } catch {
        return given;
    }
}

function withCalls(
    message: ChatMessage,
    calls: readonly Call[],
    template: string,
    family: ToolFamily | undefined
): ChatMessage[] {
    const { content } = message;
    const silent = content === undefined || content === null || content.length === 0;
    // some ask for a content that is none, most take its text
    const nothing = (family?.silentTurns ?? true) && /content['"\]]*\s+is\s+(?:not\s+)?none/.test(template) ? null : "";
    if (family === undefined || family.parallel) {
        return [{ ...message, content: silent ? nothing : content, tool_calls: calls }];
    }
    // one call in a turn, and no text beside it
    const rest = without(message, "content");
    return [
        ...(silent ? [] : [{ ...rest, content }]),
        ...calls.map((call) => ({ ...rest, content: "", tool_calls: [call] }))
    ];
}

/** Tools in OpenAI's shape, with what templates read without asking whether it is there. */
export function writtenTools(tools: readonly Tool[], template: string): Readonly<Record<string, unknown>>[] {
    const needsDescription = template.includes("description");
    return tools.map(({ name, description, parameters }) => ({
        type: "function",
        function: {
            name,
            ...(description !== undefined ? { description } : needsDescription ? { description: "" } : {}),
            parameters: withProperties(parameters)
        }
    }));
}

function withProperties(parameters: Tool["parameters"]): Readonly<Record<string, unknown>> {
    if (parameters === undefined || Object.keys(parameters).length === 0) return { type: "object", properties: {} };
    return parameters["type"] === "object" && parameters["properties"] === undefined
        ? { ...parameters, properties: {} }
        : parameters;
}
