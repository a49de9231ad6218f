// An adapter in the making: a GGUF file that is whole under its name or not there.
import { header, layoutOf, type Metadata } from "../gguf/writer.js";
import { toHalf } from "../gguf/half.js";
import { OutputFile } from "../machine/output-file.js";

/** How numbers of an adapter are kept. */
export type AdapterType = "f32" | "f16";

/** A matrix of an adapter. */
export interface FactorHeader {
    /** Ends in ".lora_a" or ".lora_b". */
    readonly name: string;
    /** Innermost dimension first. */
    readonly shape: readonly number[];
}

/** What an adapter says of itself. */
export interface AdapterHeader {
    readonly architecture: string;
    /** A pair counts alpha / its rank times. */
    readonly alpha: number;
    readonly name?: string;
}

const sliceNumbers = 1 << 19;

/** Owned by who opened it, until `commit` or `abort`. */
export class AdapterOutput {
    readonly bytes: number;
    readonly #file: OutputFile;
    readonly #begin: number;
    readonly #offsets: readonly number[];
    readonly #type: AdapterType;

    private constructor(file: OutputFile, bytes: number, begin: number, offsets: readonly number[], type: AdapterType) {
        this.bytes = bytes;
        this.#file = file;
        this.#begin = begin;
        this.#offsets = offsets;
        this.#type = type;
    }

    /** Writes the header; matrices may come in any order. @throws ERR_IS_DIRECTORY, ERR_FILE_UNWRITABLE */
    static async open(
        path: string,
        { architecture, alpha, name }: AdapterHeader,
        factors: readonly FactorHeader[],
        type: AdapterType
    ): Promise<AdapterOutput> {
        const metadata: Record<string, Metadata> = {
            "general.type": { kind: "string", value: "adapter" },
            "general.architecture": { kind: "string", value: architecture },
            ...(name === undefined ? {} : { "general.name": { kind: "string", value: name } }),
            "adapter.type": { kind: "string", value: "lora" },
            "adapter.lora.alpha": { kind: "f32", value: alpha }
        };
        const tensors = factors.map((factor) => ({ ...factor, type }));
        const head = header(metadata, tensors);
        const { offsets, bytes: dataBytes } = layoutOf(tensors);
        const bytes = head.length + dataBytes;
        const file = await OutputFile.open(path, { what: "the adapter", expectedBytes: bytes });
        try {
            await file.write(head, 0);
            await file.truncate(bytes); // what lies between tensors is 0
            return new AdapterOutput(file, bytes, head.length, offsets, type);
        } catch (error) {
            await file.abort();
            throw error;
        }
    }

    /** Writes the numbers of a matrix, by its place in the list. @throws ERR_FILE_UNWRITABLE */
    async write(index: number, data: Float32Array): Promise<void> {
        const at = this.#begin + this.#offsets[index]!;
        if (this.#type === "f32") {
            await this.#file.write(Buffer.from(data.buffer, data.byteOffset, data.byteLength), at);
            return;
        }
        for (let from = 0; from < data.length; from += sliceNumbers) {
            const halves = Uint16Array.from(data.subarray(from, from + sliceNumbers), toHalf);
            await this.#file.write(Buffer.from(halves.buffer), at + 2 * from);
        }
    }

    /** Puts the file at its path. @throws ERR_FILE_UNWRITABLE; nothing is left then */
    async commit(): Promise<void> {
        await this.#file.commit();
    }

    /** Ends it without a trace. Idempotent, nothing after `commit`; never throws. */
    async abort(): Promise<void> {
        await this.#file.abort();
    }
}
