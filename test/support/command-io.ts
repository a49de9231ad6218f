// A process for commands that are run within the tests' own.
import { EventEmitter } from "node:events";
import { Readable, Writable } from "node:stream";
import type { CommandIo, Output } from "../../src/cli/io.js";
import { run } from "../../src/cli/run.js";

/** What a command line came to. */
export interface Ran {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
    /** With which the command ended its process. */
    readonly exits: readonly number[];
    /** Signals that were left to the system. */
    readonly raised: readonly NodeJS.Signals[];
}

/** What the process is like. */
export interface IoSettings {
    readonly input?: string | Buffer;
    /** Whether all three streams are a terminal, of 120 columns. */
    readonly terminal?: boolean;
    readonly env?: NodeJS.ProcessEnv;
    readonly commandLine?: Buffer;
    /** What writing to stdout fails with. */
    readonly stdoutError?: string;
}

/** An `io` that keeps everything. */
export class CommandProcess implements CommandIo {
    readonly stdin: CommandIo["stdin"];
    readonly stdout: Output;
    readonly stderr: Output;
    readonly env: NodeJS.ProcessEnv;
    readonly exits: number[] = [];
    readonly raised: NodeJS.Signals[] = [];
    readonly #written = { stdout: "", stderr: "" };
    readonly #events = new EventEmitter();
    readonly signals = {
        on: (name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void) => this.#events.on(name, listener),
        off: (name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void) => this.#events.off(name, listener),
        raise: (name: NodeJS.Signals): void => void this.raised.push(name)
    };

    constructor(private readonly settings: IoSettings = {}) {
        const { input = "", terminal = false, env = {} } = settings;
        this.stdin = Object.assign(Readable.from([Buffer.from(input)]), { isTTY: terminal });
        this.stdout = this.#output("stdout");
        this.stderr = this.#output("stderr");
        // Nothing of the settings of whoever runs the tests.
        this.env = { RAST_CONFIG: "", ...env };
    }

    get written(): Readonly<{ stdout: string; stderr: string }> {
        return this.#written;
    }

    /** As if somebody pressed Ctrl-C. */
    send(name: NodeJS.Signals): void {
        this.#events.emit(name, name);
    }

    listeners(): number {
        return this.#events.listenerCount("SIGINT") + this.#events.listenerCount("SIGTERM");
    }

    exit(code: number): void {
        this.exits.push(code);
    }

    async commandLine(): Promise<Buffer | undefined> {
        return this.settings.commandLine;
    }

    #output(name: "stdout" | "stderr"): Output {
        const { terminal = false, stdoutError } = this.settings;
        const stream = new Writable({
            decodeStrings: false,
            write: (text: string, _, done) => {
                if (name === "stdout" && stdoutError !== undefined) {
                    return done(Object.assign(new Error(stdoutError), { code: stdoutError }));
                }
                this.#written[name] += text;
                done();
            }
        });
        return Object.assign(stream, { isTTY: terminal, columns: 120 });
    }
}

/** Runs a command line in this process. */
export async function rast(args: readonly string[], settings: IoSettings = {}): Promise<Ran> {
    const io = new CommandProcess(settings);
    const code = await run(args, io);
    // Streams say a moment later what failed.
    await new Promise((resolve) => setImmediate(resolve));
    return { code, ...io.written, exits: io.exits, raised: io.raised };
}
