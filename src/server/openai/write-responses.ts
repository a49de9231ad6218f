// An answer as one of OpenAI's responses: items of output, one after the other, whole or event by event.
import { randomBytes } from "node:crypto";
import type { RastResult } from "../../engine/results.js";
import type { AnswerEvent, EndEvent, NamedLogprob } from "../ask/ask.js";
import type { ResponsesBody } from "./read-responses.js";
import { finite, rastOf, timingsOf } from "./writing.js";

type Fields = Readonly<Record<string, unknown>>;

/** An item of output while it is made, and its final form. */
type Item =
    | { readonly type: "reasoning"; readonly id: string; text: string }
    | { readonly type: "message"; readonly id: string; text: string; readonly logprobs: NamedLogprob[] }
    | {
          readonly type: "function_call";
          readonly id: string;
          readonly callId: string;
          readonly name: string;
          text: string;
      };

/** An event of a stream; its number is put in when it is sent. */
export type ResponseEvent = { readonly type: string } & Fields;

/** "resp_...", "msg_...". */
function newId(prefix: string): string {
    return `${prefix}_${randomBytes(24).toString("hex")}`;
}

/** Makes items, and events, of an answer's events. */
export class ResponseWriter {
    readonly id = newId("resp");
    readonly #created = Math.floor(Date.now() / 1000);
    readonly #body: ResponsesBody;
    readonly #model: string;
    readonly #items: Item[] = [];
    #open = false;
    #end: EndEvent | undefined;
    #error: { readonly code: string; readonly message: string } | undefined;

    constructor(body: ResponsesBody, model: string) {
        this.#body = body;
        this.#model = model;
    }

    /** The stream's first events. */
    begin(): readonly ResponseEvent[] {
        return [
            { type: "response.created", response: this.whole() },
            { type: "response.in_progress", response: this.whole() }
        ];
    }

