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
