// An answer in Ollama's words: a line of JSON for each piece, or one object for all.
import type { RastResult } from "../../engine/results.js";
import type { AnswerEvent, NamedLogprob } from "../ask/ask.js";

/** What both kinds of answer differ in. */
export interface AnswerForm {
    /** "message" of a chat, "response" of a completion. */
    readonly kind: "chat" | "generate";
    readonly model: string;
    /** performance.now() when the request came. */
    readonly begun: number;
    /** Tokens in front of the answer's own, for a completion's `context`. */
    readonly promptTokens?: readonly number[] | undefined;
}

interface Call {
    readonly id: string;
    readonly name: string;
    text: string;
}

/** A piece of an answer. */
interface Piece {
    readonly thinking?: string;
    readonly text?: string;
    readonly calls?: readonly Call[];
    readonly logprobs?: readonly NamedLogprob[] | undefined;
}

/** Makes lines of an answer's events. A call of a tool is one line, once it is whole. */
export class AnswerWriter {
    readonly #form: AnswerForm;
    #call: Call | undefined;
    #reasoning = "";
    #text = "";
    readonly #calls: Call[] = [];
    readonly #logprobs: NamedLogprob[] = [];
    #result: { readonly result: RastResult; readonly reason: string } | undefined;

    constructor(form: AnswerForm) {
        this.#form = form;
    }

    /** Objects for these news, each a line. */
    write(event: AnswerEvent): readonly Record<string, unknown>[] {
        switch (event.kind) {
            case "begin":
                return [];
            case "delta": {
                this.#reasoning += event.reasoning;
                this.#text += event.text;
                for (const one of event.logprobs ?? []) this.#logprobs.push(one);
                const piece = { thinking: event.reasoning, text: event.text, logprobs: event.logprobs };
                return [...this.#endCall(), this.#line(piece)];
            }
            case "toolCall": {
                const ended = this.#endCall();
                this.#call = { id: event.id, name: event.name, text: "" };
                this.#calls.push(this.#call);
                return ended;
            }
            case "toolArguments":
                this.#call!.text += event.text;
                return [];
            case "end":
                this.#result = { result: event.result, reason: event.finish === "length" ? "length" : "stop" };
                return [...this.#endCall(), { ...this.#line({}), ...this.#end() }];
        }
    }

    /** All of it as one object. */
    whole(): Record<string, unknown> {
        const logprobs = this.#logprobs.length > 0 ? this.#logprobs : undefined;
        const piece = { thinking: this.#reasoning, text: this.#text, calls: this.#calls, logprobs };
        return { ...this.#line(piece), ...this.#end() };
    }

    #endCall(): Record<string, unknown>[] {
        const call = this.#call;
        this.#call = undefined;
        return call === undefined ? [] : [this.#line({ calls: [call] })];
    }

    #line({ thinking = "", text = "", calls = [], logprobs }: Piece): Record<string, unknown> {
        const { kind, model } = this.#form;
        const head = { model, created_at: new Date().toISOString() };
        const more = logprobs === undefined ? {} : { logprobs: logprobs.map(writtenLogprob) };
        const reasoning = thinking === "" ? {} : { thinking };
        if (kind === "generate") return { ...head, response: text, ...reasoning, done: false, ...more };
        const written = calls.map((call, index) => ({
            id: call.id,
            function: { index, name: call.name, arguments: argumentsOf(call.text) }
        }));
        const message = {
            role: "assistant",
            content: text,
            ...reasoning,
            ...(written.length === 0 ? {} : { tool_calls: written })
        };
        return { ...head, message, done: false, ...more };
    }

    #end(): Record<string, unknown> {
        const { result, reason } = this.#result!;
        const { usage, timings, tokens } = result;
        const { begun, promptTokens } = this.#form;
        const total = performance.now() - begun;
        const context = promptTokens === undefined ? {} : { context: [...promptTokens, ...tokens] };
        return {
            done: true,
            done_reason: reason,
            ...context,
            total_duration: nanoseconds(total),
            load_duration: nanoseconds(total - timings.prefillMs - timings.decodeMs),
            prompt_eval_count: usage.promptTokens,
            prompt_eval_duration: nanoseconds(timings.prefillMs),
            eval_count: usage.completionTokens,
            eval_duration: nanoseconds(timings.decodeMs)
        };
    }
}

/** The answer to an ask without a prompt. */
export function loadedLine(
    kind: AnswerForm["kind"],
    model: string,
    done_reason: "load" | "unload"
): Record<string, unknown> {
    const text = kind === "chat" ? { message: { role: "assistant", content: "" } } : { response: "" };
    return { model, created_at: new Date().toISOString(), ...text, done: true, done_reason };
}

function nanoseconds(ms: number): number {
    return Math.max(0, Math.round(ms * 1e6));
}

function argumentsOf(text: string): unknown {
    try {
        return JSON.parse(text) as unknown;
    } catch {
        // cut off in the middle: what there is, rather than nothing
        return { _unfinished: text };
    }
}

function writtenLogprob({ text, logprob, bytes, top }: NamedLogprob): Record<string, unknown> {
    const finite = (value: number): number => Math.max(-9999, value);
    return {
        token: text,
        logprob: finite(logprob),
        bytes,
        top_logprobs: top.map((one) => ({ token: one.text, logprob: finite(one.logprob), bytes: one.bytes }))
    };
}
