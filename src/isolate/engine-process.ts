import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { RastError } from "../errors.js";
import type { NativeProgress, NativeRequest, NativeStep } from "../native/addon-types.js";
import { spawnChild } from "../native/child-process.js";
import { crashError, type ChildPhase, type Crash } from "./crash.js";
import { knownLibraries } from "./known-libraries.js";
import { LastWords } from "./last-words.js";
import type { CallArguments, CallName, CallResult, FromChild, OpenedLibraries, ToChild } from "./protocol.js";

/** What a child process reports by itself. */
export interface ProcessListener {
    progress(progress: NativeProgress): void;
    steps(steps: readonly NativeStep[]): void;
    /** It has ended, and nobody wanted it to. What was asked of it fails right afterwards. */
    crashed(crash: Crash): void;
}

interface Waiting {
    resolve(value: unknown): void;
    reject(error: unknown): void;
}

/** Until the first message: antivirus programs may look at a program for long. A wrong `execPath` never sends one. */
const startTimeoutMs = 60_000;
/** Between a process's end and the end of its pipes, which a process that it started may hold. */
const lateMs = 500;
/** Between the end of its channel and its own. */
const closedMs = 5000;

const running = new Set<ChildProcess>();

// "exit" comes for process.exit() and uncaught exceptions; kills from outside are the child's own business.
function endWithThisThread(child: ChildProcess): void {
    if (child.pid === undefined) return;
    if (running.size === 0) process.once("exit", endAll);
    running.add(child);
    child.once("exit", () => {
        running.delete(child);
        if (running.size === 0) process.off("exit", endAll);
    });
}

function endAll(): void {
    for (const child of running) child.kill("SIGKILL");
}

/**
 * One child process with one engine. Everything asked of it is answered: by the child, by ERR_ENGINE_CRASHED when it ends
 * by itself, or by ERR_DISPOSED after `end`; only generations are left without an answer by `end`. It keeps this process
 * alive only while something is asked of it.
 */
export class EngineProcess {
    /** What it found of llama.cpp. Rejects with what `loadNative` throws. */
    readonly opened: Promise<OpenedLibraries>;
    readonly #listener: ProcessListener;
    readonly #child: ChildProcess;
    readonly #words = new LastWords();
    readonly #waiting = new Map<number, Waiting>();
    readonly #requests = new Set<number>();
    readonly #exited: Promise<void>;
    #settleOpened!: Waiting;
    #lastCall = 0;
    #phase: "starting" | "loading" | "loaded" = "starting";
    #hasExited = false;
    #openPipes = 2; // its channel and stderr
    #trouble: string | undefined;
    #neverRan: string | undefined;
    #over = false;
    #startTimer: NodeJS.Timeout;

