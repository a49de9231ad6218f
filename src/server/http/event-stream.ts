// A response that is written event by event, over the hijacked socket: its close event is the one sure sign that a client has gone.
import type { FastifyReply } from "fastify";
import { onceOver } from "./response-over.js";

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

/**
 * One streamed response. `send` resolves when the next may be sent: whoever awaits it has back pressure. A client that has gone, or reads too
 * slowly, aborts `signal`, and what is sent afterwards is dropped. Never throws.
 */
export class EventStream {
    readonly #reply: FastifyReply;
    readonly #bounds: StreamBounds;
    readonly #gone = new AbortController();
    #head: StreamHead;
    #begun = false;
    #ended = false;

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

    /** @param text whole events, with the blank lines behind them */
    async send(text: string): Promise<void> {
        if (this.#ended || this.#gone.signal.aborted) return;
        const { raw } = this.#reply;
        this.#begin();
        raw.write(text);
        if (raw.writableLength > this.#bounds.maxUnreadBytes) return this.cut("The client reads too slowly.");
        if (raw.writableLength > highWaterBytes) await this.#drained();
    }

    /** The last word. */
    end(text = ""): void {
        if (this.#ended || this.#gone.signal.aborted) return;
        this.#begin();
        this.#ended = true;
        this.#reply.raw.end(text);
    }

    /** Ends the connection in the middle: the client is to know that this is not all. */
    cut(reason: string): void {
        if (this.#ended) return;
        if (!this.#begun) this.#reply.hijack();
        this.#begun = true;
        this.#gone.abort(new Error(reason));
        this.#reply.raw.destroy();
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
        raw.flushHeaders();
        raw.socket?.setNoDelay(true);
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
