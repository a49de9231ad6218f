import { RastError } from "../errors.js";
import { defaultThreads } from "../machine/threads.js";
import { loadNative } from "../native/binding.js";

/**
 * The name of a quantization as llama.cpp writes it, "Q4_K_M" for "q4_k_m".
 * @throws ERR_INVALID_OPTION for one that is not known, or that needs an importance matrix
 */
export async function checkQuantization(type: string): Promise<string> {
    const { addon } = await loadNative();
    const all = addon.quantizations();
    const found = all.find(({ name }) => name === type.toUpperCase());
    if (found?.needsImportanceMatrix === false) return found.name;
    const usable = all.filter((one) => !one.needsImportanceMatrix).map(({ name }) => name.toLowerCase());
    const wrong = found === undefined ? `received "${type}"` : `and "${type}" needs an importance matrix`;
    throw new RastError("ERR_INVALID_OPTION", `Expected one of ${usable.join(", ")}; ${wrong}.`, { details: { type } });
}

/**
 * Writes a model in another quantization, by llama.cpp's own quantizer. Its memory does not grow with the model.
 * Tensors whose rows are no multiple of a type's block (256 for the K types) get the nearest type that fits.
 * @throws ERR_INVALID_ARGUMENT, ERR_FILE_UNWRITABLE, ERR_QUANTIZE, and what a damaged or missing input gives
 */
export async function quantizeModel(input: string, output: string, type: string, threads?: number): Promise<void> {
    const { addon } = await loadNative();
    await addon.quantizeModel(input, output, type, threads ?? (await defaultThreads()));
}
