import { cpus } from "node:os";
import { join } from "node:path";
import { isObject } from "../checks.js";
import { cacheFolder } from "../machine/cache-folder.js";
import { CacheFiles } from "../machine/cache-files.js";
import type { NativeDevice, NativeEngineConfig, NativeLibraries, NativeModelConfig } from "../native/addon-types.js";
import { packageVersion } from "../package-root.js";

const recordVersion = 1;
// Numbers in a file: what an engine with the most rows gives.
const mostNumbers = 4096;

/** What of a configuration the costs of decodes depend on. Paths and the lengths of queues do not matter. */
export type CostsOf = Omit<NativeEngineConfig, "learned">;

/** What an engine learned of drafts, kept for later loads of the same models on the same machine with the same settings. */
export class LearnedCosts {
    readonly #files: CacheFiles;
    readonly #key: string;
    #latest: Float64Array | undefined;
    #told = 0;
    #writing: Promise<void> = Promise.resolve();

    /** @param folder undefined = nothing is kept */
    constructor(folder: string | undefined, key: string) {
        this.#files = new CacheFiles(folder);
        this.#key = key;
    }

    /** @returns empty where there is nothing; native code looks whether the numbers make sense */
    async recall(): Promise<Float64Array> {
        const found = await this.#files.read(this.#key);
        const numbers = isObject(found) && found["version"] === recordVersion ? found["learned"] : undefined;
        const fits =
            Array.isArray(numbers) &&
            numbers.length <= mostNumbers &&
            numbers.every((number) => typeof number === "number" && Number.isFinite(number));
        return fits ? Float64Array.from(numbers) : new Float64Array();
    }

    /** Takes the latest, and writes it now and then: after 1, 2, 4 ... requests, and after every 32. */
    take(learned: Float64Array): void {
        if (learned.length === 0) return;
        this.#latest = learned;
        this.#told += 1;
        const isPower = (this.#told & (this.#told - 1)) === 0;
        if (isPower || this.#told % 32 === 0) void this.flush();
    }

    /** Writes what has not been written yet. Never rejects. */
    flush(): Promise<void> {
        const learned = this.#latest;
        this.#latest = undefined;
        if (learned === undefined) return this.#writing;
        // 6 digits are more than a clock is good for
        const numbers = Array.from(learned, (number) => Number(number.toPrecision(6)));
        const record = { version: recordVersion, learned: numbers };
        this.#writing = this.#writing.then(() => this.#files.write(this.#key, record));
        return this.#writing;
    }
}

/** Those of an engine that is about to be loaded. */
export function learnedCostsOf(
    libraries: NativeLibraries,
    devices: readonly NativeDevice[],
    config: CostsOf,
    kept: boolean
): LearnedCosts {
    const cache = kept ? cacheFolder() : undefined;
    const folder = cache === undefined ? undefined : join(cache, "costs");
    return new LearnedCosts(folder, keyOf(libraries, devices, config));
}

function keyOf(libraries: NativeLibraries, devices: readonly NativeDevice[], config: CostsOf): string {
    const processors = cpus();
    const model = ({
        fingerprint,
        adapters,
        gpuLayers,
        split,
        cpuMoeLayers,
        threads,
        devices: names
    }: NativeModelConfig): unknown[] => [
        fingerprint,
        // those of models without adapters stay as they are
        ...(adapters.length === 0 ? [] : [adapters.map((one) => [one.fingerprint, one.scale])]),
        gpuLayers,
        Array.from(split),
        ...(cpuMoeLayers === 0 ? [] : [{ cpuMoeLayers }]),
        threads,
        names.map((name) => [name, devices.find((device) => device.name === name)?.description ?? ""])
    ];
    const { slots, batchSize, maxDraft, rows, kvTypeK, kvTypeV, flashAttention, mmap, sampler, adaptThreads } = config;
    return JSON.stringify([
        [packageVersion(), libraries.ggmlVersion, libraries.ggmlCommit, libraries.cpu, libraries.systemInfo],
        [process.platform, process.arch, processors[0]?.model ?? "", processors.length],
        [model(config.base), ...config.pairs.map(({ expert, antiexpert }) => [model(expert), model(antiexpert)])],
        { slots, batchSize, maxDraft, rows, kvTypeK, kvTypeV, flashAttention, mmap, sampler, adaptThreads }
    ]);
}
