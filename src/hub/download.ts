import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "../machine/make-folder.js";
import { describeError, quote, shortenMiddle } from "../checks.js";
import type { ByteRange } from "./byte-ranges.js";
import { hashContent } from "./content-hash.js";
import { hubError, PassingFailure } from "./hub-errors.js";
import type { Hub, HubFileFacts, RangeBody } from "./hub.js";
import { hubPathText } from "./hub-path.js";
import { Lanes } from "./lanes.js";
import { PartialFile } from "./partial-file.js";

/** How far a download is. */
export interface DownloadProgress {
    /** What it does: fetches, waits until it may ask again, or compares hashes. */
    readonly state: "downloading" | "waiting" | "checking";
    /** Bytes that are there; while checking, those that are checked. */
    readonly bytes: number;
    readonly totalBytes: number;
    /** While waiting: why. */
    readonly reason?: string;
}

/** How to fetch. */
export interface DownloadSettings {
    /** Places for connections, shared by several downloads. */
    readonly lanes: Lanes;
    /** Connections of one file at most. */
    readonly connections: number;
    /** What is asked for at once. */
    readonly pieceBytes: number;
    /** A journal is written after so many. */
    readonly noteBytes: number;
    /** Rejects where a GGUF file, by the path at which it lies until then, is none; asked where the hub gives no hash. */
    readonly assertGguf?: (path: string) => Promise<void>;
}

/** Settings for `connections` in all. */
export function downloadSettings(connections: number): DownloadSettings {
    return {
        lanes: new Lanes(connections),
        connections: Math.min(connections, 4),
        pieceBytes: 32 * 1_048_576,
        noteBytes: 4 * 1_048_576
    };
}

/** How a file came to be known as whole. */
export type DownloadProof = "sha256" | "git" | "size" | "another process";

const writeBytes = 1_048_576;
/** Less than this between two failures is no gain. */
const leastGain = 65_536;

/**
 * One file on its way from a hub to its place. `prepare` opens what there is of it, `run` fetches the rest, checks it and puts it
 * in place; what fails, or is aborted, leaves the file's name as it was and the bytes for the next time. Used once.
 */
export class Download {
    readonly facts: HubFileFacts;
    readonly path: string;
    readonly #hub: Hub;
    readonly #file: PartialFile;

    private constructor(hub: Hub, facts: HubFileFacts, path: string, file: PartialFile) {
        this.#hub = hub;
        this.facts = facts;
        this.path = path;
        this.#file = file;
    }

    /**
     * @param path where the whole file will lie; its folder is made
     * @throws ERR_IS_DIRECTORY, ERR_FILE_UNWRITABLE
     */
    static async prepare(hub: Hub, facts: HubFileFacts, path: string): Promise<Download> {
        await makeFolderOf(path);
        const { sha256, gitSha1, etag, file } = facts;
        const content = [sha256 ?? gitSha1 ?? `${hubPathText(file)} ${etag}`];
        const partial = await PartialFile.open(path, { what: hubPathText(file), content, size: facts.bytes });
        return new Download(hub, facts, path, partial);
    }

    /** Bytes that are not there yet. */
    get missingBytes(): number {
        return this.#file.size - this.#file.bytes;
    }

    /** Where it lies until it is whole. */
    get unfinishedPath(): string {
        return this.#file.unfinishedPath;
    }

