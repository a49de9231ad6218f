// Clients that have ended their side of the connection: some wait for their answer, others have gone, and both look the same from here.
import type { FastifyInstance, FastifyReply } from "fastify";

/**
 * When it is asked whether somebody is there; the last of them is repeated. Short answers are there by the first. What a system refuses is
 * told with the write behind the refused one, so that two belong together.
 */
const askAfterMs = [50, 50, 1000] as const;

/**
 * Answers clients that end their side behind their request, and notices those that have gone: an interim response, or an empty comment in a
 * stream of events, changes nothing for who reads, and is refused by the system of who does not.
 */
export function answerHalfClosed(app: FastifyInstance): void {
    (app.server as unknown as { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    app.addHook("onRequest", async (_request, reply) => watch(reply));
}

function watch({ raw, request }: FastifyReply): void {
    const { socket, httpVersionMinor } = request.raw;
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const ask = (): void => {
        // a response that stands behind another one has no socket yet
        if (raw.writableEnded || raw.destroyed || raw.socket === null) return;
        if (!raw.headersSent) raw.writeProcessing();
        else if (String(raw.getHeader("content-type")).startsWith("text/event-stream")) raw.write(":\n\n");
    };
    const ended = (): void => {
        // HTTP/1.0 has no interim responses
        if (httpVersionMinor === 0) return void socket.destroy();
        let asked = 0;
        const later = (): void => {
            timer = setTimeout(
                () => {
                    ask();
                    asked += 1;
                    if (!isOver) later();
                },
                askAfterMs[asked] ?? askAfterMs.at(-1)
            );
        };
        later();
    };
    const over = (): void => {
        clearTimeout(timer);
        isOver = true;
        socket.off("end", ended);
        socket.off("close", over);
        raw.off("close", over);
    };
    if (socket.readableEnded) ended();
    else socket.once("end", ended);
    raw.once("close", over);
    socket.once("close", over);
}
