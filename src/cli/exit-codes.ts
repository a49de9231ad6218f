/** What the command's exit codes mean. */
export const exitCodes = { ok: 0, failure: 1, misuse: 2, interrupted: 130 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
