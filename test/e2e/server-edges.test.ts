// What clients meet at the server's edges: half-closed connections, methods, compressed bodies, limits, which field is at fault.
// Answers are read as they come.
/* eslint-disable @typescript-eslint/no-unsafe-member-access */
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type RastServer } from "../../dist/server/index.js";
import {
    busySlots,
    chatModel,
    events,
    get,
    plainModel,
    post,
    question,
    raw,
    startServer,
    untilIdle,
    type Json
} from "../support/http-server.js";
import { root, run } from "../support/native.js";

const chat = "/v1/chat/completions";
const completions = "/v1/completions";
const endless = { messages: question, max_tokens: 900, ignore_eos: true } as const;

let server: RastServer;
beforeAll(async () => {
    server = await startServer({ models: [chatModel, plainModel], maxBodyBytes: 2 ** 20, maxRequests: 3 });
});
afterAll(() => server.close({ graceSeconds: 0 }));

function request(path: string, body: object, version = "1.1"): string {
    const text = JSON.stringify(body);
    return `POST ${path} HTTP/${version}\r\nHost: localhost\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

/** Sends a request and ends its side; all that comes until the server ends its own. */
function halfClosed(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
        const socket: Socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
        let answer = "";
        socket.setEncoding("utf8").on("data", (part: string) => (answer += part));
        socket.on("end", () => {
            socket.destroy();
            resolve(answer);
        });
        socket.on("error", reject);
        socket.end(text);
    });
}

describe("a client that ends its side behind its request", () => {
    it.each([false, true])("has its answer, streamed: %s", async (stream) => {
        const body = { messages: question, max_tokens: 150, ignore_eos: true, stream };
        const answer = await halfClosed(request(chat, body));
        expect(answer).toContain("HTTP/1.1 200 OK\r\n");
        expect(answer).toContain(stream ? "data: [DONE]" : '"finish_reason":"length"');
    });

    it.each([false, true])("and has gone frees its slot, streamed: %s", async (stream) => {
        const socket = connect(server.port, "127.0.0.1");
        socket.on("error", () => {});
        socket.write(request(chat, { ...endless, n: 2, stream }));
        while ((await busySlots(server)) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        socket.destroy();
        await untilIdle(server);
    });
});

describe("slots", () => {
    it("say whose they are, as the response's header does", async () => {
        const abort = new AbortController();
        const response = await fetch(`${server.url}${chat}`, {
            method: "POST",
            body: JSON.stringify({ ...endless, n: 2, stream: true }),
            signal: abort.signal
        });
        const id = response.headers.get("x-request-id");
        const { body } = await get(server, "/slots");
        const mine = (body as Json[]).filter((slot) => slot.is_processing as boolean);
        expect(mine.map(({ rast }) => rast as object)).toEqual([
            { model: "demo-chat", request: id, choice: 0 },
            { model: "demo-chat", request: id, choice: 1 }
        ]);
        expect(new Set(mine.map(({ id_task: task }) => task as number)).size).toBe(2);
        abort.abort();
        await response.text().catch(() => "");
        await untilIdle(server);
        const free = (await get(server, "/slots")).body as Json[];
        expect(free[0]).toMatchObject({ id_task: -1, is_processing: false, rast: { request: null } });
    });
});

describe("a path that is there", () => {
    it.each([
        ["GET", chat, "POST", { error: { type: "invalid_request_error", code: "method_not_allowed" } }],
        ["GET", "/v1/messages", "POST", { type: "error", error: { type: "invalid_request_error" } }],
        ["DELETE", "/api/chat", "POST", { error: "/api/chat takes POST, and no DELETE." }],
        ["PUT", "/v1/responses/resp_1", "DELETE, GET, HEAD", { error: { code: "method_not_allowed" } }],
        ["POST", "/health?x=1", "GET, HEAD", { error: { code: "method_not_allowed" } }]
    ])("does not take %s: %s", async (method, path, allow, shape) => {
        const response = await fetch(`${server.url}${path}`, { method });
        expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
        expect(await response.json()).toMatchObject(shape);
    });

    it.each([
        ["/v1/nothing", { error: { type: "not_found_error" } }],
        ["/v1/messages/nothing", { type: "error", error: { type: "not_found_error" } }],
        ["/api/nothing", { error: expect.stringContaining("/api/nothing") }]
    ])("is not %s, and its protocol says so", async (path, shape) => {
        const { status, body } = await post(server, path, {});
        expect(status).toBe(404);
        expect(body).toMatchObject(shape);
    });
});

describe("a base URL that is not quite right", () => {
    it.each([
        ["/chat/completions", "/v1/chat/completions"],
        ["//v1/chat/completions", "/v1/chat/completions"],
        ["/V1/Chat/Completions", "/v1/chat/completions"],
        ["/v1/chat/completions/chat/completions", "/v1/chat/completions"],
        ["/v1/api/chat", "/api/chat"],
        ["/v1/tokenize", "/tokenize"],
        ["/v1/v1/messages", "/v1/messages"]
    ])("%s: the answer names %s", async (path, there) => {
        const { status, body } = await post(server, path, {});
        expect(status).toBe(404);
        const { error } = body as { error: string | { message: string } };
        expect(typeof error === "string" ? error : error.message).toBe(
            `There is no POST ${path} here; there is ${there}: look at the base URL.`
        );
        // in the shape that the client reads
        expect(typeof error === "string").toBe(there === "/api/chat");
        expect(body.type).toBe(there === "/v1/messages" ? "error" : undefined);
    });

    it.each(["/v1/embeddings", "/v1/v1", "/", "/v1//"])("%s: it names none that is not there", async (path) => {
        const { body } = await post(server, path, {});
        expect(JSON.stringify(body)).not.toContain("there is");
    });
});

describe("headers", () => {
    const text = JSON.stringify({ content: "12+5" });
    const rest = `Content-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`;
    const answered = async (headers: string): Promise<readonly [string, Json]> => {
        const [head = "", body = ""] = (await raw(server, `POST /tokenize HTTP/1.1\r\n${headers}${rest}`)).split(
            "\r\n\r\n"
        );
        return [head.split("\r\n")[0]!, JSON.parse(body)];
    };

    it.each(["json", "", "application/", "application/json, text/plain", "multipart/form-data", "text/plain; charset"])(
        "that call a body %j: it is JSON",
        async (type) => {
            const [status, body] = await answered(`Host: localhost\r\nContent-Type: ${type}\r\n`);
            expect([status, body]).toEqual(["HTTP/1.1 200 OK", { tokens: expect.any(Array) }]);
        }
    );

    it("without a Host, or with an expectation that is not known, are refused in OpenAI's shape", async () => {
        const [none, noHost] = await answered("");
        expect([none, noHost.error.code]).toEqual(["HTTP/1.1 400 Bad Request", "host_not_given"]);
        const [failed, expectation] = await answered("Host: localhost\r\nExpect: 200-ok\r\n");
        expect([failed, expectation.error.code]).toEqual(["HTTP/1.1 417 Expectation Failed", "expectation_failed"]);
        expect(Object.keys(expectation.error as object)).toEqual(["message", "type", "param", "code"]);
    });

    it("that promise too large a body are told which flag sets the limit", async () => {
        const answer = await raw(
            server,
            "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n"
        );
        expect(answer).toContain("HTTP/1.1 413 ");
        expect(answer).toContain("The body is larger than the server takes (--max-body).");
    });
});

describe("a compressed body", () => {
    const text = JSON.stringify({ content: "12+5" });
    const send = async (body: Buffer, encoding: string): Promise<{ status: number; body: Json }> => {
        const headers = { "content-encoding": encoding };
        const response = await fetch(`${server.url}/tokenize`, { method: "POST", body: new Uint8Array(body), headers });
        return { status: response.status, body: await response.json() };
    };

    it.each([
        ["gzip", gzipSync(text)],
        ["deflate", deflateSync(text)],
        ["br", brotliCompressSync(text)]
    ])("by %s is read", async (encoding, body) => {
        const plain = await post(server, "/tokenize", text);
        expect(await send(body, encoding)).toEqual({ status: 200, body: plain.body as object });
    });

    it("in other ways, broken, or larger than may be, is refused", async () => {
        expect(await send(gzipSync(text), "zstd")).toMatchObject({ status: 415 });
        expect(await send(gzipSync(text), "gzip, gzip")).toMatchObject({ status: 415 });
        expect(await send(Buffer.from(text), "gzip")).toMatchObject({ status: 400 });
        expect(await send(gzipSync(text).subarray(0, 12), "gzip")).toMatchObject({ status: 400 });
        expect(await send(gzipSync(Buffer.alloc(8 * 2 ** 20, " ")), "gzip")).toMatchObject({ status: 413 });
    });
});

describe("the field at fault", () => {
    const broken = { type: "object", properties: { a: { type: "nonsense" } } };
    const long = "12+5=".repeat(2000);
    it.each([
        [chat, { messages: question, grammar: "root ::= (" }, "grammar"],
        [chat, { messages: question, json_schema: broken }, "json_schema"],
        [
            chat,
            { messages: question, response_format: { type: "json_schema", json_schema: { schema: broken } } },
            "response_format"
        ],
        [chat, { messages: question, rast: { speculation: { foo: 1 } } }, "rast.speculation.foo"],
        [chat, { messages: question, rast: { speculation: { draft: -1 } } }, "rast.speculation.draft"],
        [chat, { messages: [{ role: "user", content: long }] }, "messages"],
        [completions, { model: "demo", prompt: "" }, "prompt"],
        [completions, { model: "demo", prompt: long }, "prompt"],
        [completions, { model: "demo", prompt: "a", grammar: "root ::= [" }, "grammar"],
        ["/v1/responses", { input: long }, "input"],
        ["/v1/responses", { input: "a", text: { format: { type: "json_schema", schema: broken } } }, "text.format"],
        [
            chat,
            {
                messages: question,
                tools: [{ type: "function", function: { name: "f", parameters: broken } }],
                tool_choice: "required"
            },
            "tools"
        ]
    ])("of %s %j is named", async (path, body, param) => {
        const { status, body: answer } = await post(server, path, body);
        expect([status, answer.error.param]).toEqual([400, param]);
    });
});

describe("limits", () => {
    it("hold for messages, and their parts", async () => {
        const many = Array.from({ length: 4097 }, () => question[0]);
        const parts = Array.from({ length: 4097 }, () => ({ type: "text", text: "a" }));
        for (const [path, body, param] of [
            [chat, { messages: many }, "messages"],
            [chat, { messages: [{ role: "user", content: parts }] }, "messages[0].content"],
            ["/v1/responses", { input: many }, "input"],
            ["/apply-template", { messages: many }, "messages"]
        ] as const) {
            const { status, body: answer } = await post(server, path, body);
            expect([status, answer.error.param, answer.error.message]).toEqual([
                400,
                param,
                expect.stringContaining("4096")
            ]);
        }
        expect((await post(server, "/v1/messages", { model: "demo-chat", max_tokens: 5, messages: many })).status).toBe(
            400
        );
        expect((await post(server, "/api/chat", { messages: many })).status).toBe(400);
    });

    it("of requests hold for prompts that are scored", async () => {
        const abort = new AbortController();
        const streams = [1, 2, 3].map(() => events(server, chat, { ...endless }, abort.signal));
        await Promise.all(streams.map((stream) => stream.next()));
        const scored = { model: "demo-chat", prompt: "1+1=2", echo: true, logprobs: 1, max_tokens: 0 };
        const { status, headers } = await post(server, completions, scored);
        expect([status, headers.get("retry-after")]).toEqual([429, "1"]);
        abort.abort();
        await Promise.all(streams.map((stream) => stream.return(undefined)));
        await untilIdle(server);
        expect((await post(server, completions, scored)).status).toBe(200);
    });

    it("of prompts hold for prompts that are scored", async () => {
        const small = await startServer({ models: [plainModel], maxPromptTokens: 4 });
        const { status, body } = await post(small, completions, {
            prompt: "1+1=2 1+1=2",
            echo: true,
            logprobs: 1,
            max_tokens: 0
        });
        expect([status, body.error.code, body.error.param]).toEqual([400, "context_length_exceeded", "prompt"]);
        await small.close({ graceSeconds: 0 });
    });
});

describe("a completion's offsets", () => {
    it("count characters, not halves of them", async () => {
        const prompt = "1𝄞+😀2";
        const { body } = await post(server, completions, {
            model: "demo",
            prompt,
            echo: true,
            logprobs: 0,
            max_tokens: 0
        });
        const { tokens, text_offset: offsets } = body.choices[0].logprobs;
        let at = 0;
        for (const [index, token] of (tokens as string[]).entries()) {
            expect(offsets[index]).toBe(at);
            at += Array.from(token).length;
        }
    });
});

describe("before it listens", () => {
    it("a server looks at its files", async () => {
        const missing = { base: "/nowhere/base.gguf" };
        await expect(serve({ models: [plainModel, missing], port: 0, lazy: true })).rejects.toMatchObject({
            code: "ERR_FILE_NOT_FOUND"
        });
    });

    it("it writes no line but of what it does", async () => {
        const lines: string[] = [];
        const own = await startServer({
            models: [plainModel],
            logLevel: "info",
            logStream: { write: (line) => lines.push(line) }
        });
        await own.close({ graceSeconds: 0 });
        expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
            "model loading",
            "model loaded",
            "model unloaded"
        ]);
    });
});

it("an HTTP/1.0 client that ends its side has gone", async () => {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.end(request(chat, endless, "1.0"));
    await new Promise((resolve) => socket.once("close", resolve));
    await untilIdle(server);
    expect(await raw(server, "GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")).toContain('{"status":"ok"}');
});

describe("which part of a tool is at fault is said by the protocol's own name", () => {
    const names = ["f", "f"];
    const schema = { type: "string" };
    const messages = question;
    const nested = (own: object): object => ({ type: "function", function: { name: "f", ...own } });
    it.each([
        [chat, { messages, tools: names.map(() => nested({})) }, "tools[1].function.name"],
        [chat, { messages, tools: [nested({ parameters: schema })] }, "tools[0].function.parameters"],
        ["/v1/responses", { input: "x", tools: names.map((name) => ({ type: "function", name })) }, "tools[1].name"],
        ["/api/chat", { messages, tools: names.map(() => nested({})) }, "tools[1].function.name"],
        ["/api/chat", { messages, tools: [nested({ parameters: schema })] }, "tools[0].function.parameters"],
        [
            "/v1/messages",
            { max_tokens: 5, messages, tools: names.map((name) => ({ name, input_schema: { type: "object" } })) },
            "tools[1].name"
        ],
        [
            "/v1/messages",
            { max_tokens: 5, messages, tools: [{ name: "f", input_schema: schema }] },
            "tools[0].input_schema"
        ]
    ])("%s %j", async (path, body, field) => {
        const answered = await post(server, path, { model: "demo-chat", ...body });
        expect(answered.status).toBe(400);
        const { error } = answered.body;
        expect(typeof error === "string" ? error : error.message).toMatch(
            new RegExp(`${field.replace(/[[\]]/g, "\\$&")}|Two tools have the (?:same )?name`)
        );
        if (path.startsWith("/v1/") && path !== "/v1/messages") expect(error.param).toBe(field);
    });
});

it("an empty body is told to be one", async () => {
    for (const body of ["", "null"]) {
        const { status, body: answered } = await post(server, chat, body);
        expect([status, answered.error.message]).toEqual([400, "Expected an object for the body, received nothing."]);
    }
});

describe("names of several trios", () => {
    const start = (...flags: readonly string[]): Promise<{ code: number | null; stderr: string }> =>
        run(process.execPath, [
            join(root, "dist", "cli", "main.js"),
            "serve",
            "--trio",
            "demo",
            ...flags,
            "--port",
            "0"
        ]);
    it.each([
        [["--trio", "demo"], /Two models have the name demo\. .*--name once for each --trio/],
        [["--trio", "demo", "--name", "a"], /Expected --name 2 times, once for each --trio; received it 1 times/],
        [["--trio", "demo", "--name", "a", "--name", "a"], /Two models have the name a\./],
        [["--name", "a", "--name", "b"], /Expected --name once, as there is one model; received it 2 times/]
    ] as const)("%j", async (flags, words) => {
        const { code, stderr } = await start(...flags);
        expect(code).toBe(2);
        expect(stderr).toMatch(words);
    });
});
