// A server for the chat page whose answers are scripted: the question says which.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readChatPage } from "../../src/server/page.js";

/** A request to /v1/chat/completions. */
export interface AskedChat {
    readonly model: string;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly [more: string]: unknown;
}

/** What a scripted answer may do. */
export interface Script {
    /** Texts, a chunk for each; thinking comes first. */
    readonly text: readonly string[];
    readonly thinking?: readonly string[];
    /** Figures of the tokens of each chunk of text, where they are asked for. */
    readonly tokens?: readonly { readonly text: string; readonly divergence: number; readonly base_rank?: number }[];
    readonly finish?: string;
    /** Milliseconds between chunks. */
    readonly paceMs?: number;
    /** Ends the connection behind so many chunks. */
    readonly breakAfter?: number;
    /** An error in the stream behind all text. */
    readonly error?: string;
}

/** Answers before the answer: a status with its headers, taken one for each request. */
export interface Refusal {
    readonly status: number;
    readonly message: string;
    readonly retryAfter?: string;
    readonly code?: string;
}

/** What the server does; tests change it between requests. */
export class ChatPageServer {
    readonly asked: AskedChat[] = [];
    readonly requests: string[] = [];
    refusals: Refusal[] = [];
    /** Of /v1/models, likewise. */
    modelRefusals: Refusal[] = [];
    models: readonly string[] = ["tiny", "tiny:base", "tiny:expert", "other", "other:base"];
    /** Of the trio "tiny" in /props. */
    progress: number | null = null;
    key = "";
    /** Answers that were cut by the client. */
    cut = 0;
    /** Answers that are being written. */
    running = 0;
    script: (asked: AskedChat) => Script = ({ messages }) => ({ text: [`You said: ${messages.at(-1)!.content}`] });
    readonly #server: Server;

    private constructor(page: { html: string; csp: string }) {
        this.#server = createServer((request, response) => {
            this.requests.push(`${request.method} ${request.url}`);
            if (request.url === "/") {
                response.setHeader("content-security-policy", page.csp);
                response.setHeader("content-type", "text/html; charset=utf-8");
                response.end(page.html);
                return;
            }
            if (this.key !== "" && request.headers.authorization !== `Bearer ${this.key}`) {
                return refuse(response, { status: 401, message: "A key is wanted." });
            }
            if (request.url === "/v1/models") {
                const refusal = this.modelRefusals.shift();
                if (refusal !== undefined) return refuse(response, refusal);
                return json(response, { object: "list", data: this.models.map((id) => ({ id, object: "model" })) });
            }
            if (request.url === "/props") {
                const state = this.progress === null ? "loaded" : "loading";
                const trio = { name: "tiny", state, progress: this.progress, pairs: [{ lambda: 1 }] };
                return json(response, { rast: { models: [trio] } });
            }
            if (request.url === "/v1/chat/completions") return void this.#chat(request, response);
            refuse(response, { status: 404, message: "There is nothing here." });
        });
    }

    static async start(): Promise<ChatPageServer> {
        const server = new ChatPageServer(await readChatPage());
        await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
        return server;
    }

    get url(): string {
        return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
    }

    reset(): void {
        this.asked.length = 0;
        this.requests.length = 0;
        this.refusals = [];
        this.modelRefusals = [];
        this.models = ["tiny", "tiny:base", "tiny:expert", "other", "other:base"];
        this.progress = null;
        this.key = "";
        this.cut = 0;
        this.script = ({ messages }) => ({ text: [`You said: ${messages.at(-1)!.content}`] });
    }

    async close(): Promise<void> {
        this.#server.closeAllConnections();
        await new Promise((resolve) => this.#server.close(resolve));
    }

    async #chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
        let body = "";
        for await (const chunk of request) body += String(chunk);
        const asked = JSON.parse(body) as AskedChat;
        this.asked.push(asked);
        const refusal = this.refusals.shift();
        if (refusal !== undefined) return refuse(response, refusal);
        response.writeHead(200, { "content-type": "text/event-stream" });
        this.running++;
        response.on("close", () => {
            this.running--;
            if (!response.writableFinished) this.cut++;
        });
        await this.#write(asked, response);
    }

    async #write(asked: AskedChat, response: ServerResponse): Promise<void> {
        const { text, thinking = [], tokens = [], finish = "stop", paceMs = 0, breakAfter, error } = this.script(asked);
        const explain = (asked["rast"] as { explain?: boolean } | undefined)?.explain === true;
        const send = (value: unknown): void => void response.write(`data: ${JSON.stringify(value)}\n\n`);
        const chunk = (delta: object, more: object = {}, finishReason: string | null = null): object => ({
            object: "chat.completion.chunk",
            model: asked.model,
            choices: [{ index: 0, delta, finish_reason: finishReason, ...more }]
        });
        send(chunk({ role: "assistant" }));
        let sent = 0;
        for (const piece of [
            ...thinking.map((one) => ({ reasoning_content: one })),
            ...text.map((content) => ({ content }))
        ]) {
            if (response.destroyed) return;
            const at = sent - thinking.length;
            const figures = (at === 0 ? tokens : []).map((token, id) => ({
                id,
                base_logprob: -2.3,
                rast_logprob: -0.1,
                base_rank: 0,
                rast_rank: 0,
                draft: null,
                ...token
            }));
            send(chunk(piece, explain && figures.length > 0 ? { rast: { tokens: figures } } : {}));
            if (++sent === breakAfter) {
                // What was written has to be on its way.
                await new Promise((resolve) => setTimeout(resolve, 100));
                return void response.destroy();
            }
            if (paceMs > 0) await new Promise((resolve) => setTimeout(resolve, paceMs));
        }
        if (error !== undefined) {
            send({ error: { message: error, type: "server_error", code: null } });
            return void response.end();
        }
        send(chunk({}, {}, finish));
        send({
            object: "chat.completion.chunk",
            choices: [],
            usage: { prompt_tokens: 20, completion_tokens: text.length, prompt_tokens_details: { cached_tokens: 8 } },
            timings: { predicted_per_second: 34.56, prompt_ms: 120, draft_n: 40, draft_n_accepted: 30 }
        });
        response.end("data: [DONE]\n\n");
    }
}

function json(response: ServerResponse, value: unknown): void {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, { status, message, retryAfter, code = "" }: Refusal): void {
    response.statusCode = status;
    if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter);
    json(response, { error: { message, type: "invalid_request_error", param: null, code: code === "" ? null : code } });
}
