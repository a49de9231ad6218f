// Files of a hub to this disk, several at a time.
import { statfs } from "node:fs/promises";
import { basename } from "node:path";
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { Download, downloadSettings, type DownloadProof } from "../hub/download.js";
import type { Hub, HubFileFacts } from "../hub/hub.js";
import { hubPathText } from "../hub/hub-path.js";
import { Lanes } from "../hub/lanes.js";
import type { NativeRole } from "../native/addon-types.js";
import { loadNative } from "../native/binding.js";
import type { PlannedFile } from "./model-plan.js";
import type { PullMeter } from "./progress.js";

/** A file to be fetched. */
export interface WantedFile extends PlannedFile {
    readonly role: NativeRole;
    /** The quantization that its name should have: another file of it is taken where the hub has none of this name. */
    readonly quantization: string | undefined;
}

/** What came of one. */
export interface FetchedFile {
    readonly wanted: WantedFile;
    readonly facts: HubFileFacts;
    readonly proof: DownloadProof;
}

/** How to fetch. */
export interface FetchSettings {
    readonly hub: Hub;
    /** Connections in all. */
    readonly connections: number;
    readonly signal: AbortSignal | undefined;
    readonly meter: PullMeter;
    /** Told of what is other than the catalog says. */
    readonly note: (text: string) => void;
    /** Where the files go. */
    readonly folder: string;
    /** What will be made of them afterwards takes so much more. */
    readonly furtherBytes: number;
}

const mostFilesAtOnce = 3;

/**
 * Fetches files. All are asked for before the first is fetched, and the free space is compared with what they take.
 * @throws as `Download.run`; ERR_FILE_UNWRITABLE where they do not fit on the disk
 */
export async function fetchFiles(wanted: readonly WantedFile[], settings: FetchSettings): Promise<FetchedFile[]> {
    const { hub, connections, signal, meter, folder, furtherBytes } = settings;
    const facts = await together(wanted, connections, signal, (file, _, own) =>
        factsOf(file, { ...settings, signal: own })
    );
    const transfer = downloadSettings(connections);
    const downloads: Download[] = [];
    try {
        for (const [index, file] of wanted.entries()) {
            const download = await Download.prepare(hub, facts[index]!, file.path);
            downloads.push(download);
            const { bytes } = download.facts;
            meter.expect(file.path, bytes - download.missingBytes, bytes);
        }
        const missing = downloads.reduce((sum, { missingBytes }) => sum + missingBytes, 0);
        await assertSpace(folder, missing + furtherBytes);
        return await together(downloads, mostFilesAtOnce, signal, async (download, index, own) => {
            const file = wanted[index]!;
            // Parts of a split model, and adapters, have headers that are not whole models'.
            const check = file.quantization === undefined ? transfer : { ...transfer, assertGguf };
            const proof = await download.run(check, own, (progress) =>
                meter.tell(file.path, { role: file.role, file: basename(file.path), ...progress })
            );
            return { wanted: file, facts: download.facts, proof };
        });
    } catch (error) {
        for (const download of downloads) await download.keep();
        throw error;
    }
}

// The first that fails ends the others; none is left at work.
async function together<T, R>(
    items: readonly T[],
    mostAtOnce: number,
    signal: AbortSignal | undefined,
    work: (item: T, index: number, own: AbortSignal) => Promise<R>
): Promise<R[]> {
    const controller = new AbortController();
    const follow = (): void => controller.abort(signal!.reason);
    if (signal?.aborted === true) follow();
    signal?.addEventListener("abort", follow, { once: true });
    const atOnce = new Lanes(mostAtOnce);
    try {
        const outcomes = await Promise.allSettled(
            items.map((item, index) =>
                atOnce.run(async () => {
                    controller.signal.throwIfAborted();
                    return work(item, index, controller.signal).catch((error: unknown) => {
                        controller.abort(error);
                        throw error;
                    });
                })
            )
        );
        if (controller.signal.aborted) throw controller.signal.reason;
        return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<R>).value);
    } finally {
        signal?.removeEventListener("abort", follow);
    }
}

// What the model is, and whether it can be loaded, is asked when it is loaded.
const noHeader: readonly string[] = ["ERR_NOT_GGUF", "ERR_MODEL_TRUNCATED", "ERR_MODEL_INVALID"];

async function assertGguf(path: string): Promise<void> {
    const native = await loadNative().catch(() => undefined);
    await native?.addon.layoutOf(path).catch((error: unknown) => {
        if (error instanceof RastError && noHeader.includes(error.code)) throw error;
    });
}

async function factsOf(
    { file, quantization, role }: WantedFile,
    { hub, signal, note, meter }: FetchSettings
): Promise<HubFileFacts> {
    const waits = meter.waits(role, basename(file.path));
    try {
        return await hub.facts(file, signal, waits);
    } catch (error) {
        const missing = error instanceof RastError && error.code === "ERR_HUB_NOT_FOUND";
        if (!missing || quantization === undefined) throw error;
        const listed = await hub.list(file, signal, waits).catch(() => {
            signal?.throwIfAborted();
            throw error;
        });
        const ggufs = listed.map(({ path }) => path).filter((path) => /\.gguf$/i.test(path));
        const fitting = ggufs.filter((path) => hasQuantization(path, quantization));
        if (fitting.length !== 1) {
            const shown =
                ggufs.length === 0
                    ? "no GGUF file at all"
                    : ggufs
                          .slice(0, 12)
                          .map((path) => basename(path))
                          .join(", ");
            throw new RastError(error.code, `${error.message} It has ${shown}.`, {
                details: { ...error.details, files: ggufs },
                cause: error
            });
        }
        const other = { ...file, path: fitting[0]! };
        note(`The hub calls ${hubPathText(file)} ${fitting[0]!}: that is taken.`);
        return hub.facts(other, signal, waits);
    }
}

/** Whether a file's name says that it is of this quantization. */
export function hasQuantization(path: string, quantization: string): boolean {
    const word = quantization.toLowerCase().replace(/[^a-z0-9_]/g, "\\$&");
    return new RegExp(`(?:^|[./-])${word}(?:\\.gguf)$`).test(path.toLowerCase());
}

async function assertSpace(folder: string, bytes: number): Promise<void> {
    const facts = await statfs(folder).catch(() => undefined);
    if (facts === undefined || facts.blocks === 0) return; // a file system that does not say
    const free = facts.bavail * facts.bsize;
    if (free >= bytes) return;
    throw new RastError(
        "ERR_FILE_UNWRITABLE",
        `The models take ${bytes} bytes more, and ${free} are free in ${shortenMiddle(folder)}: RAST_MODELS or --folder names another.`,
        { details: { path: folder, expectedBytes: bytes, freeBytes: free } }
    );
}
