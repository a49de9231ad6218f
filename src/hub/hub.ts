import { shortenMiddle } from "../checks.js";
import { ask, type HubAnswer, type HubRequest } from "./hub-request.js";
import { hubError, PassingFailure, refused, unreachable } from "./hub-errors.js";
import { readHubSettings, type HubOptions, type HubSettings } from "./hub-settings.js";
import { isRelativePath, type HubFile, type HubRepository } from "./hub-path.js";
import type { ByteRange } from "./byte-ranges.js";
import { pause, retryAfterMs, usualPatience, waitBefore, type Patience } from "./patience.js";

/** What the hub says of a file. */
export interface HubFileFacts {
    readonly file: HubFile;
    readonly bytes: number;
    /** Of the content, in hex; undefined where the hub does not say. */
    readonly sha256: string | undefined;
    /** Of a small file that git itself keeps: git's hash of it. */
    readonly gitSha1: string | undefined;
    /** Names the content; "" where the hub does not say. */
    readonly etag: string;
    /** The commit that was looked at: what is fetched later is of the same one. */
    readonly commit: string | undefined;
}

/** A file of a repository's list. */
export interface ListedFile {
    readonly path: string;
    readonly bytes: number;
}

/** Told of a wait before something is tried again, and why. */
export type OnWait = (ms: number, why: string) => void;

/** The bytes of a part of a file, as they come. */
export interface RangeBody {
    /** Where the first of them stands: 0 where the server sends whole files alone. */
    readonly start: number;
    readonly isWholeFile: boolean;
    chunks(): AsyncGenerator<Uint8Array>;
    drop(): void;
}

const htmlPattern = /^text\/html\b/i;
const mostListed = 10_000;
const mostPages = 200;
const mostTextBytes = 64 * 1_048_576;

/**
 * A hub of models: huggingface.co, a mirror of it, or a stand-in. Asks again what fails and may pass, `patience` says how often.
 * The token goes to the hub alone, never to where it redirects. Addresses of large files are asked for once, and anew when they
 * have expired.
 */
export class Hub {
    readonly #settings: HubSettings;
    readonly #patience: Patience;
    readonly #locations = new Map<string, string>();
    readonly #validators = new Map<string, string>();
    /** It has answered at least once. */
    #known = false;

    /** @throws ERR_INVALID_OPTION */
    constructor(options: HubOptions = {}, patience: Partial<Patience> = {}, env: NodeJS.ProcessEnv = process.env) {
        this.#settings = readHubSettings(options, env);
        this.#patience = { ...usualPatience, ...patience };
    }

    get endpoint(): string {
        return this.#settings.endpoint;
    }

    get patience(): Patience {
        return this.#patience;
    }

    /** Whether it has answered at least once. */
    get known(): boolean {
        return this.#known;
    }

    /**
     * Does something until it succeeds, or has failed too often.
     * @param onWait told of every wait
     * @throws ERR_HUB_UNREACHABLE, what the work throws otherwise, the signal's reason
     */
    async persist<T>(work: () => Promise<T>, signal: AbortSignal | undefined, onWait?: OnWait): Promise<T> {
        for (let failures = 1; ; failures++) {
            try {
                signal?.throwIfAborted();
                return await work();
            } catch (error) {
                await this.recover(error, failures, signal, onWait);
            }
        }
    }

    /** Waits after a failure. @throws the failure, or what is to be said of it, where it is not borne any more */
    async recover(error: unknown, failures: number, signal: AbortSignal | undefined, onWait?: OnWait): Promise<void> {
        if (!(error instanceof PassingFailure)) throw error;
        const waitMs = waitBefore(error, failures, this.#patience, this.#known);
        if (waitMs === undefined) throw unreachable(error, this.endpoint, hasProxy());
        onWait?.(waitMs, error.message);
        await pause(waitMs, signal);
    }

    /**
     * What there is to know of a file before it is fetched.
     * @param onWait told of every wait
     * @throws ERR_HUB_UNREACHABLE, ERR_HUB_ACCESS, ERR_HUB_NOT_FOUND, ERR_HUB_ANSWER
     */
    async facts(file: HubFile, signal?: AbortSignal, onWait?: OnWait): Promise<HubFileFacts> {
        return this.persist(
            async () => {
                const answer = await this.#ask({
                    url: this.#address(file),
                    method: "HEAD",
                    signal,
                    // The hub itself says size and hash; where it redirects to, others say others.
                    stopAt: ({ headers }) => headers.has("x-linked-etag")
                });
                answer.drop();
                // Storages refuse the method, as their addresses are signed for another.
                if ([403, 405, 501].includes(answer.status) && !this.#isOwn(answer))
                    return this.#factsByRange(file, signal);
                this.#assertFile(answer, file);
                return factsOf(answer, file, new URL(this.endpoint).origin);
            },
            signal,
            onWait
        );
    }

