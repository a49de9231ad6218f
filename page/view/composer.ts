// Where a message is written, and how it is to be answered.
import type { Settings } from "../settings.js";
import { byId } from "./element.js";
import { touches } from "./touches.js";

/** What the composer asks for. */
export interface ComposerActions {
    /** @returns whether it was taken */
    send(text: string): boolean;
    stop(): void;
    change(settings: Partial<Settings>): void;
}

/** The form at the foot of the page. */
export class Composer {
    readonly #area = byId("prompt", HTMLTextAreaElement);
    readonly #send = byId("send", HTMLButtonElement);
    readonly #stop = byId("stop", HTMLButtonElement);
    readonly #side = byId("side", HTMLInputElement);
    readonly #thinking = byId("thinking", HTMLInputElement);
    readonly #lambda = byId("lambda", HTMLInputElement);
    readonly #lambdaSaid = byId("lambda-said", HTMLOutputElement);
    readonly #lambdaOwn = byId("lambda-own", HTMLButtonElement);
    #trioLambda: number | null = null;

    constructor(actions: ComposerActions) {
        const send = (): void => {
            const text = this.#area.value.trim();
            if (text === "" || this.#send.hidden || this.#send.disabled) return;
            if (!actions.send(text)) return;
            this.#area.value = "";
            this.#fit();
        };
        byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
            event.preventDefault();
            send();
        });
        this.#area.addEventListener("keydown", (event) => {
            // Enter that chooses a word of an input method is not meant for the page; on a screen's keyboard there is no Shift + Enter.
            if (event.key !== "Enter" || event.shiftKey || event.isComposing || touches.matches) return;
            event.preventDefault();
            send();
        });
        this.#area.addEventListener("input", () => this.#fit());
        this.#stop.addEventListener("click", () => actions.stop());
        this.#side.addEventListener("change", () => actions.change({ side: this.#side.checked }));
        this.#thinking.addEventListener("change", () => actions.change({ thinking: this.#thinking.checked }));
        this.#lambda.addEventListener("input", () => actions.change({ lambda: Number(this.#lambda.value) }));
        this.#lambdaOwn.addEventListener("click", () => {
            actions.change({ lambda: null });
            this.#lambda.focus();
        });
    }

    show({ side, thinking, lambda }: Settings): void {
        this.#side.checked = side;
        this.#thinking.checked = thinking;
        this.#lambda.value = String(lambda ?? this.#trioLambda ?? 1);
        const own = this.#trioLambda === null ? "the trio's" : `${this.#trioLambda} (the trio's)`;
        this.#lambdaSaid.textContent = lambda === null ? own : String(lambda);
        this.#lambda.setAttribute("aria-valuetext", this.#lambdaSaid.textContent);
        this.#lambdaOwn.hidden = lambda === null;
    }

    /** What the trio's own strength is; null where nobody has said. */
    setTrio(lambda: number | null, hasBase: boolean): void {
        this.#trioLambda = lambda;
        this.#side.disabled = !hasBase;
    }

    /** Whether an answer is being written. */
    setBusy(busy: boolean): void {
        const focused = document.activeElement;
        this.#send.hidden = busy;
        this.#stop.hidden = !busy;
        // A button that vanishes takes the focus with it.
        if (focused === this.#stop || focused === this.#send) (busy ? this.#stop : this.#area).focus();
    }

    focus(): void {
        this.#area.focus();
    }

    // As high as its text, up to what the style sheet allows.
    #fit(): void {
        const lines = this.#area.value.split("\n").length;
        this.#area.rows = Math.max(1, Math.min(8, Math.max(lines, Math.ceil(this.#area.value.length / 90))));
    }
}
