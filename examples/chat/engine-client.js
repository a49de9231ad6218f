/**
 * The page's end of the protocol. It imports nothing: the desktop app puts it into its page as it stands.
 * @import { CallName, Calls, EngineErrorCode, FromEngine, PlainEngineError, ToEngine } from "./protocol.js"
 * @typedef {{ send: (message: ToEngine) => void }} EnginePort
 * @typedef {{ resolve: (value: any) => void, reject: (error: Error) => void, onPart: (part: any) => void }} Waiting
 */

/** An error of the engine, as the page has it: branch on `code`. */
export class EngineError extends Error {
    /** @type {EngineErrorCode} */
    code;
    /** @type {string} */
    advice;
    /** @type {unknown} */
    details;

    /** @param {PlainEngineError} plain */
    constructor({ code, message, advice, details }) {
        super(message);
        this.name = "EngineError";
        this.code = code;
        this.advice = advice;
        this.details = details;
    }
}

/**
 * Calls to an engine behind a port. Every call is settled: by the engine, or by an EngineError when the port is lost. Without a
 * port calls wait for the next one.
 */
export class EngineClient {
    /** Told when the engine's process has ended by itself. @type {(error: EngineError) => void} */
    onCrash = () => {};
    /** Told when there is a port, again after each that was lost. @type {() => void} */
    onConnect = () => {};
    /** Told of every call that waits for a port. @type {() => void} */
    onWanted = () => {};
    /** @type {EnginePort | undefined} */
    #port;
    /** @type {Map<number, Waiting>} */
    #waiting = new Map();
    /** @type {ToEngine[]} */
    #unsent = [];
    #lastId = 0;

    get isConnected() {
        return this.#port !== undefined;
    }

    /** @param {EnginePort} port */
    connect(port) {
        this.#port = port;
        for (const message of this.#unsent.splice(0)) port.send(message);
        this.onConnect();
    }

    /**
     * The port is lost, with the engine behind it.
     * @param {PlainEngineError} why
     */
    disconnect(why) {
        const lost = [...this.#waiting.values()];
        this.#port = undefined;
        this.#waiting.clear();
        this.#unsent.length = 0;
        for (const { reject } of lost) reject(new EngineError(why));
        this.onCrash(new EngineError(why));
    }

    /** @param {FromEngine} message */
    receive(message) {
        if (message.kind === "crashed") {
            this.onCrash(new EngineError(message.error));
            return;
        }
        const waiting = this.#waiting.get(message.id);
        if (waiting === undefined) return;
        if (message.kind === "part") {
            waiting.onPart(message.part);
            return;
        }
        this.#waiting.delete(message.id);
        if (message.kind === "value") waiting.resolve(message.value);
        else waiting.reject(new EngineError(message.error));
    }

    /**
     * @template {CallName} N
     * @param {N} name
     * @param {Calls[N]["args"]} args
     * @param {{ onPart?: (part: Calls[N]["part"]) => void, signal?: AbortSignal }} [options] `signal` asks the engine to stop: the
     *     call still ends as the engine says
     * @returns {Promise<Calls[N]["value"]>}
     */
    call(name, args, { onPart = () => {}, signal } = {}) {
        const id = ++this.#lastId;
        return new Promise((resolve, reject) => {
            this.#waiting.set(id, { resolve, reject, onPart });
            this.#send(/** @type {ToEngine} */ ({ kind: "call", id, name, args }));
            const abort = () => {
                if (this.#waiting.has(id)) this.#send({ kind: "abort", id });
            };
            if (signal?.aborted) abort();
            else signal?.addEventListener("abort", abort, { once: true });
        });
    }

    /** @param {ToEngine} message */
    #send(message) {
        if (this.#port !== undefined) {
            this.#port.send(message);
        } else {
            this.#unsent.push(message);
            this.onWanted();
        }
    }
}
