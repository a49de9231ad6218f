import { once } from "node:events";
import { connect, type AddressInfo, type Socket } from "node:net";
import fastify, { type FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { EventStream, serverSentEvent, type StreamBounds } from "../../../../src/server/http/event-stream.js";

const generous: StreamBounds = { maxUnreadBytes: 2 ** 30, stallMs: 60_000 };
let app: FastifyInstance | undefined;
let socket: Socket | undefined;
afterEach(async () => {
    socket?.destroy();
    await app?.close();
});

/** A server whose one answer is written by the test, and a client that reads when it is told to. */
async function open(bounds: StreamBounds): Promise<{ stream: EventStream; client: Socket; done: () => void }> {
    let hand!: (stream: EventStream) => void;
    const handed = new Promise<EventStream>((resolve) => (hand = resolve));
    let done!: () => void;
    const over = new Promise<void>((resolve) => (done = resolve));
    const server = fastify();
    app = server;
    server.get("/", async (_request, reply) => {
        void reply.header("x-own", "1");
        hand(new EventStream(reply, { contentType: "text/event-stream" }, bounds));
        await over;
        return reply;
    });
    await server.listen({ port: 0, host: "127.0.0.1" });
    socket = connect((server.server.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    return { stream: await handed, client: socket, done };
}

describe("an event stream", () => {
    it("is written event by event, with the headers that were set before", async () => {
        const { stream, client, done } = await open(generous);
        let text = "";
        client.setEncoding("utf8").on("data", (part: string) => (text += part));
        expect(stream.begun).toBe(false);
        await stream.send(serverSentEvent('{"a":1}'));
        expect(stream.begun).toBe(true);
        await stream.send(serverSentEvent("2", "named"));
        stream.end(serverSentEvent("[DONE]"));
        stream.end("twice");
        await stream.send("late");
        done();
        await once(client, "close");
        expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n/);
        expect(text).toMatch(/content-type: text\/event-stream\r\n/);
        expect(text).toMatch(/x-own: 1\r\n/);
        expect(text).toContain('data: {"a":1}\n\n');
        expect(text).toContain("event: named\ndata: 2\n\n");
        expect(text).not.toMatch(/twice|late/);
        expect(stream.signal.aborted).toBe(false);
    });

    it("writes what comes together at once, what follows soon a little later, and the rest with its end", async () => {
        const { stream, client, done } = await open(generous);
        const parts: string[] = [];
        client.setEncoding("utf8").on("data", (part: string) => parts.push(part));
        void stream.send("a;");
        void stream.send("b;");
        await once(client, "data");
        expect(parts).toHaveLength(1);
        expect(parts[0]).toMatch(/^HTTP[^]*a;b;/);
        for (const text of ["c;", "d;", "e;"]) void stream.send(text);
        await once(client, "data");
        expect(parts.slice(1).join("")).toContain("c;d;e;");
        void stream.send("f;");
        stream.end("g;");
        done();
        await once(client, "close");
        expect(parts.join("")).toContain("f;g;");
    });

    it("says at once that its client has gone, also before its first event", async () => {
        const { stream, client, done } = await open(generous);
        const aborted = once(stream.signal, "abort");
        client.destroy();
        await aborted;
        await stream.send("nobody reads this");
        stream.end();
        done();
    });

    it("waits for a slow reader, and goes on with it", async () => {
        const { stream, client, done } = await open(generous);
        const block = `data: ${"x".repeat(65_536)}\n\n`;
        let sent = 0;
        const writing = (async () => {
            while (sent < 400) {
                await stream.send(block);
                sent += 1;
            }
            stream.end();
        })();
        await new Promise((resolve) => setTimeout(resolve, 300));
        // what the system's buffers hold, and not all of it
        expect(sent).toBeLessThan(400);
        let bytes = 0;
        client.on("data", (part) => (bytes += part.length));
        await writing;
        done();
        await once(client, "close");
        expect(bytes).toBeGreaterThan(400 * 65_536);
    });

    it("cuts a client that takes nothing for too long", async () => {
        const { stream, done } = await open({ ...generous, stallMs: 100 });
        const block = "x".repeat(1_000_000);
        for (let sent = 0; sent < 200 && !stream.signal.aborted; sent++) await stream.send(block);
        expect(stream.signal.aborted).toBe(true);
        expect((stream.signal.reason as Error).message).toBe("The client takes nothing.");
        done();
    });

    it("cuts a client for which too much waits", async () => {
        const { stream, done } = await open({ ...generous, maxUnreadBytes: 65_536 });
        await stream.send("x".repeat(200_000_000));
        expect(stream.signal.aborted).toBe(true);
        expect((stream.signal.reason as Error).message).toBe("The client reads too slowly.");
        done();
    });
});
