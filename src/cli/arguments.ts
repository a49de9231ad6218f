import { isUtf8 } from "node:buffer";
import { quote } from "../checks.js";
import { RastError } from "../errors.js";

/**
 * Refuses arguments that are not UTF-8: Node.js has put U+FFFD in place of their bytes, and files of such names cannot be
 * reached any more.
 * @param commandLine the arguments' bytes where the system tells them; undefined where it does not
 * @throws ERR_INVALID_OPTION
 */
export function assertUtf8(args: readonly string[], commandLine: Buffer | undefined): void {
    const odd = args.find((arg) => arg.includes("\uFFFD"));
    // Somebody may have typed the character itself.
    if (odd === undefined || commandLine === undefined || isUtf8(commandLine)) return;
    throw new RastError(
        "ERR_INVALID_OPTION",
        `The argument ${quote(odd)} is not UTF-8 text. Rename the file, or reach it by a link with a name in UTF-8.`,
        { details: { argument: odd } }
    );
}
