// `rast-llama/server`: models over HTTP. The type of asyncDispose, for programs that are compiled without it.
/// <reference lib="esnext.disposable" preserve="true" />
import "../engine/async-dispose.js";
import { setMaxListeners } from "node:events";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import type { FastifyInstance } from "fastify";
import { RastError } from "../errors.js";
import { checkFiles, loadRast } from "../loading/load.js";
import { resolveLoadOptions } from "../loading/load-options.js";
import { combineModels } from "../loading/model-set.js";
import { packageVersion } from "../package-root.js";
import { resolveTrio } from "../trio/trio.js";
import { createApp, createLogger, listenError } from "./app.js";
import { isLoopback } from "./http/access.js";
import { RequestError } from "./http/request-error.js";
import { readChatPage } from "./page.js";
import { checkName, resolveServeOptions, type ServedModelOptions, type ServeOptions } from "./options.js";
import { Shelf, type ShelfEvent, type ShelfModel } from "./shelf.js";

export type { LogLevel, LogStream, ServedModelOptions, ServeOptions } from "./options.js";

/** How a server is closed. */
export interface CloseOptions {
    /** Seconds that requests at work have. @default what was chosen in {@link serve} */
    graceSeconds?: number | undefined;
}

/** A server that listens. */
export interface RastServer {
    /** "http://127.0.0.1:8080". */
    readonly url: string;
    /** The port that it listens on. */
    readonly port: number;
    /** What its user should know: bound wider than this machine without a key. */
    readonly warnings: readonly string[];
    /**
     * The first model is loaded; resolves at once with `lazy`. Rejects with what `loadRast` does, and the server goes on: the next
     * request tries again.
     */
    readonly ready: Promise<void>;
    /**
     * Takes no more requests, lets those at work come to their end, or cuts them when their time is over, and frees the models. A later call
     * may shorten the time; all resolve when everything is over.
     */
    close(options?: CloseOptions): Promise<void>;
    /** For `await using`. */
    [Symbol.asyncDispose](): Promise<void>;
}

const defaultParallel = 4;
const defaultMaxQueue = 128;

/**
 * Serves models over HTTP, in the words of OpenAI, Anthropic, Ollama and llama-server. Listens before the first model is loaded:
 * requests for it wait a while.
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION, ERR_UNKNOWN_TRIO, ERR_FILE_NOT_FOUND and their kin for models that are not there, ERR_LISTEN
 *     for an address that cannot be had
 * @example
 * ```ts
 * import { serve } from "rast-llama/server";
 *
 * const server = await serve({ models: ["demo-chat"], port: 0 });
 * await server.ready;
 * const answer = await fetch(`${server.url}/v1/chat/completions`, {
 *     method: "POST",
 *     body: JSON.stringify({ messages: [{ role: "user", content: "What is 12+5-3?" }] })
 * });
 * console.log(((await answer.json()) as { choices: { message: { content: string } }[] }).choices[0]!.message.content);
 * await server.close();
 * ```
 */
