import { describeValue, isObject, quote } from "../checks.js";
import { RastError } from "../errors.js";
import type { ChatOptions } from "./chat-options.js";
import {
    templateThreads,
    type RenderedText,
    type TemplateFacts,
    type TemplateFailure,
    type TemplateLimits
} from "./template-thread.js";
import { thinkingVariables } from "./thinking.js";

/** A part of a message's content. Models here read texts alone. */
export interface TextPart {
    /** There is no other. */
    readonly type: "text";
    /** A piece of the content. */
    readonly text: string;
}

/** One turn of a conversation. */
export interface ChatMessage {
    /** As the model's template knows them: usually "system", "user" and "assistant". */
    readonly role: string;
    /**
     * Its text, or parts of it: they go to the template as they are where it reads such lists, else as one text with a
     * line each. null, or nothing at all, for one that only calls tools.
     */
    readonly content?: string | readonly TextPart[] | null;
    /** Whatever else the template reads of a message, as plain JSON: a name, reasoning, calls of tools. */
    readonly [more: string]: unknown;
}

/** What a template may refer to. */
export interface ChatTemplateTokens {
    /** Text of the beginning-of-sequence token; "" for none. */
    readonly bosToken: string;
    /** Text of the end-of-sequence token; "" for none. */
    readonly eosToken: string;
}

/** What a conversation is written out with: the options that were checked, and the model's tokens. */
export type ChatTemplateInput = ChatTemplateTokens & Readonly<ChatOptions>;

/**
 * Writes a conversation out as the prompt that the model was trained on, ready for the assistant's turn. The template is
 * run in a thread of its own and within limits.
 * @param template the Jinja template of the GGUF file; null when it has none
 * @throws ERR_CHAT_TEMPLATE without a template, for one that is damaged or does not end, and when it refuses the messages
 * @throws ERR_INVALID_OPTION for messages of the wrong shape
 */
export async function applyChatTemplate(
    template: string | null,
    messages: readonly ChatMessage[],
    input: ChatTemplateInput,
    limits?: TemplateLimits
): Promise<string> {
    return (await renderChat(template, messages, input, limits)).text;
}

/** The same, with what of it are the caller's words: messages, and variables but for words and names of special tokens. */
export async function renderChat(
    template: string | null,
    messages: readonly ChatMessage[],
    input: ChatTemplateInput,
    limits?: TemplateLimits
): Promise<RenderedText> {
    checkMessages(messages, input);
    const final = input.continueFinalMessage === true ? finalText(messages) : undefined;
    if (template === null) {
        throw new RastError(
            "ERR_CHAT_TEMPLATE",
            "The base model's file has no chat template. Write the conversation out and pass it as prompt.",
            { details: { chatTemplate: null } }
        );
    }
    const { thinking = "auto", templateOptions = {} } = input;
    const facts = await factsOf(template, limits);
    const variables = {
        // those that transformers passes
        messages: messages
            .map(withReasoning)
            .map((message, i) =>
                final !== undefined && i === messages.length - 1
                    ? { ...message, content: final }
                    : withContent(message, facts)
            ),
        tools: null,
        documents: null,
        add_generation_prompt: final === undefined,
        ...(input.bosToken === "" ? {} : { bos_token: input.bosToken }),
        ...(input.eosToken === "" ? {} : { eos_token: input.eosToken }),
        ...thinkingVariables(thinking, template, facts, templateOptions),
        ...templateOptions
    };
    const given = { names: ["messages", ...Object.keys(templateOptions)], continued: final !== undefined };
    const rendering = await templateThreads.render(template, variables, limits, given);
    if ("failure" in rendering) throw failed(rendering, messages);
    assertWritten(template, messages, rendering);
    return final === undefined ? rendering : untilEndOf(final, rendering);
}

const usualRoles: ReadonlySet<string> = new Set(["system", "developer", "user", "assistant", "tool", "function"]);

/** Most templates pass over a message whose role they do not know, and its words would be gone without a word. */
function assertWritten(template: string, messages: readonly ChatMessage[], { text }: RenderedText): void {
    messages.forEach(({ role, content }, index) => {
        // What the template names is its own affair: some roles are settings.
        if (usualRoles.has(role) || template.includes(role)) return;
        const own = typeof content === "string" ? content : (content ?? []).map((part) => part.text).join(" ");
        const words = own.split(/\s+/).filter((word) => word !== "");
        if (words.length === 0 || words.some((word) => text.includes(word))) return;
        throw new RastError(
            "ERR_CHAT_TEMPLATE",
            `The base model's chat template leaves messages[${index}] out: it does not know the role ${quote(role)}. ` +
                "Roles that most templates know are system, user and assistant.",
            { details: { option: "messages" } }
        );
    });
}

/** The content of a last message that is to be continued. @throws ERR_INVALID_OPTION */
function finalText(messages: readonly ChatMessage[]): string {
    const { role, content } = messages.at(-1)!;
    const text = typeof content === "string" ? content : content?.map((part) => part.text).join("\n");
    if (role === "assistant" && text !== undefined && text.trim() !== "") return text;
    throw new RastError(
        "ERR_INVALID_OPTION",
        "Expected a last message of the assistant with a content to go on with for continueFinalMessage, received " +
            `one of ${describeValue(role)} with ${describeValue(content)}.`,
        { details: { option: "continueFinalMessage" } }
    );
}

