// A text token by token, each shaded by how far the delta moved its distribution; figures of the one that is pointed at.
import { shadeFrom, shadeOf } from "../../src/explain/page/shades.js";
import { shownToken } from "../../src/explain/page/shown-token.js";
import type { TokenFigures } from "../api/chunks.js";
import { element } from "./element.js";
import { tokenInWords } from "./token-words.js";

/** All tokens of an answer. One stop of the keyboard; arrows go from token to token, Page Up and Page Down to the moved ones. */
export class TokenView {
    readonly node: HTMLElement;
    readonly #list: HTMLElement;
    readonly #figures: HTMLElement;
    readonly #tokens: TokenFigures[] = [];
    #shown = 0;
    #chosen = 0;

    constructor() {
        this.#list = element("div", {
            class: "tokens",
            role: "listbox",
            "aria-label": "Tokens of the answer",
            dir: "auto",
            keydown: (event) => this.#press(event as KeyboardEvent),
            click: (event) => this.#point(event, true),
            pointerover: (event) => this.#point(event, false)
        });
        this.#figures = element("p", { class: "token-figures", "aria-live": "polite" }, advice);
        this.node = element("div", { class: "token-view" }, legend(), this.#list, this.#figures);
    }

    get count(): number {
        return this.#tokens.length;
    }

    add(tokens: readonly TokenFigures[]): void {
        this.#tokens.push(...tokens);
    }

    /** Makes elements of those that have come; while nobody sees them none are needed. */
    show(): void {
        const made: Node[] = [];
        for (; this.#shown < this.#tokens.length; this.#shown++) {
            const token = this.#tokens[this.#shown]!;
            const changed = (token.baseRank ?? 0) > 0;
            const style = `t s${shadeOf(token.divergence)}${changed ? " changed" : ""}`;
            const text = token.text === "" ? "\u2205" : shownToken(token.text).replaceAll("\u21B5", "\u21B5\n");
            const tabindex = this.#shown === this.#chosen ? 0 : -1;
            made.push(element("span", { class: style, role: "option", tabindex, "aria-selected": "false" }, text));
        }
        this.#list.append(...made);
    }

    #press(event: KeyboardEvent): void {
        const last = this.#shown - 1;
        const moved = (step: number): number => {
            let at = this.#chosen + step;
            while (at > 0 && at < last && this.#tokens[at]!.divergence < shadeFrom[0]!) at += step;
            return at;
        };
        const goal: Readonly<Record<string, () => number>> = {
            ArrowRight: () => this.#chosen + 1,
            ArrowDown: () => this.#chosen + 1,
            ArrowLeft: () => this.#chosen - 1,
            ArrowUp: () => this.#chosen - 1,
            PageDown: () => moved(1),
            PageUp: () => moved(-1),
            Home: () => 0,
            End: () => last
        };
        const to = goal[event.key]?.();
        if (to === undefined) return;
        event.preventDefault();
        this.#choose(Math.max(0, Math.min(last, to)), true);
    }

    #point(event: Event, focus: boolean): void {
        const target = event.target instanceof Element ? event.target.closest(".t") : null;
        if (target === null) return;
        this.#choose([...this.#list.children].indexOf(target), focus);
    }

    #choose(index: number, focus: boolean): void {
        const token = this.#tokens[index];
        if (token === undefined) return;
        const before = this.#list.children[this.#chosen] as HTMLElement | undefined;
        before?.setAttribute("tabindex", "-1");
        before?.setAttribute("aria-selected", "false");
        this.#chosen = index;
        const now = this.#list.children[index] as HTMLElement;
        now.setAttribute("tabindex", "0");
        now.setAttribute("aria-selected", "true");
        if (focus) now.focus();
        this.#figures.textContent = tokenInWords(token, index, this.#tokens.length);
    }
}

const advice = "Point at a token, tap it, or go to it by keyboard for its figures.";

function legend(): HTMLElement {
    const items = shadeFrom.map((from, index) => {
        const next = shadeFrom[index + 1];
        const range = next === undefined ? `${from} and more` : `${from} to ${next}`;
        return element("li", {}, element("span", { class: `t s${index + 1}` }, "abc"), ` ${range}`);
    });
    return element(
        "ul",
        { class: "legend" },
        element("li", {}, "How far the delta moved it, KL in nats:"),
        ...items,
        element("li", {}, element("span", { class: "t changed" }, "abc"), " not the base's likeliest")
    );
}
