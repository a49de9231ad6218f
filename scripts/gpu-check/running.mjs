// Child processes with a deadline, and the words that go to stderr.
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync } from "node:fs";
import { basename, dirname } from "node:path";

/** A mistake in what was typed, or a machine that lacks something: exit code 2. */
export class Misuse extends Error {}

/** The step's time is over; what was done is kept. */
export class OutOfTime extends Error {}

/** One line on stderr, of the script that runs. */
export function say(line) {
    process.stderr.write(`${basename(process.argv[1] ?? "gpu-check", ".mjs")}: ${line}\n`);
}

/** Seconds that are left of a limit. */
export class Deadline {
    constructor(limitSeconds) {
        this.end = limitSeconds === undefined ? Infinity : performance.now() + limitSeconds * 1000;
    }
    get left() {
        return (this.end - performance.now()) / 1000;
    }
    /** @throws OutOfTime when fewer seconds than these are left */
    need(seconds, what) {
        if (this.left < seconds) throw new OutOfTime(what);
    }
}

const running = new Set();

function signalGroup(child, signal) {
    try {
        process.kill(-child.pid, signal);
    } catch {
        // it has ended
    }
}

// Children lead process groups of their own, so that a compiler's children end with it: end them when this ends.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
        for (const child of running) signalGroup(child, "SIGTERM");
        process.exit(1);
    });
}

const keep = 200_000; // characters of output: their end explains a failure

/**
 * Runs a program to its end, or until the time is over.
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, seconds?: number, log?: string, onOutput?: (text: string) => void }} options
 *   seconds: after these it is ended; log: a file that output is added to
 * @returns {Promise<{ code: number | null, signal: string | null, stdout: string, stderr: string, seconds: number, timedOut: boolean }>}
 */
export function run(command, args, { cwd, env, seconds = Infinity, log, onOutput } = {}) {
    return new Promise((resolve) => {
        const start = performance.now();
        const child = spawn(command, args, {
            cwd,
            env: env ?? process.env,
            detached: true,
            stdio: ["ignore", "pipe", "pipe"]
        });
        running.add(child);
        if (log !== undefined) {
            mkdirSync(dirname(log), { recursive: true });
            appendFileSync(log, `\n$ ${[command, ...args].join(" ")}\n`);
        }
        const output = { stdout: "", stderr: "" };
        for (const stream of ["stdout", "stderr"]) {
            child[stream].setEncoding("utf8").on("data", (text) => {
                output[stream] = (output[stream] + text).slice(-keep);
                if (log !== undefined) appendFileSync(log, text);
                onOutput?.(text);
            });
        }
        let timedOut = false;
        const timers = [];
        if (seconds !== Infinity) {
            const end = (signal) => () => {
                timedOut = true;
                signalGroup(child, signal);
            };
            // ninja forgets what it was making when it is interrupted, and goes on from there the next time
            timers.push(setTimeout(end("SIGINT"), seconds * 1000), setTimeout(end("SIGKILL"), seconds * 1000 + 5000));
        }
        const settle = (code, signal) => {
            timers.forEach(clearTimeout);
            running.delete(child);
            resolve({ code, signal, ...output, seconds: (performance.now() - start) / 1000, timedOut });
        };
        child.on("error", (error) => {
            output.stderr += error.message;
            settle(null, null);
        });
        child.on("close", settle);
    });
}

/** The words that explain why a program failed: the last lines of what it printed. */
export function lastWords({ stdout, stderr, code, signal, timedOut, seconds }, lines = 6) {
    const text = [...stdout.trim().split("\n"), ...stderr.trim().split("\n")].filter((line) => line !== "");
    const how = timedOut ? `ended after ${seconds.toFixed(0)} s` : `exit ${code ?? signal ?? "without a code"}`;
    return [how, ...text.slice(-lines)].join(" | ");
}

/** What a program prints, trimmed, or null when it cannot be run or fails. */
export async function printed(command, args, options) {
    const result = await run(command, args, options);
    return result.code === 0 ? result.stdout.trim() : null;
}