export async function serve(options: ServeOptions): Promise<RastServer> {
    const resolved = resolveServeOptions(options);
    const models = await nameModels(resolved.models);
    const logger = createLogger(resolved);
    const closing = new AbortController();
    // every request listens
    setMaxListeners(0, closing.signal);
    const tell = ({ what, name, error, ...facts }: ShelfEvent): void => {
        if (what === "failed") logger.error({ model: name, err: error }, "model failed");
        else logger.info({ model: name, ...facts }, `model ${what}`);
    };
    const shelf = new Shelf(models, {
        idleMs: 1000 * resolved.idleSeconds,
        waitMs: 1000 * resolved.loadWaitSeconds,
        maxLoaded: resolved.maxLoaded,
        load: loadRast,
        tell
    });
    let isClosing = false;
    const app = await createApp({
        options: resolved,
        shelf,
        closing: closing.signal,
        isClosing: () => isClosing,
        version: packageVersion(),
        page: await readChatPage().catch((error: unknown) => {
            logger.warn({ err: error }, "there is no page");
            return undefined;
        }),
        logger
    });
    const { host, port } = resolved;
    try {
        await listen(app, logger, { host, port });
    } catch (error) {
        await app.close();
        throw listenError(error, host, port);
    }
    const address = app.server.address() as AddressInfo;
    const warnings = warningsOf(resolved.host, resolved.apiKeys.length > 0);
    for (const warning of warnings) logger.warn(warning);
    const ready = resolved.lazy ? Promise.resolve() : shelf.load(models[0]!.name);
    ready.catch(() => {});

    let over: Promise<void> | undefined;
    let timer: NodeJS.Timeout | undefined;
    let deadline = Infinity;
    const cut = (): void => {
        closing.abort(
            new RequestError(503, "The server is shutting down.", { code: "shutting_down", retryAfterSeconds: 5 })
        );
        // those who were told have a moment to read it
        setTimeout(() => app.server.closeAllConnections(), 250).unref();
    };
    const close = ({ graceSeconds = resolved.graceSeconds }: CloseOptions = {}): Promise<void> => {
        isClosing = true;
        const at = performance.now() + 1000 * graceSeconds;
        if (at < deadline) {
            deadline = at;
            clearTimeout(timer);
            if (graceSeconds <= 0) cut();
            else timer = setTimeout(cut, 1000 * graceSeconds);
        }
        over ??= (async () => {
            // connections that come to rest later would hold it up
            const idle = setInterval(() => app.server.closeIdleConnections(), 100);
            try {
                await app.close();
            } finally {
                clearInterval(idle);
                clearTimeout(timer);
                if (!closing.signal.aborted) closing.abort();
                await shelf.close();
            }
        })();
        return over;
    };
    return {
        url: urlOf(address),
        port: address.port,
        warnings,
        ready,
        close,
        [Symbol.asyncDispose]: () => close()
    };
}

// Where it listens is said by who started it; fastify's own line in the log would be a second one.
async function listen(
    app: FastifyInstance,
    logger: ReturnType<typeof createLogger>,
    where: { readonly host: string; readonly port: number }
): Promise<void> {
    const { level } = logger;
    if (logger.isLevelEnabled("info")) logger.level = "warn";
    try {
        await app.listen(where);
    } finally {
        logger.level = level;
    }
}

function warningsOf(host: string, locked: boolean): readonly string[] {
    if (isLoopback(host) || locked) return [];
    return [
        `Everybody who reaches ${host} can use the models: no API key is asked for. Choose one with --api-key, or listen on 127.0.0.1.`
    ];
}

function urlOf({ address, family, port }: AddressInfo): string {
    const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
    return `http://${family === "IPv6" ? `[${host}]` : host}:${port}`;
}

// Names of trios are in their files. What is wrong with options, or missing on the disk, is found before anybody is let in.
async function nameModels(models: readonly Readonly<ServedModelOptions>[]): Promise<readonly ShelfModel[]> {
    const named: ShelfModel[] = [];
    for (const { name: given, ...own } of models) {
        const options = { parallel: defaultParallel, maxQueue: defaultMaxQueue, ...own };
        const usual = await nameOf(options);
        const name = given ?? checkName("name", usual);
        if (named.some((other) => other.name === name)) {
            throw new RastError(
                "ERR_INVALID_OPTION",
                `Two models have the name ${name}. Give each a name of its own: in the options name, of the command --name once for each --trio.`,
                {
                    details: { option: "models" }
                }
            );
        }
        named.push({ name, load: options });
    }
    return named;
}

async function nameOf(options: ServedModelOptions): Promise<string> {
    const resolved = resolveLoadOptions(options);
    const found = resolved.trio === undefined ? undefined : await resolveTrio(resolved.trio);
    await checkFiles(combineModels(resolved, found));
    if (found !== undefined) return clean(found.name);
    const { base } = options;
    const path = typeof base === "string" ? base : (base?.path ?? base?.model);
    return clean(
        basename(path ?? "model")
            .replace(/\.gguf$/i, "")
            .replace(/-00001-of-\d+$/, "")
    );
}

function clean(name: string): string {
    return name.replace(/[\s:\p{C}]+/gu, "-").slice(0, 200);
}
