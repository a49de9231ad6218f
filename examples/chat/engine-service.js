/**
 * The engine's end of the protocol, in whichever process rast-llama runs. It reads no message that it has not checked, as
 * the other end may be a page that somebody else got hold of.
 * @import { GenerateOptions, LoadOptions, Rast } from "rast-llama"
 * @import { AskArgs, CallName, ChatTurn, FromEngine, LoadedTrio, PlainEngineError, TrioChoice } from "./protocol.js"
 * @typedef {Pick<typeof import("rast-llama"), "loadRast" | "listTrios" | "RastError" | "errorCatalogue">} Library
 * @typedef {{ args: unknown, signal: AbortSignal, part: (part: unknown) => void }} Call
 * @typedef {object} ServiceOptions
 * @property {(message: FromEngine) => void} send
 * @property {boolean} isolate whether the engine gets a process of its own: not where this is one already
 * @property {LoadOptions} [load] further options of every load
 * @property {() => Promise<readonly TrioChoice[]>} [moreTrios] trios beside those that the library knows
 */

// Base and RAST answer at the same time; questions of other conversations wait for their turn.
const slots = 2;
const afterCrash = "It is started again with the next question.";
const maxTextLength = 1_000_000;
const maxMessages = 1000;

/** One engine at a time. */
export class EngineService {
    #library;
    #options;
    /** @type {Map<number, AbortController>} */
    #running = new Map();
    /** @type {AbortController | undefined} */
    #loading;
    /** @type {{ rast: Rast, facts: LoadedTrio } | undefined} */
    #engine;
    // Loads and unloads go one after the other, so that two never hold memory at the same time.
    /** @type {Promise<unknown>} */
    #turn = Promise.resolve();
    #closed = false;

    /**
     * @param {Library} library what rast-llama exports
     * @param {ServiceOptions} options
     */
    constructor(library, options) {
        this.#library = library;
        this.#options = options;
    }

    /**
     * Takes a message. What is wrong with it is told to who sent it, where it says whom to tell.
     * @param {unknown} message
     */
    receive(message) {
        if (this.#closed || !isRecord(message) || !Number.isSafeInteger(message["id"])) return;
        const id = Number(message["id"]);
        if (message["kind"] === "abort") this.#running.get(id)?.abort();
        else if (message["kind"] === "call") void this.#answer(id, message["name"], message["args"]);
    }

    /** Ends what is being done, as when the page that asked for it has gone. The engine stays. */
    abortAll() {
        for (const controller of this.#running.values()) controller.abort();
    }

    /** Ends all and gives the memory back. Nothing is sent any more. */
    async close() {
        this.#closed = true;
        this.abortAll();
        await this.#inTurn(() => this.#dispose());
    }

    /**
     * @param {number} id
     * @param {unknown} name
     * @param {unknown} args
     */
    async #answer(id, name, args) {
        const controller = new AbortController();
        /** @type {FromEngine} */
        let last;
        try {
            const work = this.#calls()[/** @type {CallName} */ (name)];
            if (typeof name !== "string" || !Object.hasOwn(this.#calls(), name) || this.#running.has(id)) {
                throw protocolError("This is no call, or one under the number of another.");
            }
            this.#running.set(id, controller);
            try {
                const part = (/** @type {unknown} */ part) => this.#send({ kind: "part", id, part });
                last = { kind: "value", id, value: await work({ args, signal: controller.signal, part }) };
            } finally {
                this.#running.delete(id);
            }
        } catch (error) {
            last = { kind: "error", id, error: this.#plain(error) };
        }
        this.#send(last);
    }

    /** @returns {Record<CallName, (call: Call) => Promise<unknown>>} */
    #calls() {
        return {
            list: () => this.#list(),
            load: (call) => this.#load(call),
            ask: (call) => this.#ask(call),
            unload: () => this.#inTurn(() => this.#dispose()).then(() => null)
        };
    }

    async #list() {
        const known = (await this.#library.listTrios())
            .filter(({ bundled, file }) => bundled || file !== null)
            .map(({ name, description }) => ({ trio: name, description }));
        const more = (await this.#options.moreTrios?.()) ?? [];
        return { trios: [...known, ...more], loaded: this.#engine?.facts ?? null };
    }

    /** @param {Call} call */
    async #load({ args, signal, part }) {
        const trio = readText(isRecord(args) ? args["trio"] : undefined, "trio");
        // Who asks for another does not want the one that is being loaded.
        this.#loading?.abort();
        const loading = new AbortController();
        this.#loading = loading;
        return this.#inTurn(async () => {
            await this.#dispose();
            const rast = await this.#library.loadRast({
                ...this.#options.load,
                trio,
                parallel: slots,
                signal: AbortSignal.any([signal, loading.signal]),
                onProgress: ({ role, overall }) => part({ role, overall }),
                isolate: this.#options.isolate && {
                    graceMs: 1000,
                    onCrash: (error) =>
                        this.#send({ kind: "crashed", error: { ...this.#plain(error), advice: afterCrash } })
                }
            });
            this.#engine = { rast, facts: factsOf(trio, rast) };
            if (this.#closed) await this.#dispose();
            return this.#engine?.facts;
        });
    }

    /** @param {Call} call */
    async #ask({ args, signal, part }) {
        const asked = readAsk(args);
        if (this.#engine === undefined) {
            throw Object.assign(new Error("No trio is loaded."), { code: "ERR_NOT_LOADED" });
        }
        const { rast, facts } = this.#engine;
        const { messages, mode, lambda, ...settings } = asked;
        const input = facts.isChat ? { messages } : { prompt: messages.at(-1)?.content ?? "" };
        const generation = rast.generate(
            /** @type {GenerateOptions} */ ({
                ...input,
                ...settings,
                mode: facts.lambda === null ? "base" : mode,
                ...(mode === "rast" && lambda !== undefined && facts.lambda !== null ? { lambda } : {}),
                signal
            })
        );
        for await (const { reasoning, answer } of generation) {
            if (reasoning !== "" || answer !== "") part({ reasoning, answer });
        }
        const { stopReason, seed, usage, timings } = await generation.result;
        const { tokensPerSecond } = timings;
        return { stopReason, seed, tokens: usage.completionTokens, tokensPerSecond };
    }

    async #dispose() {
        const engine = this.#engine;
        this.#engine = undefined;
        await engine?.rast.dispose();
    }

    /**
     * @template T
     * @param {() => Promise<T>} work
     * @returns {Promise<T>}
     */
    #inTurn(work) {
        const done = this.#turn.then(work, work);
        this.#turn = done.catch(() => {});
        return done;
    }

    /** @param {FromEngine} message */
    #send(message) {
        if (!this.#closed) this.#options.send(message);
    }

    /**
     * @param {unknown} error
     * @returns {PlainEngineError}
     */
    #plain(error) {
        const own = isRecord(error) ? error["code"] : undefined;
        if (own === "ERR_NOT_LOADED") return plainError(own, error, "Choose a trio and load it first.");
        if (own === "ERR_PROTOCOL") return plainError(own, error, "");
        const { code, message, details } = this.#library.RastError.from(error).toJSON();
        return { code, message, details, advice: this.#library.errorCatalogue[code].whatToDo };
    }
}

