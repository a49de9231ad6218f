// An answer as it comes: thinking dimmed where a terminal shows it, nothing of a model's text moves the cursor.
import { plainLines } from "../../report/shown-text.js";
import type { ReasoningPlace } from "../flags/chat.js";
import type { Output } from "../io.js";

/** Where and how answers are written. */
export interface AnswerPlace {
    readonly stdout: Output;
    readonly stderr: Output;
    /** Where reasoning goes. */
    readonly reasoning: ReasoningPlace;
    /** Dims a text. */
    readonly dim: (text: string) => string;
}

/** Writes one answer. */
export class AnswerWriter {
    readonly #place: AnswerPlace;
    readonly #reasoning: Output | undefined;
    #thinking = false;
    #written = false;
    #ended = true;

    constructor(place: AnswerPlace) {
        this.#place = place;
        this.#reasoning = place.reasoning === "none" ? undefined : place[place.reasoning];
    }

    write(reasoning: string, answer: string): void {
        const { stdout, dim } = this.#place;
        if (reasoning !== "" && this.#reasoning !== undefined) {
            this.#reasoning.write(dim(shown(reasoning, this.#reasoning)));
            this.#thinking = true;
            this.#ended = false;
        }
        // Lines between reasoning and answer are the model's, or there are none.
        const text = this.#written ? answer : answer.replace(/^\n+/, "");
        if (text === "") return;
        this.#separate();
        stdout.write(shown(text, stdout));
        this.#written = true;
        this.#ended = text.endsWith("\n");
    }

    /** Ends its last line. */
    end(): void {
        if (this.#thinking && !this.#written) this.#reasoning!.write("\n");
        else if (!this.#ended || !this.#written) this.#place.stdout.write("\n");
    }

    #separate(): void {
        if (this.#thinking) this.#reasoning!.write("\n\n");
        this.#thinking = false;
    }
}

// Who reads a pipe gets the text as it is.
function shown(text: string, output: Output): string {
    return output.isTTY === true ? plainLines(text) : text;
}
