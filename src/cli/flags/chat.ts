import { repeatableFlag, valueFlag, wrongFlag } from "../flag.js";
import type { Thinking } from "../../text/thinking.js";

/** How a conversation is written out. */
export const chatFlags = {
    thinking: valueFlag(
        "--thinking <mode>",
        "on, off or auto: whether the model reasons first; implies --chat (default: the trio's, else auto, on where it can)",
        toThinking
    ),
    templateOptions: repeatableFlag(
        "--template-option <name=json>",
        "a variable of the chat template; implies --chat; repeatable",
        (texts, name) => Object.fromEntries(texts.map((text) => toVariable(text, name)))
    )
};

function toThinking(text: string, name: string): Thinking {
    if (text === "auto") return text;
    if (text !== "on" && text !== "off") throw wrongFlag(name, "on, off or auto", text);
    return text === "on";
}

function toVariable(text: string, name: string): [string, unknown] {
    const at = text.indexOf("=");
    if (at < 1) throw wrongFlag(name, "NAME=JSON", text);
    try {
        return [text.slice(0, at), JSON.parse(text.slice(at + 1)) as unknown];
    } catch {
        throw wrongFlag(name, "NAME=JSON (a text in quotes: reasoning_effort='\"high\"')", text);
    }
}
