// Any model behind an OpenAI-compatible server as one who answers.
import { request as requestHttp, Agent as HttpAgent, type IncomingMessage } from "node:http";
import { request as requestHttps, Agent as HttpsAgent } from "node:https";
import { describeError, isObject, quote, shortenMiddle } from "../../checks.js";
import { RastError } from "../../errors.js";
import { pause, retryAfterMs } from "../../hub/patience.js";
import { packageVersion } from "../../package-root.js";
import type { Answerer, Question, Reply } from "./answerer.js";

/** A server and how it is asked. */
export interface ServerSettings {
    /** Of its API, such as "http://127.0.0.1:8000/v1"; without a path, "/v1" is meant. */
    readonly url: string;
    readonly model: string;
    /** Goes to this server alone. */
    readonly key: string | undefined;
    /** Questions at a time. */
    readonly atOnce: number;
    /** What one answer may take, in milliseconds. */
    readonly timeoutMs: number;
    /** Further tries after one that may pass: no connection, silence, half an answer, 408, 429, 5xx. */
    readonly retries: number;
    /** First wait between two tries; each further one is twice as long. */
    readonly waitMs: number;
    /** By their names in the API: temperature, top_p, max_tokens, stop. */
    readonly body: Readonly<Record<string, unknown>>;
}

/** Far more than the longest reasoning, and parsed in some tens of milliseconds. */
const mostAnswerMiB = 8;
/** Characters of what comes with an error: as JSON, and as text. */
const mostParsedOfError = 65_536;
const mostSearchedOfError = 4096;
const mostWaitMs = 30_000;
const mostAskedMs = 120_000;

/** A failure that may pass. */
class Passing extends Error {
    constructor(
        message: string,
        readonly waitMs?: number | undefined
    ) {
        super(message);
    }
}

/** The address of an API. @throws ERR_INVALID_OPTION */
export function serverUrl(text: string): string {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (
        url === undefined ||
        !/^https?:$/.test(url.protocol) ||
        url.username !== "" ||
        url.search !== "" ||
        url.hash !== ""
    ) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected an address such as http://127.0.0.1:8000/v1 for server, received ${JSON.stringify(shortenMiddle(text, 60))}.`,
            { details: { option: "server" } }
        );
    }
    const path = url.pathname.replace(/\/+$/, "");
    return `${url.origin}${path === "" ? "/v1" : path}`;
}

/** Asks a server. Nothing is held between questions but connections. */
export function serverAnswerer(settings: ServerSettings): Answerer {
    const options = { keepAlive: true, maxSockets: settings.atOnce };
    const agent = settings.url.startsWith("https:") ? new HttpsAgent(options) : new HttpAgent(options);
    return {
        atOnce: settings.atOnce,
        ahead: settings.atOnce,
        ask: (question, signal) => persist(settings, agent, question, signal),
        close: async () => agent.destroy()
    };
}

