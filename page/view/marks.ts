// A tree of an answer to elements of the page.
import type { CodeMark, ElementMark, Mark } from "../markdown/tree.js";
import { copyButton } from "./copy.js";
import { element } from "./element.js";
import { mathNode, type MathBudget } from "./math.js";
import { withFewMarks } from "./with-few-marks.js";

/** Formulas of one block that are typeset: each is some thirty elements, and a block that grows is made again with all of them. */
const mostMath = 300;

/** What is copied of blocks of code: while more comes they grow. */
export const codeTexts = new WeakMap<Element, string>();

/** The nodes of some marks. */
export function nodesOf(marks: readonly Mark[], budget: MathBudget = { left: mostMath }): Node[] {
    return marks.map((mark) => {
        if (typeof mark === "string") return document.createTextNode(withFewMarks(mark));
        if (mark.kind === "math") return mathNode(mark, budget);
        return mark.kind === "code" ? codeNode(mark) : elementNode(mark, budget);
    });
}

function elementNode({ tag, children, href, start, align }: ElementMark, budget: MathBudget): Node {
    const nodes = nodesOf(children, budget);
    if (tag === "a") {
        // Another site learns nothing of this one, and gets no hold of its window.
        const rel = "noopener noreferrer nofollow";
        return element("a", { href, rel, target: "_blank", title: href }, ...nodes);
    }
    const made = element(tag, { start, class: align === undefined ? undefined : `to-${align}` }, ...nodes);
    // A wide table is moved in a frame of its own.
    return tag === "table" ? element("div", { class: "scroll", tabindex: 0 }, made) : made;
}

function codeNode({ text, block, language }: CodeMark): Node {
    const code = element("code", {}, withFewMarks(text));
    if (!block) return code;
    codeTexts.set(code, text);
    const copy = copyButton("Copy code", () => codeTexts.get(code)!);
    const head = element("div", { class: "code-head" }, element("span", {}, language === "" ? "code" : language), copy);
    return element("div", { class: "code-block" }, head, element("pre", { tabindex: 0, dir: "ltr" }, code));
}
