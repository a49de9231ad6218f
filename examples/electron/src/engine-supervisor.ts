// Which process the engine is in, and who is told when it ends. Knows nothing of Electron: what it needs is handed in.
import type { PlainEngineError } from "../../chat/protocol.js";

/** What the app says to the engine's process. A port comes with "port". */
export type ToEngineProcess = { readonly kind: "port" } | { readonly kind: "quit" };

/** How a process ended that nobody had ended. */
export interface EngineEnd {
    readonly exitCode: number | null;
    /** Last lines of its stderr: llama.cpp's own words. */
    readonly stderr: readonly string[];
}

/** One process with one engine. */
export interface EngineProcess<Port> {
    post(message: ToEngineProcess, ports: readonly Port[]): void;
    /** Ends it at once, whatever it does. */
    kill(): void;
    onEnd(listener: (end: EngineEnd) => void): void;
}

/** The window's page. */
export interface EnginePage<Port> {
    connect(port: Port): void;
    lost(why: PlainEngineError): void;
}

export interface SupervisorOptions<Port> {
    readonly start: () => EngineProcess<Port>;
    /** Two ends that hear each other. */
    readonly channel: () => readonly [Port, Port];
    /** Most starts at once after crashes that follow each other within `calmMs`. @default 3 */
    readonly maxRestarts?: number;
    /** @default 60000 */
    readonly calmMs?: number;
    /** How long `stop` waits for an orderly end. @default 2000 */
    readonly graceMs?: number;
}

/**
 * Keeps an engine's process for a page. A process that ends by itself is told to the page, whose calls fail, and is started
 * again at once; after some crashes in a row only when the page wants it.
 */
export class EngineSupervisor<Port> {
    readonly #options: Required<SupervisorOptions<Port>>;
    #process: EngineProcess<Port> | undefined;
    #page: EnginePage<Port> | undefined;
    #crashes: number[] = [];
    #stopping: Promise<void> | undefined;

    constructor(options: SupervisorOptions<Port>) {
        this.#options = { maxRestarts: 3, calmMs: 60_000, graceMs: 2000, ...options };
    }

    /** A page is there, for the first time or again: it gets a port. */
    pageIs(page: EnginePage<Port>): void {
        this.#page = page;
        this.#connect();
    }

    /** The page asks for an engine that is not there any more. */
    want(): void {
        if (this.#process === undefined) this.#connect();
    }

    /** Ends the process, at once where it does not do so by itself in time. */
    stop(): Promise<void> {
        return (this.#stopping ??= this.#stop());
    }

    #connect(): void {
        if (this.#page === undefined || this.#stopping !== undefined) return;
        const process = (this.#process ??= this.#start());
        const [ofEngine, ofPage] = this.#options.channel();
        process.post({ kind: "port" }, [ofEngine]);
        this.#page.connect(ofPage);
    }

    #start(): EngineProcess<Port> {
        const process = this.#options.start();
        process.onEnd((end) => {
            if (this.#process !== process) return;
            this.#process = undefined;
            if (this.#stopping === undefined) this.#ended(end);
        });
        return process;
    }

    #ended(end: EngineEnd): void {
        const { maxRestarts, calmMs } = this.#options;
        const now = performance.now();
        this.#crashes = [...this.#crashes.filter((at) => now - at < calmMs), now];
        const startsAgain = this.#crashes.length <= maxRestarts;
        this.#page?.lost(crashError(end, startsAgain));
        if (startsAgain) this.#connect();
    }

    async #stop(): Promise<void> {
        const process = this.#process;
        if (process === undefined) return;
        const ended = new Promise<void>((resolve) => process.onEnd(() => resolve()));
        process.post({ kind: "quit" }, []);
        const timer = setTimeout(() => process.kill(), this.#options.graceMs);
        await ended;
        clearTimeout(timer);
    }
}

function crashError({ exitCode, stderr }: EngineEnd, startsAgain: boolean): PlainEngineError {
    const said = stderr.length === 0 ? "" : `: ${stderr.at(-1)}`;
    return {
        code: "ERR_ENGINE_CRASHED",
        message: `The engine's process ended by itself, with code ${exitCode}${said}.`,
        advice: startsAgain ? "It is started again, with the trio that was loaded." : "Load a trio to start it again.",
        details: { exitCode, stderr }
    };
}
