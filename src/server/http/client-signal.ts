import type { FastifyReply } from "fastify";

/** Aborts when the client goes away before it has its whole answer. */
export function clientSignal({ raw }: FastifyReply): AbortSignal {
    const gone = new AbortController();
    const closed = (): void => {
        if (!raw.writableFinished) gone.abort(new Error("The client has gone."));
    };
    raw.once("close", closed);
    if (raw.destroyed || raw.socket?.destroyed === true) closed();
    return gone.signal;
}
