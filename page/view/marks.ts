// A tree of an answer to elements of the page.
import type { CodeMark, ElementMark, Mark } from "../markdown/tree.js";
import { copyButton } from "./copy.js";
import { element } from "./element.js";
import { mathNode } from "./math.js";

/** The nodes of some marks. */
export function nodesOf(marks: readonly Mark[]): Node[] {
    return marks.map((mark) => {
        if (typeof mark === "string") return document.createTextNode(mark);
        if (mark.kind === "math") return mathNode(mark);
        return mark.kind === "code" ? codeNode(mark) : elementNode(mark);
    });
}

function elementNode({ tag, children, href, start, align }: ElementMark): Node {
    const nodes = nodesOf(children);
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
    const code = element("code", {}, text);
    if (!block) return code;
    // While more comes the element grows: what is copied is what is there by then.
    const copy = copyButton("Copy code", () => code.textContent);
    const head = element("div", { class: "code-head" }, element("span", {}, language === "" ? "code" : language), copy);
    return element("div", { class: "code-block" }, head, element("pre", { tabindex: 0, dir: "ltr" }, code));
}
