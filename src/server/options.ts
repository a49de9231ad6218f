import { isIPv6 } from "node:net";
import {
    checkNumber,
    checkObject,
    checkOneOf,
    checkString,
    invalidOption,
    isArray,
    readArray,
    readOptions
} from "../checks.js";
import { RastError } from "../errors.js";
import type { LoadOptions } from "../loading/load-options.js";
import { serverLimits, type ServerLimit } from "./limits.js";

/** What a server says in its log, and all that weighs more. */
export type LogLevel = "silent" | "error" | "warn" | "info" | "debug";

/** A stream for lines of JSON. */
export interface LogStream {
    /** Takes a line. */
    write(line: string): unknown;
}

/** A model to serve: what `loadRast` takes, and a name. */
export interface ServedModelOptions extends Omit<LoadOptions, "signal" | "onProgress"> {
    /** What clients call it; `NAME:base` and `NAME:expert` come of it. @default the trio's name, else the base's file */
    name?: string | undefined;
}

/** Options of {@link serve}. */
export interface ServeOptions {
    /**
     * Models, the first of which answers requests that name none: names or files of trios, or options of `loadRast`. Where these say
     * nothing, `parallel` is 4 and `maxQueue` 128.
     */
    models: readonly (string | ServedModelOptions)[];
    /** Address to listen on. @default "127.0.0.1" */
    host?: string | undefined;
    /** 0 to 65,535; 0 takes a free one. @default 8080 */
    port?: number | undefined;
    /** Keys, one of which every request must have, but for `/health` and the page. @default none is asked for */
    apiKeys?: readonly string[] | undefined;
    /** Origins whose pages may ask from a browser, such as "http://localhost:3000"; "*" for any. @default the server's own page alone */
    corsOrigins?: readonly string[] | undefined;
    /** Names in the Host header beside localhost, addresses and `host`. @default none */
    allowedHosts?: readonly string[] | undefined;
    /** Load no model before it is asked for. @default false: the first is loaded at once */
    lazy?: boolean | undefined;
    /** Seconds without a request after which a model is unloaded, 0 to 1,728,000; 0 = never. @default 0 */
    idleSeconds?: number | undefined;
    /** Models in memory together, 1 to 64. @default as many as fit */
    maxLoaded?: number | undefined;
    /** Seconds that a request waits for its model to load, 0 to 3,600; then it is 503. @default 60 */
    loadWaitSeconds?: number | undefined;
    /** Requests at work or waiting, 1 to 1,000,000; more are 429. @default 256 */
    maxRequests?: number | undefined;
    /** Prompts times choices of one request, 1 to 100,000. @default 128 */
    maxChoices?: number | undefined;
    /** Tokens of a prompt, 1 and more. @default what the context holds */
    maxPromptTokens?: number | undefined;
    /** Tokens drawn for one choice, 1 and more. @default what the context holds */
    maxTokens?: number | undefined;
    /** Bytes of a body, 1,024 to 1 GiB. @default 8 MiB */
    maxBodyBytes?: number | undefined;
    /** Levels of a body's JSON, 4 to 1,000. @default 64 */
    maxJsonDepth?: number | undefined;
    /** Open connections, 1 to 1,000,000. @default 1024 */
    maxConnections?: number | undefined;
    /** Seconds from a request to its last token, 1 to 86,400; its text then ends as if it had had its tokens. @default 3600 */
    timeoutSeconds?: number | undefined;
    /** Seconds for a request's headers, 1 to 3,600. @default 15 */
    headerSeconds?: number | undefined;
    /** Seconds for its headers and body, 1 to 3,600. @default 60 */
    receiveSeconds?: number | undefined;
    /** Seconds that a connection without requests stays open, 0 to 3,600. @default 30 */
    keepAliveSeconds?: number | undefined;
    /** Seconds that a client may take nothing of its stream, 1 to 3,600; then it is cut. @default 30 */
    stallSeconds?: number | undefined;
    /** Bytes that may wait for a client that reads slowly, 64 KiB to 1 GiB; with more it is cut. @default 4 MiB */
    maxUnreadBytes?: number | undefined;
    /** Seconds that requests at work have when the server is closed, 0 to 3,600. @default 20 */
    graceSeconds?: number | undefined;
    /** What is logged, as lines of JSON; never a text of a prompt or an answer. @default "silent" */
    logLevel?: LogLevel | undefined;
    /** Where the log goes. @default stderr */
    logStream?: LogStream | undefined;
}

/** `ServeOptions` with their defaults. */
export type ResolvedServeOptions = Readonly<Record<ServerLimit, number>> & {
    readonly models: readonly Readonly<ServedModelOptions>[];
    readonly host: string;
    readonly apiKeys: readonly string[];
    readonly corsOrigins: readonly string[];
    readonly allowedHosts: readonly string[];
    readonly lazy: boolean;
    readonly logLevel: LogLevel;
    readonly logStream: LogStream | undefined;
};

