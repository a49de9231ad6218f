/** What the command's exit codes mean. `unfit`: what was looked at is not what it should be (`rast check`). */
export const exitCodes = {
    ok: 0,
    failure: 1,
    misuse: 2,
    unreachable: 3,
    unfit: 4,
    interrupted: 130,
    terminated: 143
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a shell says of a program that a signal ended. */
export function exitCodeOf(signal: InterruptingSignal): ExitCode {
    return signal === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
}

/** Signals that end a command's work. */
export type InterruptingSignal = "SIGINT" | "SIGTERM";
