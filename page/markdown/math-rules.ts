// Math in Markdown: $...$, $$...$$, \(...\) and \[...\], as rules of markdown-it.
import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

/** How math stands in a token's `meta`. */
export interface MathMeta extends Record<string, unknown> {
    readonly display: boolean;
    readonly source: string;
    readonly closed: boolean;
}

const dollar = 0x24;
const backslash = 0x5c;
/** Characters of math that is looked for, and lines of a block: without an end, each opening mark would be looked behind to the end of the text. */
const longestMath = 5000;
const mostLines = 200;
// Marks that were looked for in vain, of texts that are being parsed.
const missing = new WeakMap<StateInline, Set<string>>();
const missingUntil = new WeakMap<StateBlock, Map<string, number>>();

/** Teaches a parser math. */
export function addMath(parser: MarkdownIt): void {
    // Before escapes, which would take \( and \[.
    parser.inline.ruler.before("escape", "math", inlineMath);
    parser.block.ruler.before("fence", "math_block", blockMath, {
        alt: ["paragraph", "reference", "blockquote", "list"]
    });
}

interface Found {
    readonly tex: string;
    readonly end: number;
    readonly display: boolean;
}

function inlineMath(state: StateInline, silent: boolean): boolean {
    const code = state.src.charCodeAt(state.pos);
    if (code !== dollar && code !== backslash) return false;
    const mark = code === dollar ? "$" : state.src.slice(state.pos, state.pos + 2);
    if (missing.get(state)?.has(mark) === true) return false;
    const text = state.src.slice(state.pos, Math.min(state.posMax, state.pos + longestMath));
    const found = code === dollar ? betweenDollars(text) : betweenBrackets(text);
    if (found === undefined) {
        if (code === backslash && !/^\\[([]/.test(text)) return false;
        // What has no end here has none further on.
        const close = { "\\(": "\\)", "\\[": "\\]" }[mark];
        if (close !== undefined && !state.src.includes(close, state.pos)) {
            missing.set(state, (missing.get(state) ?? new Set()).add(mark));
        }
        return false;
    }
    if (!silent) {
        const token = state.push("math", "", 0);
        token.content = found.tex;
        token.meta = { display: found.display, source: text.slice(0, found.end), closed: true } satisfies MathMeta;
    }
    state.pos += found.end;
    return true;
}

// "$5 and $6" is money: no space inside, no digit behind.
function betweenDollars(text: string): Found | undefined {
    if (text.startsWith("$$")) {
        const end = closing(text, 2, "$$");
        if (end < 0 || text.slice(2, end).trim() === "") return undefined;
        return { tex: text.slice(2, end), end: end + 2, display: true };
    }
    if (/^\$\s/.test(text)) return undefined;
    const end = closing(text, 1, "$");
    if (end < 0) return undefined;
    const tex = text.slice(1, end);
    if (tex === "" || /\s$/.test(tex) || /^\d/.test(text.slice(end + 1))) return undefined;
    return { tex, end: end + 1, display: false };
}

function betweenBrackets(text: string): Found | undefined {
    const display = text.startsWith("\\[");
    if (!display && !text.startsWith("\\(")) return undefined;
    const end = closing(text, 2, display ? "\\]" : "\\)");
    if (end < 0) return undefined;
    return { tex: text.slice(2, end), end: end + 2, display };
}

// Where `mark` stands without a backslash in front; -1 for nowhere.
function closing(text: string, from: number, mark: string): number {
    for (let at = from; at < text.length; at++) {
        if (text.startsWith(mark, at)) return at;
        if (text.charCodeAt(at) === backslash) at++;
    }
    return -1;
}

// A block begins with its delimiter and ends before the first empty line, as in TeX. Without an end it is math that is not whole
// yet if nothing stands behind it, and a paragraph otherwise.
function blockMath(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
    const line = (index: number): string =>
        state.src.slice(state.bMarks[index]! + state.tShift[index]!, state.eMarks[index]);
    const first = line(startLine);
    const [open, close] = first.startsWith("$$") ? ["$$", "$$"] : first.startsWith("\\[") ? ["\\[", "\\]"] : [];
    if (open === undefined || state.sCount[startLine]! - state.blkIndent >= 4) return false;
    // What begins where an earlier one had no end is no math either.
    const known = missingUntil.get(state) ?? new Map<string, number>();
    if (startLine < (known.get(open) ?? 0)) return false;
    let source = "";
    let next = startLine;
    let end = -1;
    let isTooLong = false;
    for (; next < endLine && end < 0; next++) {
        if (next > startLine && (state.isEmpty(next) || state.sCount[next]! < state.blkIndent)) break;
        isTooLong = next - startLine > mostLines || source.length > longestMath;
        if (isTooLong) break;
        const from = next === startLine ? open.length : source.length + 1;
        source += (next === startLine ? "" : "\n") + line(next);
        end = closing(source, from, close!);
    }
    const closed = end >= 0;
    if (!closed && (isTooLong || next < state.lineMax)) missingUntil.set(state, known.set(open, next));
    if (isTooLong) return false;
    if (closed ? source.slice(end + close!.length).trim() !== "" : next < state.lineMax) return false;
    if (closed && source.slice(open.length, end).trim() === "") return false;
    if (silent) return true;
    const token = state.push("math_block", "", 0);
    token.block = true;
    token.content = source.slice(open.length, closed ? end : undefined);
    token.map = [startLine, next];
    token.meta = { display: true, source, closed } satisfies MathMeta;
    state.line = next;
    return true;
}
