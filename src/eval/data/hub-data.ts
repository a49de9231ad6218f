// Files of data sets from the hub: kept in the cache folder, so that they are fetched once.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { shortenMiddle } from "../../checks.js";
import { RastError } from "../../errors.js";
import { Download, downloadSettings } from "../../hub/download.js";
import { Hub } from "../../hub/hub.js";
import { hubPathText, type HubFile } from "../../hub/hub-path.js";
import type { HubOptions } from "../../hub/hub-settings.js";
import { cacheFolder } from "../../machine/cache-folder.js";
import type { HubDataFile } from "./named-sets.js";
import { dataError } from "./read-problems.js";

/** What may be asked of the hub. */
export interface HubDataSettings {
    readonly hub?: HubOptions | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Told what is fetched. */
    readonly onFetch?: ((what: string) => void) | undefined;
}

/** A data set's file, and where it came from. */
export interface FetchedData {
    readonly bytes: Buffer;
    /** "hf:datasets/owner/name/file". */
    readonly source: string;
}

const mostBytes = 1024 * 1_048_576;

/**
 * The first file of several that the hub has.
 * @throws ERR_HUB_UNREACHABLE, ERR_HUB_ACCESS, ERR_HUB_NOT_FOUND, ERR_HUB_ANSWER, ERR_DOWNLOAD_DAMAGED, ERR_FILE_UNWRITABLE
 */
export async function fetchData(files: readonly HubDataFile[], settings: HubDataSettings): Promise<FetchedData> {
    const folder = cacheFolder();
    for (const file of files) {
        const kept = folder === undefined ? undefined : await read(placeOf(folder, file));
        if (kept !== undefined) return { bytes: kept, source: hubPathText(atHub(file)) };
    }
    const hub = new Hub(settings.hub);
    let notFound: unknown;
    for (const file of files) {
        try {
            return await fetchOne(hub, file, folder, settings);
        } catch (error) {
            if (!(error instanceof RastError) || error.code !== "ERR_HUB_NOT_FOUND") throw error;
            notFound ??= error;
        }
    }
    throw notFound;
}

// Data sets lie below "datasets" at a hub, models do not.
function atHub({ repository, revision, path }: HubDataFile): HubFile {
    return { repository: `datasets/${repository}`, revision, path };
}

function placeOf(folder: string, { repository, revision, path }: HubDataFile): string {
    return join(folder, "datasets", ...repository.split("/"), revision.replaceAll("/", "--"), ...path.split("/"));
}

async function fetchOne(
    hub: Hub,
    file: HubDataFile,
    folder: string | undefined,
    { signal, onFetch }: HubDataSettings
): Promise<FetchedData> {
    const asked = atHub(file);
    const source = hubPathText(asked);
    onFetch?.(source);
    const facts = await hub.facts(asked, signal);
    if (facts.bytes > mostBytes)
        throw dataError(`${source} has ${facts.bytes} bytes: more than a data set is read of.`);
    if (folder === undefined) {
        const bytes = await hub.bytes(facts, { start: 0, end: facts.bytes }, signal);
        return { bytes, source };
    }
    const place = placeOf(folder, file);
    const download = await Download.prepare(hub, facts, place);
    await download.run(downloadSettings(2), signal, () => {});
    const bytes = await read(place);
    if (bytes === undefined) throw dataError(`${shortenMiddle(place)} is gone right after it was fetched.`);
    return { bytes, source };
}

async function read(path: string): Promise<Buffer | undefined> {
    const facts = await stat(path).catch(() => undefined);
    if (facts?.isFile() !== true || facts.size === 0) return undefined;
    return readFile(path).catch(() => undefined);
}
