// An OpenAI-compatible server on this machine, with whatever faults a test wants.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request, as it came. */
export interface Asked {
    readonly path: string;
    readonly authorization: string | undefined;
    readonly body: Readonly<Record<string, unknown>>;
}

/** What an answer is to be. */
export interface ServerFault {
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    /** Say nothing at all. */
    readonly hang?: boolean;
    /** Break the connection after so many bytes of the answer. */
    readonly cutAfter?: number;
    /** The same, and say nothing more. */
    readonly stallAfter?: number;
}

export class StandInServer {
    readonly asked: Asked[] = [];
    /** What it says to a question. */
    say: (asked: Asked) => string = () => "It is \\boxed{8}.";
    fault: (asked: Asked, count: number) => ServerFault | undefined = () => undefined;
    /** Changes to an answer. */
    more: object = {};
    readonly #server: Server;
    /** Requests at a time, at most. */
    mostAtOnce = 0;
    #now = 0;

    private constructor(server: Server) {
        this.#server = server;
        server.on("request", (request, response) => void this.#serve(request, response));
    }

    static async start(): Promise<StandInServer> {
        const server = createServer();
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return new StandInServer(server);
    }

    get url(): string {
        return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    }

    async stop(): Promise<void> {
        this.#server.closeAllConnections();
        await new Promise((resolve) => this.#server.close(resolve));
    }

    async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#now);
        response.on("close", () => (this.#now -= 1));
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const asked: Asked = {
            path: request.url!,
            authorization: request.headers.authorization,
            body: JSON.parse(Buffer.concat(chunks).toString("utf8")) as Asked["body"]
        };
        this.asked.push(asked);
        await new Promise((resolve) => setTimeout(resolve, 5));
        const fault = this.fault(asked, this.asked.length) ?? {};
        if (fault.hang === true) return;
        const chat = asked.path.endsWith("/chat/completions");
        const text = this.say(asked);
        const choice = {
            index: 0,
            finish_reason: "stop",
            ...(chat ? { message: { role: "assistant", content: text } } : { text })
        };
        const answer = { choices: [choice], usage: { completion_tokens: text.length }, ...this.more };
        const body = Buffer.from(fault.body ?? JSON.stringify(answer));
        response.writeHead(fault.status ?? 200, {
            "content-type": "application/json",
            "content-length": body.length,
            ...fault.headers
        });
        const cut = fault.cutAfter ?? fault.stallAfter;
        if (cut === undefined) return void response.end(body);
        response.write(body.subarray(0, cut));
        if (fault.cutAfter !== undefined) setTimeout(() => response.destroy(), 20);
    }
}
