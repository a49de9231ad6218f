// The server as fastify has it: what every request passes, and the protocols, each in a scope of its own.
import { randomBytes } from "node:crypto";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { RastResult } from "../engine/results.js";
import { RastError } from "../errors.js";
import { anthropic, sendError as sendAnthropicError } from "./anthropic/anthropic.js";
import { createAnswer, type AnswerObserver } from "./ask/answer.js";
import { Door } from "./ask/door.js";
import { EngineDesk } from "./ask/engine-desk.js";
import { servedModels } from "./ask/model-names.js";
import type { ProtocolContext, RequestBounds } from "./ask/protocol.js";
import { SlotBoard } from "./ask/slot-board.js";
import { checkHost, checkOrigin, KeyRing } from "./http/access.js";
import { answerBrokenRequest, refuseExpectation } from "./http/broken-request.js";
import { answerHalfClosed } from "./http/half-closed.js";
import { KnownPaths } from "./http/known-paths.js";
import { onceOver } from "./http/response-over.js";
import { Metrics, type GenerationFigures } from "./http/metrics.js";
import { readBodiesAsJson } from "./http/read-json.js";
import { RequestError } from "./http/request-error.js";
import { llama } from "./llama/llama.js";
import { openai } from "./openai/openai.js";
import { ollama, sendError as sendOllamaError } from "./ollama/ollama.js";
import { sendError } from "./openai/errors.js";
import { describeRoutes } from "./openapi/openapi.js";
import type { ResolvedServeOptions } from "./options.js";
import { cors, fastify, LogController, pino } from "./packages.js";
import type { ChatPage } from "./page.js";
import type { Shelf } from "./shelf.js";
import { prepareChat } from "./tools/prepare-chat.js";

/** What an app is made of. */
export interface AppParts {
    readonly options: ResolvedServeOptions;
    readonly shelf: Shelf;
    /** Aborts when what is left is to end. */
    readonly closing: AbortSignal;
    /** Whether no more requests are taken. */
    readonly isClosing: () => boolean;
    readonly version: string;
    /** What `/` shows; undefined where this installation has none. */
    readonly page: ChatPage | undefined;
    readonly logger: ReturnType<typeof createLogger>;
}

/** Routes that need no key: nothing of a request's is there. */
const open: ReadonlySet<string> = new Set(["/health", "/v1/health", "/"]);

/** Lines of JSON; no text of prompts or answers is ever among them. */
export function createLogger({ logLevel, logStream }: Pick<ResolvedServeOptions, "logLevel" | "logStream">) {
    const level = { level: logLevel, base: null };
    return logStream === undefined ? pino(level, process.stderr) : pino(level, logStream);
}

/** All routes, ready to listen or to be injected into. */
export async function createApp({
    options,
    shelf,
    closing,
    isClosing,
    version,
    page,
    logger
}: AppParts): Promise<FastifyInstance> {
    const keys = new KeyRing(options.apiKeys);
    const board = new SlotBoard();
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    const metrics = new Metrics(() => {
        const states = shelf.states();
        const counts = states.map(({ name }) => board.counts(name));
        return {
            processing: sum(counts.map(({ working }) => working)),
            deferred: sum(counts.map(({ waiting }) => waiting)) + sum(states.map(({ waiting }) => waiting)),
            models: states
        };
    });
    const observer: AnswerObserver = { finished: (_trio, result) => metrics.generated(figuresOf(result)) };
    const door = new Door(options.maxRequests);
    const { maxPromptTokens } = options;
    const bounds: RequestBounds & { readonly maxPromptTokens: number } = {
        maxChoices: options.maxChoices,
        maxTokens: options.maxTokens,
        maxUnreadBytes: options.maxUnreadBytes,
        stallMs: 1000 * options.stallSeconds,
        maxPromptTokens
    };
    const desk = new EngineDesk({ shelf, prepareChat, closing, door, board, maxPromptTokens });
    const created = Math.floor(Date.now() / 1000);
    const context: ProtocolContext = {
        answer: createAnswer({
            shelf,
            prepareChat,
            bounds,
            timeoutMs: 1000 * options.timeoutSeconds,
            closing,
            door,
            board,
            observer
        }),
        models: () => servedModels(shelf, created),
        promptTokens: (ask, signal) => desk.promptTokens(ask, signal),
        load: (model, signal) => desk.with(model, signal, async () => {}),
        unload: (model) => shelf.unload(desk.find(model).trio),
        bounds
    };

    const app: FastifyInstance = fastify({
        loggerInstance: logger,
        logController: new LogController({ disableRequestLogging: true }),
        bodyLimit: options.maxBodyBytes,
        requestTimeout: 1000 * options.receiveSeconds,
        keepAliveTimeout: 1000 * options.keepAliveSeconds,
        forceCloseConnections: "idle",
        return503OnClosing: false,
        trustProxy: false,
        http: {
            headersTimeout: 1000 * Math.min(options.headerSeconds, options.receiveSeconds),
            connectionsCheckingInterval: 1000,
            maxHeaderSize: 16 * 1024,
            insecureHTTPParser: false,
            // `checkHost` says so in words
            requireHostHeader: false
        },
        routerOptions: { maxParamLength: 500, ignoreTrailingSlash: true },
        ajv: {
            customOptions: {
                coerceTypes: false,
                removeAdditional: false,
                useDefaults: false,
                allErrors: false,
                // for words of what was received
                verbose: true,
                strict: false
            }
        },
        clientErrorHandler: answerBrokenRequest,
        genReqId: () => `req_${randomBytes(12).toString("hex")}`,
        frameworkErrors: (error, request, reply) => sendErrorOf(request.url)(error, request as FastifyRequest, reply)
    }) as unknown as FastifyInstance;
    app.server.maxConnections = options.maxConnections;
    app.server.maxHeadersCount = 100;
    app.server.on("checkExpectation", refuseExpectation);
    readBodiesAsJson(app, { maxDepth: options.maxJsonDepth, maxBytes: options.maxBodyBytes });
    app.setErrorHandler((error, request, reply) => sendErrorOf(request.url)(error as Error, request, reply));
    const paths = new KnownPaths(app);
    app.setNotFoundHandler((request, reply) => {
        const { method, url } = request;
        const methods = paths.methodsOf(pathOf(url));
        if (methods.length > 0) void reply.header("allow", methods.join(", "));
        const near = methods.length > 0 ? undefined : paths.nearest(pathOf(url));
        const hint = near === undefined ? "" : `; there is ${near}: look at the base URL`;
        const error =
            methods.length > 0
                ? new RequestError(405, `${pathOf(url)} takes ${methods.join(", ")}, and no ${method}.`, {
                      code: "method_not_allowed"
                  })
                : new RequestError(404, `There is no ${method} ${pathOf(url)} here${hint}.`);
        sendErrorOf(near ?? url)(error, request, reply);
    });
    app.addHook("onClose", async () => metrics.close());
    observe(app, metrics);
    answerHalfClosed(app);
    guard(app, options, isClosing);
    if (options.corsOrigins.length > 0) {
        await app.register(cors, {
            origin: options.corsOrigins.includes("*") ? "*" : [...options.corsOrigins],
            methods: ["GET", "POST", "DELETE", "HEAD", "OPTIONS"],
            strictPreflight: false,
            maxAge: 600
        });
    }
    // behind what lets a page read that its key is wrong
    app.addHook("onRequest", async (request) => {
        // a browser asks without its key whether it may send it
        if (request.method !== "OPTIONS" && !open.has(request.routeOptions.url ?? "")) keys.check(request);
    });
    if (page !== undefined) servePage(app, page);
    const own = { ...context, desk };
    describeRoutes(app, version);
    await app.register(openai, own);
    await app.register(anthropic, context);
    await app.register(ollama, context);
    await app.register(llama, {
        ...own,
        shelf,
        metrics,
        board,
        version
    });
    return app;
}

