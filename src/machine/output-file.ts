// A file that is whole under its name, or not there: written under another name in the same folder, flushed, renamed.
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { access, constants, lstat, open, realpath, rename, rm, stat, statfs, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import { canBeResumed, claimLeftover, release, removeLeftovers, unfinishedName } from "./unfinished-files.js";

/** What is to be written. */
export interface OutputFileOptions {
    /** In words, for messages: "the expert", "the trio file". @default "the output" */
    readonly what?: string;
    /**
     * Names the content, such as a hub's etag: what a killed process left of a file with the same path and key is taken
     * over with its bytes (`takenBytes`), instead of being removed.
     */
    readonly resumeKey?: string;
    /** What the whole file will take: with less free space nothing is begun. Rough is good enough. */
    readonly expectedBytes?: number;
}

/**
 * One file in the making, owned by who opened it until `commit`, `abort` or `keep`. Two that make the same file do not meet: each
 * has an unfinished file of its own, and the last to commit stays. What a killed process left is found by the next one that
 * opens the same path. Whatever fails leaves the path as it was.
 */
export class OutputFile {
    /** Where the whole file will lie: absolute, behind links. */
    readonly path: string;
    /** Where it lies until then, in the same folder. */
    readonly unfinishedPath: string;
    /** Bytes of an earlier process that were taken over; 0 without. They are as that process left them. */
    readonly takenBytes: number;
    readonly #what: string;
    #handle: FileHandle | undefined;

    private constructor(path: string, unfinishedPath: string, takenBytes: number, what: string, handle: FileHandle) {
        this.path = path;
        this.unfinishedPath = unfinishedPath;
        this.takenBytes = takenBytes;
        this.#what = what;
        this.#handle = handle;
        unfinished.add(unfinishedPath);
    }

    /**
     * Begins a file, and removes or takes over what killed processes left of it.
     * @throws ERR_IS_DIRECTORY, ERR_FILE_UNWRITABLE (no such folder, no permission, too little space, no regular file)
     */
    static async open(path: string, options: OutputFileOptions = {}): Promise<OutputFile> {
        const what = options.what ?? "the output";
        try {
            const target = await realTarget(path, what);
            const folder = dirname(target);
            const key = options.resumeKey;
            const own = join(folder, unfinishedName(basename(target), key));
            const taken = key !== undefined && (await claimLeftover(target, key, own));
            await removeLeftovers(target);
            try {
                const takenBytes = taken ? (await lstat(own)).size : 0;
                await checkSpace(folder, (options.expectedBytes ?? 0) - takenBytes, target, what);
                // What was taken over is nobody else's any more; a new one must not be there.
                const { O_RDWR, O_NOFOLLOW = 0, O_CREAT, O_EXCL } = constants;
                const handle = await open(own, O_RDWR | (taken ? O_NOFOLLOW : O_CREAT | O_EXCL), 0o666);
                return new OutputFile(target, own, takenBytes, what, handle);
            } catch (error) {
                if (taken) await release(own);
                throw error;
            }
        } catch (error) {
            throw unwritable(error, path, what);
        }
    }

    /** Writes all of the bytes at a position. @throws ERR_FILE_UNWRITABLE */
    async write(bytes: Uint8Array, position: number): Promise<void> {
        const handle = this.#open();
        try {
            for (let at = 0; at < bytes.length;) {
                const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
                if (bytesWritten === 0) throw new Error("nothing was written");
                at += bytesWritten;
            }
        } catch (error) {
            throw unwritable(error, this.path, this.#what);
        }
    }

    /** Reads what was written, or taken over. @returns fewer bytes at the end @throws ERR_FILE_UNREADABLE */
    async read(position: number, length: number): Promise<Buffer> {
        const handle = this.#open();
        const bytes = Buffer.alloc(length);
        let filled = 0;
        try {
            while (filled < length) {
                const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
                if (bytesRead === 0) break;
                filled += bytesRead;
            }
        } catch (error) {
            const message = `Could not read what there is of ${this.#what}, ${shortenMiddle(this.unfinishedPath)}: ${reason(error)}.`;
            throw new RastError("ERR_FILE_UNREADABLE", message, {
                details: { path: this.unfinishedPath },
                cause: error
            });
        }
        return bytes.subarray(0, filled);
    }

    /** Cuts it, or extends it with zeros. @throws ERR_FILE_UNWRITABLE */
    async truncate(bytes: number): Promise<void> {
        await this.#try((handle) => handle.truncate(bytes));
    }

    /** Brings what is written to the disk, where it outlives the process and the machine's power. @throws ERR_FILE_UNWRITABLE */
    async flush(): Promise<void> {
        await this.#try((handle) => handle.sync());
    }

    /**
     * Flushes it and puts it at its path, in place of what was there.
     * @throws ERR_FILE_UNWRITABLE; the unfinished file is gone then, too
     */
    async commit(): Promise<void> {
        try {
            const handle = this.#open();
            await handle.sync();
            this.#handle = undefined;
            await handle.close();
            await replace(this.unfinishedPath, this.path);
            unfinished.delete(this.unfinishedPath);
        } catch (error) {
            await this.abort();
            throw unwritable(error, this.path, this.#what);
        }
        await flushFolder(dirname(this.path));
    }

    /** Ends it without a trace. Idempotent, nothing after `commit`; never throws. */
    async abort(): Promise<void> {
        await this.#close();
        if (!unfinished.has(this.unfinishedPath)) return;
        await rm(this.unfinishedPath, { force: true }).catch(() => {});
        unfinished.delete(this.unfinishedPath);
    }

    /** Ends it and leaves it for the next that opens the same path with the same key, in this process or after it. Never throws. */
    async keep(): Promise<void> {
        await this.#handle?.sync().catch(() => {});
        await this.#close();
        if (unfinished.delete(this.unfinishedPath)) await release(this.unfinishedPath);
    }

    /** An error of who looked at the unfinished file, under the file's own name: the other means nothing to anybody. */
    underItsName(error: unknown): unknown {
        const { path, unfinishedPath } = this;
        if (!(error instanceof RastError)) return error;
        const isNamed = error.details["path"] === unfinishedPath;
        if (!isNamed && !error.message.includes(unfinishedPath)) return error;
        const details = { ...error.details, ...(isNamed ? { path } : {}) };
        return new RastError(error.code, error.message.replaceAll(unfinishedPath, path), { details });
    }

    /** As `abort`, unless it was committed or kept. */
    async [Symbol.asyncDispose](): Promise<void> {
        await this.abort();
    }

    async #try(run: (handle: FileHandle) => Promise<unknown>): Promise<void> {
        try {
            await run(this.#open());
        } catch (error) {
            throw unwritable(error, this.path, this.#what);
        }
    }

    #open(): FileHandle {
        if (this.#handle === undefined) throw new Error("it is closed already");
        return this.#handle;
    }

    async #close(): Promise<void> {
        const handle = this.#handle;
        this.#handle = undefined;
        await handle?.close().catch(() => {});
    }
}

/** Writes a small file whole or not at all. @throws ERR_IS_DIRECTORY, ERR_FILE_UNWRITABLE */
export async function writeWholeFile(path: string, content: string | Uint8Array, what?: string): Promise<void> {
    const file = await OutputFile.open(path, what === undefined ? {} : { what });
    try {
        await file.write(typeof content === "string" ? Buffer.from(content) : content, 0);
        await file.commit();
    } finally {
        await file.abort();
    }
}

/** Unfinished files of this process: those that are left when it exits are removed, unless the next can go on with them. */
const unfinished = new (class extends Set<string> {
    readonly #removeAll = (): void => {
        for (const path of this) {
            if (canBeResumed(path)) continue;
            try {
                rmSync(path, { force: true });
            } catch {
                // the next that makes the file will find it
            }
        }
    };

    override add(path: string): this {
        if (this.size === 0) process.on("exit", this.#removeAll);
        return super.add(path);
    }

    override delete(path: string): boolean {
        const there = super.delete(path);
        if (there && this.size === 0) process.off("exit", this.#removeAll);
        return there;
    }
})();

// Absolute, and behind links: a link stays one, and what it points at is replaced.
async function realTarget(path: string, what: string): Promise<string> {
    if (/[/\\]$/.test(path)) throw folderError(path, what);
    const target = resolve(path);
    const facts = await stat(target).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
        return undefined;
    });
    if (facts === undefined) {
        const link = await lstat(target).catch(() => undefined);
        if (link?.isSymbolicLink() === true) throw new Error("it is a link to nowhere");
        return join(await realpath(dirname(target)), basename(target));
    }
    if (facts.isDirectory()) throw folderError(path, what);
    if (!facts.isFile()) throw new Error("it is a device, a pipe or a socket, not a regular file");
    await access(target, constants.W_OK); // somebody may have made it read-only for a reason
    return realpath(target);
}

async function checkSpace(folder: string, bytes: number, path: string, what: string): Promise<void> {
    if (bytes <= 0) return;
    const facts = await statfs(folder).catch(() => undefined);
    if (facts === undefined || facts.blocks === 0) return; // a file system that does not say
    const free = facts.bavail * facts.bsize;
    if (free >= bytes) return;
    const message = `Could not write ${what}, ${shortenMiddle(path)}: it takes ${bytes} bytes, and ${free} are free in ${shortenMiddle(folder)}.`;
    throw new RastError("ERR_FILE_UNWRITABLE", message, { details: { path, expectedBytes: bytes, freeBytes: free } });
}

const windowsRetries = 20;

async function replace(from: string, to: string): Promise<void> {
    for (let tries = 0; ; ++tries) {
        try {
            return await rename(from, to);
        } catch (error) {
            // Windows: somebody looks into the file, a virus scanner for instance
            const busy = ["EPERM", "EACCES", "EBUSY"].includes((error as NodeJS.ErrnoException).code ?? "");
            if (process.platform !== "win32" || !busy || tries === windowsRetries) throw error;
            await new Promise((done) => setTimeout(done, 100));
        }
    }
}

// So that the new name outlives a power failure, too; not every system can.
async function flushFolder(folder: string): Promise<void> {
    if (process.platform === "win32") return;
    const handle = await open(folder, "r").catch(() => undefined);
    await handle?.sync().catch(() => {});
    await handle?.close().catch(() => {});
}

function folderError(path: string, what: string): RastError {
    const message = `Could not write ${what}: ${shortenMiddle(path)} is a folder; expected the path of a file.`;
    return new RastError("ERR_IS_DIRECTORY", message, { details: { path } });
}

const reasons: Readonly<Record<string, string>> = {
    EACCES: "no permission",
    EPERM: "no permission",
    EROFS: "the file system is read-only",
    ENOENT: "its folder does not exist",
    ENOTDIR: "its folder is a file",
    ENOSPC: "the disk is full",
    EDQUOT: "the quota of the disk is used up",
    EFBIG: "it is larger than files may be here",
    ENAMETOOLONG: "its name is too long",
    EIO: "the disk failed",
    EBUSY: "another program has it open"
};

function reason(error: unknown): string {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) return shortenMiddle(message);
    const known = reasons[code];
    return known === undefined ? code : `${known} (${code})`;
}

function unwritable(error: unknown, path: string, what: string): RastError {
    if (error instanceof RastError) return error;
    const { code } = error as NodeJS.ErrnoException;
    return new RastError("ERR_FILE_UNWRITABLE", `Could not write ${what}, ${shortenMiddle(path)}: ${reason(error)}.`, {
        details: { path, ...(code === undefined ? {} : { reason: code }) },
        cause: error
    });
}

/** The key of content that several facts name. */
export function resumeKeyOf(...facts: readonly string[]): string {
    return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}
