// Where a chat's messages come from: a terminal, or a stream of lines.
import { createInterface, type Interface } from "node:readline";
import type { Input, Output } from "../io.js";
import { inputLines } from "./input-lines.js";
import { MessageAssembler } from "./message-assembler.js";
import { completeSlash } from "./slash-commands.js";
import { TerminalInput } from "./terminal-input.js";

/** What comes next; undefined where nothing will. */
export type NextMessage = { readonly kind: "message" | "command"; readonly text: string } | undefined;

/** One by one, what somebody says. */
export interface MessageSource {
    next(): Promise<NextMessage>;
    /** Whether somebody agrees; false where nobody can be asked. */
    agree(question: string): Promise<boolean>;
    /** Called back at Ctrl-C while nobody is asked anything. */
    onInterrupt(listener: (() => void) | undefined): void;
    close(): void;
}

/** Lines of a stream that is no terminal. */
export class LineSource implements MessageSource {
    readonly #input: Input;
    readonly #lines: AsyncIterator<string, void>;
    readonly #assembler = new MessageAssembler();

    constructor(input: Input, signal: AbortSignal) {
        this.#input = input;
        this.#lines = inputLines(input, signal);
        // Whoever waits for a line is told that none will come.
        signal.addEventListener("abort", () => input.destroy(), { once: true });
    }

    async next(): Promise<NextMessage> {
        for (;;) {
            const next: IteratorResult<string, void> = await this.#lines.next();
            if (next.done === true) {
                const left = this.#assembler.end();
                return left === undefined ? undefined : { kind: "message", text: left };
            }
            const assembled = this.#assembler.push(next.value);
            if (assembled.kind === "more" || assembled.text.trim() === "") continue;
            return assembled;
        }
    }

    async agree(): Promise<boolean> {
        return false;
    }

    onInterrupt(): void {}

    close(): void {
        this.#input.destroy();
    }
}

/** How a terminal is spoken to. */
export interface TerminalLook {
    readonly prompt: string;
    /** Within a message of several lines. */
    readonly more: string;
    /** Messages of earlier chats, the oldest first. */
    readonly history: readonly string[];
}

// A line's end within a line of readline: pasted text and remembered messages are edited as one line.
const lineEndMark = "\u23CE";
const bracketedPaste = (on: boolean): string => `\u001b[?2004${on ? "h" : "l"}`;
const mostHistory = 1000;

/** A terminal with readline. The terminal is as it was once this is closed. */
export class TerminalSource implements MessageSource {
    readonly #input: TerminalInput;
    readonly #output: Output;
    readonly #reader: Interface;
    readonly #look: TerminalLook;
    readonly #assembler = new MessageAssembler();
    #settle: ((line: string | undefined) => void) | undefined;
    #interrupted: (() => void) | undefined;
    #leaving = false;
    #closed = false;
    #detached = false;

    constructor(input: Input, output: Output, look: TerminalLook, signal: AbortSignal) {
        this.#output = output;
        this.#look = look;
        this.#input = new TerminalInput(input, {
            pasted: (text) => this.#paste(text),
            interrupted: () => {
                // The same key again, before anything else is said, leaves.
                this.#leaving = true;
                this.#interrupted?.();
            }
        });
        this.#reader = createInterface({
            input: this.#input,
            output,
            terminal: true,
            historySize: mostHistory,
            history: [...look.history].reverse().map(inOneLine),
            removeHistoryDuplicates: true,
            completer: completeSlash,
            escapeCodeTimeout: 50
        });
        this.#reader.on("line", (line) => {
            this.#leaving = false;
            this.#give(line.replaceAll(lineEndMark, "\n"));
        });
        this.#reader.on("close", () => {
            this.#closed = true;
            this.#give(undefined);
        });
        this.#reader.on("SIGINT", () => this.#interruptPrompt());
        signal.addEventListener("abort", () => this.close(), { once: true });
        output.write(bracketedPaste(true));
        this.#input.busy = true;
    }

    async next(): Promise<NextMessage> {
        for (;;) {
            const line = await this.#line(this.#assembler.isOpen ? this.#look.more : this.#look.prompt);
            if (line === undefined) return undefined;
            const assembled = this.#assembler.push(line);
            if (assembled.kind === "more" || assembled.text.trim() === "") continue;
            return assembled;
        }
    }

    async agree(question: string): Promise<boolean> {
        const answer = await this.#line(`${question} [Y/n] `);
        return answer !== undefined && /^(?:|y|yes)$/i.test(answer.trim());
    }

    onInterrupt(listener: (() => void) | undefined): void {
        this.#interrupted = listener;
    }

    close(): void {
        if (this.#detached) return;
        this.#detached = true;
        if (!this.#closed) this.#reader.close();
        this.#input.detach();
        this.#output.write(bracketedPaste(false));
    }

    #line(prompt: string): Promise<string | undefined> {
        if (this.#closed) return Promise.resolve(undefined);
        return new Promise((resolve) => {
            this.#settle = resolve;
            this.#reader.setPrompt(prompt);
            this.#reader.prompt();
            this.#input.busy = false;
        });
    }

    #give(line: string | undefined): void {
        this.#input.busy = true;
        const settle = this.#settle;
        this.#settle = undefined;
        settle?.(line);
    }

    #paste(text: string): void {
        const lines = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
        // Nothing of it is a key.
        const shown = lines.replace(/[^\P{Cc}\n\t]/gu, "").replaceAll("\n", lineEndMark);
        if (shown !== "") this.#reader.write(shown);
    }

    // Gives up what is being typed; where there is nothing, leaves at the second time.
    #interruptPrompt(): void {
        const isEmpty = this.#reader.line === "" && !this.#assembler.isOpen;
        if (isEmpty && this.#leaving) {
            this.#output.write("\n");
            this.#reader.close();
            return;
        }
        this.#assembler.drop();
        this.#leaving = isEmpty;
        // As if somebody went to the line's end and cleared it.
        this.#reader.write(null, { ctrl: true, name: "e" });
        this.#reader.write(null, { ctrl: true, name: "u" });
        if (isEmpty) this.#output.write("\n(Ctrl-C again, or Ctrl-D, leaves)\n");
        this.#reader.setPrompt(this.#look.prompt);
        this.#reader.prompt();
    }
}

function inOneLine(message: string): string {
    return message.replaceAll("\n", lineEndMark);
}
