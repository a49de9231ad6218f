import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
    serverAnswerer,
    serverSampling,
    serverSeed,
    serverUrl,
    type ServerSettings
} from "../../../../src/eval/ask/server.js";
import type { Answerer, Question, Reply } from "../../../../src/eval/ask/answerer.js";
import { StandInServer, type ServerFault } from "../../../support/stand-in-server.js";

let server: StandInServer;
let answerer: Answerer;
beforeEach(async () => void (server = await StandInServer.start()));
afterEach(async () => {
    await answerer.close();
    await server.stop();
});

const question: Question = { asked: { prompt: "Q" }, seed: 7, ordinal: 2, where: "problem 12, sample 2" };

function ask(
    settings: Partial<ServerSettings> = {},
    asked: Question["asked"] = question.asked,
    signal = new AbortController().signal
): Promise<Reply> {
    answerer = serverAnswerer({
        url: serverUrl(server.url),
        model: "some/model",
        key: "secret",
        atOnce: 2,
        timeoutMs: 2000,
        retries: 2,
        waitMs: 1,
        body: { temperature: 1, top_p: 0.95, max_tokens: 64, stop: ["user"] },
        ...settings
    });
    return answerer.ask({ ...question, asked }, signal);
}

test("a text goes to completions, with everything a server needs", async () => {
    expect(await ask()).toEqual({ output: "It is \\boxed{8}.", stop: "eos", tokens: 16 });
    expect(server.asked).toEqual([
        {
            path: "/v1/completions",
            authorization: "Bearer secret",
            body: {
                model: "some/model",
                prompt: "Q",
                temperature: 1,
                top_p: 0.95,
                max_tokens: 64,
                stop: ["user"],
                seed: serverSeed(7, 2),
                n: 1,
                stream: false
            }
        }
    ]);
});

test("a conversation goes to chat completions, and without a key nothing is said of one", async () => {
    const messages = [{ role: "user" as const, content: "Q" }];
    expect((await ask({ key: undefined }, { messages })).output).toBe("It is \\boxed{8}.");
    expect(server.asked[0]).toMatchObject({ path: "/v1/chat/completions", body: { messages } });
    expect(server.asked[0]!.authorization).toBeUndefined();
});

test("a text that was cut off, one without a count, and one that is empty", async () => {
    server.more = { choices: [{ finish_reason: "length", text: "half" }], usage: undefined };
    expect(await ask()).toEqual({ output: "half", stop: "maxTokens", tokens: null });
    server.more = { choices: [{ finish_reason: "stop", message: { content: null } }] };
    expect(await ask({}, { messages: [{ role: "user", content: "Q" }] })).toMatchObject({ output: "" });
});

test.each([
    ["stop", "eos"],
    ["eos_token", "eos"],
    ["stop_sequence", "stopString"],
    ["length", "maxTokens"],
    ["content_filter", "content_filter"],
    ["tool_calls", "tool_calls"]
])("an answer that ends for %j is whole", async (finish, stop) => {
    server.more = { choices: [{ finish_reason: finish, text: "It is" }] };
    expect(await ask()).toMatchObject({ output: "It is", stop });
    expect(server.asked).toHaveLength(1);
});

// The loop would stand still for a minute with the first, for longer with the others.
test.each([
    ["marks that do not end", "<".repeat(200_000)],
    ["the same as JSON", JSON.stringify({ error: { message: "<".repeat(60_000) } })],
    ["the same as long JSON", JSON.stringify({ error: { message: "<".repeat(2_000_000) } })],
    ["blanks", `a${" ".repeat(500_000)}b`]
])("an error of %s holds nobody up, and its message is short", async (_, body) => {
    let last = performance.now();
    let longestMs = 0;
    const tick = (): void => {
        longestMs = Math.max(longestMs, performance.now() - last);
        last = performance.now();
    };
    const timer = setInterval(tick, 5);
    try {
        for (const fault of [{ status: 500, body }, { status: 400, body }, { body }]) {
            server.fault = () => fault;
            const error = await ask({ retries: 0, timeoutMs: 60_000 }).catch((caught: unknown) => caught);
            expect(error).toMatchObject({ code: "ERR_SERVER" });
            expect((error as Error).message.length).toBeLessThan(600);
            await answerer.close();
        }
        tick();
    } finally {
        clearInterval(timer);
    }
    // Some ms on a quiet machine.
    expect(longestMs).toBeLessThan(5000);
});

test("an answer that does not end is not read to its end", async () => {
    const text = "x".repeat(9 * 1_048_576);
    server.fault = () => ({ body: JSON.stringify({ choices: [{ text, finish_reason: "stop" }] }) });
    await expect(ask({ timeoutMs: 60_000 })).rejects.toMatchObject({
        code: "ERR_SERVER",
        message: expect.stringMatching(/^An answer of the server at http:\S+ has more than 8 MiB\.$/)
    });
    expect(server.asked).toHaveLength(1);
});

