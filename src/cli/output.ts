import { errorCatalogue, RastError } from "../errors.js";

/** What the command's exit codes mean. */
export const exitCodes = { ok: 0, failure: 1, misuse: 2, interrupted: 130 } as const;

/** One line on stderr. @returns the exit code that fits the error */
export function reportError(error: unknown, debug: boolean): number {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof RastError ? ` [${error.code}]` : "";
    process.stderr.write(`rast: ${message.replace(/\s*\n\s*/g, " ")}${code}\n`);
    if (debug && error instanceof Error) process.stderr.write(`${error.stack ?? ""}\n`);
    if (debug && error instanceof Error && error.cause instanceof Error) {
        process.stderr.write(`caused by ${error.cause.stack ?? error.cause.message}\n`);
    }
    return error instanceof RastError && errorCatalogue[error.code].byInput ? exitCodes.misuse : exitCodes.failure;
}

/**
 * Output that cannot be written ends the command at once: without a word when its reader went away (`| head`), with one line
 * and exit code 1 otherwise (a full disk). Nobody can be told of a stderr that fails.
 */
export function watchOutput(): void {
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "EPIPE") process.exit(exitCodes.ok);
        process.stderr.write(`rast: The output cannot be written: ${error.code ?? error.message}.\n`);
        process.exit(exitCodes.failure);
    });
    process.stderr.on("error", () => {});
}

const styles = { bold: 1, red: 31, green: 32 } as const;

/** Text in a colour, where stdout is a terminal and NO_COLOR is not set. */
export function paint(style: keyof typeof styles, text: string): string {
    const plain = !process.stdout.isTTY || (process.env["NO_COLOR"] ?? "") !== "";
    return plain ? text : `\u001b[${styles[style]}m${text}\u001b[0m`;
}

/** A line on a terminal's stderr that is written over; nothing where stderr is not a terminal. */
export class StatusLine {
    #shown = false;

    constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {}

    show(text: string): void {
        if (!this.stream.isTTY) return;
        this.stream.write(`\r\u001b[K${text.slice(0, Math.max(10, this.stream.columns - 1))}`);
        this.#shown = true;
    }

    clear(): void {
        if (this.#shown) this.stream.write("\r\u001b[K");
        this.#shown = false;
    }
}

/** Bytes for people, e.g. "1.5 GiB". */
export function formatBytes(bytes: number): string {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let value = bytes;
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