async function persist(
    settings: ServerSettings,
    agent: HttpAgent,
    question: Question,
    signal: AbortSignal
): Promise<Reply> {
    for (let failures = 1; ; failures++) {
        try {
            return await askOnce(settings, agent, question, signal);
        } catch (error) {
            signal.throwIfAborted();
            if (!(error instanceof Passing)) throw error;
            if (failures > settings.retries) throw gaveUp(settings, question, error, failures);
            const own = Math.min(mostWaitMs, settings.waitMs * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
            await pause(Math.min(error.waitMs ?? own, mostAskedMs), signal);
        }
    }
}

function gaveUp({ url }: ServerSettings, { where }: Question, { message }: Passing, tries: number): RastError {
    const often = tries === 1 ? "" : ` ${tries} times`;
    return serverError(`The server at ${shortenMiddle(url, 80)} failed${often} at ${where}: ${message}.`, {
        url,
        tries
    });
}

function serverError(message: string, details: Readonly<Record<string, unknown>>): RastError {
    return new RastError("ERR_SERVER", message, { details });
}

async function askOnce(
    settings: ServerSettings,
    agent: HttpAgent,
    { asked, seed, ordinal, where }: Question,
    signal: AbortSignal
): Promise<Reply> {
    const { url, model, body } = settings;
    const chat = "messages" in asked;
    const path = chat ? "/chat/completions" : "/completions";
    const text = chat ? { messages: asked.messages } : { prompt: asked.prompt };
    const sent = JSON.stringify({ model, ...text, ...body, seed: serverSeed(seed, ordinal), n: 1, stream: false });
    const { status, headers, content } = await post(`${url}${path}`, sent, settings, agent, signal);
    if (status === 408 || status === 429 || status >= 500) {
        const asked = retryAfterMs(headers["retry-after"] ?? null);
        throw new Passing(`it answers with ${status}${said(content)}`, asked);
    }
    if (status < 200 || status > 299) {
        throw serverError(
            `The server at ${shortenMiddle(url, 80)} answers with ${status} at ${where}${said(content)}.`,
            { url, status }
        );
    }
    return replyIn(content, chat);
}

/** Names in the API, and the values that change nothing: these are left out, as not all servers know the names. */
const serverNames: readonly (readonly [ours: string, theirs: string, idle: number | undefined])[] = [
    ["temperature", "temperature", undefined],
    ["topP", "top_p", undefined],
    ["maxTokens", "max_tokens", undefined],
    ["topK", "top_k", 0],
    ["minP", "min_p", 0],
    ["repetitionPenalty", "repetition_penalty", 1],
    ["presencePenalty", "presence_penalty", 0],
    ["frequencyPenalty", "frequency_penalty", 0]
];

/** Settings of draws by the names that servers have for them. How far penalties look back is theirs to say. */
export function serverSampling(sampling: Readonly<Record<string, number>>): Record<string, number> {
    const sent = serverNames.filter(([ours, , idle]) => sampling[ours] !== undefined && sampling[ours] !== idle);
    return Object.fromEntries(sent.map(([ours, theirs]) => [theirs, sampling[ours]!]));
}

/** Servers take 31 bits; draws differ by their ordinals here, so that both are in it. */
export function serverSeed(seed: number, ordinal: number): number {
    return (seed + ordinal * 1_000_003) % 2_147_483_647;
}

interface Answered {
    readonly status: number;
    readonly headers: IncomingMessage["headers"];
    readonly content: string;
}

// By node's own client: fetch gives up after five minutes, whatever is asked of it.
function post(
    url: string,
    body: string,
    { key, timeoutMs }: ServerSettings,
    agent: HttpAgent,
    signal: AbortSignal
): Promise<Answered> {
    return new Promise((resolve, reject) => {
        const request = (url.startsWith("https:") ? requestHttps : requestHttp)(url, {
            method: "POST",
            agent,
            headers: {
                "content-type": "application/json",
                "content-length": Buffer.byteLength(body),
                accept: "application/json",
                "user-agent": `rast-llama/${packageVersion()}`,
                ...(key === undefined ? {} : { authorization: `Bearer ${key}` })
            }
        });
        const abort = (): void => end(new Error("aborted"));
        const timer = setTimeout(
            () => end(new Passing(`its answer was not there within ${timeoutMs / 1000} s`)),
            timeoutMs
        );
        const end = (error: Error | undefined, answered?: Answered): void => {
            clearTimeout(timer);
            signal.removeEventListener("abort", abort);
            if (error === undefined) return resolve(answered!);
            request.destroy();
            reject(error);
        };
        if (signal.aborted) return abort();
        signal.addEventListener("abort", abort, { once: true });
        request.on("error", (error: NodeJS.ErrnoException) => end(new Passing(connectionWords(error))));
        request.on("response", (response) => {
            const chunks: Buffer[] = [];
            let length = 0;
            response.on("data", (chunk: Buffer) => {
                chunks.push(chunk);
                length += chunk.length;
                if (length <= mostAnswerMiB * 1_048_576) return;
                const message = `An answer of the server at ${shortenMiddle(url, 80)} has more than ${mostAnswerMiB} MiB.`;
                end(serverError(message, { url }));
            });
            response.on("error", (error: NodeJS.ErrnoException) => end(new Passing(connectionWords(error))));
            response.on("aborted", () => end(new Passing("the connection ended within its answer")));
            response.on("end", () => {
                if (!response.complete) return end(new Passing("the connection ended within its answer"));
                const content = Buffer.concat(chunks).toString("utf8");
                end(undefined, { status: response.statusCode ?? 0, headers: response.headers, content });
            });
        });
        request.end(body);
    });
}

function connectionWords({ code, message }: NodeJS.ErrnoException): string {
    if (code === "ECONNREFUSED") return "nobody listens there (ECONNREFUSED)";
    if (code === "ENOTFOUND") return "there is no such host (ENOTFOUND)";
    if (code === "ECONNRESET") return "the connection ended (ECONNRESET)";
    return code ?? shortenMiddle(message, 100);
}

// What a server says of an error, in whichever of the usual places. Of foreign text only a beginning is looked at: taking marks out
// of all of it could take minutes.
function said(content: string): string {
    let words = content;
    if (content.length <= mostParsedOfError) {
        try {
            const value: unknown = JSON.parse(content);
            const error = isObject(value) ? (value["error"] ?? value["message"] ?? value["detail"]) : undefined;
            const message = isObject(error) ? error["message"] : error;
            if (typeof message === "string") words = message;
        } catch {
            // a text or a page
        }
    }
    const line = words
        .slice(0, mostSearchedOfError)
        .replace(/<[^<>]*>/g, " ")
        .replace(/\s+/g, " ")
        .trim();
    return line === "" ? "" : ` (${shortenMiddle(line, 160).replace(/\.$/, "")})`;
}

/** Why whole answers end, by the servers' words; "abort", "error" and whatever else there is are of half ones. */
const ends: ReadonlyMap<string, string> = new Map([
    ...["stop", "eos", "eos_token", "end_turn"].map((name) => [name, "eos"] as const),
    ...["stop_sequence", "stop_string"].map((name) => [name, "stopString"] as const),
    ...["length", "max_tokens"].map((name) => [name, "maxTokens"] as const),
    // The model said all that it had to say, or nobody is to see it: asking again gives the same.
    ...["content_filter", "tool_calls", "function_call"].map((name) => [name, name] as const)
]);

function replyIn(content: string, chat: boolean): Reply {
    let value: unknown;
    try {
        value = JSON.parse(content);
    } catch (error) {
        throw new Passing(`half an answer came: ${describeError(error)}`);
    }
    const choices = isObject(value) ? value["choices"] : undefined;
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
    if (!isObject(choice)) throw new Passing(`its answer has no choices${said(content)}`);
    const message = choice["message"];
    const text = chat ? (isObject(message) ? message["content"] : undefined) : choice["text"];
    const finish = choice["finish_reason"];
    // A text that nobody ended may be half of one.
    if (typeof finish !== "string") throw new Passing("its answer does not say why it ended");
    const stop = ends.get(finish);
    if (stop === undefined) throw new Passing(`half an answer came: it ended for ${quote(finish)}`);
    if (typeof text !== "string" && text !== null) throw new Passing("its answer has no text");
    const usage = isObject(value) ? value["usage"] : undefined;
    const tokens = isObject(usage) ? usage["completion_tokens"] : undefined;
    return {
        output: text ?? "",
        stop,
        tokens: typeof tokens === "number" && Number.isInteger(tokens) && tokens >= 0 ? tokens : null
    };
}
