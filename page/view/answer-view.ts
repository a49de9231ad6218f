// One answer in its column.
import type { TokenFigures } from "../api/chunks.js";
import type { Column } from "../api/request.js";
import type { Answer } from "../chats/chat.js";
import { copyButton } from "./copy.js";
import { button, element } from "./element.js";
import { figuresInWords } from "./figures.js";
import { Pace } from "./pace.js";
import { RenderedText } from "./rendered-text.js";
import { TokenView } from "./token-view.js";

const names: Readonly<Record<Column, string>> = { rast: "RAST", base: "Base alone" };

/** Shows an answer, and what it becomes, once for each frame of the screen, and seldomer where that takes long. */
export class AnswerView {
    readonly node: HTMLElement;
    readonly #thinking = new RenderedText("thought");
    readonly #text = new RenderedText("answer-text");
    readonly #thinkingFold: HTMLDetailsElement;
    readonly #thinkingSaid = element("summary");
    readonly #figures = element("p", { class: "figures" });
    readonly #failure = element("p", { class: "failure" });
    readonly #waiting = element("p", { class: "waiting" });
    readonly #tokens = new TokenView();
    readonly #copyButton = copyButton("Copy", () => this.#answer.text);
    readonly #tokensButton: HTMLButtonElement;
    readonly #actions: HTMLElement;
    readonly #pace: Pace;
    #answer: Answer;

    /** @param grown is called when more of it is on the page */
    constructor(column: Column, answer: Answer, again: () => void, grown: () => void) {
        this.#answer = answer;
        this.#pace = new Pace(() => {
            this.#draw();
            grown();
        });
        this.#thinkingFold = element("details", { class: "thinking" }, this.#thinkingSaid, this.#thinking.node);
        this.#tokensButton = button("Tokens", () => this.#toggleTokens(), { "aria-pressed": "false" });
        this.#actions = element(
            "div",
            { class: "actions" },
            this.#copyButton,
            button("Regenerate", again),
            this.#tokensButton
        );
        this.#tokens.node.hidden = true;
        this.#tokens.add(answer.tokens);
        this.node = element(
            "article",
            { class: `answer ${column}`, "aria-label": `Answer of ${names[column]}` },
            element("h3", {}, names[column]),
            this.#waiting,
            this.#thinkingFold,
            this.#text.node,
            this.#tokens.node,
            this.#failure,
            this.#figures,
            this.#actions
        );
        this.#draw();
    }

    /** @param tokens figures of those that have come since */
    update(answer: Answer, tokens: readonly TokenFigures[] = []): void {
        this.#answer = answer;
        this.#tokens.add(tokens);
        if (answer.finish === "open") this.#pace.ask();
        else {
            this.#pace.stop();
            this.#draw();
        }
    }

    /** What it waits for before its first word; "" for nothing. @param progress 0 to 1, null where it is not known */
    wait(words: string, progress: number | null = null): void {
        const bar = element("progress", { "aria-label": "Loading", max: 1 });
        if (progress !== null) bar.value = progress;
        this.#waiting.replaceChildren(...(words === "" ? [] : [words, ...(progress === null ? [] : [" ", bar])]));
    }

    #draw(): void {
        const { text, thinking, finish, error } = this.#answer;
        const done = finish !== "open";
        this.node.classList.toggle("open", !done);
        if (text !== "" || thinking !== "" || done) this.wait("");
        this.#thinkingFold.hidden = thinking.trim() === "";
        const words = thinking.trim().split(/\s+/).length;
        const said = done || text !== "" ? `Thinking: ${words} ${words === 1 ? "word" : "words"}` : "Thinking \u2026";
        if (this.#thinkingSaid.textContent !== said) this.#thinkingSaid.textContent = said;
        this.#thinking.update(thinking, done);
        this.#text.update(text, done);
        if (!this.#tokens.node.hidden) this.#tokens.show();
        this.#tokensButton.hidden = this.#tokens.count === 0;
        this.#copyButton.hidden = text === "";
        this.#failure.textContent = error;
        this.#failure.hidden = error === "";
        this.#figures.textContent = done ? figuresInWords(this.#answer) : "";
        this.#figures.hidden = this.#figures.textContent === "";
        this.#actions.hidden = !done;
    }

    #toggleTokens(): void {
        const shown = this.#tokens.node.hidden;
        this.#tokens.node.hidden = !shown;
        this.#text.node.hidden = shown;
        this.#thinkingFold.hidden = shown || this.#answer.thinking.trim() === "";
        this.#tokensButton.setAttribute("aria-pressed", String(shown));
        if (shown) this.#tokens.show();
    }
}
