// The families' ways to write a call, told by their templates' text.
import { createHash, randomBytes } from "node:crypto";
import type { AnswerReader } from "./calls.js";
import { literal } from "./gbnf.js";
import {
    readDeepSeek,
    readFunctionary31,
    readFunctionary32,
    readGlm,
    readHarmony,
    readHermes,
    readKimi,
    readLlama,
    readMiniMax,
    readMistral,
    readXml
} from "./readers.js";

/** Expressions that a family's calls are written with. */
export interface CallWriting {
    /** A mark: the token, where it is a control token; else its text. */
    readonly mark: (text: string) => string;
    /** A call's arguments: of families that write JSON an expression, else one for each parameter. */
    readonly arguments: string;
}

/** How calls look in a grammar. */
export interface CallGrammar {
    /** What begins calls anywhere in a text; undefined where an answer is text or begins with a call. */
    readonly open: string | undefined;
    /** Whether `open` is written again for a further call; else `between` stands there. */
    readonly repeatsOpen: boolean;
    /** In front of all calls, behind the mark. */
    readonly before: string;
    /** One call. */
    readonly call: (name: string, writing: CallWriting) => string;
    /** Between two. */
    readonly between: string;
    /** Behind all, and the mark behind that. */
    readonly after: string;
    readonly close?: string;
    /** Around text for people, where an answer says whom each part is for: in front of it, and in front of calls behind it. */
    readonly aroundText: readonly [before: string, behind: string] | undefined;
    /** A parameter, where arguments are no JSON; `value` is an expression. */
    readonly parameter?: (name: string, value: string) => string;
    /** What ends such a value. */
    readonly parameterEnds?: string;
}

/** A family. */
export interface ToolFamily {
    readonly name: string;
    /** Of the template's text. */
    readonly where: (template: string) => boolean;
    readonly read: AnswerReader;
    readonly grammar: (template: string) => CallGrammar;
    /** Texts in calls that may be control tokens, and must be seen. */
    readonly marks: readonly string[];
    /** Whether one turn may have several calls. */
    readonly parallel: boolean;
    /** Whether every answer has to be read, calls or none. */
    readonly always: boolean;
    /** Whether templates that ask for a turn whose content is none mean turns with calls. */
    readonly silentTurns: boolean;
    /** Whether ids of calls must be nine letters and digits. */
    readonly shortIds: boolean;
}