// What every request passes before its body is read.
function guard(app: FastifyInstance, options: ResolvedServeOptions, isClosing: () => boolean): void {
    app.addHook("onRequest", async (request, reply) => {
        void reply.header("x-content-type-options", "nosniff").header("x-request-id", request.id);
        if (isClosing()) {
            void reply.header("connection", "close");
            throw new RequestError(503, "The server is shutting down.", {
                code: "shutting_down",
                retryAfterSeconds: 5
            });
        }
        checkHost(request, options);
        checkOrigin(request, options);
    });
}

// A response's close event comes in any case; `onResponse` does not, where a client goes away.
function observe(app: FastifyInstance, metrics: Metrics): void {
    app.addHook("onRequest", async (request, reply) => {
        const start = performance.now();
        const { raw } = reply;
        let told = false;
        const over = (): void => {
            if (told) return;
            told = true;
            const cut = !raw.writableFinished;
            const status = cut ? 499 : raw.statusCode;
            const ms = performance.now() - start;
            const route = request.routeOptions.url ?? "none";
            metrics.responded(route, status, ms);
            request.log.info({ method: request.method, route, status, ms: Math.round(ms) }, "request");
        };
        raw.once("finish", over);
        onceOver(reply, over);
    });
}

function servePage(app: FastifyInstance, { html, csp }: ChatPage): void {
    app.get("/", { schema: { summary: "A page to try the models on" } }, async (_request, reply) => {
        void reply
            .type("text/html; charset=utf-8")
            .header("content-security-policy", csp)
            .header("referrer-policy", "no-referrer")
            .header("cache-control", "no-cache");
        return html;
    });
}

// Without what follows "?", and no longer than a line.
function pathOf(url: string): string {
    return url.replace(/\?.*$/s, "").slice(0, 100);
}

// What belongs to no route is told in the shape of the protocol whose paths it is among.
function sendErrorOf(url: string): typeof sendError {
    const path = pathOf(url);
    if (/^\/v1\/messages(?:\/|$)/.test(path)) return sendAnthropicError;
    return /^\/api(?:\/|$)/.test(path) ? sendOllamaError : sendError;
}

function figuresOf({ usage, timings, speculation }: RastResult): GenerationFigures {
    return {
        promptTokens: usage.promptTokens,
        cachedPromptTokens: usage.cachedPromptTokens,
        promptMs: timings.prefillMs,
        completionTokens: usage.completionTokens,
        completionMs: timings.decodeMs,
        rounds: speculation.rounds,
        drafted: speculation.drafted,
        accepted: speculation.accepted,
        firstTokenMs: timings.firstTokenMs,
        queueMs: timings.queueMs
    };
}

/** Refuses what cannot listen there. */
export function listenError(error: unknown, host: string, port: number): RastError {
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
        code === "EADDRINUSE"
            ? "another program listens there; --port 0 takes a free one"
            : code === "EACCES"
              ? "this user may not; ports from 1024 on are anybody's"
              : code === "ENOTFOUND" || code === "EADDRNOTAVAIL"
                ? "it is no address of this machine"
                : message;
    return new RastError("ERR_LISTEN", `The server cannot listen on ${host}, port ${port}: ${why}.`, {
        details: { host, port, code: code ?? null },
        cause: error
    });
}
