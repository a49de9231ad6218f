// A hub of models on this machine: two servers, as huggingface.co and the storage that it redirects to are, with the headers that
// the real ones send, and whatever faults a test wants.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A file of the stand-in. */
export interface StandInFile {
    readonly content: Buffer;
    /** What is said of it, where that is not the truth; null = nothing is said. */
    readonly saidSha256?: string | null;
    readonly saidBytes?: number;
    /** A small file, kept by git itself: served by the hub, with git's hash. */
    readonly small?: boolean;
    /** Only with this token. */
    readonly token?: string;
    /** Its repository's terms must be accepted: only with this token. */
    readonly gated?: string;
}

/** A request, as it came. */
export interface Seen {
    readonly server: "hub" | "storage";
    readonly method: string;
    readonly path: string;
    readonly range: string | undefined;
    readonly authorization: string | undefined;
}

/** What is to go wrong with an answer. */
export interface Fault {
    /** Answer with this instead. */
    readonly status?: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    /** Break the connection after so many bytes of the body. */
    readonly cutAfter?: number;
    /** Say nothing more after so many. */
    readonly stallAfter?: number;
    /** Leave out what was asked of ranges. */
    readonly whole?: boolean;
    /** So many bytes at a time, with so many milliseconds between them. */
    readonly slow?: { readonly bytes: number; readonly ms: number };
}

export interface StandInOptions {
    /** Asked of every request; undefined = all is well. */
    readonly fault?: (seen: Seen, count: number) => Fault | undefined;
}

const commit = "0123456789abcdef0123456789abcdef01234567";

export class StandInHub {
    /** What HF_ENDPOINT is to be. */
    readonly endpoint: string;
    readonly storage: string;
    readonly seen: Seen[] = [];
    readonly files = new Map<string, StandInFile>();
    fault: (seen: Seen, count: number) => Fault | undefined;
    /**
     * Asked before each piece of a file's body: what it waits for, that piece waits for.
     * @param end bytes of all bodies together when the piece will have been sent
     */
    beforePiece: (end: number) => Promise<unknown> | undefined = () => undefined;
    #sentBytes = 0;
    readonly #servers: readonly Server[];

    private constructor(servers: readonly [Server, Server], options: StandInOptions) {
        this.#servers = servers;
        [this.endpoint, this.storage] = servers.map(
            (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        ) as [string, string];
        this.fault = options.fault ?? (() => undefined);
        servers[0].on("request", (request, response) => this.#serve("hub", request, response));
        servers[1].on("request", (request, response) => this.#serve("storage", request, response));
    }

    static async start(options: StandInOptions = {}): Promise<StandInHub> {
        const servers = [createServer(), createServer()] as const;
        for (const server of servers) {
            await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        }
        return new StandInHub([servers[0], servers[1]], options);
    }

    /** @param path "owner/repository/file" */
    add(path: string, file: Buffer | StandInFile): void {
        this.files.set(path, Buffer.isBuffer(file) ? { content: file } : file);
    }

    async stop(): Promise<void> {
        for (const server of this.#servers) {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        }
    }

    /** Bytes that the storage was asked for: the sum over ranges. */
    get askedBytes(): number {
        return this.seen.reduce((sum, { server, range }) => {
            if (server === "hub") return sum;
            const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? "");
            return match === null ? sum : sum + Number(match[2]) - Number(match[1]) + 1;
        }, 0);
    }

    /** Begins to count anew, and holds nothing up. */
    forget(): void {
        this.seen.length = 0;
        this.#sentBytes = 0;
        this.beforePiece = () => undefined;
    }

    #serve(server: Seen["server"], request: IncomingMessage, response: ServerResponse): void {
        const path = decodeURIComponent(new URL(request.url!, "http://x").pathname);
        const { method = "GET", headers } = request;
        const seen = { server, method, path, range: headers.range, authorization: headers.authorization };
        this.seen.push(seen);
        const fault = this.fault(seen, this.seen.length) ?? {};
        if (fault.status !== undefined) {
            response.writeHead(fault.status, fault.headers);
            response.end(method === "HEAD" ? undefined : (fault.body ?? ""));
            return;
        }
        const listed = /^\/api\/models\/([^/]+\/[^/]+)\/tree\//.exec(path);
        if (server === "hub" && listed !== null) return this.#list(listed[1]!, response);
        const resolved = /^\/((?:datasets\/)?[^/]+\/[^/]+)\/resolve\/[^/]+\/(.+)$/.exec(path);
        const name = server === "hub" ? `${resolved?.[1]}/${resolved?.[2]}` : path.slice(1);
        const file = this.files.get(name);
        if (file === undefined) return this.#missing(resolved?.[1], response);
        if (server === "hub" && !allowed(file, seen, response)) return;
        if (server === "hub" && file.small !== true) {
            response.writeHead(302, {
                ...saidOf(file),
                location: `${this.storage}/${encodeURI(name)}`,
                ...fault.headers
            });
            response.end();
            return;
        }
        send(file, seen, fault, response, async (bytes) => {
            this.#sentBytes += bytes;
            await this.beforePiece(this.#sentBytes);
        });
    }

    #missing(repository: string | undefined, response: ServerResponse): void {
        const exists = [...this.files.keys()].some((name) => name.startsWith(`${repository}/`));
        response.writeHead(exists ? 404 : 401, { "x-error-code": exists ? "EntryNotFound" : "RepoNotFound" });
        response.end();
    }

    #list(repository: string, response: ServerResponse): void {
        const entries = [...this.files].filter(([name]) => name.startsWith(`${repository}/`));
        if (entries.length === 0) return this.#missing(undefined, response);
        const list = entries.map(([name, { content }]) => ({
            type: "file",
            path: name.slice(repository.length + 1),
            size: content.length
        }));
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify(list));
    }
}

