import { createHash } from "node:crypto";
import { OutputFile, resumeKeyOf } from "../machine/output-file.js";
import { ByteSet, type ByteRange } from "./byte-ranges.js";

/** What file is in the making. */
export interface PartialFileOptions {
    /** In words, for messages. */
    readonly what: string;
    /** Names the content, so that what an earlier process began is not mixed with another one's. */
    readonly content: readonly string[];
    /** In bytes, when it is whole. */
    readonly size: number;
}

const recordBytes = 32;
const mostRecordBytes = 64 * 1_048_576;

/**
 * A file that is written in any order, over several processes. Behind its content it has a journal: a record of every piece
 * that is there, written after the piece, cut off when the file is whole. A record has a checksum, so that one that was not
 * written to its end is none. The unfinished file is one process's own; what a dead one left is taken over with its journal.
 */
export class PartialFile {
    readonly size: number;
    /** Bytes that an earlier process had written. */
    readonly takenBytes: number;
    readonly #file: OutputFile;
    readonly #key: string;
    readonly #there: ByteSet;
    #journalEnd: number;

    private constructor(file: OutputFile, key: string, size: number, there: ByteSet, journalEnd: number) {
        this.#file = file;
        this.#key = key;
        this.size = size;
        this.#there = there;
        this.#journalEnd = journalEnd;
        this.takenBytes = there.bytes;
    }

    /** @throws ERR_IS_DIRECTORY, ERR_FILE_UNWRITABLE */
    static async open(path: string, { what, content, size }: PartialFileOptions): Promise<PartialFile> {
        const key = resumeKeyOf(...content, String(size));
        const file = await OutputFile.open(path, { what, resumeKey: key });
        try {
            const there = new ByteSet();
            const length = Math.min(Math.max(0, file.takenBytes - size), mostRecordBytes);
            const journal = length === 0 ? Buffer.alloc(0) : await file.read(size, length);
            let at = 0;
            for (; at + recordBytes <= journal.length; at += recordBytes) {
                const range = readRecord(journal.subarray(at, at + recordBytes), key);
                if (range === undefined || range.end > size) break;
                there.add(range);
            }
            return new PartialFile(file, key, size, there, size + at);
        } catch (error) {
            await file.keep();
            throw error;
        }
    }

    /** Where it lies until it is whole. */
    get unfinishedPath(): string {
        return this.#file.unfinishedPath;
    }

    /** Bytes that are there. */
    get bytes(): number {
        return this.#there.bytes;
    }

    get isWhole(): boolean {
        return this.bytes === this.size;
    }

    /** What lacks, in pieces. */
    missing(piece: number): ByteRange[] {
        return this.#there.missing(this.size, piece);
    }

    /** Writes bytes, which count for nothing until they are noted. @throws ERR_FILE_UNWRITABLE */
    async write(bytes: Uint8Array, position: number): Promise<void> {
        await this.#file.write(bytes, position);
    }

    /** Says that a piece is written. @throws ERR_FILE_UNWRITABLE */
    async note(range: ByteRange): Promise<void> {
        if (range.end <= range.start) return;
        const at = this.#journalEnd;
        this.#journalEnd += recordBytes;
        this.#there.add(range);
        await this.#file.write(makeRecord(range, this.#key), at);
    }

    /** @returns fewer bytes at the end of the file */
    async read(position: number, length: number): Promise<Buffer> {
        return this.#file.read(position, Math.min(length, this.size - position));
    }

    /** Begins anew. @throws ERR_FILE_UNWRITABLE */
    async clear(): Promise<void> {
        await this.#file.truncate(0);
        this.#there.clear();
        this.#journalEnd = this.size;
    }

    /** Puts the whole file at its path. @throws ERR_FILE_UNWRITABLE */
    async commit(): Promise<void> {
        if (!this.isWhole) throw new Error(`${this.size - this.bytes} bytes are missing`);
        await this.#file.truncate(this.size);
        await this.#file.commit();
    }

    /** Ends it, and leaves it for the next that opens it. Never throws. */
    async keep(): Promise<void> {
        await this.#file.keep();
    }

    /** Ends it without a trace. Never throws. */
    async abort(): Promise<void> {
        await this.#file.abort();
    }
}

function makeRecord({ start, end }: ByteRange, key: string): Buffer {
    const record = Buffer.alloc(recordBytes);
    record.writeBigUInt64LE(BigInt(start), 0);
    record.writeBigUInt64LE(BigInt(end), 8);
    checksumOf(record, key).copy(record, 16);
    return record;
}

function readRecord(record: Buffer, key: string): ByteRange | undefined {
    if (!checksumOf(record, key).equals(record.subarray(16))) return undefined;
    return { start: Number(record.readBigUInt64LE(0)), end: Number(record.readBigUInt64LE(8)) };
}

function checksumOf(record: Buffer, key: string): Buffer {
    return createHash("sha256").update(key).update(record.subarray(0, 16)).digest().subarray(0, 16);
}