    async #factsByRange(file: HubFile, signal: AbortSignal | undefined): Promise<HubFileFacts> {
        const headers = { range: "bytes=0-0" };
        const answer = await this.#ask({ url: this.#address(file), method: "GET", headers, signal });
        answer.drop();
        this.#assertFile(answer, file);
        const total = /\/(\d+)$/.exec(answer.headers.get("content-range") ?? "")?.[1];
        const said = new Headers(answer.headers);
        if (total !== undefined) said.set("content-length", total);
        return factsOf({ headers: said, url: answer.url }, file, new URL(this.endpoint).origin);
    }

    #isOwn({ url }: Pick<HubAnswer, "url">): boolean {
        return new URL(url).origin === new URL(this.endpoint).origin;
    }

    /**
     * All files of a repository, also those in folders; the first 10 000 of them.
     * @throws ERR_HUB_UNREACHABLE, ERR_HUB_ACCESS, ERR_HUB_NOT_FOUND, ERR_HUB_ANSWER
     */
    async list({ repository, revision }: HubRepository, signal?: AbortSignal, onWait?: OnWait): Promise<ListedFile[]> {
        const file: HubFile = { repository, revision, path: "" };
        let url: string | undefined =
            `${this.endpoint}/api/models/${repository}/tree/${encodeURIComponent(revision)}?recursive=true`;
        const found: ListedFile[] = [];
        for (let pages = 0; url !== undefined && found.length < mostListed; pages++) {
            if (pages === mostPages) {
                const message = `The hub's list of ${repository} has no end: there are more than ${mostPages} pages of it.`;
                throw hubError("ERR_HUB_ANSWER", message, { repository, pages });
            }
            const page = await this.#page(url, file, signal, onWait);
            for (const one of listedFiles(page.content, url).slice(0, mostListed - found.length)) found.push(one);
            url = page.next;
        }
        return found;
    }

    async #page(
        url: string,
        file: HubFile,
        signal: AbortSignal | undefined,
        onWait: OnWait | undefined
    ): Promise<{ content: unknown; next?: string }> {
        return this.persist(
            async () => {
                const answer = await this.#ask({ url, method: "GET", signal });
                this.#assertAnswer(answer, file);
                const content = parseJson(await text(answer), url);
                const next = nextPage(answer, url);
                return next === undefined ? { content } : { content, next };
            },
            signal,
            onWait
        );
    }

    /** The content of a small file. @throws as `facts` */
    async text(file: HubFile, signal?: AbortSignal, onWait?: OnWait): Promise<string> {
        return this.persist(
            async () => {
                const answer = await this.#ask({ url: this.#address(file), method: "GET", signal });
                this.#assertFile(answer, file);
                return text(answer);
            },
            signal,
            onWait
        );
    }

    /** Bytes of a file, for headers. @returns fewer at its end @throws as `facts` */
    async bytes(facts: HubFileFacts, range: ByteRange, signal?: AbortSignal): Promise<Buffer> {
        const end = Math.min(range.end, facts.bytes);
        if (end <= range.start) return Buffer.alloc(0);
        return this.persist(async () => {
            const body = await this.openRange(facts, { start: range.start, end }, signal);
            const parts: Uint8Array[] = [];
            let at = body.start;
            for await (const chunk of body.chunks()) {
                const from = Math.max(0, range.start - at);
                const part = chunk.subarray(from, Math.max(from, end - at));
                if (part.length > 0) parts.push(part);
                at += chunk.length;
                if (at >= end) break;
            }
            if (at < end) throw new PassingFailure("the connection ended too soon");
            return Buffer.concat(parts);
        }, signal);
    }

    /**
     * Begins to fetch a part of a file; one try.
     * @throws PassingFailure, ERR_HUB_ACCESS, ERR_HUB_NOT_FOUND, ERR_HUB_ANSWER, ERR_DOWNLOAD_DAMAGED
     */
    async openRange(facts: HubFileFacts, range: ByteRange, signal?: AbortSignal): Promise<RangeBody> {
        const { file } = facts;
        const hubAddress = this.#address({ ...file, revision: facts.commit ?? file.revision });
        const known = this.#locations.get(hubAddress);
        const isWhole = range.start === 0 && range.end === facts.bytes;
        const validator = this.#validators.get(hubAddress);
        const headers: Record<string, string> = {};
        if (!isWhole) {
            headers["range"] = `bytes=${range.start}-${range.end - 1}`;
            if (validator !== undefined) headers["if-range"] = validator;
        }
        const answer = await this.#ask({ url: known ?? hubAddress, method: "GET", headers, signal });
        const { status } = answer;
        const elsewhere = !this.#isOwn(answer);
        if (elsewhere && [400, 401, 403, 404, 410].includes(status)) {
            answer.drop();
            // Addresses at storages are good for an hour or so.
            this.#locations.delete(hubAddress);
            const host = shortenMiddle(new URL(answer.url).host, 80);
            throw new PassingFailure(`the storage at ${host} answers with ${status}`, { answered: true });
        }
        try {
            this.#assertFile(answer, file);
            if (elsewhere) this.#locations.set(hubAddress, answer.url);
            this.#assertUnchanged(answer, facts, hubAddress);
            if (status === 206) return partOf(answer, facts, range);
            if (status === 200) return wholeOf(answer, facts);
            throw hubError("ERR_HUB_ANSWER", `The hub answers with ${status} for a part of ${file.path}.`, { status });
        } catch (error) {
            answer.drop();
            throw error;
        }
    }

    // What a storage calls the content must stay the same while a file is fetched in parts.
    #assertUnchanged({ status, headers }: HubAnswer, { file, sha256 }: HubFileFacts, address: string): void {
        const etag = headers.get("etag");
        if ((status !== 206 && status !== 200) || etag === null || !/^"[^"]*"$/.test(etag)) return;
        const before = this.#validators.get(address);
        this.#validators.set(address, etag);
        if (before === undefined || before === etag) return;
        // Where there is a hash to tell in the end, it may only be another storage of the same.
        if (sha256 !== undefined) {
            this.#validators.delete(address);
            throw new PassingFailure("another storage has the file now", { answered: true });
        }
        throw hubError(
            "ERR_DOWNLOAD_DAMAGED",
            `The file ${file.path} of ${file.repository} has changed while it was fetched: pull again.`,
            { repository: file.repository, path: file.path }
        );
    }

    #address({ repository, revision, path }: HubFile): string {
        const escaped = path.split("/").map(encodeURIComponent).join("/");
        return `${this.endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${escaped}`;
    }

    async #ask(request: Omit<HubRequest, "token" | "stallMs">): Promise<HubAnswer> {
        if (this.#settings.offline) {
            throw hubError(
                "ERR_HUB_UNREACHABLE",
                "HF_HUB_OFFLINE is set, so that the hub is not asked; what is wanted is not on this disk.",
                { endpoint: this.endpoint }
            );
        }
        const value = await this.#settings.token();
        const token = value === undefined ? undefined : { value, origin: new URL(this.endpoint).origin };
        const answer = await ask({ ...request, token, stallMs: this.#patience.stallMs });
        this.#known = true;
        const { status, headers } = answer;
        if (status === 408 || status === 429 || status >= 500) {
            answer.drop();
            const waitMs = retryAfterMs(headers.get("retry-after"));
            const asks = waitMs === undefined ? "" : `, and asks to wait for ${Math.ceil(waitMs / 1000)} s`;
            const word = status === 429 ? "too many requests (429)" : `an error of its own (${status})`;
            throw new PassingFailure(`it answers with ${word}${asks}`, { waitMs, answered: true });
        }
        return answer;
    }

    #assertAnswer(answer: HubAnswer, file: HubFile): void {
        const { status, headers, withToken } = answer;
        if (status < 400) return;
        answer.drop();
        const reason = headers.get("x-error-code") ?? undefined;
        const message = headers.get("x-error-message") ?? undefined;
        throw refused({ status, reason, message, withToken }, file, this.endpoint);
    }

    #assertFile(answer: HubAnswer, file: HubFile): void {
        this.#assertAnswer(answer, file);
        const { headers, url } = answer;
        if (!htmlPattern.test(headers.get("content-type") ?? "") || headers.has("x-linked-etag")) return;
        if (/\.html?$/i.test(file.path)) return;
        answer.drop();
        throw hubError(
            "ERR_HUB_ANSWER",
            `A web page came from ${shortenMiddle(new URL(url).host, 80)} instead of the file ${file.path}: a sign-in page of ` +
                "the network, a proxy, or no mirror of the hub.",
            { url: shortenMiddle(url), path: file.path }
        );
    }
}

