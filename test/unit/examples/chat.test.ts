// What the example apps share: the protocol's two ends against each other, over an engine that a test holds in its hands.
import { describe, expect, it } from "vitest";
import { Conversation } from "../../../examples/chat/conversation.js";
import { EngineClient, EngineError } from "../../../examples/chat/engine-client.js";
import { EngineService, type Library } from "../../../examples/chat/engine-service.js";
import { onePage } from "../../../examples/chat/one-page.js";
import type { FromEngine, ToEngine } from "../../../examples/chat/protocol.js";
import { errorCatalogue, RastError } from "../../../src/errors.js";
import type { GenerateOptions } from "../../../src/engine/generate-options.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";

/** A generation that says what the test lets it say. */
class Held {
    readonly #parts: { readonly reasoning: string; readonly answer: string }[] = [];
    #wake = (): void => {};
    #end: "eos" | "abort" | Error | undefined;

    constructor(readonly options: GenerateOptions) {
        options.signal?.addEventListener("abort", () => this.end("abort"));
    }

    say(answer: string, reasoning = ""): void {
        this.#parts.push({ reasoning, answer });
        this.#wake();
    }

    end(how: "eos" | "abort" | Error): void {
        this.#end ??= how;
        this.#wake();
    }

    async *[Symbol.asyncIterator](): AsyncGenerator<object> {
        for (;;) {
            const part = this.#parts.shift();
            if (part !== undefined) yield part;
            else if (this.#end instanceof Error) throw this.#end;
            else if (this.#end !== undefined) return;
            else await new Promise<void>((resolve) => (this.#wake = resolve));
        }
    }

    get result(): Promise<object> {
        const figures = { seed: 7, usage: { completionTokens: 3 }, timings: { tokensPerSecond: 10 } };
        return Promise.resolve({ stopReason: this.#end, ...figures });
    }
}

interface Engines {
    readonly loads: LoadOptions[];
    readonly disposed: string[];
    readonly generations: Held[];
    /** Lets the last load come to its end. */
    finish: (error?: Error) => void;
}

function start(options: { readonly chat?: boolean; readonly alone?: boolean; readonly isolate?: boolean } = {}) {
    const engines: Engines = { loads: [], disposed: [], generations: [], finish: () => {} };
    const loadRast = (asked: LoadOptions): Promise<unknown> => {
        engines.loads.push(asked);
        const trio = String(asked.trio);
        return new Promise((resolve, reject) => {
            asked.signal?.addEventListener("abort", () =>
                reject(new RastError("ERR_LOAD_ABORTED", "Loading was aborted."))
            );
            engines.finish = (error) => {
                if (error !== undefined) return reject(error);
                resolve({
                    info: {
                        base: { description: "llama 1B", device: "CPU" },
                        pairs: options.alone === true ? [] : [{ lambda: 0.5 }],
                        hasChatTemplate: options.chat === true,
                        loadMs: 1
                    },
                    generate: (request: GenerateOptions) => {
                        engines.generations.push(new Held(request));
                        return engines.generations.at(-1);
                    },
                    dispose: async () => void engines.disposed.push(trio)
                });
            };
        });
    };
    const trios = [
        { name: "here", description: "One.", bundled: false, file: "/here.json" },
        { name: "shipped", description: "Two.", bundled: true, file: null },
        { name: "nowhere", description: "Three.", bundled: false, file: null }
    ];
    const library = { loadRast, listTrios: async () => trios, RastError, errorCatalogue } as unknown as Library;
    const client = new EngineClient();
    const sent: ToEngine[] = [];
    const heard: FromEngine[] = [];
    const service = new EngineService(library, {
        isolate: options.isolate === true,
        moreTrios: async () => [{ trio: "/more.json", description: "" }],
        // As every carrier does.
        send: (message) => {
            heard.push(message);
            client.receive(JSON.parse(JSON.stringify(message)) as FromEngine);
        }
    });
    client.connect({
        send: (message) => {
            sent.push(message);
            service.receive(JSON.parse(JSON.stringify(message)));
        }
    });
    const load = async (trio = "here") => {
        const loaded = client.call("load", { trio });
        await settled();
        engines.finish();
        return loaded;
    };
    return { engines, client, service, sent, heard, load };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const failure = (work: Promise<unknown>): Promise<EngineError> =>
    work.then(
        () => Promise.reject(new Error("It did not fail.")),
        (error: unknown) => error as EngineError
    );
const ask = { mode: "rast" as const, messages: [{ role: "user" as const, content: "6+34" }] };

describe("loads", () => {
    it("lists trios that are on this disk, and what is loaded", async () => {
        const { client, load } = start();
        const names = async (): Promise<string[]> => (await client.call("list", {})).trios.map(({ trio }) => trio);
        expect(await names()).toEqual(["here", "shipped", "/more.json"]);
        expect((await client.call("list", {})).loaded).toBeNull();
        await load();
        expect((await client.call("list", {})).loaded).toMatchObject({ trio: "here", lambda: 0.5, isChat: false });
    });

    it("reports progress, and fails with code, advice and details", async () => {
        const { client, engines } = start();
        const parts: unknown[] = [];
        const loading = client.call("load", { trio: "here" }, { onPart: (part) => parts.push(part) });
        await settled();
        engines.loads[0]!.onProgress!({ role: "base", pair: 0, fraction: 0.5, overall: 0.3 });
        engines.finish(new RastError("ERR_FILE_NOT_FOUND", "There is no such file.", { details: { path: "/x" } }));
        const error = await failure(loading);
        expect(parts).toEqual([{ role: "base", overall: 0.3 }]);
        expect(error).toBeInstanceOf(EngineError);
        expect(error).toMatchObject({
            code: "ERR_FILE_NOT_FOUND",
            message: "There is no such file.",
            details: { path: "/x" }
        });
        expect(error.advice).toBe(errorCatalogue.ERR_FILE_NOT_FOUND.whatToDo);
    });

    it("holds one engine at a time: another load ends the one before, or disposes of it first", async () => {
        const { client, engines, load } = start();
        const first = client.call("load", { trio: "first" });
        await settled();
        const second = load("second");
        expect(await failure(first)).toMatchObject({ code: "ERR_LOAD_ABORTED" });
        await second;
        expect(engines.disposed).toEqual([]);
        await load("third");
        expect(engines.disposed).toEqual(["second"]);
        await client.call("unload", {});
        expect(engines.disposed).toEqual(["second", "third"]);
        expect(await failure(client.call("ask", ask))).toMatchObject({ code: "ERR_NOT_LOADED" });
    });

    it("aborts a load, also one that waits for its turn", async () => {
        const { client, engines } = start();
        const stop = new AbortController();
        const loading = client.call("load", { trio: "here" }, { signal: stop.signal });
        await settled();
        stop.abort();
        expect(await failure(loading)).toMatchObject({ code: "ERR_LOAD_ABORTED" });
        expect(engines.loads).toHaveLength(1);
    });

    it("tells of the crash of an isolated engine, and that it comes back", async () => {
        const { client, engines, load } = start({ isolate: true });
        const crashes: EngineError[] = [];
        client.onCrash = (error) => crashes.push(error);
        await load();
        const { isolate } = engines.loads[0]!;
        expect(isolate).toMatchObject({ graceMs: 1000 });
        (isolate as { onCrash(error: RastError): void }).onCrash(
            new RastError("ERR_ENGINE_CRASHED", "It was ended by SIGKILL.")
        );
        expect(crashes[0]).toMatchObject({
            code: "ERR_ENGINE_CRASHED",
            advice: "It is started again with the next question."
        });
    });

    it("disposes of what comes after its end, and says nothing more", async () => {
        const { client, service, engines, heard } = start();
        const loading = client.call("load", { trio: "here" });
        await settled();
        const closed = service.close();
        engines.finish();
        await closed;
        const told = heard.length;
        service.receive({ kind: "call", id: 9, name: "list", args: {} });
        await settled();
        expect(heard).toHaveLength(told);
        expect(await Promise.race([loading.catch(() => "aborted"), settled().then(() => "open")])).toBe("open");
    });
});

describe("answers", () => {
    it("come in parts, each to its own call", async () => {
        const { client, engines, load } = start();
        await load();
        const texts = ["", ""];
        const both = (["base", "rast"] as const).map((mode, index) =>
            client.call(
                "ask",
                { ...ask, mode, lambda: 1.5, seed: 3 },
                { onPart: (part) => (texts[index] += part.answer) }
            )
        );
        await settled();
        const [base, rast] = engines.generations as [Held, Held];
        expect(base.options).toMatchObject({ prompt: "6+34", mode: "base", seed: 3 });
        expect(base.options).not.toHaveProperty("lambda");
        expect(rast.options).toMatchObject({ prompt: "6+34", mode: "rast", lambda: 1.5 });
        rast.say("4");
        base.say("5");
        rast.say("0");
        base.end("eos");
        rast.end("eos");
        expect(await Promise.all(both)).toEqual([
            { stopReason: "eos", seed: 7, tokens: 3, tokensPerSecond: 10 },
            { stopReason: "eos", seed: 7, tokens: 3, tokensPerSecond: 10 }
        ]);
        expect(texts).toEqual(["5", "40"]);
    });

    it("of a base alone are the base's, of a chat follow its messages", async () => {
        const { client, engines, load } = start({ chat: true, alone: true });
        expect(await load()).toMatchObject({ lambda: null, isChat: true });
        void client.call("ask", { ...ask, lambda: 1 });
        await settled();
        expect(engines.generations[0]!.options).toMatchObject({ mode: "base", messages: ask.messages });
        expect(engines.generations[0]!.options).not.toHaveProperty("lambda");
    });

    it("stop with what there is, and fail with the engine's error", async () => {
        const { client, engines, load } = start();
        await load();
        const stop = new AbortController();
        const stopped = client.call("ask", ask, { signal: stop.signal });
        const failed = client.call("ask", ask);
        await settled();
        stop.abort();
        engines.generations[1]!.end(new RastError("ERR_PROMPT_TOO_LONG", "It is too long."));
        expect(await stopped).toMatchObject({ stopReason: "abort" });
        expect(await failure(failed)).toMatchObject({ code: "ERR_PROMPT_TOO_LONG" });
        const early = client.call("ask", ask, { signal: AbortSignal.abort() });
        await settled();
        expect(await early).toMatchObject({ stopReason: "abort" });
    });

    it("end when their page goes; the engine stays", async () => {
        const { client, service, engines, load } = start();
        await load();
        const asked = client.call("ask", ask);
        await settled();
        service.abortAll();
        expect(await asked).toMatchObject({ stopReason: "abort" });
        expect(engines.disposed).toEqual([]);
    });
});

describe("messages from anybody", () => {
    it.each([
        ["no call", { name: "toString" }],
        ["no call", { name: "__proto__" }],
        ["no call", { name: 7 }],
        ["mode", { name: "ask", args: { ...ask, mode: "expert" } }],
        ["messages", { name: "ask", args: { mode: "rast", messages: [] } }],
        ["messages", { name: "ask", args: { mode: "rast", messages: [{ role: "system", content: "" }] } }],
        [
            "characters",
            { name: "ask", args: { mode: "rast", messages: [{ role: "user", content: "x".repeat(1_000_001) }] } }
        ],
        ["number", { name: "ask", args: { ...ask, seed: "7" } }],
        ["object", { name: "ask", args: [] }],
        ["trio", { name: "load", args: { trio: { base: "/etc/passwd" } } }]
    ])("are refused where they are wrong: %s", async (word, message) => {
        const { service, heard, load, engines } = start();
        await load();
        service.receive({ kind: "call", id: 100, args: {}, ...message });
        await settled();
        expect(heard.at(-1)).toMatchObject({ kind: "error", id: 100, error: { code: "ERR_PROTOCOL" } });
        expect((heard.at(-1) as { error: { message: string } }).error.message).toContain(word);
        expect(engines.generations).toEqual([]);
    });

    it("reach the engine by the names that are known alone", async () => {
        const { service, engines, load } = start();
        await load();
        service.receive({ kind: "call", id: 100, name: "ask", args: { ...ask, grammar: "root ::= x", logprobs: 20 } });
        await settled();
        expect(Object.keys(engines.generations[0]!.options).sort()).toEqual(["mode", "prompt", "signal"]);
    });

    it.each([undefined, null, 7, "call", [], {}, { kind: "call", id: 1.5 }, { kind: "abort", id: "1" }])(
        "are left alone where they name no call: %j",
        async (message) => {
            const { service, heard } = start();
            service.receive(message);
            await settled();
            expect(heard).toEqual([]);
        }
    );

    it("do not take the number of a call that is under way", async () => {
        const { client, service, engines, load } = start();
        await load();
        const asked = failure(client.call("ask", ask));
        await settled();
        service.receive({ kind: "call", id: 2, name: "ask", args: ask });
        await settled();
        expect(engines.generations).toHaveLength(1);
        expect(await asked).toMatchObject({ code: "ERR_PROTOCOL" });
    });
});

describe("a port that is lost", () => {
    const gone = { code: "ERR_ENGINE_CRASHED", message: "It ended.", advice: "", details: {} } as const;

    it("fails what was under way, and keeps what comes later for the next", async () => {
        const client = new EngineClient();
        const told: string[] = [];
        client.onCrash = ({ code }) => told.push(code);
        client.onConnect = () => told.push("connected");
        client.onWanted = () => told.push("wanted");
        client.connect({ send: () => {} });
        const lost = client.call("list", {});
        client.disconnect(gone);
        expect(await failure(lost)).toMatchObject({ code: "ERR_ENGINE_CRASHED" });
        expect(client.isConnected).toBe(false);
        const later = client.call("list", {});
        const sent: ToEngine[] = [];
        client.connect({ send: (message) => sent.push(message) });
        expect(sent).toEqual([{ kind: "call", id: 2, name: "list", args: {} }]);
        client.receive({ kind: "value", id: 2, value: "here" });
        client.receive({ kind: "value", id: 2, value: "again" });
        expect(await later).toBe("here");
        expect(told).toEqual(["connected", "ERR_ENGINE_CRASHED", "wanted", "connected"]);
    });
});

describe("a conversation", () => {
    it("is led on both sides, each with its own history, without turns that failed", async () => {
        const { client, engines, load } = start({ chat: true });
        await load();
        const conversation = new Conversation();
        const changes: string[] = [];
        conversation.onChange = ({ answers }, side) =>
            changes.push(`${side} ${answers[side].state} ${answers[side].text}`);
        const settings = { lambda: 1, temperature: undefined, maxTokens: undefined, seed: 1 };
        const turn = async (question: string, base: string | Error, rast: string): Promise<void> => {
            const asked = conversation.ask(client, question, settings);
            expect(conversation.isRunning).toBe(true);
            await settled();
            const [ofBase, ofRast] = engines.generations.splice(0) as [Held, Held];
            if (typeof base === "string") ofBase.say(base);
            ofBase.end(typeof base === "string" ? "eos" : base);
            ofRast.say(rast, "hm");
            ofRast.end("eos");
            await asked;
        };
        await turn("1+1", "3", "2");
        await turn("2+2", new RastError("ERR_DECODE", "It failed."), "4");
        expect(conversation.title).toBe("1+1");
        expect(conversation.turns[1]!.answers.base).toMatchObject({ state: "failed", error: { code: "ERR_DECODE" } });
        expect(conversation.turns[1]!.answers.rast).toMatchObject({ state: "done", text: "4", reasoning: "hm" });
        expect(changes.filter((each) => each.startsWith("base"))).toEqual([
            "base running 3",
            "base done 3",
            "base failed "
        ]);
        expect(changes.filter((each) => each.includes("done"))).toEqual(["base done 3", "rast done 2", "rast done 4"]);
        const last = conversation.ask(client, "3+3", settings);
        await settled();
        const contents = engines.generations.map(({ options }) =>
            (options as { messages: readonly { content: string }[] }).messages.map(({ content }) => content).join(" ")
        );
        expect(contents).toEqual(["1+1 3 3+3", "1+1 2 2+2 4 3+3"]);
        await expect(conversation.ask(client, "now", settings)).rejects.toThrow("It is being answered.");
        conversation.stop();
        await last;
        expect(conversation.turns[2]!.answers.rast.state).toBe("stopped");
        expect(conversation.isRunning).toBe(false);
    });
});

describe("the page as one text", () => {
    it("allows its own script and style alone", () => {
        const page = onePage("export const one = 1; // $& $1");
        expect(page).toContain('<script type="module">export const one = 1; // $& $1</script>');
        expect(page).toMatch(
            /content="default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-[\w+/=]{44}'; /
        );
        expect(page).not.toMatch(/policy"|<!-- (?:style|script) -->|unsafe|onclick|http:/);
    });

    it.each(["'</script>'", "'</SCRIPT >'", "'<!--'"])("refuses a script with %s in it", (script) => {
        expect(() => onePage(script)).toThrow("would end");
    });
});