    /**
     * Fetches what is missing.
     * @throws ERR_HUB_UNREACHABLE, ERR_HUB_ACCESS, ERR_HUB_NOT_FOUND, ERR_HUB_ANSWER, ERR_DOWNLOAD_DAMAGED,
     *     ERR_FILE_UNWRITABLE; the signal's reason
     */
    async run(
        settings: DownloadSettings,
        signal: AbortSignal | undefined,
        onProgress: (progress: DownloadProgress) => void
    ): Promise<DownloadProof> {
        const { size: totalBytes } = this.#file;
        try {
            for (let fresh = this.#file.takenBytes === 0; ; fresh = true) {
                const fetching = new Fetching(this.#hub, this.facts, this.path, this.#file, settings, onProgress);
                if (!(await fetching.run(signal))) {
                    await this.#file.abort();
                    return "another process";
                }
                const { by, expected, found } = await hashContent(this.#file, this.facts, signal, (bytes) =>
                    onProgress({ state: "checking", bytes, totalBytes })
                );
                if (expected === found) {
                    await this.#assertKind(by, settings);
                    await this.#file.commit();
                    return by === "none" ? "size" : by;
                }
                // What an earlier process left may have lost bytes when the machine's power failed.
                if (fresh) throw await this.#damaged(expected, found);
                await this.#file.clear();
            }
        } catch (error) {
            await this.#file.keep();
            throw error;
        }
    }

    /** Ends it unfetched; what there is of it stays for the next time. Never throws. */
    async keep(): Promise<void> {
        await this.#file.keep();
    }

    // Where there is no hash, a page of an error is told from a model.
    async #assertKind(by: string, { assertGguf }: DownloadSettings): Promise<void> {
        const { path } = this.facts.file;
        if (by !== "none" || !/\.gguf$/i.test(path)) return;
        const start = (await this.#file.read(0, 4)).toString("latin1");
        let why = `it starts with ${quote(start)}`;
        let cause: unknown;
        if (start === "GGUF") {
            try {
                await assertGguf?.(this.unfinishedPath);
                return;
            } catch (error) {
                why = describeError(error);
                cause = error;
            }
        }
        await this.#file.abort();
        const message = `What came for ${path} is no GGUF file: ${why}.`;
        throw hubError("ERR_DOWNLOAD_DAMAGED", message, { path: this.path }, cause);
    }

    async #damaged(expected: string, found: string): Promise<Error> {
        const { file, sha256 } = this.facts;
        await this.#file.abort();
        return hubError(
            "ERR_DOWNLOAD_DAMAGED",
            `What came for ${hubPathText(file)} is not what the hub says: its ${sha256 === undefined ? "hash" : "SHA-256"} is ` +
                `${found}, and should be ${expected}. It is thrown away.`,
            { path: this.path, repository: file.repository, expected, found }
        );
    }
}

/** A server that sends whole files alone. */
class WholeFilesAlone extends Error {}

// All connections of one file, until nothing of it is missing.
class Fetching {
    #bytes: number;

    constructor(
        private readonly hub: Hub,
        private readonly facts: HubFileFacts,
        private readonly path: string,
        private readonly file: PartialFile,
        private readonly settings: DownloadSettings,
        private readonly onProgress: (progress: DownloadProgress) => void
    ) {
        this.#bytes = file.bytes;
    }

