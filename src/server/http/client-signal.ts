import type { FastifyReply } from "fastify";
import { onceOver } from "./response-over.js";

/** Aborts when the client goes away before it has its whole answer. */
export function clientSignal(reply: FastifyReply): AbortSignal {
    const { raw } = reply;
    const gone = new AbortController();
    const closed = (): void => {
        if (!raw.writableFinished) gone.abort(new Error("The client has gone."));
    };
    onceOver(reply, closed);
    if (raw.destroyed || reply.request.raw.socket.destroyed) closed();
    return gone.signal;
}
