// A growing text as elements: settled blocks stay as they are, only the last one is made again.
import { BlockStream } from "../markdown/block-stream.js";
import type { Mark } from "../markdown/tree.js";
import { element } from "./element.js";
import { nodesOf } from "./marks.js";

/** One text of an answer. */
export class RenderedText {
    readonly node: HTMLDivElement;
    readonly #blocks = new BlockStream();
    #open: ChildNode[] = [];
    #openCode: { readonly language: string; readonly text: Text } | null = null;
    #length = -1;

    constructor(style: string) {
        this.node = element("div", { class: `written ${style}`, dir: "auto" });
    }

    /** @param text all of it so far @param done whether nothing more comes */
    update(text: string, done: boolean): void {
        if (!done && text.length === this.#length) return;
        this.#length = text.length;
        const { settled, open } = this.#blocks.update(text, done);
        if (settled.length === 0 && this.#growCode(open)) return;
        for (const one of this.#open) one.remove();
        this.node.append(...settled.flatMap((marks) => nodesOf(marks)));
        const nodes = nodesOf(open);
        this.node.append(...nodes);
        this.#open = nodes as ChildNode[];
        this.#openCode = codeOf(open, nodes);
    }

    // Code that goes on keeps its elements: what is selected stays so, and thousands of lines are not made anew.
    #growCode(open: readonly Mark[]): boolean {
        const [mark] = open;
        const code = this.#openCode;
        if (code === null || open.length !== 1 || typeof mark !== "object" || mark.kind !== "code") return false;
        if (!mark.block || mark.language !== code.language || !mark.text.startsWith(code.text.data)) return false;
        code.text.appendData(mark.text.slice(code.text.length));
        return true;
    }
}

function codeOf(open: readonly Mark[], nodes: readonly Node[]): { language: string; text: Text } | null {
    const [mark] = open;
    if (open.length !== 1 || typeof mark !== "object" || mark.kind !== "code" || !mark.block) return null;
    const code = (nodes[0] as Element).querySelector("pre code")!;
    const text = document.createTextNode(mark.text);
    code.replaceChildren(text);
    return { language: mark.language, text };
}