function hasProxy(): boolean {
    const { env } = process;
    const named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].some((name) => (env[name] ?? "") !== "");
    return named && env["NODE_USE_ENV_PROXY"] !== "1";
}

function factsOf({ headers, url }: Pick<HubAnswer, "headers" | "url">, file: HubFile, hub: string): HubFileFacts {
    const size = headers.get("x-linked-size") ?? headers.get("content-length");
    const bytes = size !== null && /^\d{1,15}$/.test(size) ? Number(size) : undefined;
    if (bytes === undefined) {
        throw hubError("ERR_HUB_ANSWER", `The hub does not say how large ${file.path} is.`, { path: file.path });
    }
    const linked = plainEtag(headers.get("x-linked-etag"));
    // What a storage calls a file may be a hash of anything.
    const own = linked === "" && new URL(url).origin === hub ? plainEtag(headers.get("etag")) : linked;
    const commit = headers.get("x-repo-commit");
    return {
        file,
        bytes,
        sha256: /^[0-9a-f]{64}$/.test(own) ? own : undefined,
        gitSha1: /^[0-9a-f]{40}$/.test(own) ? own : undefined,
        etag: own === "" ? plainEtag(headers.get("etag")) : own,
        commit: commit !== null && /^[0-9a-f]{40}$/.test(commit) ? commit : undefined
    };
}