    /** @throws ERR_INTERNAL in a child of this package */
    constructor(execPath: string | undefined, listener: ProcessListener) {
        this.#listener = listener;
        this.#neverRan = execPath;
        this.opened = new Promise<OpenedLibraries>((resolve, reject) => {
            this.#settleOpened = { resolve: resolve, reject };
        });
        this.opened.catch(() => {});
        this.#child = spawnChild(new URL("./child.js", import.meta.url), [], {
            channel: true,
            execPath,
            ownGroup: true,
            // A debugger that llama.cpp starts for its backtrace holds the end up for seconds.
            env: { GGML_NO_BACKTRACE: "1" }
        });
        endWithThisThread(this.#child);
        this.#startTimer = setTimeout(
            () => this.#giveUp(`did not start within ${startTimeoutMs / 1000} s`),
            startTimeoutMs
        );
        this.#startTimer.unref();
        this.#exited = new Promise((resolve) => this.#watch(resolve));
        void this.#open(execPath);
    }

    // Another program may be of another platform.
    async #open(execPath: string | undefined): Promise<void> {
        if (execPath !== undefined) return this.#send({ kind: "open", known: undefined });
        const { known, learn } = knownLibraries();
        this.opened.then(learn, () => {});
        this.#send({ kind: "open", known: await known });
    }

    /** Whether it has ended, by itself or by `end`. */
    get over(): boolean {
        return this.#over;
    }

    /** Asks for something. Rejects with what the child's addon throws, ERR_ENGINE_CRASHED, ERR_DISPOSED. */
    call<N extends CallName>(name: N, ...args: CallArguments<N>): Promise<CallResult<N>> {
        if (this.#over) return Promise.reject(endedError());
        return new Promise<CallResult<N>>((resolve, reject) => {
            const call = ++this.#lastCall;
            this.#send({ kind: "call", call, name, args });
            this.#waiting.set(call, { resolve: resolve, reject });
            this.#hold();
        });
    }

    submit(request: number, what: NativeRequest): void {
        if (this.#over) throw endedError();
        this.#send({ kind: "submit", request, what });
        this.#requests.add(request);
        this.#hold();
    }

    cancel(request: number): void {
        if (!this.#over) this.#send({ kind: "cancel", request });
    }

    dropGrammar(id: number): void {
        if (!this.#over) this.#send({ kind: "dropGrammar", id });
    }

    stopTokenizing(id: number): void {
        if (!this.#over) this.#send({ kind: "stopTokenizing", id });
    }

    /** Ends it at once, whatever it does, and waits for that a second at most. Nothing is reported any more. */
    async end(): Promise<void> {
        if (!this.#over) {
            this.#finish(() => endedError());
            this.#child.ref();
            this.#child.kill("SIGKILL");
        }
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, 1000)));
        await Promise.race([this.#exited, late]);
        clearTimeout(timer);
    }

    #send(message: ToChild): void {
        // A closed channel is no error here: the process's end follows.
        this.#child.send(message, undefined, {}, () => {});
    }

    #watch(exited: () => void): void {
        const child = this.#child;
        for (const pipe of [child.stdin, child.stdout, child.stderr] as (Socket | null)[]) {
            pipe?.on("error", () => {}).unref();
        }
        child.stdout?.resume();
        child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#heard(text));
        child.stderr?.once("close", () => {
            this.#openPipes -= 1;
            this.#crashWhenRead();
        });
        child.on("message", (message) => this.#receive(message as FromChild));
        child.once("error", (error) => {
            if (child.pid !== undefined) return;
            exited();
            this.#hasExited = true;
            this.#giveUp(`could not be started (${error.message})`);
            this.#crash();
        });
        child.once("exit", () => {
            exited();
            this.#hasExited = true;
            // What it sent before its end is still on the way.
            setTimeout(() => this.#crash(), lateMs).unref();
            this.#crashWhenRead();
        });
        child.once("disconnect", () => {
            this.#openPipes -= 1;
            this.#crashWhenRead();
            setTimeout(() => this.#giveUp("closed its channel"), closedMs).unref();
        });
    }

    #crashWhenRead(): void {
        if (this.#hasExited && this.#openPipes === 0) setImmediate(() => this.#crash());
    }

    #giveUp(trouble: string): void {
        if (this.#over || (this.#hasExited && this.#child.pid !== undefined)) return;
        this.#trouble = trouble;
        this.#child.kill("SIGKILL");
    }

    #heard(text: string): void {
        this.#words.add(text);
        if (process.env["RAST_LOG"] !== undefined) process.stderr.write(text);
    }

    #receive(message: FromChild): void {
        if (this.#over) return;
        switch (message.kind) {
            case "started":
                this.#neverRan = undefined;
                clearTimeout(this.#startTimer);
                break;
            case "opened":
                this.#phase = "loading";
                this.#settleOpened.resolve(message.opened);
                this.#hold();
                break;
            case "failed":
                this.#settleOpened.reject(RastError.from(message.error));
                break;
            case "progress":
                this.#listener.progress(message.progress);
                break;
            case "steps":
                for (const { request, result, error } of message.steps) {
                    if (result !== undefined || error !== undefined) this.#requests.delete(request);
                }
                this.#hold();
                this.#listener.steps(message.steps);
                break;
            case "value":
                this.#settle(message.call)?.resolve(message.value);
                break;
            case "error":
                this.#settle(message.call)?.reject(RastError.from(message.error));
                break;
        }
    }

    #settle(call: number): Waiting | undefined {
        const waiting = this.#waiting.get(call);
        this.#waiting.delete(call);
        this.#hold();
        return waiting;
    }

    /** To be called when its engine is loaded: for the words of a crash alone. */
    loaded(): void {
        this.#phase = "loaded";
    }

    #doing(): ChildPhase {
        if (this.#phase !== "loaded") return this.#phase;
        if (this.#requests.size > 0) return "generating";
        return this.#waiting.size > 0 ? "working" : "idle";
    }

    #crash(): void {
        if (this.#over) return;
        const { exitCode, signalCode } = this.#child;
        const crash: Crash = {
            phase: this.#doing(),
            signal: signalCode,
            exitCode,
            trouble: this.#trouble,
            neverRan: this.#neverRan,
            stderr: this.#words.lines,
            reason: this.#words.reason,
            requests: [...this.#requests]
        };
        const requests = crash.requests.map((request): NativeStep => crashStep(crash, request));
        this.#over = true;
        this.#listener.crashed(crash);
        this.#finish(() => crashError(crash));
        if (requests.length > 0) this.#listener.steps(requests);
    }

    #finish(why: () => RastError): void {
        this.#over = true;
        clearTimeout(this.#startTimer);
        const waiting = [...this.#waiting.values()];
        this.#waiting.clear();
        this.#requests.clear();
        this.#hold();
        for (const one of [this.#settleOpened, ...waiting]) one.reject(why());
    }

    #hold(): void {
        const { channel } = this.#child;
        const asked = this.#phase === "starting" || this.#waiting.size > 0 || this.#requests.size > 0;
        if (asked && !this.#over) {
            this.#child.ref();
            channel?.ref();
        } else {
            this.#child.unref();
            channel?.unref();
        }
    }
}

function crashStep(crash: Crash, request: number): NativeStep {
    const { code, message, details } = crashError(crash, request);
    return { request, tokens: new Int32Array(0), text: "", error: { code, message, details } };
}

function endedError(): RastError {
    return new RastError("ERR_DISPOSED", "The engine was disposed of. Load a new one with loadRast.");
}
