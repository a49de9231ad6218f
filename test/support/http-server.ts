// A server in this process, on a free port, and what clients do to it.
import { connect } from "node:net";
import { serve, type RastServer, type ServedModelOptions, type ServeOptions } from "../../dist/server/index.js";

/** The chat trio of the demo, small and quick to load. */
export const chatModel: ServedModelOptions = { trio: "demo-chat", threads: 1, tryModels: false, parallel: 4 };
/** The demo's, without a chat template. */
export const plainModel: ServedModelOptions = { trio: "demo", threads: 1, tryModels: false, parallel: 4 };

/** A server whose first model is loaded. */
export async function startServer(options: Partial<ServeOptions> = {}): Promise<RastServer> {
    const server = await serve({ models: [chatModel], port: 0, ...options });
    await server.ready;
    return server;
}

/** A question that the chat trio thinks about. */
export const question = [{ role: "user", content: "What is 12+5-3?" }];

/** JSON that nobody has looked at. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any;

export interface Answered {
    readonly status: number;
    readonly headers: Headers;
    readonly body: Json;
}

/** Sends JSON, or a text as it is. */
export async function post(
    server: Pick<RastServer, "url">,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal
): Promise<Answered> {
    const response = await fetch(`${server.url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
        ...(signal === undefined ? {} : { signal })
    });
    return read(response);
}

export async function get(
    server: Pick<RastServer, "url">,
    path: string,
    headers: Record<string, string> = {}
): Promise<Answered> {
    return read(await fetch(`${server.url}${path}`, { headers }));
}

async function read(response: Response): Promise<Answered> {
    const text = await response.text();
    let body: unknown = text;
    try {
        body = JSON.parse(text);
    } catch {
        // as it is
    }
    return { status: response.status, headers: response.headers, body };
}

/**
 * The events of a streamed answer, parsed; "[DONE]" as it is. The signal ends it at once: Node.js 20's fetch now and then leaves a read
 * that is aborted waiting for ever, with the connection closed on either side.
 */
export async function* events(
    server: Pick<RastServer, "url">,
    path: string,
    body: object,
    signal?: AbortSignal
): AsyncGenerator<Json> {
    let forget = (): void => {};
    let cancel = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
        const gone = (): void => reject(signal!.reason as Error);
        signal?.addEventListener("abort", gone, { once: true });
        forget = () => signal?.removeEventListener("abort", gone);
    });
    aborted.catch(() => {});
    const orAborted = <T>(work: Promise<T>): Promise<T> => Promise.race([work, aborted]);
    try {
        const response = await orAborted(
            fetch(`${server.url}${path}`, {
                method: "POST",
                body: JSON.stringify({ ...body, stream: true }),
                ...(signal === undefined ? {} : { signal })
            })
        );
        if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
        const reader = response.body!.getReader();
        cancel = () => void reader.cancel().catch(() => {});
        const decoder = new TextDecoder();
        let rest = "";
        for (let over = false; !over;) {
            const { done, value } = await orAborted(reader.read());
            over = done;
            const blocks = (rest + decoder.decode(value, { stream: !done })).split("\n\n");
            rest = blocks.pop()!;
            for (const block of blocks) {
                const data = block.replace(/^data: /, "");
                yield data === "[DONE]" ? data : JSON.parse(data);
            }
        }
        if (rest !== "") throw new Error(`The stream ends within an event: ${rest}`);
    } finally {
        forget();
        cancel();
    }
}

/** All of them. */
export async function allEvents(server: Pick<RastServer, "url">, path: string, body: object): Promise<Json[]> {
    const all: Json[] = [];
    for await (const event of events(server, path, body)) all.push(event);
    return all;
}

/** Sends bytes, and gives all that comes until the server closes, or for so long. */
export function raw(server: Pick<RastServer, "port">, bytes: string | Uint8Array, ms = 5000): Promise<string> {
    return new Promise((resolve) => {
        const socket = connect(server.port, "127.0.0.1");
        let text = "";
        const done = (): void => {
            clearTimeout(timer);
            socket.destroy();
            resolve(text);
        };
        const timer = setTimeout(done, ms);
        socket.setEncoding("latin1");
        socket.on("data", (part: string) => (text += part));
        socket.on("close", done);
        socket.on("error", done);
        socket.write(bytes);
    });
}

/** How many generations a model has at work, as `/slots` says. */
export async function busySlots(server: Pick<RastServer, "url">): Promise<number> {
    const { body } = await get(server, "/slots");
    return (body as { is_processing: boolean }[]).filter((slot) => slot.is_processing).length;
}

/** Waits until every slot is free. @throws after so many milliseconds */
export async function untilIdle(server: Pick<RastServer, "url">, ms = 20_000): Promise<void> {
    const end = Date.now() + ms;
    while ((await busySlots(server)) > 0) {
        if (Date.now() > end) throw new Error(`After ${ms} ms a slot is still at work`);
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
}
