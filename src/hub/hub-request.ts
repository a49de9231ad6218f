// One request to the hub, redirects followed, and its body; nothing is asked twice here.
import { shortenMiddle } from "../checks.js";
import { packageVersion } from "../package-root.js";
import { connectionCode, hubError, PassingFailure } from "./hub-errors.js";

/** What is asked. */
export interface HubRequest {
    readonly url: string;
    readonly method: "GET" | "HEAD" | "POST";
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    /** Goes to addresses of this origin alone. */
    readonly token?: { readonly value: string; readonly origin: string } | undefined;
    /** Silence after which a connection counts as broken. */
    readonly stallMs: number;
    readonly signal: AbortSignal | undefined;
    /** Whether to stop at an answer that redirects: it is returned then. @default never */
    readonly stopAt?: (response: Response, target: URL) => boolean;
}

/** The answer to a request, of whatever status. Its body is read, or `drop` called. */
export interface HubAnswer {
    readonly status: number;
    readonly headers: Headers;
    /** Where it came from, behind all redirects. */
    readonly url: string;
    /** Whether the token was sent to where it came from. */
    readonly withToken: boolean;
    /** The bytes, as they come. @throws PassingFailure where the connection breaks; the signal's reason */
    chunks(): AsyncGenerator<Uint8Array>;
    /** Ends the connection. Never throws. */
    drop(): void;
}

const mostRedirects = 10;
const redirecting: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * @throws PassingFailure where there is no connection, or it is silent; ERR_HUB_ANSWER for redirects that lead nowhere; the
 *     signal's reason
 */
export async function ask(request: HubRequest): Promise<HubAnswer> {
    const visited = new Set<string>();
    let url = new URL(request.url);
    for (;;) {
        if (visited.has(url.href)) throw badRedirect(request.url, "is redirected in a circle");
        if (visited.size === mostRedirects)
            throw badRedirect(request.url, `is redirected more than ${mostRedirects} times`);
        visited.add(url.href);
        const answer = await askOnce(url, request);
        const location = answer.headers.get("location");
        if (!redirecting.has(answer.status) || location === null) return answer;
        const target = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
        if (target === undefined || !/^https?:$/.test(target.protocol)) {
            answer.drop();
            throw badRedirect(request.url, `is redirected to what is no address, ${shortenMiddle(location, 80)}`);
        }
        if (request.stopAt?.(answer.response, target) === true) return answer;
        answer.drop();
        if (url.protocol === "https:" && target.protocol === "http:") {
            throw badRedirect(
                request.url,
                `is redirected from https to ${shortenMiddle(target.origin, 80)}, which is not encrypted`
            );
        }
        url = target;
    }
}

function badRedirect(url: string, what: string): Error {
    return hubError("ERR_HUB_ANSWER", `The address ${shortenMiddle(url)} ${what}.`, { url });
}

async function askOnce(url: URL, request: HubRequest): Promise<HubAnswer & { readonly response: Response }> {
    const { method, token, stallMs, signal, body } = request;
    const withToken = token !== undefined && url.origin === token.origin;
    const connection = new Connection(signal, stallMs);
    let response: Response;
    try {
        response = await connection.wait(() =>
            fetch(url.href, {
                method,
                redirect: "manual",
                // What is measured in bytes must not be packed on the way.
                headers: {
                    "accept-encoding": "identity",
                    "user-agent": `rast-llama/${packageVersion()}`,
                    ...request.headers,
                    ...(withToken ? { authorization: `Bearer ${token.value}` } : {})
                },
                ...(body === undefined ? {} : { body }),
                signal: connection.signal
            })
        );
    } catch (error) {
        connection.close();
        throw connection.failure(error);
    }
    return {
        response,
        status: response.status,
        headers: response.headers,
        url: url.href,
        withToken,
        chunks: () => readBody(response, connection),
        drop: () => {
            connection.close();
            // A reader ends it himself.
            if (response.body?.locked === false) response.body.cancel().catch(() => {});
        }
    };
}

async function* readBody(response: Response, connection: Connection): AsyncGenerator<Uint8Array> {
    const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
        while (reader !== undefined) {
            const { done, value } = await connection.wait(() => reader.read());
            if (done) return;
            yield value;
        }
    } catch (error) {
        throw connection.failure(error);
    } finally {
        connection.close();
        reader?.cancel().catch(() => {});
    }
}

// A connection that ends with the caller's signal, and when it has been silent for too long.
class Connection {
    readonly #controller = new AbortController();
    readonly #caller: AbortSignal | undefined;
    readonly #stallMs: number;
    readonly #follow = (): void => this.#controller.abort();
    #stalled = false;

    constructor(caller: AbortSignal | undefined, stallMs: number) {
        this.#caller = caller;
        this.#stallMs = stallMs;
        if (caller?.aborted === true) this.#controller.abort();
        else caller?.addEventListener("abort", this.#follow, { once: true });
    }

    get signal(): AbortSignal {
        return this.#controller.signal;
    }

    // Node.js does not always end what waits for a body when its signal aborts, so that is not waited for.
    async wait<T>(work: () => Promise<T>): Promise<T> {
        const timer = setTimeout(() => {
            this.#stalled = true;
            this.#controller.abort();
        }, this.#stallMs);
        let forget = (): void => {};
        const ended = new Promise<never>((_, reject) => {
            const end = (): void => reject(new Error("the connection was ended"));
            if (this.signal.aborted) return end();
            this.signal.addEventListener("abort", end, { once: true });
            forget = () => this.signal.removeEventListener("abort", end);
        });
        try {
            return await Promise.race([work(), ended]);
        } finally {
            forget();
            clearTimeout(timer);
        }
    }

    failure(error: unknown): unknown {
        if (this.#caller?.aborted === true) return this.#caller.reason;
        if (this.#stalled) {
            return new PassingFailure(`nothing came for ${this.#stallMs / 1000} s`, { cause: error });
        }
        return new PassingFailure(connectionCode(error), { cause: error });
    }

    close(): void {
        this.#caller?.removeEventListener("abort", this.#follow);
        this.#controller.abort();
    }
}