describe("what may pass is tried again", () => {
    test.each<[name: string, fault: ServerFault]>([
        ["500", { status: 500, body: "oh" }],
        ["503", { status: 503 }],
        ["429", { status: 429, headers: { "retry-after": "0" } }],
        ["408", { status: 408 }],
        ["a connection that ends within the answer", { cutAfter: 20 }],
        ["an answer that stops within", { stallAfter: 20 }],
        ["nothing at all", { hang: true }],
        ["half a JSON", { body: '{"choices": [{"te' }],
        ["an answer without an end", { body: '{"choices": [{"text": "It is"}]}' }],
        ["an answer that was given up", { body: '{"choices": [{"text": "It is", "finish_reason": "abort"}]}' }],
        ["an answer that failed", { body: '{"choices": [{"text": "It is", "finish_reason": "error"}]}' }],
        ["an answer that ended for nothing", { body: '{"choices": [{"text": "It is", "finish_reason": ""}]}' }],
        ["an answer without a choice", { body: '{"error": {"message": "overloaded"}}' }]
    ])("%s", async (_, fault) => {
        server.fault = (_asked, count) => (count === 1 ? fault : undefined);
        expect(await ask({ timeoutMs: 300 })).toMatchObject({ output: "It is \\boxed{8}." });
        expect(server.asked).toHaveLength(2);
    });

    test.each<[fault: ServerFault, words: RegExp]>([
        [
            { status: 500, body: '{"error": {"message": "out of memory."}}' },
            /failed 3 times at problem 12, sample 2: it answers with 500 \(out of memory\)\.$/
        ],
        [{ status: 502, body: "<html><h1>Bad Gateway</h1></html>" }, /it answers with 502 \(Bad Gateway\)/],
        [{ hang: true }, /failed 3 times at .*: its answer was not there within 0\.2 s\.$/],
        [{ stallAfter: 10 }, /its answer was not there within 0\.2 s/],
        [{ cutAfter: 10 }, /the connection (ended|ended within its answer)/],
        [{ body: "{" }, /half an answer came/],
        [{ body: '{"choices": []}' }, /its answer has no choices/],
        [
            { body: '{"choices": [{"text": "It is", "finish_reason": "ab\\u001bort"}]}' },
            /half an answer came: it ended for "ab\\u001bort"/
        ]
    ])("%j for ever is one line", async (fault, words) => {
        server.fault = () => fault;
        await expect(ask({ timeoutMs: 200 })).rejects.toMatchObject({
            code: "ERR_SERVER",
            message: expect.stringMatching(words)
        });
        expect(server.asked).toHaveLength(3);
    });

    test("nobody there", async () => {
        const url = server.url;
        await server.stop();
        server = await StandInServer.start();
        await expect(ask({ url: `${url}/v1` })).rejects.toMatchObject({
            code: "ERR_SERVER",
            message: expect.stringMatching(/nobody listens there \(ECONNREFUSED\)/)
        });
    });
});

test.each([
    [
        400,
        '{"error": "stop has more than 4 texts"}',
        /answers with 400 at problem 12, sample 2 \(stop has more than 4 texts\)\.$/
    ],
    [401, '{"detail": "no key"}', /401 .*\(no key\)/],
    [404, "", /answers with 404 at problem 12, sample 2\.$/],
    [302, "", /answers with 302/]
])("%i is not tried again", async (status, body, words) => {
    server.fault = () => ({ status, body, headers: { location: "http://elsewhere.invalid/" } });
    await expect(ask()).rejects.toMatchObject({ code: "ERR_SERVER", message: expect.stringMatching(words) });
    expect(server.asked).toHaveLength(1);
});

test("an abort ends it at once, also between two tries", async () => {
    server.fault = () => ({ hang: true });
    const controller = new AbortController();
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 50);
    await expect(ask({ timeoutMs: 60_000 }, question.asked, controller.signal)).rejects.toBe(reason);
    const second = new AbortController();
    server.fault = () => ({ status: 500 });
    setTimeout(() => second.abort(reason), 50);
    await expect(ask({ waitMs: 60_000 }, question.asked, second.signal)).rejects.toBe(reason);
});

test("seeds fit into 31 bits, and differ by sample", () => {
    const seeds = Array.from({ length: 100 }, (_, ordinal) => serverSeed(2 ** 48 - 1, ordinal));
    expect(new Set(seeds).size).toBe(100);
    for (const seed of seeds) expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31).toBe(true);
});

test.each([
    ["http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"],
    ["http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"],
    ["https://api.example.org/openai/v1/", "https://api.example.org/openai/v1"]
])("%s is %s", (text, url) => expect(serverUrl(text)).toBe(url));

test.each(["", "localhost:8000", "ftp://x", "http://user:pass@x/v1", "http://x/v1?a=b"])("%j is no address", (text) => {
    expect(() => serverUrl(text)).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
});

test("settings have the names of the API, and those that change nothing are left out", () => {
    const idle = { topK: 0, minP: 0, repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, penaltyWindow: 64 };
    const common = { temperature: 0, topP: 1, maxTokens: 9 };
    expect(serverSampling({ ...common, ...idle })).toEqual({ temperature: 0, top_p: 1, max_tokens: 9 });
    const set = { topK: 40, minP: 0.1, repetitionPenalty: 1.1, presencePenalty: 0.5, frequencyPenalty: -1 };
    expect(serverSampling({ ...common, ...set })).toEqual({
        ...{ temperature: 0, top_p: 1, max_tokens: 9, top_k: 40, min_p: 0.1 },
        ...{ repetition_penalty: 1.1, presence_penalty: 0.5, frequency_penalty: -1 }
    });
});
