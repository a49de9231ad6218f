// Keeps a worker's process running: what hostile or broken clients end is started anew.
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { RastError, type PlainRastError } from "../errors.js";
import type { NativeDevice } from "../native/addon-types.js";
import { spawnChild } from "../native/child-process.js";
import type { WorkerSettings } from "./child.js";
import { restartDelayMs } from "./restart-delay.js";

/** What happens to a worker. */
export type WorkerEvent =
    | { readonly event: "listening"; readonly port: number; readonly devices: readonly NativeDevice[] }
    | { readonly event: "connected"; readonly peer: string }
    | { readonly event: "refused"; readonly peer: string; readonly why: string }
    | {
          readonly event: "ended";
          readonly peer: string;
          readonly why: string;
          readonly receivedBytes: number;
          readonly sentBytes: number;
          /** Weights that it had, and that were not sent. */
          readonly cachedBytes: number;
      }
    /** Its process ended by itself, and is started anew after a while. */
    | { readonly event: "crashed"; readonly why: string; readonly restartMs: number };

/** Ends before anything listened: a fault of the machine or of the options, which starting anew does not mend. */
const mostEarlyEnds = 3;

/** A worker that is kept running until `stop`. */
export class WorkerSupervisor {
    readonly #settings: WorkerSettings;
    readonly #tell: (event: WorkerEvent) => void;
    #child: ChildProcess | undefined;
    #timer: NodeJS.Timeout | undefined;
    #port: number;
    #stopped = false;
    #listened = false;
    #earlyEnds = 0;
    #crashes: number[] = [];
    #lastWords = "";
    #fail!: (error: RastError) => void;
    /** Rejects when the worker cannot be started at all. */
    readonly failed: Promise<never>;

    /** @param tell is called with everything that happens */
    constructor(settings: WorkerSettings, tell: (event: WorkerEvent) => void) {
        this.#settings = settings;
        this.#tell = tell;
        this.#port = settings.port;
        this.failed = new Promise<never>((_, reject) => (this.#fail = reject));
        this.failed.catch(() => {});
    }

    start(): void {
        // the port stays what it was, for clients that come again
        const settings = { ...this.#settings, port: this.#port };
        const child = spawnChild(new URL("./child.js", import.meta.url), [JSON.stringify(settings)], {
            ownGroup: true,
            env: { GGML_NO_BACKTRACE: "1" }
        });
        this.#child = child;
        this.#lastWords = "";
        child.stdin?.on("error", () => {});
        child.stderr?.setEncoding("utf8").on("data", (text: string) => {
            this.#lastWords = (this.#lastWords + text).slice(-lastWordsLength);
        });
        createInterface({ input: child.stdout! }).on("line", (line) => this.#heard(line));
        child.once("error", (error) => this.#fail(new RastError("ERR_INTERNAL", error.message, { cause: error })));
        child.once("close", (code, signal) => this.#ended(signal ?? `exit code ${code}`));
    }

    /** Ends it, and everybody's connections with it. */
    async stop(): Promise<void> {
        this.#stopped = true;
        clearTimeout(this.#timer);
        const child = this.#child;
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once("close", resolve));
        child.kill("SIGKILL");
        await ended;
    }

    #heard(line: string): void {
        let said: WorkerEvent | { readonly event: "failed"; readonly error: PlainRastError };
        try {
            said = JSON.parse(line) as typeof said;
        } catch {
            return; // llama.cpp's own
        }
        if (said.event === "failed") {
            if (!this.#listened) this.#fail(RastError.from(said.error));
            return;
        }
        if (said.event === "listening") {
            this.#port = said.port;
            this.#listened = true;
        }
        this.#tell(said);
    }

    #ended(how: string): void {
        this.#child = undefined;
        if (this.#stopped) return;
        const words = this.#lastWords.trim().split("\n").at(-1) ?? "";
        const why = words === "" ? how : `${how}: ${words}`;
        if (!this.#listened && ++this.#earlyEnds >= mostEarlyEnds) {
            return this.#fail(
                new RastError("ERR_INTERNAL", `The worker's process ends before it listens (${why}).`, {
                    details: { stderr: this.#lastWords }
                })
            );
        }
        const now = performance.now();
        this.#crashes = [...this.#crashes.filter((at) => now - at < countedMs), now];
        const restartMs = restartDelayMs(this.#crashes.length);
        this.#tell({ event: "crashed", why, restartMs });
        this.#timer = setTimeout(() => this.start(), restartMs);
    }
}

const lastWordsLength = 4096;
/** Crashes of so long ago make nobody wait. */
const countedMs = 60_000;
