import { checkOneOf, invalidOption, isObject } from "../checks.js";
import type { Thinking } from "./thinking.js";

/** How a conversation is written out. */
export interface ChatOptions {
    /**
     * Whether the model reasons before its answer, where its chat template has a say. "auto": yes where the template can.
     * `true` and `false` are ERR_CHAT_TEMPLATE where it cannot. @default what the trio says, else "auto"
     */
    thinking?: Thinking | undefined;
    /**
     * Variables of the template by name, as plain JSON: tools, documents, enable_thinking, reasoning_effort, dates. They
     * hold before all that is passed otherwise. @default those of the trio; each name replaces the trio's
     */
    templateOptions?: Readonly<Record<string, unknown>> | undefined;
    /**
     * Go on with the last message, one of the assistant, instead of beginning another: its content is the beginning of the
     * answer, or of the reasoning if it begins with the mark of one. ERR_CHAT_TEMPLATE where the template does not write it
     * out as it is. @default false
     */
    continueFinalMessage?: boolean | undefined;
}

/** @throws ERR_INVALID_OPTION */
export function checkThinking(name: string, value: unknown): Thinking {
    return checkOneOf(name, value, [true, false, "auto"]);
}

/** Variables for a template; their values are not looked at. @throws ERR_INVALID_OPTION */
export function checkTemplateOptions(name: string, value: unknown): Readonly<Record<string, unknown>> {
    if (!isObject(value)) throw invalidOption(name, "an object with variables of the chat template", value);
    if (Object.hasOwn(value, "messages")) {
        throw invalidOption(`${name}.messages`, "nothing, as messages are an option of their own,", value["messages"]);
    }
    for (const key of Object.keys(value)) {
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
            throw invalidOption(name, "names of variables (letters, digits and _)", key);
        }
    }
    return value;
}