/** A conversation up to where its last message goes on. White space that templates take off its end is put back. */
function untilEndOf(final: string, { text, marks }: RenderedText): RenderedText {
    const own = marks.filter(([, , kind]) => kind === 2);
    const [from, to] = own[0] ?? [0, 0];
    if (own.length !== 1 || text.slice(from, to).trim() !== final.trim()) {
        throw new RastError(
            "ERR_CHAT_TEMPLATE",
            "The base model's chat template does not write the last message out as it is, so it cannot be continued. " +
                "Leave out what it takes apart, such as reasoning with its marks, or pass the conversation as prompt.",
            { details: { option: "continueFinalMessage" } }
        );
    }
    const written = text.slice(from, to).trimEnd().length;
    const before = marks.filter(([, end]) => end <= from);
    const start = final.trimStart();
    const thought = emptyThought.exec(text.slice(before.at(-1)?.[1] ?? 0, from));
    const leftOut = thought !== null && start.startsWith(thought[1]!) ? thought[0].length : 0;
    const whole =
        text.slice(0, from - leftOut) + text.slice(from, from + written) + final.slice(final.trimEnd().length);
    return { text: whole, marks: [...before, [from - leftOut, whole.length, 2]] };
}

// As Qwen 3's template writes it in front of an answer. In front of a thought that is to go on it says that there is none.
const emptyThought = /(<think>|<seed:think>|\[THINK\])\s*(?:<\/think>|<\/seed:think>|\[\/THINK\])\s*$/;

// A template is asked once; most programs have one.
const known = new Map<string, TemplateFacts>();
const maxKnown = 4;

async function factsOf(template: string, limits?: TemplateLimits): Promise<TemplateFacts> {
    const before = known.get(template);
    if (before !== undefined) return before;
    const facts = await templateThreads.facts(template, limits);
    if ("failure" in facts) throw failed(facts);
    if (known.size >= maxKnown) known.clear();
    known.set(template, facts);
    return facts;
}

// Templates read the reasoning of earlier turns under one of these names.
const reasoningNames = ["reasoning_content", "thinking", "reasoning"];

function withReasoning(message: ChatMessage): ChatMessage {
    const name = reasoningNames.find((key) => message[key] !== undefined && message[key] !== null);
    if (name === undefined) return message;
    return { thinking: message[name], ...message, reasoning_content: message[name] };
}

function withContent(message: ChatMessage, { readsParts }: TemplateFacts): ChatMessage {
    const { content } = message;
    if (readsParts || content === undefined || content === null || typeof content === "string") return message;
    return { ...message, content: content.map(({ text }) => text).join("\n") };
}

// Limits of the thread. What the template asks for has nothing to do with it.
const tooMuch = /grew beyond|is longer than|it took more than/;

function failed({ failure, line }: TemplateFailure, messages: readonly ChatMessage[] = []): RastError {
    const silent = messages.findIndex(({ content }) => content === undefined || content === null);
    const hint = silent < 0 ? "" : `messages[${silent}] has no content, which this template may need: "" is one. `;
    const advice = tooMuch.test(failure)
        ? "Shorten the messages"
        : `${hint}Give it the messages and templateOptions that it asks for`;
    const where = line === undefined ? "" : ` at line ${line}`;
    return new RastError(
        "ERR_CHAT_TEMPLATE",
        `The base model's chat template failed${where}: ${failure.replace(/\.$/, "")}. ` +
            `${advice}, or write the conversation out and pass it as prompt.`,
        { details: line === undefined ? {} : { line } }
    );
}

/** @throws ERR_INVALID_OPTION for messages of the wrong shape, or none to continue */
export function checkMessages(value: unknown, { continueFinalMessage }: Readonly<ChatOptions>): void {
    if (!Array.isArray(value) || value.length === 0) {
        throw invalidMessages("an array with at least one message for messages", value);
    }
    value.forEach((message: unknown, index) => {
        const name = `messages[${index}]`;
        if (!isObject(message)) throw invalidMessages(`an object with role and content for ${name}`, message);
        const { role, content } = message;
        if (typeof role !== "string") throw invalidMessages(`a string for ${name}.role`, role);
        if (role === "") throw invalidMessages(`a string that is not empty for ${name}.role`, "");
        const calls = message["tool_calls"] ?? undefined;
        const silent = content === undefined || content === null;
        if (silent && calls !== undefined && !Array.isArray(calls)) {
            throw invalidMessages(`an array for ${name}.tool_calls, or a content`, calls);
        }
        checkContent(`${name}.content`, content, calls !== undefined);
    });
    if (continueFinalMessage === true) finalText(value as readonly ChatMessage[]);
}

function checkContent(name: string, content: unknown, callsTools: boolean): void {
    if (typeof content === "string" || (callsTools && (content === null || content === undefined))) return;
    if (!Array.isArray(content)) throw invalidMessages(`a string for ${name}`, content);
    if (content.length === 0) throw invalidMessages(`a string or at least one part for ${name}`, content);
    content.forEach((part: unknown, index) => {
        const { type, text } = isObject(part) ? part : {};
        if (type !== "text") {
            throw invalidMessages(
                `{ type: "text", text } for ${name}[${index}], as models here read texts alone`,
                part
            );
        }
        if (typeof text !== "string") throw invalidMessages(`a string for ${name}[${index}].text`, text);
    });
}

function invalidMessages(expected: string, value: unknown): RastError {
    return new RastError("ERR_INVALID_OPTION", `Expected ${expected}, received ${describeValue(value)}.`, {
        details: { option: "messages" }
    });
}