function plainEtag(header: string | null): string {
    return (header ?? "").replace(/^W\//, "").replace(/^"|"$/g, "");
}

function partOf(answer: HubAnswer, facts: HubFileFacts, range: ByteRange): RangeBody {
    const said = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.headers.get("content-range") ?? "");
    const [start, last, total] = said === null ? [NaN, NaN, ""] : [Number(said[1]), Number(said[2]), said[3]];
    assertSize(total === "*" ? facts.bytes : Number(total), facts);
    if (start !== range.start || last + 1 !== range.end) {
        throw hubError(
            "ERR_HUB_ANSWER",
            `Bytes ${range.start} to ${range.end - 1} of ${facts.file.path} were asked for, and others came: ` +
                `${answer.headers.get("content-range") ?? "it does not say which"}.`,
            { path: facts.file.path }
        );
    }
    return { start, isWholeFile: false, chunks: () => exactly(answer, range.end - start), drop: answer.drop };
}

function wholeOf(answer: HubAnswer, facts: HubFileFacts): RangeBody {
    const length = answer.headers.get("content-length");
    if (length !== null) assertSize(Number(length), facts);
    return { start: 0, isWholeFile: true, chunks: () => exactly(answer, facts.bytes), drop: answer.drop };
}

function assertSize(bytes: number, { file, bytes: expected }: HubFileFacts): void {
    if (bytes === expected) return;
    throw hubError(
        "ERR_DOWNLOAD_DAMAGED",
        `The hub says that ${file.repository}/${file.path} has ${expected} bytes, and the storage behind it ${bytes}.`,
        { repository: file.repository, path: file.path, expectedBytes: expected, receivedBytes: bytes }
    );
}

// No byte too many is let through; too few are a connection that broke.
async function* exactly(answer: HubAnswer, bytes: number): AsyncGenerator<Uint8Array> {
    let left = bytes;
    for await (const chunk of answer.chunks()) {
        if (chunk.length > left) {
            answer.drop();
            throw hubError("ERR_HUB_ANSWER", "More bytes came than were asked for.", { askedBytes: bytes });
        }
        left -= chunk.length;
        yield chunk;
    }
    if (left > 0) throw new PassingFailure("the connection ended too soon", { answered: true });
}

async function text(answer: HubAnswer): Promise<string> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.chunks()) {
        length += chunk.length;
        if (length > mostTextBytes) {
            answer.drop();
            throw hubError(
                "ERR_HUB_ANSWER",
                `More than ${mostTextBytes} bytes came, where a small file was expected.`,
                {}
            );
        }
        parts.push(chunk);
    }
    return Buffer.concat(parts).toString("utf8");
}

function parseJson(content: string, url: string): unknown {
    try {
        return JSON.parse(content) as unknown;
    } catch (error) {
        throw hubError("ERR_HUB_ANSWER", `What came from ${shortenMiddle(url)} is not JSON.`, { url }, error);
    }
}

// RFC 8288; an address of another host is not followed.
function nextPage({ headers }: HubAnswer, page: string): string | undefined {
    const target = /<([^>]+)>\s*;\s*rel="?next"?/.exec(headers.get("link") ?? "")?.[1];
    if (target === undefined || !URL.canParse(target, page)) return undefined;
    const url = new URL(target, page);
    return url.origin === new URL(page).origin && url.href !== page ? url.href : undefined;
}

function listedFiles(content: unknown, url: string): ListedFile[] {
    if (!Array.isArray(content)) {
        throw hubError("ERR_HUB_ANSWER", `What came from ${shortenMiddle(url)} is no list of files.`, { url });
    }
    return content.flatMap((entry: unknown) => {
        const { type, path, size } = (entry ?? {}) as Record<string, unknown>;
        const isFile = type === "file" && typeof path === "string" && typeof size === "number";
        return isFile && isRelativePath(path) ? [{ path, bytes: size }] : [];
    });
}
