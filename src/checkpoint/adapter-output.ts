// An adapter in the making: a GGUF file that is whole under its name or not there.
import { header, layoutOf, type Metadata } from "../gguf/writer.js";
import { toHalf } from "../gguf/half.js";
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
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
/** In half precision: the exponent of what is infinite, or no number. */
const infinity = 0x7c00;

/** Owned by who opened it, until `commit` or `abort`. */
export class AdapterOutput {
    readonly bytes: number;
    readonly #file: OutputFile;
    readonly #begin: number;
    readonly #offsets: readonly number[];
    readonly #names: readonly string[];
    readonly #type: AdapterType;

    private constructor(
        file: OutputFile,
        bytes: number,
        begin: number,
        offsets: readonly number[],
        names: readonly string[],
        type: AdapterType
    ) {
        this.#names = names;
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
            const names = factors.map((factor) => factor.name);
            return new AdapterOutput(file, bytes, head.length, offsets, names, type);
        } catch (error) {
            await file.abort();
            throw error;
        }
    }

    /**
     * Writes the numbers of a matrix, by its place in the list.
     * @throws ERR_ADAPTER_INVALID naming the tensor, for numbers that are not finite in the adapter's type; ERR_FILE_UNWRITABLE
     */
    async write(index: number, data: Float32Array): Promise<void> {
        const at = this.#begin + this.#offsets[index]!;
        const width = this.#type === "f32" ? 4 : 2;
        for (let from = 0; from < data.length; from += sliceNumbers) {
            const slice = data.subarray(from, from + sliceNumbers);
            const kept = width === 4 ? slice : Uint16Array.from(slice, toHalf);
            const wrong =
                width === 4
                    ? slice.findIndex((value) => !Number.isFinite(value))
                    : kept.findIndex((bits) => (bits & infinity) === infinity);
            if (wrong !== -1) throw this.#notFinite(index, slice[wrong]!);
            await this.#file.write(Buffer.from(kept.buffer, kept.byteOffset, kept.byteLength), at + width * from);
        }
    }

    /**
     * Has the file looked at before it gets its name. Everything is written by then.
     * @throws what `look` rejects with, under the file's own name
     */
    async inspect<T>(look: (path: string) => Promise<T>): Promise<T> {
        try {
            return await look(this.#file.unfinishedPath);
        } catch (error) {
            throw this.#file.underItsName(error);
        }
    }

    #notFinite(index: number, value: number): RastError {
        const tensor = shortenMiddle(this.#names[index]!);
        const what = Number.isFinite(value)
            ? `${value} is more than f16 can hold: keep it in f32`
            : `it holds ${value}, and finite numbers alone are kept`;
        const { path } = this.#file;
        return new RastError("ERR_ADAPTER_INVALID", `The adapter ${shortenMiddle(path)}, tensor ${tensor}: ${what}.`, {
            details: { path, tensor }
        });
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