/**
 * @param {string} trio
 * @param {Rast} rast
 * @returns {LoadedTrio}
 */
function factsOf(trio, { info }) {
    return {
        trio,
        base: info.base.description,
        device: info.base.device,
        lambda: info.pairs[0]?.lambda ?? null,
        isChat: info.hasChatTemplate,
        loadMs: info.loadMs
    };
}

// Ranges are the library's business; what could only come from elsewhere is refused here.
/**
 * @param {unknown} args
 * @returns {AskArgs}
 */
function readAsk(args) {
    if (!isRecord(args)) throw protocolError("Expected an object of arguments.");
    const { mode, messages, lambda, temperature, maxTokens, seed } = args;
    if (mode !== "base" && mode !== "rast") throw protocolError('Expected "base" or "rast" for mode.');
    if (!Array.isArray(messages) || messages.length === 0 || messages.length > maxMessages) {
        throw protocolError(`Expected 1 to ${maxMessages} messages.`);
    }
    const turns = messages.map((message) => {
        const { role, content } = isRecord(message) ? message : {};
        if (role !== "user" && role !== "assistant") {
            throw protocolError('Expected messages of "user" and "assistant".');
        }
        return /** @type {ChatTurn} */ ({ role, content: readText(content, "content") });
    });
    const numbers = Object.entries({ lambda, temperature, maxTokens, seed }).filter(([, value]) => value !== undefined);
    for (const [name, value] of numbers) {
        if (typeof value !== "number") throw protocolError(`Expected a number for ${name}.`);
    }
    return { mode, messages: turns, ...Object.fromEntries(numbers) };
}

/**
 * @param {unknown} value
 * @param {string} name
 */
function readText(value, name) {
    if (typeof value !== "string" || value.length > maxTextLength) {
        throw protocolError(`Expected a text of at most ${maxTextLength} characters for ${name}.`);
    }
    return value;
}

/** @param {string} message */
function protocolError(message) {
    return Object.assign(new Error(message), { code: "ERR_PROTOCOL" });
}

/**
 * @param {"ERR_NOT_LOADED" | "ERR_PROTOCOL"} code
 * @param {unknown} error
 * @param {string} advice
 * @returns {PlainEngineError}
 */
function plainError(code, error, advice) {
    return { code, message: error instanceof Error ? error.message : code, advice, details: {} };
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isRecord(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
