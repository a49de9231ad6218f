// A growing text as elements: settled blocks stay as they are, only the last one is made again.
import { BlockStream } from "../markdown/block-stream.js";
import type { Mark } from "../markdown/tree.js";
import { element } from "./element.js";
import { codeTexts, nodesOf } from "./marks.js";
import { withFewMarks } from "./with-few-marks.js";

/** One text of an answer. */
export class RenderedText {
    readonly node: HTMLDivElement;
    readonly #blocks = new BlockStream();
    #open: ChildNode[] = [];
    #openCode: { readonly language: string; readonly text: Text } | null = null;
    #length = -1;
    // A text that cannot be drawn is shown as it is: whoever writes it shall not hold up the page.
    #isPlain = false;

    constructor(style: string) {
        this.node = element("div", { class: `written ${style}` });
    }

    /** @param text all of it so far @param done whether nothing more comes */
    update(text: string, done: boolean): void {
        if (!done && text.length === this.#length) return;
        this.#length = text.length;
        // The browser's own "auto" looks through the whole text with each element that is put into it.
        if (this.node.dir === "") this.node.dir = directionOf(text);
        try {
            if (!this.#isPlain) return this.#draw(text, done);
        } catch (error) {
            console.warn(error);
            this.#isPlain = true;
        }
        this.node.replaceChildren(element("p", {}, text));
    }

    #draw(text: string, done: boolean): void {
        const { settled, open } = this.#blocks.update(text, done);
        if (settled.length === 0 && this.#growCode(open)) return;
        for (const one of this.#open) one.remove();
        for (const marks of settled) for (const one of nodesOf(marks)) this.node.append(one);
        const nodes = nodesOf(open);
        for (const one of nodes) this.node.append(one);
        this.#open = nodes as ChildNode[];
        this.#openCode = codeOf(open, nodes);
    }

    // Code that goes on keeps its elements: what is selected stays so, and thousands of lines are not made anew.
    #growCode(open: readonly Mark[]): boolean {
        const [mark] = open;
        const code = this.#openCode;
        if (code === null || open.length !== 1 || typeof mark !== "object" || mark.kind !== "code") return false;
        if (!mark.block || mark.language !== code.language) return false;
        const shown = withFewMarks(mark.text);
        if (!shown.startsWith(code.text.data)) return false;
        code.text.appendData(shown.slice(code.text.length));
        codeTexts.set(code.text.parentElement!, mark.text);
        return true;
    }
}

const fromRight = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;

// Where a text begins: its first letter says so; "" for none yet.
function directionOf(text: string): "ltr" | "rtl" | "" {
    const letter = /\p{L}/u.exec(text)?.[0];
    if (letter === undefined) return "";
    return fromRight.test(letter) ? "rtl" : "ltr";
}

function codeOf(open: readonly Mark[], nodes: readonly Node[]): { language: string; text: Text } | null {
    const [mark] = open;
    if (open.length !== 1 || typeof mark !== "object" || mark.kind !== "code" || !mark.block) return null;
    const code = (nodes[0] as Element).querySelector("pre code")!;
    const text = document.createTextNode(withFewMarks(mark.text));
    code.replaceChildren(text);
    return { language: mark.language, text };
}
