// A response that is written event by event, over the hijacked socket: its close event is the one sure sign that a client has gone.
import type { FastifyReply } from "fastify";
import { onceOver } from "./response-over.js";
import { WriteTurns } from "./write-turns.js";

/** How a client may read. */
export interface StreamBounds {
    /** Bytes that wait for it; with more it is cut. */
    readonly maxUnreadBytes: number;
    /** How long it may take nothing at all while something waits. */
    readonly stallMs: number;
}

/** What is said first. */
export interface StreamHead {
    /** "text/event-stream", "application/x-ndjson". */
    readonly contentType: string;
    readonly headers?: Readonly<Record<string, string>>;
}

/** From so many bytes on it is waited for the client, so that what is drawn meanwhile waits where it costs less. */
const highWaterBytes = 64 * 1024;

/** What follows a write sooner than this waits for what comes meanwhile: a write costs more than what it carries. */
const gatherMs = 10;

const turns = new WriteTurns(gatherMs);

/**
 * One streamed response. What is sent in one turn of the event loop, or soon behind a write, goes out as one write. `send` resolves when the
 * next may be sent: whoever awaits it has back pressure. A client that has gone, or reads too slowly, aborts `signal`, and what is sent
 * afterwards is dropped. Never throws.
 */
export class EventStream {
    readonly #reply: FastifyReply;
    readonly #bounds: StreamBounds;
    readonly #gone = new AbortController();
    #head: StreamHead;
    #begun = false;
    #ended = false;
    // Sent, and not written yet.
    #waiting = "";
    #lastWrite = -Infinity;
    readonly #write = (): void => this.#writeOut();

    /** Nothing is written until the first `send`, so that a failure before it can still be told by a status. */
    constructor(reply: FastifyReply, head: StreamHead, bounds: StreamBounds) {
        this.#reply = reply;
        this.#head = head;
        this.#bounds = bounds;
        const { raw } = reply;
        const closed = (): void => {
            if (this.#ended) return;
            // fastify is not to answer it, either
            if (!this.#begun) reply.hijack();
            this.#begun = true;
            this.#taken();
            this.#gone.abort(new Error("The client has gone."));
        };
        onceOver(reply, closed);
        raw.on("error", closed);
        if (raw.destroyed || reply.request.raw.socket.destroyed) closed();
    }

    /** Aborts when nobody reads any more. */
    get signal(): AbortSignal {
        return this.#gone.signal;
    }

    /** Whether the status has gone out: what fails from here on can only be an event. */
    get begun(): boolean {
        return this.#begun;
    }

    /**
     * @param text whole events, with the blank lines behind them
     * @returns what is to be awaited before the next; undefined where that may come at once, as nearly always: an await costs more than the rest
     */
    send(text: string): Promise<void> | undefined {
        if (this.#ended || this.#gone.signal.aborted) return undefined;
        this.#begin();
        if (this.#waiting === "") turns.add(this.#write, performance.now() - this.#lastWrite < gatherMs);
        this.#waiting += text;
        const { raw } = this.#reply;
        if (this.#waiting.length + raw.writableLength <= highWaterBytes) return undefined;
        this.#writeOut();
        if (raw.writableLength > this.#bounds.maxUnreadBytes) this.cut("The client reads too slowly.");
        else if (raw.writableLength > highWaterBytes) return this.#drained();
        return undefined;
    }

    /** The last word. */
    end(text = ""): void {
        if (this.#ended || this.#gone.signal.aborted) return;
        this.#begin();
        this.#ended = true;
        this.#reply.raw.end(this.#taken() + text);
    }

    /** Ends the connection in the middle: the client is to know that this is not all. */
    cut(reason: string): void {
        if (this.#ended) return;
        if (!this.#begun) this.#reply.hijack();
        this.#begun = true;
        this.#gone.abort(new Error(reason));
        this.#reply.raw.destroy();
    }

    #writeOut(): void {
        const text = this.#taken();
        if (text === "" || this.#ended || this.#gone.signal.aborted) return;
        this.#lastWrite = performance.now();
        this.#reply.raw.write(text);
    }

    #taken(): string {
        const text = this.#waiting;
        this.#waiting = "";
        turns.remove(this.#write);
        return text;
    }

    #begin(): void {
        if (this.#begun) return;
        this.#begun = true;
        const { raw } = this.#reply;
        // what hooks have set: CORS, the request's id
        const given = Object.fromEntries(
            Object.entries(this.#reply.getHeaders()).filter(([, value]) => value !== undefined)
        ) as Record<string, string>;
        this.#reply.hijack();
        raw.writeHead(200, {
            ...given,
            "content-type": this.#head.contentType,
            "cache-control": "no-cache, no-transform",
            "x-accel-buffering": "no",
            ...this.#head.headers
        });
    }

    async #drained(): Promise<void> {
        const { raw } = this.#reply;
        await new Promise<void>((resolve) => {
            const timer = setTimeout(() => this.cut("The client takes nothing."), this.#bounds.stallMs);
            const done = (): void => {
                clearTimeout(timer);
                raw.off("drain", done);
                this.#gone.signal.removeEventListener("abort", done);
                resolve();
            };
            raw.on("drain", done);
            this.#gone.signal.addEventListener("abort", done);
        });
    }
}

/** One server-sent event. @param data on one line, as JSON is @param event its name, for protocols that have names */
export function serverSentEvent(data: string, event?: string): string {
    return event === undefined ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`;
}