function allowed({ token, gated }: StandInFile, { authorization }: Seen, response: ServerResponse): boolean {
    const wanted = token ?? gated;
    if (wanted === undefined || authorization === `Bearer ${wanted}`) return true;
    const code = gated === undefined ? "RepoNotFound" : "GatedRepo";
    const message = gated === undefined ? "Repository not found" : "Access to this model is restricted.";
    response.writeHead(401, { "x-error-code": code, "x-error-message": message });
    response.end();
    return false;
}

function saidOf({ content, saidSha256, saidBytes }: StandInFile): Record<string, string> {
    const sha256 = saidSha256 === undefined ? sha256Of(content) : saidSha256;
    return {
        "x-repo-commit": commit,
        ...(sha256 === null
            ? {}
            : { "x-linked-etag": `"${sha256}"`, "x-linked-size": String(saidBytes ?? content.length) })
    };
}

/** What each piece of a body waits for. */
type Gate = (bytes: number) => Promise<void>;

function send(file: StandInFile, { method, range }: Seen, fault: Fault, response: ServerResponse, gate: Gate): void {
    const { content } = file;
    const asked = /^bytes=(\d+)-(\d+)$/.exec(range ?? "");
    const isPart = asked !== null && fault.whole !== true;
    const start = isPart ? Number(asked[1]) : 0;
    const end = isPart ? Math.min(Number(asked[2]) + 1, content.length) : content.length;
    response.writeHead(isPart ? 206 : 200, {
        "content-type": "application/octet-stream",
        "content-length": end - start,
        etag: file.small === true ? `"${gitSha1Of(content)}"` : `"${sha256Of(content).slice(0, 32)}"`,
        ...(file.small === true ? { "x-repo-commit": commit } : {}),
        ...(isPart ? { "content-range": `bytes ${start}-${end - 1}/${content.length}` } : { "accept-ranges": "bytes" }),
        ...fault.headers
    });
    if (method === "HEAD") return void response.end();
    void sendBody(content.subarray(start, end), fault, response, gate);
}

async function sendBody(
    body: Buffer,
    { cutAfter, stallAfter, slow }: Fault,
    response: ServerResponse,
    gate: Gate
): Promise<void> {
    const end = Math.min(body.length, cutAfter ?? body.length, stallAfter ?? body.length);
    const step = slow?.bytes ?? 65_536;
    for (let at = 0; at < end; at += step) {
        const piece = body.subarray(at, Math.min(at + step, end));
        await gate(piece.length);
        if (response.destroyed) return;
        if (!response.write(piece)) {
            await drained(response);
        }
        if (slow !== undefined) await new Promise((resolve) => setTimeout(resolve, slow.ms));
    }
    if (cutAfter !== undefined && cutAfter < body.length) {
        // What is on its way first.
        await new Promise((resolve) => setTimeout(resolve, 20));
        response.destroy();
    } else if (stallAfter === undefined) {
        response.end();
    }
}

async function drained(response: ServerResponse): Promise<void> {
    await new Promise<void>((resolve) => {
        const done = (): void => {
            response.off("drain", done).off("close", done);
            resolve();
        };
        response.once("drain", done).once("close", done);
    });
}

export function sha256Of(content: Buffer): string {
    return createHash("sha256").update(content).digest("hex");
}

function gitSha1Of(content: Buffer): string {
    return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
