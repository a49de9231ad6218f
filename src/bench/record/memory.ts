// Memory of an engine by what it is for.
import type { BenchMemory } from "./schema.js";

/** Purposes of memory, in the order of the stack. */
export const memoryParts = ["weights", "kv cache", "compute", "output", "sampling"] as const;

/** Bytes of weights that are held a second time, over all models. */
export function repackedBytes({ models }: Pick<BenchMemory, "models">): number {
    return models.reduce((total, model) => total + model.repackedBytes, 0);
}

/** Bytes by purpose over all models, in the order of {@link memoryParts}. */
export function memoryByPart({ models }: Pick<BenchMemory, "models">): number[] {
    const sum = (of: (model: BenchMemory["models"][number]) => number): number =>
        models.reduce((total, model) => total + of(model), 0);
    return [
        sum((model) => model.fileBytes) + repackedBytes({ models }),
        sum((model) => model.cacheBytes),
        sum((model) => model.computeBytes),
        sum((model) => model.outputBytes),
        sum((model) => model.samplerBytes)
    ];
}

/** What was measured of an engine, on the host and on devices; null where the host's peak is not known. */
export function measuredBytes({ peakBytes, deviceBytes }: BenchMemory): number | null {
    return peakBytes === null ? null : peakBytes + (deviceBytes ?? 0);
}

/** Below it the memory of Node.js and of libraries, which comes and goes meanwhile, is as much as an engine's. */
const leastAccountedBytes = 256 * 1024 ** 2;

/** Measured over accounted memory; null where nothing was measured or the engine is too small for the ratio to mean anything. */
export function measuredRatio(memory: BenchMemory): number | null {
    const measured = measuredBytes(memory);
    return measured === null || memory.accountedBytes < leastAccountedBytes ? null : measured / memory.accountedBytes;
}
