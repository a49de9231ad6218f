import { readFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";

/** A stream for text that people or programs read. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** A stream of text to work on. */
export type Input = Readable & { readonly isTTY?: boolean };

/** Signals that end a command. */
export interface SignalSource {
    on(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
    off(name: NodeJS.Signals, listener: (name: NodeJS.Signals) => void): unknown;
    /** What the system does on this signal where nobody listens. */
    raise(name: NodeJS.Signals): void;
}

/** All that a command touches of its process. Tests hand in their own. */
export interface CommandIo {
    readonly stdin: Input;
    readonly stdout: Output;
    readonly stderr: Output;
    readonly env: NodeJS.ProcessEnv;
    readonly signals: SignalSource;
    /** Ends the process at once. */
    exit(code: number): void;
    /** The command line as the system has it, in bytes; undefined where the system does not tell. */
    commandLine(): Promise<Buffer | undefined>;
}

/** This process. */
export function processIo(): CommandIo {
    return {
        stdin: process.stdin,
        stdout: process.stdout,
        stderr: process.stderr,
        env: process.env,
        signals: {
            on: (name, listener) => process.on(name, listener),
            off: (name, listener) => process.off(name, listener),
            raise: (name) => process.kill(process.pid, name)
        },
        exit: (code) => process.exit(code),
        commandLine: async () =>
            process.platform === "linux" ? readFile("/proc/self/cmdline").catch(() => undefined) : undefined
    };
}
