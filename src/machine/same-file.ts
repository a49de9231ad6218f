// Whether an output would take the place of what it is made of.
import { stat } from "node:fs/promises";
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";

/**
 * Refuses an output that is one of its inputs, by whatever name: behind links, or in other letters where the file system
 * takes them for the same. Inputs that are not there are none.
 * @throws ERR_INVALID_ARGUMENT
 */
export async function refuseSameFile(output: string, inputs: readonly string[]): Promise<void> {
    const target = await identityOf(output);
    if (target === undefined) return;
    for (const input of inputs) {
        if ((await identityOf(input)) !== target) continue;
        throw new RastError(
            "ERR_INVALID_ARGUMENT",
            `Input and output are the same file, ${shortenMiddle(input)}: it would be lost.`,
            { details: { path: input } }
        );
    }
}

async function identityOf(path: string): Promise<string | undefined> {
    const facts = await stat(path, { bigint: true }).catch(() => undefined);
    return facts?.isFile() === true ? `${facts.dev}:${facts.ino}` : undefined;
}