const limitNames = Object.keys(serverLimits) as ServerLimit[];
const optionNames = [
    "models",
    "host",
    "apiKeys",
    "corsOrigins",
    "allowedHosts",
    "lazy",
    "logLevel",
    "logStream",
    ...limitNames
] as const;
const levels = ["silent", "error", "warn", "info", "debug"] as const;
const maxModels = 64;

/** @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION */
export function resolveServeOptions(value: unknown): ResolvedServeOptions {
    const options = readOptions("serve", "the options of serve", value, optionNames);
    const numbers = Object.fromEntries(
        limitNames.map((name) => {
            const { otherwise, ...range } = serverLimits[name];
            return [name, options[name] === undefined ? otherwise : checkNumber(name, options[name], range)];
        })
    ) as Record<ServerLimit, number>;
    const { host, lazy, logLevel, logStream } = options;
    if (lazy !== undefined && typeof lazy !== "boolean") throw invalidOption("lazy", "true or false", lazy);
    return {
        ...numbers,
        models: readModels(options.models),
        host: host === undefined ? "127.0.0.1" : readHost(checkString("host", host)),
        apiKeys: readTexts("apiKeys", options.apiKeys).map((key, index) => checkKey(`apiKeys[${index}]`, key)),
        corsOrigins: readTexts("corsOrigins", options.corsOrigins).map((origin, index) =>
            checkOrigin(`corsOrigins[${index}]`, origin)
        ),
        allowedHosts: readTexts("allowedHosts", options.allowedHosts).map((name, index) =>
            checkHostName(`allowedHosts[${index}]`, name)
        ),
        lazy: lazy ?? false,
        logLevel: logLevel === undefined ? "silent" : checkOneOf("logLevel", logLevel, levels),
        logStream: logStream === undefined ? undefined : checkStream(logStream)
    };
}

function readTexts(name: string, value: unknown): readonly string[] {
    if (value === undefined) return [];
    return readArray(name, "an array of strings", value, 1000).map((text, index) =>
        checkString(`${name}[${index}]`, text)
    );
}

// What no header can hold would let nobody in.
function checkKey(name: string, key: string): string {
    if (/^[\x21-\x7E]+$/.test(key)) return key;
    const message = `Expected visible ASCII characters without spaces for ${name}, received others.`;
    throw new RastError("ERR_INVALID_OPTION", message, { details: { option: name } });
}

// An address of IPv6 is written with brackets where a port follows, as in a URL, and without in most options.
function readHost(text: string): string {
    const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
    if (isIPv6(bare)) return bare;
    if (!text.includes(":")) return text;
    throw invalidOption("host", "a name or an address without a port, which is an option of its own", text);
}

// As the Host header has it, without a port.
function checkHostName(name: string, host: string): string {
    if (/^[\p{L}\p{N}._-]+$/u.test(host) || /^\[[\da-f:.]+\]$/i.test(host)) return host.toLowerCase();
    throw invalidOption(name, 'a name without scheme, port or path ("models.example")', host);
}

function checkOrigin(name: string, origin: string): string {
    if (origin === "*" || origin === "null") return origin;
    if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*$/i.test(origin)) {
        throw invalidOption(name, 'an origin without a path ("http://localhost:3000") or "*"', origin);
    }
    return origin.toLowerCase();
}

function checkStream(value: unknown): LogStream {
    const stream = value as LogStream | null;
    if (typeof stream !== "object" || stream === null || typeof stream.write !== "function") {
        throw invalidOption("logStream", "an object with a method write", value);
    }
    return stream;
}

function readModels(value: unknown): readonly Readonly<ServedModelOptions>[] {
    const expected = `an array of 1 to ${maxModels} models`;
    if (!isArray(value)) throw invalidOption("models", expected, value);
    const list = readArray("models", expected, value, maxModels);
    if (list.length === 0) throw invalidOption("models", expected, value);
    return list.map((item, index) => {
        const name = `models[${index}]`;
        if (typeof item === "string") return { trio: checkString(name, item) };
        const options = { ...checkObject(name, item) } as ServedModelOptions;
        if (options.name !== undefined) checkName(`${name}.name`, options.name);
        for (const refused of ["signal", "onProgress"] as const) {
            if (refused in options) throw invalidOption(`${name}.${refused}`, "nothing", "something");
        }
        return options;
    });
}

/** A name that clients can write behind "model". @throws ERR_INVALID_OPTION */
export function checkName(option: string, value: unknown): string {
    const name = checkString(option, value);
    if (name.length > 200 || !/^[^\s:\p{C}]+$/u.test(name)) {
        throw invalidOption(option, "a name without spaces and colons", value);
    }
    return name;
}
