// From what is typed to messages: several lines may be one.

const fence = '"""';

/** What a line came to. */
export type Assembled =
    | { readonly kind: "more" }
    | { readonly kind: "message"; readonly text: string }
    | { readonly kind: "command"; readonly text: string };

/**
 * Puts lines together: a backslash at the end of a line goes on with the next, `"""` begins and ends a text in which nothing
 * means anything. A line that begins with a slash is a command, with two of them a message that begins with one.
 */
export class MessageAssembler {
    #lines: string[] = [];
    #fenced = false;

    /** Whether a message has begun and not ended. */
    get isOpen(): boolean {
        return this.#lines.length > 0 || this.#fenced;
    }

    /** @param line without its end; pasted text of several lines is one */
    push(line: string): Assembled {
        if (this.#fenced) return this.#pushFenced(line);
        if (!this.isOpen) {
            const text = line.trimStart();
            if (text.startsWith(fence)) {
                this.#fenced = true;
                return this.#pushFenced(text.slice(fence.length), true);
            }
            if (text.startsWith("//")) return { kind: "message", text: text.slice(1) };
            if (text.startsWith("/") && !text.includes("\n")) return { kind: "command", text: text.trim() };
        }
        const backslashes = /\\*$/.exec(line)![0].length;
        if (backslashes % 2 === 1) {
            this.#lines.push(line.slice(0, -1));
            return { kind: "more" };
        }
        this.#lines.push(line);
        return this.#take();
    }

    /** What has begun, where nothing more will come; undefined for nothing. */
    end(): string | undefined {
        const taken = this.isOpen ? this.#take() : undefined;
        return taken?.kind === "message" && taken.text.trim() !== "" ? taken.text : undefined;
    }

    /** Forgets what has begun. */
    drop(): void {
        this.#lines = [];
        this.#fenced = false;
    }

    #pushFenced(line: string, first = false): Assembled {
        const end = line.trimEnd();
        if (end.endsWith(fence)) {
            const text = end.slice(0, -fence.length);
            if (text !== "" || (first && this.#lines.length === 0)) this.#lines.push(text);
            return this.#take();
        }
        if (!(first && line === "")) this.#lines.push(line);
        return { kind: "more" };
    }

    #take(): Assembled {
        const text = this.#lines.join("\n");
        this.drop();
        return { kind: "message", text };
    }
}