    /** Events for these news. */
    write(event: AnswerEvent): readonly ResponseEvent[] {
        switch (event.kind) {
            case "begin":
                return [];
            case "delta":
                return [
                    ...(event.reasoning === "" ? [] : this.#think(event.reasoning)),
                    ...(event.text === "" && event.logprobs === undefined
                        ? []
                        : this.#say(event.text, event.logprobs ?? []))
                ];
            case "toolCall":
                return this.#start({
                    type: "function_call",
                    id: newId("fc"),
                    callId: event.id,
                    name: event.name,
                    text: ""
                });
            case "toolArguments": {
                const call = this.#items.at(-1)!;
                call.text += event.text;
                return [{ type: "response.function_call_arguments.delta", ...this.#place(call), delta: event.text }];
            }
            case "end": {
                const events = this.#stop();
                this.#end = event;
                const incomplete = event.finish === "length" || event.finish === "abort";
                return [
                    ...events,
                    { type: incomplete ? "response.incomplete" : "response.completed", response: this.whole() }
                ];
            }
        }
    }

    /** The last event of a stream that failed. */
    fail(code: string, message: string): ResponseEvent {
        this.#error = { code, message };
        return { type: "response.failed", response: this.whole() };
    }

    /** What came out, as items. */
    get output(): readonly Fields[] {
        return this.#items.map((item, index) =>
            writtenItem(item, this.#open && index === this.#items.length - 1, this.#cut)
        );
    }

    /** The response as it is now. */
    whole(): Fields {
        const { text, tools, tool_choice: choice, reasoning, metadata } = this.#body;
        const finish = this.#end?.finish;
        const status =
            this.#error !== undefined
                ? "failed"
                : finish === undefined
                  ? "in_progress"
                  : this.#cut
                    ? "incomplete"
                    : "completed";
        const result = this.#end?.result;
        return {
            id: this.id,
            object: "response",
            created_at: this.#created,
            status,
            background: false,
            error: this.#error ?? null,
            incomplete_details: this.#cut ? { reason: "max_output_tokens" } : null,
            instructions: this.#body.instructions ?? null,
            max_output_tokens: this.#body.max_output_tokens ?? null,
            model: this.#model,
            output: this.output,
            parallel_tool_calls: this.#body.parallel_tool_calls ?? true,
            previous_response_id: this.#body.previous_response_id ?? null,
            reasoning: { effort: reasoning?.effort ?? null, summary: null },
            store: this.#body.store ?? true,
            temperature: this.#body.temperature ?? null,
            text: { format: text?.format ?? { type: "text" } },
            tool_choice: choice ?? "auto",
            tools: tools ?? [],
            top_p: this.#body.top_p ?? null,
            truncation: "disabled",
            usage: result === undefined ? null : writtenUsage(result),
            user: null,
            metadata: metadata ?? {},
            ...(result === undefined ? {} : { timings: timingsOf([result]), rast: rastOf(result) })
        };
    }

    get #cut(): boolean {
        const finish = this.#end?.finish;
        return finish === "length" || finish === "abort";
    }

    #think(text: string): ResponseEvent[] {
        const events = this.#goOn("reasoning", () => ({ type: "reasoning", id: newId("rs"), text: "" }));
        const item = this.#items.at(-1)!;
        item.text += text;
        return [
            ...events,
            { type: "response.reasoning_text.delta", ...this.#place(item), content_index: 0, delta: text }
        ];
    }

    #say(text: string, logprobs: readonly NamedLogprob[]): ResponseEvent[] {
        const last = this.#items.at(-1);
        // figures of tokens without a text are of the message that comes, and of no other item
        if (text === "" && !(this.#open && last?.type === "message")) return [];
        const events = this.#goOn("message", () => ({ type: "message", id: newId("msg"), text: "", logprobs: [] }));
        const item = this.#items.at(-1)!;
        item.text += text;
        if (item.type === "message") item.logprobs.push(...logprobs);
        const delta = { content_index: 0, delta: text, logprobs: logprobs.map(writtenLogprob) };
        return [...events, { type: "response.output_text.delta", ...this.#place(item), ...delta }];
    }

    #goOn(type: Item["type"], make: () => Item): ResponseEvent[] {
        return this.#open && this.#items.at(-1)?.type === type ? [] : this.#start(make());
    }

    #start(item: Item): ResponseEvent[] {
        const events = this.#stop();
        this.#items.push(item);
        this.#open = true;
        const { output_index } = this.#place(item);
        events.push({ type: "response.output_item.added", output_index, item: emptyItem(item) });
        if (item.type !== "function_call") {
            events.push({
                type: "response.content_part.added",
                ...this.#place(item),
                content_index: 0,
                part: partOf({ ...item, text: "" })
            });
        }
        return events;
    }

    #stop(): ResponseEvent[] {
        if (!this.#open) return [];
        this.#open = false;
        const item = this.#items.at(-1)!;
        const place = this.#place(item);
        const { text } = item;
        const events: ResponseEvent[] = [];
        if (item.type === "function_call") {
            events.push({ type: "response.function_call_arguments.done", ...place, name: item.name, arguments: text });
        } else {
            const done =
                item.type === "message"
                    ? { type: "response.output_text.done", logprobs: item.logprobs.map(writtenLogprob) }
                    : { type: "response.reasoning_text.done" };
            events.push(
                { ...done, ...place, content_index: 0, text },
                { type: "response.content_part.done", ...place, content_index: 0, part: partOf(item) }
            );
        }
        const whole = writtenItem(item, false, this.#cut);
        events.push({ type: "response.output_item.done", output_index: place.output_index, item: whole });
        return events;
    }

    #place({ id }: Item): { readonly item_id: string; readonly output_index: number } {
        return { item_id: id, output_index: this.#items.length - 1 };
    }
}

function partOf(item: Exclude<Item, { type: "function_call" }>): Fields {
    return item.type === "reasoning"
        ? { type: "reasoning_text", text: item.text }
        : { type: "output_text", text: item.text, annotations: [], logprobs: item.logprobs.map(writtenLogprob) };
}

function emptyItem(item: Item): Fields {
    const status = "in_progress";
    if (item.type === "reasoning") return { id: item.id, type: "reasoning", status, summary: [], content: [] };
    if (item.type === "message") return { id: item.id, type: "message", status, role: "assistant", content: [] };
    return { id: item.id, type: "function_call", status, call_id: item.callId, name: item.name, arguments: "" };
}

function writtenItem(item: Item, open: boolean, cut: boolean): Fields {
    const status = open ? "in_progress" : cut && item.type !== "function_call" ? "incomplete" : "completed";
    if (item.type === "function_call") return { ...emptyItem(item), status, arguments: item.text };
    return { ...emptyItem(item), status, content: [partOf(item)] };
}

function writtenLogprob({ text, logprob, bytes, top }: NamedLogprob): Fields {
    return {
        token: text,
        logprob: finite(logprob),
        bytes,
        top_logprobs: top.map((one) => ({ token: one.text, logprob: finite(one.logprob), bytes: one.bytes }))
    };
}

function writtenUsage({ usage }: RastResult): Fields {
    const { promptTokens, cachedPromptTokens, completionTokens, reasoningTokens } = usage;
    return {
        input_tokens: promptTokens,
        input_tokens_details: { cached_tokens: cachedPromptTokens },
        output_tokens: completionTokens,
        output_tokens_details: { reasoning_tokens: reasoningTokens },
        total_tokens: promptTokens + completionTokens
    };
}
