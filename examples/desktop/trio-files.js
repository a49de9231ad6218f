/**
 * Trio files in folders that somebody keeps models in.
 * @import { TrioChoice } from "../chat/protocol.js"
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

// A trio file is small JSON; everything else in such a folder may be huge.
const maxBytes = 1 << 20;

/**
 * The trio files that lie in a folder or one level below. What cannot be read is left out: loading it would say why.
 * @param {string} folder
 * @returns {Promise<TrioChoice[]>}
 */
export async function trioFilesIn(folder) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
    const found = await Promise.all([folder, ...below].map(trioFilesOf));
    return found.flat();
}

/** @param {string} folder */
async function trioFilesOf(folder) {
    const names = await readdir(folder).catch(() => []);
    const files = names.filter((name) => name.endsWith(".json")).map((name) => join(folder, name));
    const choices = await Promise.all(files.sort().map(readChoice));
    return choices.filter((choice) => choice !== undefined);
}

/**
 * @param {string} file
 * @returns {Promise<TrioChoice | undefined>}
 */
async function readChoice(file) {
    try {
        if ((await stat(file)).size > maxBytes) return undefined;
        const content = /** @type {unknown} */ (JSON.parse(await readFile(file, "utf8")));
        if (typeof content !== "object" || content === null || !("base" in content)) return undefined;
        const said = "description" in content ? content.description : undefined;
        return { trio: file, description: typeof said === "string" ? said.slice(0, 300) : "" };
    } catch {
        return undefined;
    }
}
