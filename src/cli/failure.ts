import { errorCatalogue, RastError, type ErrorCode } from "../errors.js";
import { plain } from "../report/shown-text.js";
import { exitCodes, type ExitCode } from "./exit-codes.js";
import { inFlags, type FlagNames } from "./flag-names.js";
import type { Output } from "./io.js";

/** How errors are to be said. */
export interface FailureStyle {
    /** As one line of JSON. */
    readonly json: boolean;
    /** With stacks in front. */
    readonly debug: boolean;
    readonly names: FlagNames;
    /** Where flags come from that nobody typed: "--trio". */
    readonly sources?: ReadonlyMap<string, string>;
}

/** An error on one line of stderr, the last. @returns the exit code that fits it */
export function reportFailure(
    error: unknown,
    stderr: Output,
    { json, debug, names, sources = new Map() }: FailureStyle
): ExitCode {
    const known = error instanceof RastError ? error : undefined;
    const said = known === undefined ? { message: wordsOf(error), details: {} } : inFlags(known, names);
    const { details } = said;
    const message = `${said.message}${sourceOf(said.details, sources)}`;
    const stacks = debug && error instanceof Error ? stacksOf(error) : "";
    if (json) stderr.write(`${stacks}${jsonLine(known?.code ?? "ERR_INTERNAL", message, details)}`);
    else stderr.write(`rast: ${oneLine(message)}${known === undefined ? "" : ` [${known.code}]`}\n${stacks}`);
    return known === undefined ? exitCodes.failure : exitCodeFor(known.code);
}

/** The exit code of a command that ends with an error of this code. */
export function exitCodeFor(code: ErrorCode): ExitCode {
    if (code === "ERR_HUB_UNREACHABLE") return exitCodes.unreachable;
    return errorCatalogue[code].byInput ? exitCodes.misuse : exitCodes.failure;
}

/** A command line that cannot be parsed. @param text commander's words */
export function reportMisuse(text: string, code: ErrorCode, stderr: Output, json: boolean): ExitCode {
    const message = oneLine(text.trim().replace(/^error: /, ""));
    stderr.write(json ? jsonLine(code, message, {}) : `rast: ${message}\n`);
    return exitCodes.misuse;
}

function jsonLine(code: ErrorCode, message: string, details: Readonly<Record<string, unknown>>): string {
    // Details may hold what JSON lacks.
    const plain = new RastError(code, message, { details }).toJSON();
    return `${JSON.stringify({ error: { code, message, details: plain.details } })}\n`;
}

function sourceOf({ option }: Readonly<Record<string, unknown>>, sources: ReadonlyMap<string, string>): string {
    const source = typeof option === "string" ? sources.get(option) : undefined;
    return source === undefined ? "" : ` (${String(option)} is from ${source}.)`;
}

/** A text without its newlines and what else moves a terminal's cursor: names and texts of others stand in messages. */
export function oneLine(text: string): string {
    return plain(text.replace(/\s*\n\s*/g, " "));
}

function wordsOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}

function stacksOf(error: Error): string {
    const cause = error.cause instanceof Error ? `caused by ${error.cause.stack ?? error.cause.message}\n` : "";
    return `${error.stack ?? ""}\n${cause}`;
}
