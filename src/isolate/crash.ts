import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";

/** What a child process was doing. */
export type ChildPhase = "starting" | "loading" | "idle" | "working" | "generating";

/** How a child process ended that nobody had ended. */
export interface Crash {
    readonly phase: ChildPhase;
    readonly signal: NodeJS.Signals | null;
    readonly exitCode: number | null;
    /** Why it could not be started, or was killed; else undefined. */
    readonly trouble: string | undefined;
    /** `isolate.execPath`, where it has never run this package's script; else undefined. */
    readonly neverRan: string | undefined;
    /** Last lines of its stderr, and the one that says most. */
    readonly stderr: readonly string[];
    readonly reason: string;
    /** Generations that it had been given, in the order of their starts, counted from 1 over the engine's life. */
    readonly requests: readonly number[];
}

/** What native code says before it ends the process for a worker (native/rpc/loss.h). */
const lossLine = /^rast: worker (\S+) is lost: (.*)$/;

/** The worker that was lost and why, where that is what ended a process. */
export function lostWorker({
    stderr
}: Pick<Crash, "stderr">): { readonly worker: string; readonly why: string } | undefined {
    for (const line of stderr) {
        const [, worker, why] = lossLine.exec(line) ?? [];
        if (worker !== undefined) return { worker, why: why! };
    }
    return undefined;
}

const doing: Record<ChildPhase, string> = {
    starting: "while it started",
    loading: "while it loaded",
    idle: "while it was idle",
    working: "while it worked",
    generating: "while it generated"
};

const whileEngine: Record<ChildPhase, string> = {
    starting: "while the engine started",
    loading: "while the models were loaded",
    idle: "while the engine was idle",
    working: "while the engine worked",
    generating: "before a text had come to its end"
};

/**
 * The error of everything that a crash took along.
 * @param request the generation that it is told to
 */
export function crashError(crash: Crash, request?: number): RastError {
    const { phase, signal, exitCode, stderr, requests, trouble, neverRan } = crash;
    const reason = crash.reason === "" ? "" : `: ${crash.reason}`;
    if (neverRan !== undefined) {
        return new RastError(
            "ERR_INVALID_OPTION",
            `isolate.execPath, ${shortenMiddle(neverRan)}, does not run as Node.js 20 or newer: it ${ending(crash)}${reason}.`,
            { details: { option: "isolate.execPath", value: neverRan, signal, exitCode, stderr } }
        );
    }
    const lost = lostWorker(crash);
    if (lost !== undefined) {
        return new RastError(
            "ERR_WORKER_LOST",
            `The worker ${lost.worker} was lost ${whileEngine[phase]}: ${lost.why.replace(/\.$/, "")}.`,
            { details: { worker: lost.worker, phase, requests, ...(request === undefined ? {} : { request }) } }
        );
    }
    return new RastError("ERR_ENGINE_CRASHED", `The engine's process ${ending(crash)} ${doing[phase]}${reason}.`, {
        details: {
            phase,
            signal,
            exitCode,
            stderr,
            requests,
            ...(request === undefined ? {} : { request }),
            ...(trouble === undefined ? {} : { trouble })
        }
    });
}

function ending({ trouble, signal, exitCode }: Crash): string {
    if (trouble !== undefined) return trouble;
    if (signal !== null) return `was ended by ${signal}`;
    // Windows has its reasons in hexadecimal, e.g. 0xC0000005
    const code = exitCode === null ? "unknown" : exitCode > 255 ? `0x${exitCode.toString(16).toUpperCase()}` : exitCode;
    return `ended with exit code ${code}`;
}
