import { RastError } from "../errors.js";
import type { InterruptingSignal } from "./exit-codes.js";
import type { CommandIo, Input } from "./io.js";
import { formatBytes } from "./output.js";
import { pullWithProgress } from "./pull-progress.js";

/**
 * Sees to it that a trio of the catalog is on this disk: with `--pull` it is pulled, on a terminal somebody is asked.
 * @param trio what --trio says
 * @param pull whether --pull was given
 * @returns the signal that ended a pull
 * @throws ERR_UNKNOWN_TRIO naming the command that brings it; what the pull throws
 */
export async function assurePulled(
    trio: string | undefined,
    pull: boolean | undefined,
    io: CommandIo
): Promise<InterruptingSignal | undefined> {
    if (trio === undefined) return undefined;
    const { resolveTrio } = await import("../trio/trio.js");
    const error = await resolveTrio(trio).then(
        () => undefined,
        (failure: unknown) => failure
    );
    const isMissing =
        error instanceof RastError && (error.code === "ERR_UNKNOWN_TRIO" || error.code === "ERR_FILE_NOT_FOUND");
    // Whatever else is wrong with it is said by who loads it.
    if (!isMissing || /[\\/]|\.json$/i.test(trio)) return undefined;
    const { listTrios } = await import("../pulling/trio-info.js");
    const known = (await listTrios()).find(({ name, bundled }) => name === trio && !bundled);
    if (known === undefined) return undefined;
    const size = known.bytes === null ? "" : ` (${formatBytes(known.bytes)})`;
    if (pull !== true && !(await agreed(`rast: ${trio} is not on this disk${size}. Pull it now? [y/N] `, io))) {
        throw new RastError(
            "ERR_UNKNOWN_TRIO",
            `The trio ${trio} is not on this disk: rast pull ${trio} brings it${size}, as does --pull here.`,
            { details: { trio, command: `rast pull ${trio}` } }
        );
    }
    return (await pullWithProgress(trio, {}, io)).interruptedBy;
}

async function agreed(question: string, { stdin, stderr }: CommandIo): Promise<boolean> {
    if (stdin.isTTY !== true || stderr.isTTY !== true) return false;
    stderr.write(question);
    return /^y(?:es)?$/i.test((await firstLine(stdin)).trim());
}

// And no more of it: what else is typed is somebody else's.
async function firstLine(stdin: Input): Promise<string> {
    return new Promise((resolve) => {
        const done = (text: string): void => {
            stdin.off("data", data).off("end", end).pause();
            resolve(text);
        };
        const data = (chunk: Buffer | string): void => done(String(chunk).split("\n")[0]!);
        const end = (): void => done("");
        stdin.on("data", data).on("end", end);
    });
}
