// A record on disk: finished samples are appended and flushed, so that whatever ends the process loses none that was told.
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { open, readlink, realpath, rm, stat, truncate, utimes, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { describeError, shortenMiddle } from "../../checks.js";
import { RastError } from "../../errors.js";
import { hasOtherWriter, removeLeftovers, unfinishedName } from "../../machine/unfinished-files.js";
import { differenceOf, keyOf, recordError, RecordParser, type RecordContent } from "./parse.js";
import type { ContestantLine, RecordHead, RecordLine, SampleLine } from "./schema.js";

/** Bytes of one line: more than any context's text, or a server's answer, has. A longer one would hold the event loop up. */
const longestLine = 32 * 1_048_576;
/** A mark is renewed so often, and one of another machine or container that was not for so long is nobody's. */
const renewMs = 10_000;
const foreignLifeMs = 60_000;
/** A record that is just being given back by another process is waited for so often. */
const tries = 5;
/** One behind the other, to a file that is not there yet. */
const mostLinks = 40;

/**
 * A record that this process alone writes, from `open` to `close`. Whatever fails leaves whole lines behind; a last line that
 * was not written to its end is cut off by the next `open`. A mark beside the file, wherever links lead to it, keeps other
 * processes away, another in the folder of temporary files those that call it by another name (hard links). Marks of a process that was
 * killed hold nobody up.
 */
export class RecordFile {
    readonly #path: string;
    readonly #marks: readonly string[];
    readonly #file: FileHandle;
    readonly #content: RecordContent;
    readonly #labels: Set<string>;
    readonly #keys: Set<string>;
    #waiting: string[] = [];
    #flushing: Promise<void> | undefined;
    readonly #renewal: NodeJS.Timeout;

    private constructor(path: string, marks: readonly string[], file: FileHandle, content: RecordContent) {
        this.#path = path;
        this.#marks = marks;
        this.#file = file;
        this.#content = content;
        this.#labels = new Set(content.contestants.keys());
        this.#keys = new Set(content.samples.keys());
        this.#renewal = setInterval(() => marks.forEach((mark) => void renew(mark)), renewMs).unref();
    }

    /**
     * Opens a record, or begins one.
     * @throws ERR_EVAL_RECORD where another process writes it, it is damaged, or is of something else than the head says: it is
     *     left as it is then; ERR_FILE_UNWRITABLE, ERR_FILE_UNREADABLE, ERR_IS_DIRECTORY
     */
    static async open(path: string, head: RecordHead): Promise<RecordFile> {
        const file = await writing(path, () => realPathOf(resolve(path)));
        const marks = [await claim(file, path)];
        let handle: FileHandle | undefined;
        try {
            marks.push(...(await claimFile(file, path)));
            const { content, wholeBytes, torn } = await readLines(file);
            if (content.head !== undefined) refuseOther(path, content.head, head);
            if (torn) await writing(path, () => truncate(file, wholeBytes));
            handle = await writing(path, () => open(file, "a"));
            const record = new RecordFile(path, marks, handle, content);
            if (content.head === undefined) await record.#append(head);
            return record;
        } catch (error) {
            await handle?.close().catch(() => {});
            await removeAll(marks);
            throw error;
        }
    }

    /** What was there when it was opened. */
    get content(): RecordContent {
        return this.#content;
    }

    /**
     * Names a contestant, once.
     * @throws ERR_EVAL_RECORD where the record has one of the same label that is another
     */
    async name(contestant: ContestantLine): Promise<void> {
        const known = this.#content.contestants.get(contestant.label);
        if (known !== undefined) {
            const difference = differenceOf(known, contestant);
            if (difference === undefined) return;
            throw recordError(
                `The record ${shortenMiddle(this.#path)} has another ${contestant.label} (${difference}): choose another file.`,
                { path: this.#path, contestant: contestant.label, difference }
            );
        }
        if (this.#labels.has(contestant.label)) return;
        this.#labels.add(contestant.label);
        await this.#append(contestant);
    }

    /** Whether a sample is there. */
    has(sample: Pick<SampleLine, "contestant" | "problem" | "sample">): boolean {
        return this.#keys.has(keyOf(sample));
    }

    /**
     * Adds a finished sample; it is on disk when this resolves.
     * @throws ERR_FILE_UNWRITABLE
     */
    async add(sample: SampleLine): Promise<void> {
        const key = keyOf(sample);
        if (this.#keys.has(key)) throw new Error(`The sample ${key} is in the record already.`);
        this.#keys.add(key);
        await this.#append(sample);
    }

    /** Never throws. */
    async close(): Promise<void> {
        clearInterval(this.#renewal);
        await this.#flushing?.catch(() => {});
        await this.#file.close().catch(() => {});
        await removeAll(this.#marks);
    }

    // What comes while the disk is at work is written and flushed together.
    async #append(line: RecordLine): Promise<void> {
        this.#waiting.push(`${JSON.stringify(line)}\n`);
        const before = this.#flushing;
        if (before === undefined) {
            this.#flushing = this.#flush();
            return this.#flushing;
        }
        await before;
        return this.#waiting.length === 0 ? this.#flushing : (this.#flushing ??= this.#flush());
    }

    async #flush(): Promise<void> {
        try {
            const lines = this.#waiting;
            this.#waiting = [];
            await writing(this.#path, async () => {
                await this.#file.appendFile(lines.join(""));
                await this.#file.datasync();
            });
        } finally {
            this.#flushing = undefined;
        }
    }
}

/** Reads a record that nobody need be writing. @throws ERR_EVAL_RECORD, ERR_FILE_NOT_FOUND, ERR_FILE_UNREADABLE, ERR_IS_DIRECTORY */
export async function readRecordFile(path: string): Promise<RecordContent & { readonly head: RecordHead }> {
    const { content, missing } = await readLines(resolve(path));
    if (missing)
        throw new RastError("ERR_FILE_NOT_FOUND", `The record does not exist: ${shortenMiddle(path)}`, {
            details: { path }
        });
    if (content.head === undefined) throw recordError(`The record ${shortenMiddle(path)} is empty.`, { path });
    return { ...content, head: content.head };
}

interface ReadLines {
    readonly content: RecordContent;
    /** Up to the end of the last whole line. */
    readonly wholeBytes: number;
    /** A last line was not written to its end. */
    readonly torn: boolean;
    readonly missing: boolean;
}

// In bytes: a character that was cut must not change where the file is cut.
async function readLines(path: string): Promise<ReadLines> {
    const parser = new RecordParser(path);
    let rest: Buffer[] = [];
    let restBytes = 0;
    let wholeBytes = 0;
    const facts = await stat(path).catch(() => undefined);
    // Opening a pipe or a device could wait for ever.
    if (facts !== undefined && !facts.isFile() && !facts.isDirectory())
        throw new RastError("ERR_FILE_UNREADABLE", `The record is not a regular file: ${shortenMiddle(path)}`, {
            details: { path }
        });
    const stream = createReadStream(path);
    try {
        await once(stream, "open");
        for await (const chunk of stream as AsyncIterable<Buffer>) {
            let start = 0;
            for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
                const line = Buffer.concat([...rest, chunk.subarray(start, end)]);
                parser.take(line.toString("utf8"));
                wholeBytes += line.length + 1;
                rest = [];
                restBytes = 0;
                start = end + 1;
            }
            rest.push(chunk.subarray(start));
            restBytes += chunk.length - start;
            if (restBytes > longestLine)
                throw recordError(`${shortenMiddle(path)} is no record: a line of it does not end.`, { path });
        }
    } catch (error) {
        if (error instanceof RastError) throw error;
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT") return { content: parser.content, wholeBytes: 0, torn: false, missing: true };
        throw new RastError(
            code === "EISDIR" ? "ERR_IS_DIRECTORY" : "ERR_FILE_UNREADABLE",
            code === "EISDIR"
                ? `The record is a folder: ${shortenMiddle(path)}`
                : `The record cannot be read: ${shortenMiddle(path)} (${describeError(error)})`,
            { details: { path }, cause: error }
        );
    } finally {
        stream.destroy();
    }
    // Something else than a record is not cut to nothing.
    if (wholeBytes === 0 && restBytes > 0 && !'{"type":"head"'.startsWith(Buffer.concat(rest).toString("utf8", 0, 14)))
        throw recordError(`${shortenMiddle(path)} is no record of an evaluation.`, { path });
    return { content: parser.content, wholeBytes, torn: restBytes > 0, missing: false };
}

function refuseOther(path: string, there: RecordHead, here: RecordHead): void {
    const difference = differenceOf(there, here);
    if (difference === undefined) return;
    throw recordError(
        `The record ${shortenMiddle(path)} is of another evaluation (${difference}): choose another file.`,
        { path, difference }
    );
}

// Where the file is, or will be: whoever calls it by another name must find the same mark.
async function realPathOf(path: string): Promise<string> {
    for (let links = 0; links <= mostLinks; links++) {
        const found = await realpath(path).catch((error: NodeJS.ErrnoException) => {
            if (error.code === "ENOENT") return undefined;
            throw error;
        });
        if (found !== undefined) return found;
        const folder = await realpath(dirname(path));
        const link = await readlink(join(folder, basename(path))).catch(() => undefined);
        if (link === undefined) return join(folder, basename(path));
        path = resolve(folder, link);
    }
    throw new Error("its links lead nowhere");
}

// Beside the file, as what a system does to locked files differs.
async function claim(path: string, shown: string): Promise<string> {
    for (let turn = 1; ; turn++) {
        const mark = join(dirname(path), unfinishedName(basename(path)));
        await removeLeftovers(path);
        await writing(shown, async () => (await open(mark, "wx")).close());
        if (!(await hasOtherWriter(path, mark, foreignLifeMs))) return mark;
        await rm(mark, { force: true });
        if (turn === tries)
            throw recordError(`Another process writes the record ${shortenMiddle(shown)}.`, { path: shown });
        // Two that begin at the same moment see each other.
        await new Promise((resolve) => setTimeout(resolve, 20 + 80 * Math.random()));
    }
}

// Of a file with several names (hard links), also of one that gets another while it is written, no folder is the one beside which all would look.
async function claimFile(path: string, shown: string): Promise<readonly string[]> {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined) await writing(shown, async () => (await open(path, "a")).close());
    const facts = found ?? (await writing(shown, () => stat(path, { bigint: true })));
    if (!facts.isFile()) return [];
    const shared = join(tmpdir(), `rast-record-${facts.dev}-${facts.ino}`);
    try {
        return [await claim(shared, shown)];
    } catch (error) {
        // Without such a folder there is but the mark beside the file.
        if (error instanceof RastError && error.code === "ERR_FILE_UNWRITABLE") return [];
        throw error;
    }
}

async function removeAll(marks: readonly string[]): Promise<void> {
    for (const mark of marks) await rm(mark, { force: true }).catch(() => {});
}

// Whoever is killed elsewhere cannot be asked whether it lives.
async function renew(mark: string): Promise<void> {
    const now = new Date();
    await utimes(mark, now, now).catch(() => {});
}

async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
        return await work();
    } catch (error) {
        const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
        throw new RastError("ERR_FILE_UNWRITABLE", `The record ${shortenMiddle(path)} cannot be written: ${why}.`, {
            details: { path },
            cause: error
        });
    }
}
