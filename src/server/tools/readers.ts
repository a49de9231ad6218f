// How each family's calls are told from its text. A call that turns out to be none gives back its letters as text.
import {
    readArguments,
    readCall,
    readName,
    type AnswerReader,
    type CallSink,
    type HowToRead,
    type Outcome
} from "./calls.js";
import type { Incoming, Reading } from "./incoming.js";
import { xmlArguments } from "./xml-arguments.js";

/**
 * Text with calls behind a mark, anywhere in it.
 * @param read reads what stands behind the mark; where it gives nothing out, all of it is text
 */
function* behindMark(mark: string, input: Incoming, out: CallSink, read: () => Reading<Outcome>): Reading<void> {
    while (yield* input.upTo(mark, out.text)) {
        const from = input.at;
        yield* input.space();
        if ((yield* read()) !== "none") continue;
        input.at = from;
        out.text(mark);
    }
}

/** Reads this where it stands, with white space in front of it. */
function* closing(input: Incoming, word: string): Reading<boolean> {
    const from = input.at;
    yield* input.space();
    if (yield* input.word(word)) return true;
    input.at = from;
    return false;
}

/** Hermes, Qwen 2.5 and 3, Granite 4: `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`. */
export const readHermes: AnswerReader = (input, out, how) =>
    behindMark("<tool_call>", input, out, function* () {
        const outcome = yield* readCall(input, out, how);
        if (outcome === "whole") yield* closing(input, "</tool_call>");
        return outcome;
    });

/** Mistral: `[TOOL_CALLS][{"name": ..., "arguments": {...}}]`, since 2025 `[TOOL_CALLS]name[ARGS]{...}`. */
export const readMistral: AnswerReader = (input, out, how) =>
    behindMark("[TOOL_CALLS]", input, out, function* () {
        const first = yield* input.letter();
        if (first === "[") return yield* readList(input, out, how);
        if (first === "{") return yield* readCall(input, out, how);
        const name = yield* readName(input);
        if (name === "") return "none";
        yield* input.space();
        if (yield* input.word("[CALL_ID]")) yield* input.all(/[A-Za-z0-9_-]*/y, 64);
        yield* input.word("[ARGS]");
        yield* input.space();
        return yield* readArguments(input, out, how, name);
    });

function* readList(input: Incoming, out: CallSink, how: HowToRead): Reading<Outcome> {
    let outcome: Outcome = "none";
    for (let next = input.at; ;) {
        input.at++;
        yield* input.space();
        const one = yield* readCall(input, out, how);
        if (one === "broken") return "broken";
        if (one === "none") {
            input.at = next;
            return outcome;
        }
        outcome = "whole";
        if (yield* closing(input, "]")) return outcome;
        if (!(yield* closing(input, ","))) return outcome;
        next = --input.at;
    }
}

const pythonTag = "<|python_tag|>";

/** Llama 3: an answer that is `{"name": ..., "parameters": {...}}`, or has that behind a mark. Other objects are answers. */
export const readLlama: AnswerReader = function* (input, out, how) {
    const objects = function* (known?: HowToRead["parameters"]): Reading<Outcome> {
        let outcome: Outcome = "none";
        for (;;) {
            const from = input.at;
            if (outcome !== "none") yield* input.all(/[\s;]*/y);
            const one = yield* readCall(input, out, how, known);
            if (one === "none") input.at = from;
            if (one !== "whole") return one === "none" ? outcome : one;
            outcome = one;
        }
    };
    yield* input.space();
    if ((yield* objects(how.parameters)) === "none") input.at = 0;
    yield* behindMark(pythonTag, input, out, () => objects());
};

/** Functionary 3.1: `<function=name>{...}</function>`. */
export const readFunctionary31: AnswerReader = (input, out, how) =>
    behindMark("<function=", input, out, function* () {
        const name = yield* readName(input);
        if (name === "" || !(yield* input.word(">"))) return "none";
        yield* input.space();
        const outcome = yield* readArguments(input, out, how, name);
        if (outcome === "whole") yield* closing(input, "</function>");
        return outcome;
    });

/** Functionary 3.2: recipients, each in a line of its own: the prompt ends in `>>>`, and text is for `all`. */
export const readFunctionary32: AnswerReader = function* (input, out, how) {
    const one = function* (): Reading<Outcome> {
        const name = yield* readName(input);
        if (name === "" || !(yield* input.word("\n"))) return "none";
        if (name === "all") return "whole";
        if (!how.parameters.has(name)) return "none";
        yield* input.space();
        return yield* readArguments(input, out, how, name);
    };
    if ((yield* one()) === "none") input.at = 0;
    yield* behindMark(">>>", input, out, one);
};

/**
 * Qwen 3 Coder and its kin: `<tool_call><function=name><parameter=key>value</parameter></function></tool_call>`.
 * @param tag the word in the outer mark
 */
export const readXml =
    (tag: string): AnswerReader =>
    (input, out, how) =>
        behindMark(`<${tag}>`, input, out, function* () {
            if (!(yield* input.word("<function="))) return "none";
            const name = yield* readName(input);
            if (name === "" || !(yield* input.word(">"))) return "none";
            const values = new Map<string, string>();
            while (!(yield* closing(input, "</function>"))) {
                if (!(yield* closing(input, "<parameter="))) return "none";
                const key = yield* input.all(/[^>\n]*/y, 256);
                if (!(yield* input.word(">"))) return "none";
                const value = yield* input.before("</parameter>");
                if (value === undefined) return "none";
                values.set(key, value.replace(/^\n/, "").replace(/\n$/, ""));
            }
            out.call(name);
            out.arguments(xmlArguments(values, how.parameters.get(name)));
            yield* closing(input, `</${tag}>`);
            return "whole";
        });

