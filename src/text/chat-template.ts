import { describeValue, isObject } from "../checks.js";
import { RastError } from "../errors.js";
import { templateThread, type TemplateLimits } from "./template-thread.js";

/** One turn of a conversation. */
export interface ChatMessage {
    /** As the model's template knows them: usually "system", "user" and "assistant". */
    readonly role: string;
    /** Its text. */
    readonly content: string;
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
    tokens: ChatTemplateTokens,
    limits?: TemplateLimits
): Promise<string> {
    checkMessages(messages);
    if (template === null) {
        throw new RastError(
            "ERR_CHAT_TEMPLATE",
            "The base model's file has no chat template. Write the conversation out and pass it as prompt."
        );
    }
    const variables = {
        messages,
        bos_token: tokens.bosToken,
        eos_token: tokens.eosToken,
        add_generation_prompt: true
    };
    const rendering = await templateThread.render(template, variables, limits);
    if ("text" in rendering) return rendering.text;
    throw new RastError("ERR_CHAT_TEMPLATE", `The base model's chat template failed: ${rendering.failure}`);
}

function checkMessages(value: unknown): void {
    if (!Array.isArray(value) || value.length === 0) {
        throw invalidMessages("an array with at least one message for messages", value);
    }
    value.forEach((message: unknown, index) => {
        const name = `messages[${index}]`;
        if (!isObject(message)) throw invalidMessages(`an object with role and content for ${name}`, message);
        for (const key of ["role", "content"]) {
            const text = message[key];
            if (typeof text !== "string") throw invalidMessages(`a string for ${name}.${key}`, text);
        }
        if (message["role"] === "") throw invalidMessages(`a string that is not empty for ${name}.role`, "");
    });
}

function invalidMessages(expected: string, value: unknown): RastError {
    return new RastError("ERR_INVALID_OPTION", `Expected ${expected}, received ${describeValue(value)}.`, {
        details: { option: "messages" }
    });
}
