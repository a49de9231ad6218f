import { RastError } from "../errors.js";
import { plain } from "../report/shown-text.js";
import { exitCodes, type ExitCode } from "./exit-codes.js";
import type { CommandIo, Output } from "./io.js";

/**
 * Output that cannot be written ends the command at once: without a word when its reader went away (`| head`), with one line
 * and exit code 1 otherwise (a full disk). Nobody can be told of a stderr that fails.
 * @param report says an error
 */
export function watchOutput(io: CommandIo, report: (error: RastError) => ExitCode): void {
    io.stdout.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "EPIPE") return io.exit(exitCodes.ok);
        const message = `The output cannot be written: ${error.code ?? error.message}.`;
        io.exit(report(new RastError("ERR_OUTPUT_UNWRITABLE", message, { cause: error })));
    });
    io.stderr.on("error", () => {});
}

const styles = { bold: 1, dim: 2, red: 31, green: 32 } as const;

/** Makes text of a colour, where that goes to a terminal and NO_COLOR is not set. @param to stdout, if nothing else is said */
export function painter(
    { stdout, env }: Pick<CommandIo, "stdout" | "env">,
    to: Output = stdout
): (style: keyof typeof styles, text: string) => string {
    const plain = to.isTTY !== true || (env["NO_COLOR"] ?? "") !== "";
    return (style, text) => (plain ? text : `\u001b[${styles[style]}m${text}\u001b[0m`);
}

/** A line on a terminal's stderr that is written over; nothing where stderr is no terminal, or llama.cpp writes there. */
export class StatusLine {
    readonly #stream: Output;
    readonly #silent: boolean;
    #shown = false;

    constructor({ stderr, env }: Pick<CommandIo, "stderr" | "env">, quiet = false) {
        this.#stream = stderr;
        this.#silent = quiet || stderr.isTTY !== true || env["RAST_LOG"] !== undefined;
    }

    show(text: string): void {
        if (this.#silent) return;
        this.#stream.write(`\r\u001b[K${plain(text).slice(0, Math.max(10, (this.#stream.columns ?? 80) - 1))}`);
        this.#shown = true;
    }

    clear(): void {
        if (this.#shown) this.#stream.write("\r\u001b[K");
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
