// An answer in Anthropic's words: blocks of content, one after the other, whole or event by event.
import { randomBytes } from "node:crypto";
import type { RastResult } from "../../engine/results.js";
import type { AnswerEvent, EndEvent } from "../ask/ask.js";

/** A block as it stands in a message. */
type Block =
    | { readonly type: "thinking"; thinking: string; signature: string }
    | { readonly type: "text"; text: string }
    | { readonly type: "tool_use"; readonly id: string; readonly name: string; input: unknown };

/** An event of a stream, by its name. */
export type StreamEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** What an answer begins with. */
export interface MessageHead {
    readonly model: string;
    /** Tokens of the prompt. */
    readonly inputTokens: number;
    /** Whether what the model reasons is given out. */
    readonly withThinking: boolean;
}

/** Nobody signs here; clients send it back as it is. */
const signature = "unsigned";

/** Makes blocks, and events, of an answer's events. */
export class MessageWriter {
    readonly #id = `msg_${randomBytes(12).toString("hex")}`;
    readonly #head: MessageHead;
    readonly #content: Block[] = [];
    #open = false;
    #arguments = "";
    #end: EndEvent | undefined;

    constructor(head: MessageHead) {
        this.#head = head;
    }

    /** The stream's first events. */
    begin(): readonly StreamEvent[] {
        const { model, inputTokens } = this.#head;
        const usage = { ...writtenUsage(undefined), input_tokens: inputTokens };
        const message = { id: this.#id, type: "message", role: "assistant", model, content: [], stop_reason: null };
        return [{ type: "message_start", message: { ...message, stop_sequence: null, usage } }, { type: "ping" }];
    }

    /** Events for these news. */
    write(event: AnswerEvent): readonly StreamEvent[] {
        switch (event.kind) {
            case "begin":
                return [];
            case "delta":
                return [
                    ...(event.reasoning === "" || !this.#head.withThinking ? [] : this.#think(event.reasoning)),
                    ...(event.text === "" ? [] : this.#say(event.text))
                ];
            case "toolCall":
                this.#arguments = "";
                return this.#start({ type: "tool_use", id: event.id, name: event.name, input: {} });
            case "toolArguments":
                this.#arguments += event.text;
                return [this.#delta({ type: "input_json_delta", partial_json: event.text })];
            case "end": {
                this.#end = event;
                const events = [...this.#stop()];
                const usage = writtenUsage(event.result);
                events.push({ type: "message_delta", delta: this.#ending(), usage }, { type: "message_stop" });
                return events;
            }
        }
    }

    /** All of it. */
    whole(): Record<string, unknown> {
        const { model } = this.#head;
        const head = { id: this.#id, type: "message", role: "assistant", model, content: this.#content };
        return { ...head, ...this.#ending(), usage: writtenUsage(this.#end?.result) };
    }

    #think(text: string): StreamEvent[] {
        const last = this.#content.at(-1);
        const begun = this.#open && last?.type === "thinking";
        const events = begun ? [] : this.#start({ type: "thinking", thinking: "", signature: "" });
        const block = this.#content.at(-1)!;
        if (block.type === "thinking") block.thinking += text;
        return [...events, this.#delta({ type: "thinking_delta", thinking: text })];
    }

    #say(text: string): StreamEvent[] {
        const last = this.#content.at(-1);
        const begun = this.#open && last?.type === "text";
        const events = begun ? [] : this.#start({ type: "text", text: "" });
        const block = this.#content.at(-1)!;
        if (block.type === "text") block.text += text;
        return [...events, this.#delta({ type: "text_delta", text })];
    }

    #start(block: Block): StreamEvent[] {
        const events = this.#stop();
        this.#content.push(block);
        this.#open = true;
        return [
            ...events,
            { type: "content_block_start", index: this.#content.length - 1, content_block: { ...block } }
        ];
    }

    #stop(): StreamEvent[] {
        if (!this.#open) return [];
        this.#open = false;
        const block = this.#content.at(-1)!;
        const events: StreamEvent[] = [];
        if (block.type === "thinking") {
            block.signature = signature;
            events.push(this.#delta({ type: "signature_delta", signature }));
        }
        if (block.type === "tool_use") block.input = inputOf(this.#arguments);
        return [...events, { type: "content_block_stop", index: this.#content.length - 1 }];
    }

    #delta(delta: Readonly<Record<string, unknown>>): StreamEvent {
        return { type: "content_block_delta", index: this.#content.length - 1, delta };
    }

    #ending(): Record<string, unknown> {
        const { finish, result } = this.#end!;
        const stopped = finish === "stop" ? result.stopString : null;
        return { stop_reason: reasonOf(finish, stopped), stop_sequence: stopped };
    }
}

function reasonOf(finish: EndEvent["finish"], stopped: string | null): string {
    if (finish === "toolCalls") return "tool_use";
    if (finish === "length") return "max_tokens";
    return stopped === null ? "end_turn" : "stop_sequence";
}

// What was cut off in the middle is no object yet.
function inputOf(text: string): unknown {
    try {
        return JSON.parse(text === "" ? "{}" : text) as unknown;
    } catch {
        return {};
    }
}

/** Tokens that a cache held are not among those of the input. */
function writtenUsage(result: RastResult | undefined): Record<string, number> {
    const { promptTokens = 0, cachedPromptTokens = 0, completionTokens = 0 } = result?.usage ?? {};
    return {
        input_tokens: promptTokens - cachedPromptTokens,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: cachedPromptTokens,
        output_tokens: completionTokens
    };
}
