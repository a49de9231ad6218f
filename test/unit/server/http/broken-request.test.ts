import { connect, type AddressInfo } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { answerBrokenRequest } from "../../../../src/server/http/broken-request.js";
import { clientSignal } from "../../../../src/server/http/client-signal.js";
import { EventStream } from "../../../../src/server/http/event-stream.js";

let app: FastifyInstance | undefined;
afterEach(() => app?.close());

async function listening(server: FastifyInstance): Promise<number> {
    app = server;
    await server.listen({ port: 0, host: "127.0.0.1" });
    return (server.server.address() as AddressInfo).port;
}

/** All that comes until the server closes. */
function answerTo(port: number, text: string): Promise<string> {
    return new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1");
        let all = "";
        socket.setEncoding("utf8").on("data", (part: string) => (all += part));
        socket.on("close", () => resolve(all)).on("error", reject);
        socket.write(text);
    });
}

describe("what is no request", () => {
    it("is answered in OpenAI's shape, and its connection closed", async () => {
        const port = await listening(fastify({ clientErrorHandler: answerBrokenRequest }));
        const cases: readonly (readonly [string, number])[] = [
            ["no HTTP at all\r\n\r\n", 400],
            ["GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400],
            ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
            [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(40_000)}\r\n\r\n`, 431]
        ];
        for (const [text, status] of cases) {
            const [head = "", body = ""] = (await answerTo(port, text)).split("\r\n\r\n");
            expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
            const { error } = JSON.parse(body) as { error: Record<string, unknown> };
            expect(Object.keys(error)).toEqual(["message", "type", "param", "code"]);
            expect(error).toMatchObject({ type: "invalid_request_error", param: null });
        }
    });
});

describe("requests that were sent ahead on a connection", () => {
    it("end with it, though their responses were never begun", async () => {
        const server = fastify();
        const signals: AbortSignal[] = [];
        let release!: () => void;
        const over = new Promise<void>((resolve) => (release = resolve));
        server.get("/stream", async (_request, reply) => {
            const stream = new EventStream(
                reply,
                { contentType: "text/plain" },
                { maxUnreadBytes: 1e6, stallMs: 60_000 }
            );
            signals.push(stream.signal);
            await stream.send("a");
            await over;
            return reply;
        });
        server.get("/whole", async (_request, reply) => {
            signals.push(clientSignal(reply));
            await over;
            return "b";
        });
        const port = await listening(server);
        const socket = connect(port, "127.0.0.1");
        const paths = ["/stream", "/stream", "/whole"];
        socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(""));
        while (signals.length < paths.length) await new Promise((resolve) => setTimeout(resolve, 5));
        expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
        const aborted = signals.map((signal) => new Promise((resolve) => signal.addEventListener("abort", resolve)));
        socket.destroy();
        await Promise.all(aborted);
        release();
    });

    it("leave no listener behind on a connection that stays", async () => {
        const server = fastify();
        let listeners = 0;
        server.get("/", async (request, reply) => {
            clientSignal(reply);
            listeners = request.raw.socket.listenerCount("close");
            return "a";
        });
        const port = await listening(server);
        await answerTo(port, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        const once = listeners;
        const requests = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20);
        // one after the other, as a client with a kept connection does
        const socket = connect(port, "127.0.0.1");
        for (let index = 0; index < 20; index++) {
            const answered = new Promise((resolve) => socket.once("data", resolve));
            socket.write(requests.slice(0, requests.length / 20));
            await answered;
        }
        expect(listeners).toBe(once);
        socket.destroy();
    });
});
