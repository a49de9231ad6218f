import type { FastifyReply } from "fastify";

/**
 * Calls once when a response is over, or its connection is: a response that stands behind another one of its connection has no socket yet, and
 * hears nothing of that one's end.
 */
export function onceOver({ raw, request }: FastifyReply, over: () => void): void {
    const { socket } = request.raw;
    const ended = (): void => {
        raw.off("close", ended);
        socket.off("close", ended);
        over();
    };
    // one for each request that a client has sent ahead
    socket.setMaxListeners(0);
    socket.once("close", ended);
    raw.once("close", ended);
}
