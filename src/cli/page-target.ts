// Where a command's page goes, looked at before anything is loaded: what comes last must not fail for what was known first.
import { stat } from "node:fs/promises";
import { RastError } from "../errors.js";
import type { LoadOptions } from "../loading/load-options.js";
import { OutputFile } from "../machine/output-file.js";
import { refuseSameFile } from "../machine/same-file.js";
import { filesOfModels } from "./model-files.js";

/** What stands in messages. */
export const pageName = "the page";

/** @throws ERR_INVALID_OPTION for "-", ERR_IS_DIRECTORY, ERR_FILE_UNWRITABLE; nothing stays behind */
export async function checkPageTarget(path: string | undefined): Promise<void> {
    if (path === "-") {
        const message = 'Expected a file for html, received "-": a page is not written to stdout.';
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "html" } });
    }
    if (path !== undefined) await (await OutputFile.open(path, { what: pageName })).abort();
}

/**
 * @param files that are read besides; "-" is standard input
 * @throws ERR_INVALID_ARGUMENT where the page would take the place of what it is made of
 */
export async function refuseLostInputs(
    path: string | undefined,
    loads: readonly LoadOptions[],
    files: readonly (string | undefined)[]
): Promise<void> {
    if (path === undefined || (await stat(path).catch(() => undefined)) === undefined) return;
    const named = files.filter((file) => file !== undefined);
    // A file may be what a shell has put there.
    const inputs = named.map((file) => (file === "-" ? "/dev/stdin" : file));
    for (const load of loads) inputs.push(...(await filesOfModels(load)));
    await refuseSameFile(path, inputs);
}
