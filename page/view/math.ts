// TeX to elements, by KaTeX, within bounds.
import katex from "katex";
import type { MathMark } from "../markdown/tree.js";
import { element } from "./element.js";

/** A node of KaTeX's own tree, as far as it is touched here. */
interface TypesetNode {
    readonly attributes?: Record<string, string>;
    readonly children?: readonly TypesetNode[];
    toNode(): Node;
}

// What katex.render does up to the page; it is not in the types.
const typesetter = katex as unknown as {
    __renderToDomTree(tex: string, options: object): TypesetNode;
};

const longestTex = 5000;
const mostKept = 300;
/** Elements within each other: some thousands end the browser's process for the page. */
const deepestTree = 200;
/** Where styles wait that KaTeX would set as attributes, which the page's policy forbids. */
const styleName = "data-katex-style";
// The last block of a text is made again whenever it grows, its math with it.
const kept = new Map<string, TypesetNode | null>();

/** How many formulas may be typeset yet. */
export interface MathBudget {
    left: number;
}

/** Typeset math; its source where that cannot be typeset, is not whole yet, or is beyond the budget. */
export function mathNode(mark: MathMark, budget: MathBudget): Node {
    const tree = mark.closed && budget.left-- > 0 ? typeset(mark.tex, mark.display) : null;
    if (tree === null) return element("code", { class: mark.display ? "tex display" : "tex" }, mark.source);
    const node = tree.toNode();
    const styled = node instanceof Element ? [node, ...node.querySelectorAll(`[${styleName}]`)] : [];
    for (const one of styled) {
        const style = one.getAttribute(styleName);
        if (style === null) continue;
        one.removeAttribute(styleName);
        // Through the object model, which the policy allows: these come from KaTeX, not from the text.
        (one as HTMLElement | SVGElement | MathMLElement).style.cssText = style;
    }
    return mark.display ? element("div", { class: "display-math", tabindex: 0 }, node) : node;
}

function typeset(tex: string, display: boolean): TypesetNode | null {
    const key = `${display ? "d" : "i"}${tex}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    let tree: TypesetNode | null = null;
    if (tex.length <= longestTex) {
        try {
            tree = typesetter.__renderToDomTree(tex, {
                displayMode: display,
                output: "htmlAndMathml",
                throwOnError: true,
                strict: "ignore",
                trust: false,
                maxSize: 40,
                maxExpand: 300
            });
            setStylesAside(tree, 0);
        } catch {
            // Not TeX, too much of it, or too deep: its source is shown.
            tree = null;
        }
    }
    if (kept.size >= mostKept) kept.delete(kept.keys().next().value!);
    kept.set(key, tree);
    return tree;
}

/** @throws Error for a tree that is too deep */
function setStylesAside({ attributes, children }: TypesetNode, depth: number): void {
    if (depth > deepestTree) throw new Error("The math is nested too deep.");
    const style = attributes?.["style"];
    if (attributes !== undefined && style !== undefined) {
        delete attributes["style"];
        attributes[styleName] = style;
    }
    for (const child of children ?? []) setStylesAside(child, depth + 1);
}
