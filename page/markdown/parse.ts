// Markdown to a tree. HTML in it is text; images are links; links are looked at.
import MarkdownIt, { type Env, type Token } from "markdown-it";
import { safeLink } from "./links.js";
import { addMath, type MathMeta } from "./math-rules.js";
import type { ElementMark, Mark, Tag } from "./tree.js";

/** A block longer than this is shown as it is: nobody writes one, and looking for its structure would take long. */
const longestBlock = 100_000;

const parser = new MarkdownIt({ html: false, linkify: false, typographer: false, breaks: false, maxNesting: 40 });
addMath(parser);

/** A block of the text's outermost level. */
export interface Block {
    /** Of its first character in the text. */
    readonly start: number;
    readonly marks: readonly Mark[];
}

/** What is known of a text's links by name: one object for all of its pieces. */
export type LinkNames = Env;

/**
 * The blocks of a text, in order.
 * @param text with "\n" as the only end of lines
 */
export function parseBlocks(text: string, names: LinkNames = {}): Block[] {
    if (text.length > longestBlock) return parseLongText(text, names);
    const lines = lineStarts(text);
    const blocks: Block[] = [];
    let group: Token[] = [];
    let depth = 0;
    for (const token of parser.parse(text, names)) {
        group.push(token);
        depth += token.nesting;
        if (depth > 0) continue;
        const start = lines[group[0]!.map?.[0] ?? 0] ?? 0;
        blocks.push({ start, marks: treeOf(group) });
        group = [];
    }
    return blocks;
}

// A piece at a time, each to an empty line.
function parseLongText(text: string, names: LinkNames): Block[] {
    const blocks: Block[] = [];
    for (let start = 0; start < text.length;) {
        let end = text.lastIndexOf("\n\n", start + longestBlock);
        if (text.length - start <= longestBlock) end = text.length;
        if (end <= start) {
            const next = text.indexOf("\n\n", start + longestBlock);
            end = next < 0 ? text.length : next;
            blocks.push({ start, marks: [{ kind: "code", block: true, language: "", text: text.slice(start, end) }] });
        } else {
            const from = start;
            for (const { start: at, marks } of parseBlocks(text.slice(start, end), names)) {
                blocks.push({ start: from + at, marks });
            }
        }
        start = end;
    }
    return blocks;
}

function lineStarts(text: string): number[] {
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    return starts;
}

// Headings of an answer stand below those of the page.
const tags: Readonly<Record<string, Tag>> = {
    p: "p",
    h1: "h4",
    h2: "h4",
    h3: "h5",
    h4: "h5",
    h5: "h6",
    h6: "h6",
    ul: "ul",
    ol: "ol",
    li: "li",
    blockquote: "blockquote",
    table: "table",
    thead: "thead",
    tbody: "tbody",
    tr: "tr",
    th: "th",
    td: "td",
    strong: "strong",
    em: "em",
    s: "s"
};

/** Elements within each other: marks of emphasis alone may be some ten thousand deep, which no browser lays out. */
const deepest = 60;

interface Open {
    readonly token: Token;
    readonly children: Mark[];
}

function treeOf(tokens: readonly Token[]): Mark[] {
    const root: Mark[] = [];
    const stack: Open[] = [];
    const add = (marks: readonly Mark[]): void => {
        const into = stack.at(-1)?.children ?? root;
        for (const mark of marks) {
            const last = into.at(-1);
            if (typeof mark === "string" && typeof last === "string") into[into.length - 1] = last + mark;
            else if (mark !== "") into.push(mark);
        }
    };
    for (const token of tokens) {
        if (token.nesting === 1) stack.push({ token, children: [] });
        else if (token.nesting === -1) {
            const { token: opened, children } = stack.pop()!;
            add(stack.length < deepest ? elementOf(opened, children) : children);
        } else add(leafOf(token));
    }
    return root;
}

function elementOf(token: Token, children: readonly Mark[]): readonly Mark[] {
    // Of lists whose items are short.
    if (token.hidden) return children;
    if (token.type === "link_open") return linkOf(String(token.attrGet("href") ?? ""), children);
    const tag = tags[token.tag];
    if (tag === undefined) return children;
    const start = Number(token.attrGet("start") ?? 1);
    const [, align] = /text-align:\s*(left|center|right)/.exec(String(token.attrGet("style") ?? "")) ?? [];
    const mark: ElementMark = {
        kind: "element",
        tag,
        children,
        ...(tag === "ol" && Number.isSafeInteger(start) && start !== 1 ? { start } : {}),
        ...(align === undefined ? {} : { align: align as "left" | "center" | "right" })
    };
    return [mark];
}

// A link that may not be followed is its words, with the address in brackets.
function linkOf(address: string, children: readonly Mark[]): readonly Mark[] {
    const href = safeLink(address);
    if (href === null) return address === "" ? children : [...children, ` (${address})`];
    return [{ kind: "element", tag: "a", children: children.length === 0 ? [href] : children, href }];
}

function leafOf(token: Token): readonly Mark[] {
    switch (token.type) {
        case "inline":
            return treeOf(token.children ?? []);
        case "softbreak":
            return ["\n"];
        case "hardbreak":
            return [{ kind: "element", tag: "br", children: [] }];
        case "hr":
            return [{ kind: "element", tag: "hr", children: [] }];
        case "code_inline":
            return [{ kind: "code", block: false, language: "", text: token.content }];
        case "fence":
        case "code_block": {
            const language = /^[\w+#.-]{1,30}/.exec(token.info.trim())?.[0] ?? "";
            return [{ kind: "code", block: true, language, text: token.content.replace(/\n$/, "") }];
        }
        case "math":
        case "math_block": {
            const { display, source, closed } = token.meta as MathMeta;
            return [{ kind: "math", tex: token.content, display, source, closed }];
        }
        case "image":
            return linkOf(String(token.attrGet("src") ?? ""), [
                token.content === "" ? "image" : `image: ${token.content}`
            ]);
        default:
            return [token.content];
    }
}
