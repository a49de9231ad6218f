import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "./make-folder.js";

const mostBytes = 65_536;
const mostFiles = 256;

/**
 * What may be lost, over processes: a small JSON file under the hash of each key, so that several may write at once; of
 * two that write the same one the last counts. A file that cannot be read, or is damaged, is as good as none; one that
 * cannot be written is not missed. Of more than 256 files the oldest go.
 */
export class CacheFiles {
    readonly #folder: string | undefined;

    /** @param folder made when something is written; undefined = nothing is kept */
    constructor(folder: string | undefined) {
        this.#folder = folder;
    }

    /** @returns undefined where there is nothing, or nothing but JSON of at most 64 KiB; it may be anything else */
    async read(key: string): Promise<unknown> {
        if (this.#folder === undefined) return undefined;
        const path = join(this.#folder, nameOf(key));
        try {
            const facts = await stat(path);
            if (!facts.isFile() || facts.size > mostBytes) return undefined;
            return JSON.parse(await readFile(path, "utf8")) as unknown;
        } catch {
            return undefined;
        }
    }

    async write(key: string, value: unknown): Promise<void> {
        if (this.#folder === undefined) return;
        const path = join(this.#folder, nameOf(key));
        const unfinished = `${path}.${randomUUID()}`;
        try {
            await makeFolder(this.#folder);
            const fresh = await stat(path).then(
                () => false,
                () => true
            );
            await writeFile(unfinished, JSON.stringify(value), { flag: "wx" });
            await rename(unfinished, path);
            if (fresh) await this.#evict(this.#folder);
        } catch {
            await rm(unfinished, { force: true }).catch(() => {});
        }
    }

    // Also what a process left unfinished when it was killed.
    async #evict(folder: string): Promise<void> {
        const names = (await readdir(folder)).filter((name) => /^[0-9a-f]{64}\.json/.test(name));
        if (names.length <= mostFiles) return;
        const ages = await Promise.all(
            names.map(async (name) => {
                const path = join(folder, name);
                return {
                    path,
                    time: await stat(path).then(
                        ({ mtimeMs }) => mtimeMs,
                        () => 0
                    )
                };
            })
        );
        ages.sort((one, other) => one.time - other.time);
        await Promise.all(
            ages.slice(0, ages.length - mostFiles).map(({ path }) => rm(path, { force: true }).catch(() => {}))
        );
    }
}

function nameOf(key: string): string {
    return `${createHash("sha256").update(key).digest("hex")}.json`;
}
