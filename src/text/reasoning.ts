import type { TextMark } from "./template-thread.js";

/** How the models of a family set their reasoning apart from the answer. */
export interface ReasoningFormat {
    /** Texts that begin it, before anything but white space. Control tokens among them are those tokens. */
    readonly opens: readonly string[];
    /** Texts that end it. */
    readonly closes: readonly string[];
    /** Texts in an answer that are no part of it. */
    readonly drops: readonly string[];
    /** Whether an answer may be followed by more reasoning. */
    readonly reopens: boolean;
    /** What is written to end it, in the family's own words, up to where the answer begins. */
    readonly ending: string;
    /** Of that, what stands behind the closing mark. */
    readonly separator: string;
}

/** Reasoning of a chat: how it is told, and whether the prompt has begun it. */
export interface ChatReasoning {
    readonly format: ReasoningFormat;
    readonly open: boolean;
}

interface Family {
    /** Of the template's text. */
    readonly where: RegExp;
    readonly format: Partial<ReasoningFormat> & Pick<ReasoningFormat, "opens" | "closes" | "ending">;
}

/** The first that fits holds. */
const families: readonly Family[] = [
    {
        // gpt-oss
        where: /<\|channel\|>analysis/,
        format: {
            opens: ["<|channel|>analysis<|message|>"],
            closes: ["<|end|>"],
            drops: ["<|start|>assistant", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>", "<|end|>"],
            reopens: true,
            ending: "<|end|><|start|>assistant<|channel|>final<|message|>",
            separator: "<|start|>assistant<|channel|>final<|message|>"
        }
    },
    {
        // Muse
        where: /to=self<\|message\|>/,
        format: {
            opens: ["to=self<|message|>"],
            closes: ["<|eom|>"],
            drops: ["<|start|>assistant to=user<|message|>", "to=user<|message|>"],
            ending: "<|eom|><|start|>assistant to=user<|message|>",
            separator: "<|start|>assistant to=user<|message|>"
        }
    },
    {
        // Gemma 4
        where: /<\|channel>thought/,
        format: { opens: ["<|channel>thought"], closes: ["<channel|>"], ending: "\n<channel|>" }
    },
    {
        // Cohere
        where: /<\|START_THINKING\|>[\s\S]*<\|START_TEXT\|>|<\|START_TEXT\|>[\s\S]*<\|START_THINKING\|>/,
        format: {
            opens: ["<|START_THINKING|>"],
            closes: ["<|END_THINKING|>"],
            drops: ["<|START_TEXT|>", "<|END_TEXT|>"],
            ending: "<|END_THINKING|><|START_TEXT|>",
            separator: "<|START_TEXT|>"
        }
    },
    {
        where: /<\|START_THINKING\|>/,
        format: {
            opens: ["<|START_THINKING|>"],
            closes: ["<|END_THINKING|>"],
            drops: ["<|START_RESPONSE|>", "<|END_RESPONSE|>"],
            ending: "<|END_THINKING|><|START_RESPONSE|>",
            separator: "<|START_RESPONSE|>"
        }
    },
    {
        // Mistral
        where: /\[THINK\]/,
        format: { opens: ["[THINK]"], closes: ["[/THINK]"], ending: "[/THINK]" }
    },
    {
        // Apertus
        where: /<\|inner_prefix\|>/,
        format: { opens: ["<|inner_prefix|>"], closes: ["<|inner_suffix|>"], ending: "<|inner_suffix|>" }
    },
    {
        // Solar Open
        where: /<\|begin\|>assistant<\|think\|>/,
        format: {
            opens: ["<|think|>"],
            closes: ["<|end|>"],
            drops: ["<|begin|>assistant", "<|content|>", "<|end|>"],
            ending: "<|end|><|begin|>assistant<|content|>",
            separator: "<|begin|>assistant<|content|>"
        }
    },
    {
        // Kimi K3
        where: /open_tag\('think'\)/,
        format: {
            opens: ["<|open|>think<|sep|>"],
            closes: ["<|close|>think<|sep|>"],
            drops: ["<|open|>response<|sep|>", "<|close|>response<|sep|>"],
            ending: "<|close|>think<|sep|><|open|>response<|sep|>",
            separator: "<|open|>response<|sep|>"
        }
    },
    {
        // Apriel
        where: /\[BEGIN FINAL RESPONSE\]/,
        format: {
            opens: ["Here are my reasoning steps:"],
            closes: ["[BEGIN FINAL RESPONSE]"],
            drops: ["[END FINAL RESPONSE]"],
            ending: "\n[BEGIN FINAL RESPONSE]\n",
            separator: "\n"
        }
    },
    {
        // Seed-OSS
        where: /<seed:think>/,
        format: {
            ...tags("seed:think"),
            separator: "",
            ending:
                "\n<seed:cot_budget_reflect>I have exhausted my token budget, and now I will start answering the question." +
                "</seed:cot_budget_reflect>\n</seed:think>"
        }
    },
    { where: /◁think▷/, format: { opens: ["◁think▷"], closes: ["◁/think▷"], ending: "◁/think▷" } },
    { where: /mm:think/, format: tags("mm:think") },
    { where: /<thinking>/, format: tags("thinking") },
    { where: /<thought>/, format: tags("thought") },
    {
        // Granite 3.3
        where: /<think><\/think>[\s\S]*<response><\/response>/,
        format: {
            ...tags("think"),
            drops: ["<response>", "</response>"],
            ending: "</think>\n<response>",
            separator: "\n<response>"
        }
    },
    {
        // Qwen 3 and its kin: the words that Qwen documents for it
        where: /<\|im_start\|>[\s\S]*enable_thinking|enable_thinking[\s\S]*<\|im_start\|>/,
        format: {
            ...tags("think"),
            ending:
                "\n\nConsidering the limited time by the user, I have to give the solution based on the thinking directly now." +
                "\n</think>\n\n"
        }
    }
];

function tags(name: string): Family["format"] {
    return { opens: [`<${name}>`], closes: [`</${name}>`], ending: `\n</${name}>\n\n`, separator: "\n\n" };
}

/**
 * How a chat's reasoning is told from its answer.
 * @param text the prompt that the template wrote
 * @param marks which of it are the caller's words: what they hold begins nothing, unless they are to be continued
 * @returns undefined where the prompt has ended the reasoning, so that all that comes is the answer
 */
export function chatReasoning(template: string, text: string, marks: readonly TextMark[]): ChatReasoning | undefined {
    const own = ownTail(text, marks);
    // tags with a name of the model's own: <think:opensource>
    const named = /<([\w:]*\bthink\b[\w:]*)>(?:\s*<\/\1>)?\s*$/.exec(own)?.[1];
    const known = families.find(({ where }) => where.test(template))?.format;
    const chosen = named !== undefined && known?.opens[0] !== `<${named}>` ? { ...known, ...tags(named) } : known;
    const format: ReasoningFormat = { ...noMore, ...(chosen ?? tags("think")) };
    const last = (marksOf: readonly string[]): number => Math.max(-1, ...marksOf.map((mark) => own.lastIndexOf(mark)));
    const opened = last(format.opens);
    const closed = last(format.closes.filter((mark) => !format.drops.includes(mark)));
    if (opened > closed) return { format, open: true };
    return closed >= 0 ? undefined : { format, open: false };
}

/**
 * How the reasoning is told that a prompt without a conversation begins: one that ends with a family's mark, be it in the
 * caller's words or in the template around them.
 * @param template the model's chat template, or ""
 * @param behind what the trio's prompt template has behind the caller's words
 * @returns undefined where it begins none, so that all that comes is the answer
 */
export function promptReasoning(template: string, words: string, behind: string): ChatReasoning | undefined {
    const own = chatReasoning(template, behind, []);
    if (own === undefined || own.open) return own;
    if (behind.trim() !== "") return undefined;
    // no mark is longer
    const end = words.slice(-maxEnd).trimEnd();
    const ends = ({ opens }: Pick<ReasoningFormat, "opens">): boolean => opens.some((mark) => end.endsWith(mark));
    const told = chatReasoning(template, end, []);
    if (told?.open === true && ends(told.format)) return told;
    // a mark of plain words is one in its own family alone
    const other = families.find(
        ({ format }) => ends(format) && /\W$/.test(format.opens[0]!.trimEnd()) && !/:$/.test(format.opens[0]!)
    );
    return other === undefined ? undefined : { format: { ...noMore, ...other.format }, open: true };
}

const noMore = { drops: [], reopens: false, separator: "" };
const maxEnd = 256;

// What the template wrote behind the last of the caller's words, and what of them is to be continued.
function ownTail(text: string, marks: readonly TextMark[]): string {
    let from = 0;
    for (const [, to, kind] of marks) {
        if (kind === 1) from = to;
    }
    return text.slice(from);
}
