import { numberFlag, repeatableFlag, textFlag, valueFlag, wrongFlag } from "../flag.js";
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
    ),
    maxThinkingTokens: numberFlag(
        "--max-thinking-tokens <integer>",
        "most tokens of reasoning, then the answer; implies --chat (default: as many as it takes)"
    ),
    answerStart: textFlag(
        "--answer-start <text>",
        "the answer's beginning, which the model goes on with; implies --chat"
    )
};

/** Where reasoning goes. */
export type ReasoningPlace = "stdout" | "stderr" | "none";

export const reasoningFlag = valueFlag(
    "--reasoning <where>",
    "stdout, stderr or none: where reasoning goes; implies --chat (default: stdout, dimmed, where that is a terminal, else stderr)",
    toPlace
);

function toPlace(text: string, name: string): ReasoningPlace {
    if (text === "stdout" || text === "stderr" || text === "none") return text;
    throw wrongFlag(name, "stdout, stderr or none", text);
}

export function toThinking(text: string, name: string): Thinking {
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
