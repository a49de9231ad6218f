// How a problem is put to a model: the texts of arXiv 2506.15710, a chat, a trio's own template, or one from a file.
import { createHash } from "node:crypto";
import { basename, extname } from "node:path";
import { didYouMean, quote } from "../../checks.js";
import { RastError } from "../../errors.js";
import type { ChatMessage } from "../../text/chat-template.js";
import type { Problem } from "../data/problem.js";

/** What is given to a model: a text to go on with, or a conversation. */
export type Asked = { readonly prompt: string } | { readonly messages: readonly ChatMessage[] };

/** A way to ask. */
export interface Style {
    readonly name: string;
    /** Whether the model's chat template is written around it. */
    readonly chat: boolean;
    /** Text that ends a completion, where nobody says otherwise; undefined = as the trio says. */
    readonly stop: readonly string[] | undefined;
    /** Solved problems in front. */
    readonly shots: number;
    /** Of all that it writes around a question. */
    readonly sha256: string;
    ask(question: string): Asked;
}

/** By name; others are files. */
export const styleNames = ["qwen-boxed", "abel", "chat", "chat-plain", "trio", "plain"] as const;

/** The paper's: ends of turns of several families, and words with which a base begins a new one. */
export const paperStops = ["</s>", "<|im_end|>", "<|endoftext|>", "assistant", "user", "_end", "_start"] as const;

const boxed = "\nPlease reason step by step, and put your final answer within \\boxed{}.";
const placeholder = "{question}";

interface Layout {
    readonly before: string;
    readonly after: string;
    /** Behind the solution of a solved example. */
    readonly between: string;
    readonly stop: readonly string[] | undefined;
    readonly chat: boolean;
}

const layouts: Readonly<Record<Exclude<(typeof styleNames)[number], "trio">, Layout>> = {
    "qwen-boxed": {
        before: "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
        after: `${boxed}<|im_end|>\n<|im_start|>assistant\n`,
        between: "<|im_end|>\n",
        stop: paperStops,
        chat: false
    },
    abel: {
        before: "Question:\n",
        after: "\nAnswer:\nLet's think step by step.\n",
        between: "\n\n",
        stop: paperStops,
        chat: false
    },
    chat: { before: "", after: boxed, between: "", stop: undefined, chat: true },
    "chat-plain": { before: "", after: "", between: "", stop: undefined, chat: true },
    plain: { before: "", after: "", between: "\n\n", stop: undefined, chat: false }
};

/** What a style is made of. */
export interface StyleInput {
    /** One of `styleNames`, or the path of a file that holds {question}. */
    readonly name: string;
    /** Of the trio, with {prompt}. */
    readonly trioTemplate: string | undefined;
    /** Solved problems in front of the question. */
    readonly shots: readonly Pick<Problem, "question" | "solution">[];
    readonly readFile: (path: string) => Promise<string>;
}

/**
 * @throws ERR_INVALID_OPTION for a name that is neither known nor a file, or a template without its place; what `readFile` throws
 */
export async function readStyle({ name, trioTemplate, shots, readFile }: StyleInput): Promise<Style> {
    const layout = await layoutOf(name, trioTemplate, readFile);
    const sha256 = createHash("sha256")
        .update(JSON.stringify([layout, shots.map(({ question, solution }) => [question, solution])]))
        .digest("hex");
    const { before, after, between, chat, stop } = layout;
    const text = (question: string): string => before + question + after;
    const shown = shots.map(({ question, solution }) => `${text(question)}${solution}${between}`).join("");
    const examples = shots.flatMap(({ question, solution }): ChatMessage[] => [
        { role: "user", content: text(question) },
        { role: "assistant", content: solution }
    ]);
    return {
        name: (styleNames as readonly string[]).includes(name) ? name : basename(name),
        chat,
        stop,
        shots: shots.length,
        sha256,
        ask: (question) =>
            chat
                ? { messages: [...examples, { role: "user", content: text(question) }] }
                : { prompt: shown + text(question) }
    };
}

async function layoutOf(
    name: string,
    trioTemplate: string | undefined,
    readFile: StyleInput["readFile"]
): Promise<Layout> {
    if (name === "trio") {
        if (trioTemplate === undefined)
            throw wrong(`The trio has no prompt template: name another style, ${styleNames.join(", ")}.`);
        return split(trioTemplate, "{prompt}");
    }
    if (Object.hasOwn(layouts, name)) return layouts[name as keyof typeof layouts];
    if (!/[\\/]/.test(name) && extname(name) === "") {
        throw wrong(
            `There is no style ${quote(name)}: known are ${styleNames.join(", ")}, else a file with ${placeholder}.${didYouMean(name, styleNames)}`
        );
    }
    const template = await readFile(name);
    if (!template.includes(placeholder))
        throw wrong(`The style ${quote(basename(name))} does not hold ${placeholder}.`);
    return split(template, placeholder);
}

function split(template: string, place: string): Layout {
    const at = template.indexOf(place);
    return {
        before: template.slice(0, at),
        after: template.slice(at + place.length),
        between: "\n\n",
        stop: undefined,
        chat: false
    };
}

function wrong(message: string): RastError {
    return new RastError("ERR_INVALID_OPTION", message, { details: { option: "style" } });
}
