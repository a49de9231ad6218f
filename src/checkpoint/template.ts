// The GGUF file whose metadata and tokenizer a checkpoint gets: all parts of it as one.
import { open } from "node:fs/promises";
import { RastError } from "../errors.js";
import type { NativeAddon, NativeGgufKey, NativeGgufTensor } from "../native/addon-types.js";

/** A tensor of the template, and the part that has it. */
export interface TemplateTensor extends NativeGgufTensor {
    readonly file: string;
}

/** What a template says of its model. Nothing of its weights is held. */
export interface Template {
    readonly path: string;
    /** More than one of a split model. */
    readonly files: readonly string[];
    readonly architecture: string;
    readonly alignment: number;
    readonly keys: readonly NativeGgufKey[];
    readonly tensors: readonly TemplateTensor[];
    readonly vocabularySize: number;
    readonly textVocabularySize: number;
    readonly chatTemplate: string | null;
    /** "Q4_K_M"; null where it does not say. */
    readonly quantization: string | null;
}

/** @throws what `inspectModel` rejects with */
export async function readTemplate(addon: NativeAddon, path: string): Promise<Template> {
    const { files, architecture, chatTemplate, quantization } = await addon.inspectModel(path);
    const layouts = await Promise.all(files.map(async (file) => ({ file, layout: await addon.layoutOf(file) })));
    const first = layouts[0]!.layout;
    return {
        path,
        files,
        architecture,
        chatTemplate,
        quantization,
        alignment: first.alignment,
        keys: first.keys,
        tensors: layouts.flatMap(({ file, layout }) => layout.tensors.map((tensor) => ({ ...tensor, file }))),
        vocabularySize: first.vocabularySize,
        textVocabularySize: first.textVocabularySize
    };
}

/** The value under a key; undefined where there is none, or a list. */
export function valueOf({ keys }: Template, name: string): number | boolean | string | undefined {
    return keys.find((key) => key.name === name)?.value ?? undefined;
}

/** The number under a key of the architecture, such as "attention.head_count". */
export function numberOf(template: Template, name: string): number | undefined {
    const value = valueOf(template, `${template.architecture}.${name}`);
    return typeof value === "number" ? value : undefined;
}

/** Bytes of a file. @throws ERR_FILE_UNREADABLE */
export async function readBytes(path: string, offset: number, length: number): Promise<Buffer> {
    try {
        const handle = await open(path);
        try {
            const bytes = Buffer.allocUnsafe(length);
            let filled = 0;
            while (filled < length) {
                const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
                if (bytesRead === 0) throw new Error("the file has become shorter");
                filled += bytesRead;
            }
            return bytes;
        } finally {
            await handle.close();
        }
    } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        throw new RastError("ERR_FILE_UNREADABLE", `The template ${path} cannot be read: ${code ?? message}.`, {
            details: { path },
            cause: error
        });
    }
}
