// Pulls that use the files of one checkpoint, in this process and others, and which of the files go with the last of them.
import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../machine/make-folder.js";
import { pause } from "../hub/patience.js";
import { hasWriter, removeLeftovers, unfinishedName } from "../machine/unfinished-files.js";

const using = "in-use";
const removing = "being-removed";
const waitMs = 50;

/**
 * One pull's use of a checkpoint's folder. Files that a pull fetches for itself alone have a mark beside them; they are removed
 * by the last pull that uses them, also where an earlier one was killed. Files without a mark are somebody's, and stay.
 */
export class CheckpointUse {
    readonly #folder: string;
    readonly #mark: string;

    private constructor(folder: string) {
        this.#folder = folder;
        this.#mark = join(folder, unfinishedName(using));
    }

    /** From now on nobody removes anything. @throws the signal's reason */
    static async begin(folder: string, signal: AbortSignal | undefined): Promise<CheckpointUse> {
        const use = new CheckpointUse(folder);
        await removeLeftovers(join(folder, using));
        await removeLeftovers(join(folder, removing));
        // Where nothing can be written, what is fetched says so.
        await makeFolder(folder).catch(() => {});
        await writeFile(use.#mark, "").catch(() => {});
        try {
            while (await hasWriter(join(folder, removing))) await pause(waitMs, signal);
        } catch (error) {
            await use.end();
            throw error;
        }
        return use;
    }

    /** A file that will be fetched, to go afterwards. Never throws. */
    async passing(path: string): Promise<void> {
        await writeFile(markOf(path), "").catch(() => {});
    }

    /** Files that stay, whoever fetched them. Never throws. */
    async keep(paths: readonly string[]): Promise<void> {
        for (const path of paths) await rm(markOf(path), { force: true }).catch(() => {});
    }

    /** Ends it. Never throws. @param paths of files that go, if they are marked and nobody else is at work with them */
    async end(paths: readonly string[] = []): Promise<void> {
        const own = join(this.#folder, unfinishedName(removing));
        // Who begins says so first, and then looks for this; here it is the other way round, so that one of both sees the other.
        const isMarked = paths.length > 0 && (await writeFile(own, "").then(...yes));
        await rm(this.#mark, { force: true }).catch(() => {});
        if (!isMarked) return;
        if (!(await hasWriter(join(this.#folder, using)))) {
            for (const path of paths) {
                if (!(await stat(markOf(path)).then(...yes))) continue;
                await rm(path, { force: true }).catch(() => {});
                await rm(markOf(path), { force: true }).catch(() => {});
            }
        }
        await rm(own, { force: true }).catch(() => {});
    }
}

const yes = [() => true, () => false] as const;

function markOf(path: string): string {
    return `${path}.passing`;
}
