// Tensors of a checkpoint, whatever number of files it has, read when they are wanted.
import { open, readdir, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { describeError, shortenMiddle } from "../checks.js";
import { RastError, type ErrorCode } from "../errors.js";
import { headerLength, mostHeaderBytes, readHeader, safetensorsError, type TensorEntry } from "./header.js";
import { readIndex } from "./index-file.js";
import { Slices } from "./slices.js";

/** What to read, and when to stop. */
export interface OpenSafetensorsOptions {
    /** Ends the opening with the signal's reason. */
    readonly signal?: AbortSignal;
}

const indexName = "model.safetensors.index.json";
const singleName = "model.safetensors";
const shardName = /^(.+)-(\d{5})-of-(\d{5})\.safetensors$/;

/**
 * The tensors of one safetensors file, of several, or of a folder. Headers are read when it is opened, data when they are
 * wanted. It owns its files, which stay open until `close`; one that is replaced on the disk meanwhile stays the one that was opened.
 */
export class Safetensors {
    /** Absolute, in the order of the index or as given. */
    readonly files: readonly string[];
    /** By their names; each stands in one file. */
    readonly tensors: ReadonlyMap<string, TensorEntry>;
    /** `__metadata__` of all files. */
    readonly metadata: ReadonlyMap<string, string>;
    readonly #handles: ReadonlyMap<string, FileHandle>;

    private constructor(
        tensors: ReadonlyMap<string, TensorEntry>,
        metadata: ReadonlyMap<string, string>,
        handles: ReadonlyMap<string, FileHandle>
    ) {
        this.files = [...handles.keys()];
        this.tensors = tensors;
        this.metadata = metadata;
        this.#handles = handles;
    }

    /**
     * @param source a file, an index (`*.index.json`), a folder with either, or files that belong together
     * @throws ERR_FILE_NOT_FOUND, ERR_IS_DIRECTORY, ERR_FILE_UNREADABLE, and ERR_SAFETENSORS for what is damaged, incomplete or
     *     does not belong together, naming the file, and the tensor where it is one
     */
    static async open(
        source: string | readonly string[],
        { signal }: OpenSafetensorsOptions = {}
    ): Promise<Safetensors> {
        const tensors = new Map<string, TensorEntry>();
        const metadata = new Map<string, string>();
        const handles = new Map<string, FileHandle>();
        const slices = new Slices();
        try {
            const { index, files } = typeof source === "string" ? await findFiles(resolve(source)) : givenFiles(source);
            for (const [file, expected] of files) {
                signal?.throwIfAborted();
                const { handle, bytes } = await openFile(file, expected);
                handles.set(file, handle);
                const header = await readHeaderOf(handle, bytes, file);
                for (const tensor of header.tensors) {
                    const other = tensors.get(tensor.name);
                    if (other !== undefined) {
                        throw safetensorsError(file, `${shortenMiddle(other.file)} has it, too`, tensor.name);
                    }
                    if (expected !== undefined && !expected.has(tensor.name)) {
                        throw safetensorsError(
                            file,
                            `the index ${basename(index!)} says nothing of it here`,
                            tensor.name
                        );
                    }
                    tensors.set(tensor.name, tensor);
                    if (slices.over()) await slices.next();
                }
                for (const name of expected ?? []) {
                    if (tensors.get(name)?.file !== file) {
                        throw safetensorsError(
                            file,
                            `the index ${basename(index!)} says that it is here, and it is not`,
                            name
                        );
                    }
                    if (slices.over()) await slices.next();
                }
                for (const [key, text] of header.metadata) {
                    metadata.set(key, text);
                    if (slices.over()) await slices.next();
                }
            }
            return new Safetensors(tensors, metadata, handles);
        } catch (error) {
            for (const handle of handles.values()) await handle.close().catch(() => {});
            throw error;
        }
    }

    /**
     * Bytes of a tensor's data, as they are in the file.
     * @param offset from the beginning of its data
     * @param length up to its end by default
     * @throws ERR_INVALID_ARGUMENT for a name or range that there is not, ERR_FILE_UNREADABLE
     */
    async read(name: string, offset = 0, length?: number): Promise<Buffer> {
        const tensor = this.tensors.get(name);
        const wanted = length ?? (tensor === undefined ? 0 : tensor.bytes - offset);
        if (tensor === undefined || !(offset >= 0 && wanted >= 0 && offset + wanted <= tensor.bytes)) {
            const message = `There are no bytes ${offset} to ${offset + wanted} of a tensor ${JSON.stringify(shortenMiddle(name))}.`;
            throw new RastError("ERR_INVALID_ARGUMENT", message, { details: { tensor: name } });
        }
        const handle = this.#handles.get(tensor.file)!;
        const bytes = await readAt(handle, tensor.offset + offset, wanted, tensor.file);
        if (bytes.length < wanted) throw safetensorsError(tensor.file, "the file has become shorter", name);
        return bytes;
    }

    /** Idempotent; nothing can be read any more. Never throws. */
    async close(): Promise<void> {
        for (const handle of this.#handles.values()) await handle.close().catch(() => {});
    }

    /** As `close`. */
    async [Symbol.asyncDispose](): Promise<void> {
        await this.close();
    }
}

/** Files by absolute path, with the names that an index says they have. */
interface FoundFiles {
    readonly index?: string;
    readonly files: ReadonlyMap<string, ReadonlySet<string> | undefined>;
}

function givenFiles(paths: readonly string[]): FoundFiles {
    if (paths.length === 0) throw new RastError("ERR_INVALID_ARGUMENT", "Expected at least one safetensors file.");
    return { files: new Map(paths.map((path) => [resolve(path), undefined])) };
}

async function findFiles(path: string): Promise<FoundFiles> {
    const facts = await stat(path).catch((error: unknown) => {
        throw unreadable(error, path);
    });
    if (!facts.isDirectory()) return path.endsWith(".json") ? indexed(path) : { files: new Map([[path, undefined]]) };
    const names = (
        await readdir(path).catch((error: unknown) => {
            throw unreadable(error, path);
        })
    ).sort();
    if (names.includes(indexName)) return indexed(join(path, indexName));
    if (names.includes(singleName)) return givenFiles([join(path, singleName)]);
    const indexes = names.filter((name) => name.endsWith(".safetensors.index.json"));
    if (indexes.length === 1) return indexed(join(path, indexes[0]!));
    const all = names.filter((name) => name.endsWith(".safetensors") && !name.startsWith("."));
    if (all.length === 1 && !shardName.test(all[0]!)) return givenFiles([join(path, all[0]!)]);
    return shards(path, names, all);
}

// Numbered parts without an index: all of them, or none.
function shards(folder: string, names: readonly string[], all: readonly string[]): FoundFiles {
    const families = new Map<string, string[]>();
    for (const name of all) {
        const match = shardName.exec(name);
        const family = match === null ? name : `${match[1]}-of-${match[3]}`;
        families.set(family, [...(families.get(family) ?? []), name]);
    }
    if (families.size !== 1) {
        const other = names.find((name) => /^pytorch_model.*\.bin$|\.pth?$|\.ckpt$/.test(name));
        const why =
            families.size > 1
                ? `more than one checkpoint lies there (${all.slice(0, 3).join(", ")} ...): name the file, or its index`
                : `no safetensors file lies there${other === undefined ? "" : `, and ${other} cannot be read: convert it`}`;
        throw safetensorsError(folder, why);
    }
    const [, prefix, , count] = shardName.exec(all[0]!)!;
    for (let number = 1; number <= Number(count); ++number) {
        const name = `${prefix}-${String(number).padStart(5, "0")}-of-${count}.safetensors`;
        if (!all.includes(name)) {
            throw fileError(
                "ERR_FILE_NOT_FOUND",
                join(folder, name),
                `does not exist, and ${all[0]} says that there are ${Number(count)}`
            );
        }
    }
    return givenFiles(all.map((name) => join(folder, name)));
}

async function indexed(index: string): Promise<FoundFiles> {
    const { handle, bytes } = await openFile(index);
    try {
        if (bytes > mostHeaderBytes) throw safetensorsError(index, `the index has ${bytes} bytes`);
        const names = await readIndex(await readAt(handle, 0, bytes, index), index);
        return { index, files: new Map([...names].map(([name, tensors]) => [join(dirname(index), name), tensors])) };
    } finally {
        await handle.close();
    }
}

async function readHeaderOf(handle: FileHandle, bytes: number, file: string): ReturnType<typeof readHeader> {
    const length = headerLength(await readAt(handle, 0, Math.min(8, bytes), file), bytes, file);
    const json = await readAt(handle, 8, length, file);
    if (json.length < length) throw safetensorsError(file, "the file has become shorter");
    return readHeader(json, bytes, file);
}

async function openFile(path: string, tensors?: ReadonlySet<string>): Promise<{ handle: FileHandle; bytes: number }> {
    const [tensor] = tensors ?? [];
    try {
        const facts = await stat(path);
        if (facts.isDirectory()) throw fileError("ERR_IS_DIRECTORY", path, "is a folder", tensor);
        // opening a pipe or a device could wait for ever
        if (!facts.isFile()) throw fileError("ERR_FILE_UNREADABLE", path, "is not a regular file", tensor);
        const handle = await open(path);
        return { handle, bytes: (await handle.stat()).size };
    } catch (error) {
        throw unreadable(error, path, tensor);
    }
}

async function readAt(handle: FileHandle, position: number, length: number, path: string): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    try {
        while (filled < length) {
            const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
            if (bytesRead === 0) break;
            filled += bytesRead;
        }
    } catch (error) {
        throw unreadable(error, path);
    }
    return bytes.subarray(0, filled);
}

function unreadable(error: unknown, path: string, tensor?: string): RastError {
    if (error instanceof RastError) return error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
        return fileError("ERR_FILE_NOT_FOUND", path, "does not exist", tensor, error);
    return fileError("ERR_FILE_UNREADABLE", path, `cannot be read: ${code ?? describeError(error)}`, tensor, error);
}

function fileError(code: ErrorCode, path: string, what: string, tensor?: string, cause?: unknown): RastError {
    const named = tensor === undefined ? "" : ` (of tensor ${JSON.stringify(shortenMiddle(tensor))})`;
    return new RastError(code, `The checkpoint's file ${shortenMiddle(path)}${named} ${what}.`, {
        details: { path, ...(tensor === undefined ? {} : { tensor: shortenMiddle(tensor) }) },
        ...(cause === undefined ? {} : { cause })
    });
}
