// A terminal's keys on their way to readline: pasted text comes whole, and while an answer is written only Ctrl-C means anything.
import { Readable } from "node:stream";
import type { Input } from "../io.js";

const pasteStart = Buffer.from("\u001b[200~");
const pasteEnd = Buffer.from("\u001b[201~");
const interrupt = 0x03;
const escape = 0x1b;
/** Keys that are kept while nobody reads them, and of one paste. */
const mostBytes = 8 * 1_048_576;

type RawInput = Input & { setRawMode?: (mode: boolean) => unknown };

/** Who is told of what readline does not know. */
export interface TerminalListener {
    /** Text that was pasted, whole. */
    pasted(text: string): void;
    /** Ctrl-C while `busy`. */
    interrupted(): void;
}

/**
 * Stands before readline as its input. Data is handed on at once, by the event, so that it and what was pasted keep their order.
 * Owned by who made it: `detach` gives the terminal back.
 */
export class TerminalInput extends Readable {
    readonly isTTY = true;
    readonly #source: RawInput;
    readonly #listener: TerminalListener;
    readonly #onData = (chunk: Buffer | string): void => this.#take(Buffer.from(chunk));
    readonly #onEnd = (): void => void this.emit("end");
    #busy = false;
    #held: Buffer[] = [];
    #heldBytes = 0;
    // Of a paste that has begun.
    #pasted: Buffer | undefined;
    // The beginning of what may be the mark of one.
    #rest = Buffer.alloc(0);

    constructor(source: Input, listener: TerminalListener) {
        super();
        this.#source = source;
        this.#listener = listener;
        source.on("data", this.#onData).on("end", this.#onEnd);
    }

    override _read(): void {}

    /** Keys wait until it is false again. */
    set busy(busy: boolean) {
        this.#busy = busy;
        while (!this.#busy && this.#held.length > 0) {
            const next = this.#held.shift()!;
            this.#heldBytes -= next.length;
            this.#parse(next);
        }
    }

    setRawMode(mode: boolean): this {
        this.#source.setRawMode?.(mode);
        return this;
    }

    override pause(): this {
        this.#source.pause();
        return this;
    }

    override resume(): this {
        this.#source.resume();
        return this;
    }

    detach(): void {
        this.#source.off("data", this.#onData).off("end", this.#onEnd);
        this.#source.pause();
    }

    #take(chunk: Buffer): void {
        if (!this.#busy) return this.#parse(chunk);
        const at = chunk.lastIndexOf(interrupt);
        if (at >= 0 && this.#pasted === undefined) {
            // As a terminal does: what was typed before is void.
            this.#held = [];
            this.#heldBytes = 0;
            this.#hold(chunk.subarray(at + 1));
            this.#listener.interrupted();
        } else this.#hold(chunk);
    }

    #hold(chunk: Buffer): void {
        if (chunk.length === 0 || this.#heldBytes + chunk.length > mostBytes) return;
        this.#held.push(chunk);
        this.#heldBytes += chunk.length;
    }

    // What is left of a piece comes before those behind it.
    #holdFirst(bytes: Buffer): void {
        this.#held.unshift(bytes);
        this.#heldBytes += bytes.length;
    }

    #parse(chunk: Buffer): void {
        let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
        this.#rest = Buffer.alloc(0);
        while (bytes.length > 0) {
            if (this.#busy) return this.#holdFirst(bytes);
            bytes = this.#pasted === undefined ? this.#parseKeys(bytes) : this.#parsePasted(bytes);
        }
    }

    /** @returns what is left */
    #parseKeys(bytes: Buffer): Buffer {
        const start = bytes.indexOf(pasteStart);
        if (start >= 0) {
            this.#pasted = Buffer.alloc(0);
            if (start > 0) this.emit("data", bytes.subarray(0, start));
            return bytes.subarray(start + pasteStart.length);
        }
        const kept = beginsAtEnd(bytes, pasteStart);
        // One byte of it is the key Escape.
        const cut = kept >= 2 ? bytes.length - kept : bytes.length;
        this.#rest = Buffer.from(bytes.subarray(cut));
        // A line at a time: what comes behind the end of one may have to wait for its answer.
        const end = bytes.subarray(0, cut).findIndex((byte) => byte === 0x0d || byte === 0x0a);
        if (end >= 0 && end + 1 < cut) {
            this.#rest = Buffer.alloc(0);
            this.emit("data", bytes.subarray(0, end + 1));
            return bytes.subarray(end + 1);
        }
        if (cut > 0) this.emit("data", bytes.subarray(0, cut));
        return Buffer.alloc(0);
    }

    #parsePasted(bytes: Buffer): Buffer {
        const all = Buffer.concat([this.#pasted!, bytes]);
        const end = all.indexOf(pasteEnd);
        if (end < 0 && all.length <= mostBytes) {
            this.#pasted = all;
            return Buffer.alloc(0);
        }
        this.#pasted = undefined;
        this.#listener.pasted(all.toString("utf8", 0, end < 0 ? mostBytes : end));
        return end < 0 ? Buffer.alloc(0) : all.subarray(end + pasteEnd.length);
    }
}

// How many bytes at the end are a mark's beginning.
function beginsAtEnd(bytes: Buffer, mark: Buffer): number {
    const at = bytes.lastIndexOf(escape);
    if (at < 0) return 0;
    const tail = bytes.subarray(at);
    return tail.length < mark.length && tail.equals(mark.subarray(0, tail.length)) ? tail.length : 0;
}