const usual = { parallel: true, always: false, silentTurns: false, shortIds: false } as const;
const plain = { before: "", between: "", after: "", repeatsOpen: true, aroundText: undefined } as const;
const object = (name: string, key: string, args: string): string =>
    `${literal(`{"name": ${JSON.stringify(name)}, "${key}": `)} ${args} ${literal("}")}`;

const xml = (tag: string): Pick<ToolFamily, "read" | "grammar" | "marks"> => ({
    read: readXml(tag),
    marks: [`<${tag}>`, `</${tag}>`],
    grammar: () => ({
        ...plain,
        open: `<${tag}>`,
        call: (name, writing) =>
            `${literal(`\n<function=${name}>\n`)} ${writing.arguments} ${literal("</function>\n")} ${writing.mark(`</${tag}>`)}`,
        between: literal("\n"),
        parameter: (name, value) => `${literal(`<parameter=${name}>\n`)} ${value}`,
        parameterEnds: "\n</parameter>\n"
    })
});

const deepSeek = (word: string): string => `<｜tool▁${word}｜>`;

/** The first that fits holds. */
const families: readonly ToolFamily[] = [
    {
        ...usual,
        name: "harmony",
        where: (template) => template.includes("<|channel|>commentary") && template.includes("functions."),
        read: readHarmony,
        marks: ["<|channel|>", "<|constrain|>", "<|message|>"],
        parallel: false,
        grammar: () => ({
            ...plain,
            open: "<|channel|>",
            call: (name, writing) =>
                `${literal(`commentary to=functions.${name} `)} ${writing.mark("<|constrain|>")} ${literal("json")} ` +
                `${writing.mark("<|message|>")} ${writing.arguments}`
        })
    },
    {
        ...usual,
        name: "deepseek",
        where: (template) => template.includes(deepSeek("sep")),
        read: readDeepSeek,
        silentTurns: true,
        marks: ["calls▁begin", "call▁begin", "sep", "call▁end", "calls▁end"].map(deepSeek),
        grammar: (template) => {
            const fenced = template.includes("```json");
            const [before, behind] = fenced ? ["\n```json\n", "\n```"] : ["", ""];
            return {
                ...plain,
                open: deepSeek("calls▁begin"),
                call: (name, { mark, arguments: args }) =>
                    `${mark(deepSeek("call▁begin"))} ${literal(fenced ? "function" : name)} ${mark(deepSeek("sep"))} ` +
                    `${literal((fenced ? name : "") + before)} ${args} ${literal(behind)} ${mark(deepSeek("call▁end"))}`,
                between: fenced ? literal("\n") : "",
                repeatsOpen: false,
                close: deepSeek("calls▁end")
            };
        }
    },
    {
        ...usual,
        name: "kimi",
        where: (template) => template.includes("<|tool_call_argument_begin|>"),
        read: readKimi,
        marks: [
            "<|tool_calls_section_begin|>",
            "<|tool_call_begin|>",
            "<|tool_call_argument_begin|>",
            "<|tool_call_end|>",
            "<|tool_calls_section_end|>"
        ],
        grammar: () => ({
            ...plain,
            open: "<|tool_calls_section_begin|>",
            call: (name, { mark, arguments: args }) =>
                `${mark("<|tool_call_begin|>")} ${literal(`functions.${name}:`)} [0-9]{1,3} ` +
                `${mark("<|tool_call_argument_begin|>")} ${args} ${mark("<|tool_call_end|>")}`,
            repeatsOpen: false,
            close: "<|tool_calls_section_end|>"
        })
    },
    {
        ...usual,
        name: "minimax",
        where: (template) => template.includes("minimax:tool_call") && template.includes("<invoke name="),
        read: readMiniMax,
        marks: ["<minimax:tool_call>", "</minimax:tool_call>"],
        grammar: () => ({
            ...plain,
            open: "<minimax:tool_call>",
            before: literal("\n"),
            call: (name, writing) =>
                `${literal(`<invoke name="${name}">\n`)} ${writing.arguments} ${literal("</invoke>\n")}`,
            repeatsOpen: false,
            close: "</minimax:tool_call>",
            parameter: (name, value) => `${literal(`<parameter name="${name}">`)} ${value}`,
            parameterEnds: "</parameter>\n"
        })
    },
    {
        ...usual,
        name: "glm",
        where: (template) => template.includes("<tool_call>") && template.includes("<arg_key>"),
        read: readGlm,
        marks: ["<tool_call>", "</tool_call>"],
        grammar: (template) => {
            const line = /\{function-name\}(?:\n|\\n)/.test(template) ? "\n" : "";
            return {
                ...plain,
                open: "<tool_call>",
                call: (name, writing) => `${literal(name + line)} ${writing.arguments} ${writing.mark("</tool_call>")}`,
                between: literal("\n"),
                parameter: (name, value) => `${literal(`<arg_key>${name}</arg_key>${line}<arg_value>`)} ${value}`,
                parameterEnds: `</arg_value>${line}`
            };
        }
    },
    {
        ...usual,
        name: "seed",
        where: (template) => template.includes("<seed:tool_call>") && template.includes("<parameter="),
        ...xml("seed:tool_call")
    },
    {
        ...usual,
        name: "qwen-xml",
        where: (template) =>
            template.includes("<tool_call>") && template.includes("<function=") && template.includes("<parameter="),
        ...xml("tool_call")
    },
    {
        ...usual,
        name: "hermes",
        where: (template) => /<tool_call>[\s\\n'"~{}+-]*name/.test(template),
        read: readHermes,
        marks: ["<tool_call>", "</tool_call>"],
        grammar: () => ({
            ...plain,
            open: "<tool_call>",
            call: (name, writing) =>
                `${literal("\n")} ${object(name, "arguments", writing.arguments)} ${literal("\n")} ${writing.mark("</tool_call>")}`,
            between: literal("\n")
        })
    },
    {
        ...usual,
        name: "mistral",
        where: (template) => template.includes("[TOOL_CALLS]"),
        read: readMistral,
        marks: ["[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"],
        shortIds: true,
        grammar: (template) =>
            template.includes("[ARGS]")
                ? {
                      ...plain,
                      open: "[TOOL_CALLS]",
                      call: (name, writing) =>
                          `${literal(name)} ${
                              template.includes("[CALL_ID]") ? `(${writing.mark("[CALL_ID]")} [a-zA-Z0-9]{9})? ` : ""
                          }${writing.mark("[ARGS]")} ${writing.arguments}`
                  }
                : {
                      ...plain,
                      open: "[TOOL_CALLS]",
                      before: literal("["),
                      call: (name, writing) => object(name, "arguments", writing.arguments),
                      between: literal(", "),
                      repeatsOpen: false,
                      after: literal("]")
                  }
    },
    {
        ...usual,
        name: "functionary-3.2",
        where: (template) => template.includes(">>>all") || template.includes(">>>${recipient}"),
        read: readFunctionary32,
        marks: [],
        always: true,
        grammar: () => ({
            ...plain,
            open: undefined,
            call: (name, writing) => `${literal(`${name}\n`)} ${writing.arguments}`,
            between: literal(">>>"),
            repeatsOpen: false,
            aroundText: ["all\n", ">>>"]
        })
    },
    {
        ...usual,
        name: "functionary-3.1",
        where: (template) => template.includes("<function="),
        read: readFunctionary31,
        marks: [],
        grammar: () => ({
            ...plain,
            open: "<function=",
            call: (name, writing) => `${literal(`${name}>`)} ${writing.arguments} ${literal("</function>")}`
        })
    },
    {
        ...usual,
        name: "llama-3",
        where: (template) =>
            template.includes("<|python_tag|>") || /"parameters": dictionary of argument name/.test(template),
        read: readLlama,
        marks: ["<|python_tag|>"],
        parallel: false,
        grammar: () => ({
            ...plain,
            open: undefined,
            call: (name, writing) => object(name, "parameters", writing.arguments)
        })
    }
];

/** How the models of a template write calls; undefined where that is not known. */
export function familyOf(template: string | null): ToolFamily | undefined {
    return template === null ? undefined : families.find(({ where }) => where(template));
}

/** An id for a new call. */
export function newCallId({ shortIds }: Pick<ToolFamily, "shortIds">): string {
    return shortIds ? shortId(randomBytes(16)) : `call_${randomBytes(12).toString("hex")}`;
}

/** The same id in the form that a family demands. */
export function writtenId({ shortIds }: Pick<ToolFamily, "shortIds">, id: string): string {
    return !shortIds || /^[A-Za-z0-9]{9}$/.test(id) ? id : shortId(id);
}

function shortId(of: string | Uint8Array): string {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const bytes = createHash("sha256").update(of).digest();
    return Array.from(bytes.subarray(0, 9), (byte) => letters[byte % letters.length]!).join("");
}
