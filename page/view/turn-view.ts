// A question and what is answered to it.
import type { Column } from "../api/request.js";
import type { Turn } from "../chats/chat.js";
import { AnswerView } from "./answer-view.js";
import { copyButton } from "./copy.js";
import { button, element } from "./element.js";
import { touches } from "./touches.js";
import { withFewMarks } from "./with-few-marks.js";

/** What can be done with a turn. */
export interface TurnActions {
    edit(question: string): void;
    again(column: Column): void;
    /** More of an answer is on the page. */
    grown(): void;
    /** Whether something is being answered: then nothing is changed. */
    busy(): boolean;
}

/** One turn of the conversation. */
export class TurnView {
    readonly node: HTMLElement;
    readonly answers = new Map<Column, AnswerView>();
    readonly #columns = element("div", { class: "columns" });
    readonly #question: HTMLElement;
    readonly #actions: TurnActions;
    #turn: Turn;

    constructor(number: number, turn: Turn, actions: TurnActions) {
        this.#turn = turn;
        this.#actions = actions;
        this.#question = element("div", { class: "question" });
        this.node = element(
            "section",
            { class: "turn", "aria-label": `Turn ${number}` },
            element("h2", { class: "unseen" }, `Question ${number}`),
            this.#question,
            this.#columns
        );
        this.#showQuestion();
        for (const column of ["rast", "base"] as const) {
            if (turn.answers[column] !== undefined) this.column(column, turn);
        }
    }

    /** A new view of a column's answer, in the place of the one that there was. */
    column(column: Column, turn: Turn): AnswerView {
        this.#turn = turn;
        const { again, grown } = this.#actions;
        const view = new AnswerView(column, turn.answers[column]!, () => again(column), grown);
        const before = this.answers.get(column);
        if (before !== undefined) before.node.replaceWith(view.node);
        else if (column === "rast") this.#columns.prepend(view.node);
        else this.#columns.append(view.node);
        this.answers.set(column, view);
        this.#columns.classList.toggle("two", this.answers.size > 1);
        return view;
    }

    #showQuestion(): void {
        const { question } = this.#turn;
        const edit = button("Edit", () => {
            if (!this.#actions.busy()) this.#editQuestion();
        });
        this.#question.replaceChildren(
            element("p", { class: "said", dir: "auto" }, withFewMarks(question)),
            element(
                "div",
                { class: "actions" },
                edit,
                copyButton("Copy", () => question)
            )
        );
    }

    #editQuestion(): void {
        const area = element("textarea", { "aria-label": "Question", rows: 3, dir: "auto" });
        area.value = this.#turn.question;
        const end = (): void => {
            this.#showQuestion();
            this.#question.querySelector("button")?.focus();
        };
        const send = (): void => {
            const text = area.value.trim();
            if (text !== "" && !this.#actions.busy()) this.#actions.edit(text);
        };
        area.addEventListener("keydown", (event) => {
            if (event.isComposing) return;
            if (event.key === "Escape") {
                event.stopPropagation();
                end();
            } else if (event.key === "Enter" && !event.shiftKey && !touches.matches) {
                event.preventDefault();
                send();
            }
        });
        this.#question.replaceChildren(
            area,
            element("p", { class: "note" }, "What comes after this question is removed."),
            element("div", { class: "actions" }, button("Ask again", send, { class: "main" }), button("Leave it", end))
        );
        area.focus();
    }
}
