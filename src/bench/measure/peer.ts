// Peers in a benchmark: other ways to do RAST, each a program in bench/peers that is driven over IPC.
import { fork, type ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { join } from "node:path";
import { shorten } from "../../checks.js";
import { RastError } from "../../errors.js";
import { adviceToAdd, installerOf } from "../../native/installation.js";
import { findPackages } from "../../native/llama-packages.js";
import { llamaPackages, packageRoot } from "../../package-root.js";
import type { BenchPeer } from "../record/schema.js";

/** What a peer loads, and how. */
export interface PeerOptions {
    readonly name: BenchPeer;
    /** Paths of GGUF files. */
    readonly base: string;
    readonly expert: string;
    readonly antiexpert: string;
    /** Prompt and completion of a generation fit into it as they do into an engine's. */
    readonly contextSize: number;
    readonly threads: number;
    /** false: the CPU alone; otherwise all layers are on the GPU. */
    readonly gpu: false | "auto" | "cuda" | "vulkan" | "metal";
    /** Ends the peer at once, loading or generating. */
    readonly signal?: AbortSignal | undefined;
}

/** What a peer says of itself when it has loaded. */
export interface PeerInfo {
    readonly backend: string;
    readonly vocabularySize: number;
    readonly loadMs: number;
}

/** One generation; it does not stop at an end of the text. */
export interface PeerRequest {
    readonly tokens: readonly number[];
    readonly maxTokens: number;
    /** 0 = greedy. */
    readonly temperature: number;
    readonly topP: number;
    readonly lambda: number;
    /** Of the peer's own generator: its draws are not the engine's. */
    readonly seed: number;
}

/** What a generation came to. */
export interface PeerResult {
    readonly tokens: readonly number[];
    /** From the start to the last token, which `tokens.length` steps took: all of the prompt but its last token was decoded before. */
    readonly ms: number;
    /** From that start to the first token. */
    readonly firstTokenMs: number;
}

/** A peer that has loaded; idle between calls. */
export interface Peer {
    readonly info: PeerInfo;
    /** @throws ERR_PEER, ERR_DISPOSED */
    generate(request: PeerRequest): Promise<PeerResult>;
    /** Ends the process, whatever it does, and waits for its end. */
    dispose(): Promise<void>;
}

/** How long a peer may take to end by itself. */
const patienceMs = 3000;

/**
 * The logits of every token, as arrays and maps of numbers, outgrow V8's young generation (16 MB) several times; with
 * this a peer is, measured, a tenth quicker. It gets what its author would set.
 */
const youngGeneration = "--max-semi-space-size=128";

/**
 * Starts a peer and loads its models.
 * @throws ERR_PEER with the peer's own words, ERR_LOAD_ABORTED
 */
export async function startPeer({ name, signal, ...load }: PeerOptions): Promise<Peer> {
    if (isAborted(signal)) throw aborted(name, signal);
    if (findPackages(name).length === 0) {
        // it is no dependency: who does not measure it needs none of it
        const version = Object.values(llamaPackages())[0] ?? "";
        const advice = adviceToAdd(installerOf(packageRoot()), name, version);
        throw new RastError("ERR_PEER", `The peer ${shorten(name)} is not installed. ${advice}`, {
            details: { peer: name }
        });
    }
    const peer = new PeerProcess(name, signal);
    try {
        const { loaded } = (await peer.ask({ load })) as { loaded: PeerInfo };
        return {
            info: loaded,
            generate: async (generate) => (await peer.ask({ generate })) as PeerResult,
            dispose: () => peer.end()
        };
    } catch (error) {
        await peer.end();
        throw isAborted(signal) ? aborted(name, signal) : error;
    }
}

// A call, as the state changes between one look and the next.
function isAborted(signal: AbortSignal | undefined): boolean {
    return signal?.aborted === true;
}

function aborted(name: BenchPeer, signal: AbortSignal | undefined): RastError {
    return new RastError("ERR_LOAD_ABORTED", `Loading the peer ${name} was aborted.`, { cause: signal?.reason });
}

interface Waiting {
    resolve(reply: object): void;
    reject(error: RastError): void;
}

// Replies come in the order of commands. The process keeps ours alive only while it has something to do.
class PeerProcess {
    readonly #name: BenchPeer;
    readonly #child: ChildProcess;
    readonly #waiting: Waiting[] = [];
    readonly #ended: Promise<void>;
    #errors = "";
    #ending: Promise<void> | undefined;
    #hasEnded = false;

    constructor(name: BenchPeer, signal: AbortSignal | undefined) {
        this.#name = name;
        this.#child = fork(join(packageRoot(), "bench", "peers", `${name}.mjs`), [], {
            execArgv: [youngGeneration],
            stdio: ["ignore", "ignore", "pipe", "ipc"]
        });
        const kill = (): void => void this.#child.kill("SIGKILL");
        signal?.addEventListener("abort", kill, { once: true });
        this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
            this.#errors = (this.#errors + text).slice(-4000);
        });
        this.#child.on("message", (reply) => this.#settle(reply as object));
        this.#ended = new Promise((resolve) => {
            const end = (what: string): void => {
                this.#hasEnded = true;
                signal?.removeEventListener("abort", kill);
                const error =
                    signal?.aborted === true ? this.#error("was aborted", signal.reason) : this.#failure(what);
                for (const { reject } of this.#waiting.splice(0)) reject(error);
                resolve();
            };
            this.#child.once("error", (error) => end(error.message));
            this.#child.once("close", (code, by) => end(by === null ? `exit code ${code}` : `signal ${by}`));
        });
    }

    ask(command: object): Promise<object> {
        if (this.#ending !== undefined || this.#hasEnded) {
            return Promise.reject(new RastError("ERR_DISPOSED", `The peer ${this.#name} has ended.`));
        }
        return new Promise((resolve, reject) => {
            this.#waiting.push({ resolve, reject });
            this.#hold(true);
            // a failure to send is an end of the process, which is reported where it is noticed
            this.#child.send(command, () => {});
        });
    }

    end(): Promise<void> {
        return (this.#ending ??= this.#end());
    }

    async #end(): Promise<void> {
        if (this.#hasEnded) return;
        this.#hold(true);
        const isBusy = this.#waiting.length > 0;
        if (!isBusy) this.#child.send({ dispose: true }, () => {});
        const timer = setTimeout(() => this.#child.kill("SIGKILL"), isBusy ? 0 : patienceMs);
        await this.#ended;
        clearTimeout(timer);
    }

    #settle(reply: object): void {
        const first = this.#waiting.shift();
        if (first === undefined) return;
        if (this.#waiting.length === 0 && this.#ending === undefined) this.#hold(false);
        if ("error" in reply) first.reject(this.#error(`failed: ${String(reply.error)}`));
        else first.resolve(reply);
    }

    #hold(alive: boolean): void {
        const act = alive ? "ref" : "unref";
        this.#child[act]();
        this.#child.channel?.[act]();
        (this.#child.stderr as Socket | null)?.[act]();
    }

    #failure(what: string): RastError {
        if (this.#ending !== undefined) return new RastError("ERR_DISPOSED", `The peer ${this.#name} has ended.`);
        const words = this.#errors.trim().split("\n").at(-1);
        return this.#error(`ended unexpectedly (${what})${words ? `: ${words}` : ""}`);
    }

    #error(what: string, cause?: unknown): RastError {
        return new RastError("ERR_PEER", `The peer ${this.#name} ${what}`, cause === undefined ? {} : { cause });
    }
}