/**
 * GLM 4.5 to 4.7 and their kin: `<tool_call>name<arg_key>key</arg_key><arg_value>value</arg_value></tool_call>`, with or without lines of
 * their own.
 */
export const readGlm: AnswerReader = (input, out, how) =>
    behindMark("<tool_call>", input, out, function* () {
        const name = yield* readName(input);
        if (name === "") return "none";
        const values = new Map<string, string>();
        while (!(yield* closing(input, "</tool_call>"))) {
            if (!(yield* closing(input, "<arg_key>"))) return "none";
            const key = yield* input.before("</arg_key>");
            if (key === undefined || !(yield* closing(input, "<arg_value>"))) return "none";
            const value = yield* input.before("</arg_value>");
            if (value === undefined) return "none";
            values.set(key.trim(), value);
        }
        out.call(name);
        out.arguments(xmlArguments(values, how.parameters.get(name)));
        return "whole";
    });

/** MiniMax M2: `<minimax:tool_call>` around calls `<invoke name="name"><parameter name="key">value</parameter></invoke>`. */
export const readMiniMax: AnswerReader = (input, out, how) =>
    behindMark("<minimax:tool_call>", input, out, () =>
        several(input, "</minimax:tool_call>", function* () {
            if (!(yield* input.word('<invoke name="'))) return "none";
            const name = yield* readName(input);
            if (name === "" || !(yield* input.word('">'))) return "none";
            const values = new Map<string, string>();
            while (!(yield* closing(input, "</invoke>"))) {
                if (!(yield* closing(input, '<parameter name="'))) return "none";
                const key = yield* input.all(/[^">\n]*/y, 256);
                if (!(yield* input.word('">'))) return "none";
                const value = yield* input.before("</parameter>");
                if (value === undefined) return "none";
                values.set(key, value);
            }
            out.call(name);
            out.arguments(xmlArguments(values, how.parameters.get(name)));
            return "whole";
        })
    );

/**
 * DeepSeek: behind a mark calls, each in marks of its own: `name<｜tool▁sep｜>{...}` since V3.1, before that
 * `function<｜tool▁sep｜>name` and the arguments as a block of code.
 */
export const readDeepSeek: AnswerReader = (input, out, how) =>
    behindMark("<｜tool▁calls▁begin｜>", input, out, () =>
        several(input, "<｜tool▁calls▁end｜>", function* () {
            if (!(yield* input.word("<｜tool▁call▁begin｜>"))) return "none";
            const first = yield* readName(input);
            if (first === "" || !(yield* input.word("<｜tool▁sep｜>"))) return "none";
            const second = yield* readName(input);
            const fenced = second !== "" && (yield* closing(input, "```json"));
            if (second !== "" && !fenced) return "none";
            yield* input.space();
            const outcome = yield* readArguments(input, out, how, fenced ? second : first);
            if (outcome !== "whole") return outcome;
            if (fenced) yield* closing(input, "```");
            yield* closing(input, "<｜tool▁call▁end｜>");
            return outcome;
        })
    );

/** Kimi K2: behind a mark calls, each in marks of its own, by the id `functions.name:0`. */
export const readKimi: AnswerReader = (input, out, how) =>
    behindMark("<|tool_calls_section_begin|>", input, out, () =>
        several(input, "<|tool_calls_section_end|>", function* () {
            if (!(yield* input.word("<|tool_call_begin|>"))) return "none";
            yield* input.space();
            const id = yield* readName(input);
            const [, name = ""] = /^(?:functions\.)?(.*?)(?::\d+)?$/.exec(id) ?? [];
            if (name === "" || !(yield* closing(input, "<|tool_call_argument_begin|>"))) return "none";
            yield* input.space();
            const outcome = yield* readArguments(input, out, how, name, id);
            if (outcome === "whole") yield* closing(input, "<|tool_call_end|>");
            return outcome;
        })
    );

/** Calls one after the other, up to what closes them all. @param read reads one from its first letter on */
function* several(input: Incoming, close: string, read: () => Reading<Outcome>): Reading<Outcome> {
    let outcome: Outcome = "none";
    for (;;) {
        const from = input.at;
        yield* input.space();
        const one = yield* read();
        if (one === "broken") return one;
        if (one === "none") {
            input.at = from;
            yield* closing(input, close);
            return outcome;
        }
        outcome = one;
    }
}

const channel = "<|channel|>";
const toFunction = " to=functions.";

/**
 * gpt-oss: `<|channel|>commentary to=functions.name <|constrain|>json<|message|>{...}`, or the recipient in front of the channel. Marks of
 * other messages are those of its reasoning.
 */
export const readHarmony: AnswerReader = function* (input, out, how) {
    for (;;) {
        const mark = yield* input.upToAny([channel, toFunction], out.text);
        if (mark === undefined) return;
        const from = input.at;
        if ((yield* harmonyCall(input, out, how, mark)) !== "none") continue;
        input.at = from;
        out.text(mark);
    }
};

function* harmonyCall(input: Incoming, out: CallSink, how: HowToRead, mark: string): Reading<Outcome> {
    if (mark === channel) {
        const known = (yield* input.word("commentary")) || (yield* input.word("analysis"));
        if (!known || !(yield* input.word(toFunction))) return "none";
    }
    const name = yield* input.all(/[A-Za-z0-9_.-]*/y, 256);
    // the other order's channel, and what kind of arguments they are
    const rest = yield* input.all(/[^{\n]*/y, 200);
    if (name === "" || !rest.trimEnd().endsWith("<|message|>")) return "none";
    const outcome = yield* readArguments(input, out, how, name);
    if (outcome === "whole") yield* closing(input, "<|call|>");
    return outcome;
}
