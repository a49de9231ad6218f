// The description of all routes, made of the schemas that check their bodies.
import type { FastifyInstance, RouteOptions } from "fastify";
import type { Schema } from "../http/schema.js";

/** What a route says of itself beside its schemas. */
interface RouteWords {
    readonly summary?: string;
    readonly tags?: readonly string[];
    readonly body?: Schema;
}

interface Described extends RouteWords {
    readonly method: string;
    /** As fastify has it: "/v1/responses/:id". */
    readonly url: string;
}

/** What errors of a protocol look like. */
const errors: Readonly<Record<string, Schema>> = {
    OpenAI: {
        type: "object",
        properties: {
            error: {
                type: "object",
                properties: {
                    message: { type: "string" },
                    type: { type: "string" },
                    param: { type: ["string", "null"] },
                    code: { type: ["string", "null"] }
                },
                required: ["message", "type", "param", "code"]
            }
        },
        required: ["error"]
    },
    Anthropic: {
        type: "object",
        properties: {
            type: { const: "error" },
            error: {
                type: "object",
                properties: { type: { type: "string" }, message: { type: "string" } },
                required: ["type", "message"]
            }
        },
        required: ["type", "error"]
    },
    Ollama: { type: "object", properties: { error: { type: "string" } }, required: ["error"] },
    "llama-server": {
        type: "object",
        properties: {
            error: {
                type: "object",
                properties: {
                    message: { type: "string" },
                    type: { type: "string" },
                    code: { type: ["string", "integer"] }
                },
                required: ["message", "type", "code"]
            }
        },
        required: ["error"]
    }
};

/** What a streamed answer comes as. */
const streams: Readonly<Record<string, string>> = {
    OpenAI: "text/event-stream",
    Anthropic: "text/event-stream",
    Ollama: "application/x-ndjson",
    "llama-server": "text/event-stream"
};

/** Describes every route that is registered behind it in `GET /openapi.json`. Routes without a summary are left out. */
export function describeRoutes(app: FastifyInstance, version: string): void {
    const routes: Described[] = [];
    app.addHook("onRoute", ({ method, url, schema }: RouteOptions) => {
        const words = schema as RouteWords | undefined;
        if (words?.summary === undefined) return;
        for (const one of [method].flat()) {
            if (one !== "HEAD" && one !== "OPTIONS") routes.push({ ...words, method: one.toLowerCase(), url });
        }
    });
    let document: Record<string, unknown> | undefined;
    app.get("/openapi.json", { schema: { summary: "This description", tags: ["rast"] } }, async () => {
        return (document ??= describe(routes, version));
    });
}

function describe(routes: readonly Described[], version: string): Record<string, unknown> {
    const paths: Record<string, Record<string, unknown>> = {};
    for (const route of [...routes].sort((a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : 0))) {
        const path = route.url.replaceAll(/:(\w+)/g, "{$1}");
        paths[path] = { ...paths[path], [route.method]: operationOf(route, path) };
    }
    const tags = [...new Set(routes.flatMap((route) => route.tags ?? []))].sort();
    return {
        openapi: "3.1.0",
        info: {
            title: "rast serve",
            version,
            description:
                "RAST's models in the words of OpenAI, Anthropic, Ollama and llama-server. Unknown fields of bodies are ignored."
        },
        servers: [{ url: "/" }],
        tags: tags.map((name) => ({ name })),
        security: [{}, { bearer: [] }, { key: [] }],
        paths,
        components: {
            securitySchemes: {
                bearer: { type: "http", scheme: "bearer" },
                key: { type: "apiKey", in: "header", name: "x-api-key" }
            },
            schemas: Object.fromEntries(Object.entries(errors).map(([tag, schema]) => [errorName(tag), schema]))
        }
    };
}

function operationOf({ method, url, summary, tags = [], body }: Described, path: string): Record<string, unknown> {
    const names = [...url.matchAll(/:(\w+)/g)].map(([, name]) => name!);
    const tag = tags[0] ?? "";
    const json = { "application/json": { schema: {} } };
    const streamed = body !== undefined && Object.hasOwn(body["properties"] ?? {}, "stream") && streams[tag];
    const error = Object.hasOwn(errors, tag) ? { $ref: `#/components/schemas/${errorName(tag)}` } : {};
    return {
        operationId: `${method}${path.replaceAll(/[^A-Za-z0-9]+(\w?)/g, (_, letter: string) => letter.toUpperCase())}`,
        summary,
        tags,
        ...(names.length === 0
            ? {}
            : { parameters: names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })) }),
        ...(body === undefined
            ? {}
            : { requestBody: { required: true, content: { "application/json": { schema: body } } } }),
        responses: {
            "200": {
                description: "The answer",
                content: streamed ? { ...json, [streamed]: { schema: { type: "string" } } } : json
            },
            default: { description: "What is wrong", content: { "application/json": { schema: error } } }
        }
    };
}

function errorName(tag: string): string {
    return `${tag.replaceAll(/[^A-Za-z0-9]/g, "")}Error`;
}