    /** @returns false where another process was quicker */
    async run(signal: AbortSignal | undefined): Promise<boolean> {
        this.#show();
        const pieces = this.file.missing(this.settings.pieceBytes);
        try {
            return await this.#together(Math.min(this.settings.connections, pieces.length), signal, async (own) => {
                for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
                    own.throwIfAborted();
                    if (await isThere(this.path)) return false;
                    const next = piece;
                    await this.settings.lanes.run(() => this.#piece(next, own));
                }
                return true;
            });
        } catch (error) {
            if (!(error instanceof WholeFilesAlone)) throw error;
            await this.settings.lanes.run(() => this.#whole(signal));
            return true;
        }
    }

    // The first that fails ends all; none is left at work.
    async #together(
        count: number,
        signal: AbortSignal | undefined,
        work: (own: AbortSignal) => Promise<boolean>
    ): Promise<boolean> {
        const controller = new AbortController();
        const follow = (): void => controller.abort(signal!.reason);
        if (signal?.aborted === true) follow();
        signal?.addEventListener("abort", follow, { once: true });
        let first: { readonly error: unknown } | undefined;
        let all = true;
        try {
            const one = async (): Promise<void> => {
                try {
                    if (!(await work(controller.signal))) {
                        all = false;
                        controller.abort(new Error("another process was quicker"));
                    }
                } catch (error) {
                    if (all) first ??= { error };
                    controller.abort(error);
                }
            };
            await Promise.all(Array.from({ length: count }, one));
        } finally {
            signal?.removeEventListener("abort", follow);
        }
        signal?.throwIfAborted();
        if (first !== undefined) throw first.error;
        return all;
    }

    async #piece({ start, end }: ByteRange, signal: AbortSignal): Promise<void> {
        let at = start;
        let gained = start;
        for (let failures = 1; at < end; failures++) {
            try {
                const body = await this.hub.openRange(this.facts, { start: at, end }, signal);
                if (body.isWholeFile && !(at === 0 && end === this.file.size)) {
                    body.drop();
                    throw new WholeFilesAlone();
                }
                await this.#take(body, at, signal, (reached) => {
                    this.#bytes += reached - at;
                    at = reached;
                    this.#show();
                });
            } catch (error) {
                if (at - gained >= leastGain) failures = 1;
                gained = at;
                await this.hub.recover(error, failures, signal, (_, why) => this.#show(why));
            }
        }
    }

    async #whole(signal: AbortSignal | undefined): Promise<void> {
        const { size } = this.file;
        let best = 0;
        for (let failures = 1; ; failures++) {
            let at = 0;
            try {
                const body = await this.hub.openRange(this.facts, { start: 0, end: size }, signal);
                this.#bytes = best;
                await this.#take(body, 0, signal, (reached) => {
                    at = reached;
                    this.#bytes = Math.max(best, at);
                    this.#show();
                });
                return;
            } catch (error) {
                if (at - best >= leastGain) failures = 1;
                best = Math.max(best, at);
                await this.hub.recover(error, failures, signal, (_, why) => this.#show(why));
            }
        }
    }

    // What has come is written and noted, however the connection ends.
    async #take(
        body: RangeBody,
        start: number,
        signal: AbortSignal | undefined,
        onWritten: (reached: number) => void
    ): Promise<void> {
        let waiting: Uint8Array[] = [];
        let waitingBytes = 0;
        let written = start;
        let noted = start;
        const write = async (): Promise<void> => {
            if (waitingBytes === 0) return;
            const bytes = waiting.length === 1 ? waiting[0]! : Buffer.concat(waiting, waitingBytes);
            waiting = [];
            waitingBytes = 0;
            await this.file.write(bytes, written);
            written += bytes.length;
            onWritten(written);
        };
        const note = async (): Promise<void> => {
            const from = noted;
            noted = written;
            await this.file.note({ start: from, end: written });
        };
        try {
            for await (const chunk of body.chunks()) {
                waiting.push(chunk);
                waitingBytes += chunk.length;
                if (waitingBytes >= Math.min(writeBytes, this.settings.noteBytes)) await write();
                if (written - noted >= this.settings.noteBytes) await note();
            }
        } catch (error) {
            if (error instanceof PassingFailure || signal?.aborted === true) {
                await write();
                await note();
            }
            throw error;
        } finally {
            body.drop();
        }
        await write();
        await note();
    }

    #show(reason?: string): void {
        const progress = { bytes: this.#bytes, totalBytes: this.file.size };
        this.onProgress(
            reason === undefined ? { state: "downloading", ...progress } : { state: "waiting", reason, ...progress }
        );
    }
}

async function isThere(path: string): Promise<boolean> {
    return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function makeFolderOf(path: string): Promise<void> {
    const folder = dirname(path);
    await makeFolder(folder).catch((error: unknown) => {
        const { code, message } = error as NodeJS.ErrnoException;
        throw hubError(
            "ERR_FILE_UNWRITABLE",
            `The folder ${shortenMiddle(folder)} cannot be made: ${code ?? message}.`,
            { path: folder },
            error
        );
    });
}
