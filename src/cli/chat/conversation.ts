// What was said so far, and the file that it goes into.
import { isArray, isObject } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { ChatMessage } from "../../text/chat-template.js";

/** A question with its answer. */
export interface ChatTurn {
    readonly question: string;
    readonly answer: string;
}

/** A conversation, as models get it. */
export class Conversation {
    readonly turns: ChatTurn[] = [];
    system: string | undefined;

    /**
     * Its messages with one question more.
     * @param without so many of the oldest turns
     */
    messages(question: string, without = 0): ChatMessage[] {
        const turns = this.turns.slice(without).flatMap((turn): ChatMessage[] => [
            { role: "user", content: turn.question },
            { role: "assistant", content: turn.answer }
        ]);
        const system: ChatMessage[] = this.system === undefined ? [] : [{ role: "system", content: this.system }];
        return [...system, ...turns, { role: "user", content: question }];
    }

    /** As JSON: `messages` as any program takes them. */
    toJson(trio: string | null): string {
        const messages = this.messages("").slice(0, -1);
        return `${JSON.stringify({ trio, messages }, null, 4)}\n`;
    }
}

/**
 * A conversation from a file: an object with `messages`, or a list of them; texts of "user" and "assistant" in turn, one of
 * "system" in front. What stands behind the last answer is left out.
 * @throws ERR_FILE_UNREADABLE
 */
export function readConversation(json: string): Conversation {
    let value: unknown;
    try {
        value = JSON.parse(json.replace(/^\uFEFF/, ""));
    } catch (error) {
        throw wrong(`it is not JSON: ${(error as Error).message}`);
    }
    const list = isObject(value) ? value["messages"] : value;
    if (!isArray(list)) throw wrong('it has no list "messages"');
    const read = new Conversation();
    let question: string | undefined;
    for (const [index, message] of list.entries()) {
        const { role, content } = isObject(message) ? message : {};
        if (typeof content !== "string") throw wrong(`message ${index + 1} has no text`);
        if (role === "system" && index === 0) read.system = content;
        else if (role === "user" && question === undefined) question = content;
        else if (role === "assistant" && question !== undefined) {
            read.turns.push({ question, answer: content });
            question = undefined;
        } else throw wrong(`message ${index + 1} is not the turn of ${JSON.stringify(role)}`);
    }
    return read;
}

function wrong(what: string): RastError {
    return new RastError("ERR_FILE_UNREADABLE", `The file is no conversation: ${what}.`);
}
