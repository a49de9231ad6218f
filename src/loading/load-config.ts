import { adapterNotes, nativeAdapters, type AdaptersByModel } from "./adapters.js";
import { shorten } from "../checks.js";
import { RastError } from "../errors.js";
import { availableHostBytes } from "../machine/host-memory.js";
import { placeModels, usableDevices, type Placements } from "../placement/placement.js";
import { defaultThreads, grantThreads } from "../machine/threads.js";
import type { NativeDevice, NativeEngineConfig, NativeModelConfig, NativeModelFacts } from "../native/addon-types.js";
import type { EngineHost } from "../native/engine-host.js";
import type { ResolvedLoadOptions } from "./load-options.js";
import { sizeEngine } from "./engine-size.js";
import { allModels, describeRole, mapModels, type ModelChoice, type ModelSet } from "./model-set.js";
import { findSharedWeights } from "./shared-weights.js";
import { nativeTokens, specialTokensNote, type SpecialTokensByPath } from "./special-tokens.js";

/** What native code is told, and what a person should be. */
export interface PreparedConfig {
    /** All but what was learned before. */
    readonly config: Omit<NativeEngineConfig, "learned">;
    /** As they were when the models were placed. */
    readonly devices: readonly NativeDevice[];
    readonly placements: Placements;
    readonly notes: readonly string[];
}

/**
 * Decides what was left open: context, devices, layers and threads.
 * @throws ERR_DEVICE_NOT_FOUND, ERR_INSUFFICIENT_MEMORY, ERR_INVALID_OPTION
 */
export async function prepareConfig(
    addon: EngineHost,
    options: ResolvedLoadOptions,
    models: ModelSet,
    facts: ReadonlyMap<string, NativeModelFacts>,
    specialTokens: SpecialTokensByPath = new Map(),
    adapters: AdaptersByModel = new Map()
): Promise<PreparedConfig> {
    const devices = await addon.devices();
    const all = allModels(models);
    const inOrder = all.map((model) => facts.get(model.path)!);
    const size = sizeEngine(
        options,
        all.map(({ role, pair, path }) => ({
            role,
            pair,
            name: describeRole({ role, pair }),
            facts: facts.get(path)!
        }))
    );
    const { contextSize, cacheSize, batchSize, rows, maxDraft, states, notes } = size;
    const weights = await findSharedWeights(models);
    const placements = placeModels({
        ...options,
        cacheSize,
        batchSize,
        rows,
        devices,
        hostAvailableBytes: await availableHostBytes(),
        models: all.map((model, index) => ({
            role: model.role,
            pair: model.pair,
            facts: inOrder[index]!,
            weights: weights.get(model)!,
            adapters: (adapters.get(model) ?? []).map((adapter) => adapter.facts),
            states: states[index]!.states,
            ...wantedDevices(model, options, devices)
        }))
    });
    const threads = await planThreads(options.threads, all);
    const { base, pairs } = mapModels(models, (model, index): NativeModelConfig => {
        const placed = placements.models[index]!;
        const { gpuLayers, devices: names, split: layers, cpuMoeLayers, outputInMainMemory } = placed;
        const { fingerprint } = facts.get(model.path)!;
        const tokens = nativeTokens(specialTokens.get(model.path) ?? []);
        const { snapshots } = states[index]!;
        const threadCount = threads.models[index]!;
        return {
            path: model.path,
            fingerprint,
            weights: weights.get(model)!,
            adapters: nativeAdapters(adapters.get(model)),
            devices: names,
            gpuLayers,
            split: Float32Array.from(layers),
            cpuMoeLayers,
            outputInMainMemory,
            threads: threadCount,
            snapshots,
            tokens
        };
    });
    const config: PreparedConfig["config"] = {
        base,
        pairs,
        contextSize,
        slots: options.parallel,
        cacheSize,
        prefillChunk: options.prefillChunk,
        maxQueue: options.maxQueue,
        reusePrefixes: options.reusePrefixes,
        batchSize,
        maxDraft,
        rows,
        kvTypeK: options.kvTypeK,
        kvTypeV: options.kvTypeV,
        flashAttention: options.flashAttention,
        adaptThreads: threads.adapt,
        mmap: options.mmap,
        mlock: options.mlock,
        sampler: options.sampler
    };
    const ofTokens = all.flatMap(
        (model) => specialTokensNote(describeRole(model), specialTokens.get(model.path) ?? []) ?? []
    );
    return {
        config,
        devices,
        placements,
        notes: [
            ...notes,
            ...unsheltered(options),
            ...ofTokens,
            ...adapterNotes(adapters),
            ...placements.notes,
            ...threads.notes
        ]
    };
}

// Nobody but whoever said so knows of it.
function unsheltered({ rpc, isolate }: Pick<ResolvedLoadOptions, "rpc" | "isolate">): string[] {
    if (rpc.length === 0 || isolate !== undefined) return [];
    return ["isolate is false: losing a worker ends this process, with everything in it."];
}

// Those of each model: its own, or the engine's.
async function planThreads(
    wanted: number | undefined,
    models: readonly ModelChoice[]
): Promise<{ readonly models: readonly number[]; readonly adapt: boolean; readonly notes: readonly string[] }> {
    const otherwise = wanted ?? (await defaultThreads());
    const asked = models.map((model) => model.threads ?? otherwise);
    const granted = await Promise.all(asked.map((threads) => grantThreads(threads)));
    const most = Math.max(...asked);
    const { used, reason } = await grantThreads(most);
    return {
        models: granted.map((threads) => threads.used),
        // a number that somebody chose stays
        adapt: wanted === undefined && models.every((model) => model.threads === undefined),
        notes: reason === null ? [] : [`${most} threads were asked for, and ${used} are used: ${reason}.`]
    };
}

function wantedDevices(
    model: ModelChoice,
    options: ResolvedLoadOptions,
    devices: readonly NativeDevice[]
): { gpuLayers: "auto" | number; devices: readonly string[] | undefined } {
    const gpuLayers = model.gpuLayers ?? options.gpuLayers;
    const wanted = model.devices ?? options.devices;
    const needsDevice = typeof gpuLayers === "number" && gpuLayers > 0;
    if (wanted === undefined) {
        if (needsDevice && usableDevices(devices).length === 0) {
            throw noDevice(`There is no GPU to hold the ${gpuLayers} layers asked for ${describeRole(model)}`, devices);
        }
        return { gpuLayers, devices: undefined };
    }
    if (wanted.length === 0 && needsDevice) {
        const message =
            `Expected 0 or "auto" for the gpuLayers of ${describeRole(model)} on device "cpu", ` +
            `received ${gpuLayers} (number).`;
        throw new RastError("ERR_INVALID_OPTION", message, { details: { option: "gpuLayers", role: model.role } });
    }
    const names = wanted.map((name) => findDevice(name, devices, model).name);
    return { gpuLayers, devices: [...new Set(names)] };
}

function findDevice(name: string, devices: readonly NativeDevice[], model: ModelChoice): NativeDevice {
    const found = devices.find((device) => device.name.toLowerCase() === name.toLowerCase());
    if (found === undefined || found.type === "cpu" || found.type === "accel") {
        throw noDevice(`There is no device ${shorten(name)} for ${describeRole(model)}`, devices);
    }
    return found;
}

function noDevice(what: string, devices: readonly NativeDevice[]): RastError {
    const known = devices.map((device) => device.name);
    return new RastError("ERR_DEVICE_NOT_FOUND", `${what}. Devices here: ${known.join(", ") || "none"}.`, {
        details: { devices: known }
    });
}
