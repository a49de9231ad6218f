// Where each model goes: pure arithmetic over what the files and the devices say.
import { RastError } from "../errors.js";
import type { NativeDevice, NativeModelFacts, NativeRole } from "../native/addon-types.js";
import { DeviceBudget, type MemoryUnits } from "./device-budget.js";
import {
    formatMib,
    modelMemory,
    samplerBytes,
    together,
    withAdapters,
    withoutWeights,
    type AdapterMemory,
    type MemorySettings,
    type ModelMemory
} from "./model-memory.js";

/** One model to place. */
export interface ModelToPlace {
    readonly role: NativeRole;
    /** 0 to 2; 0 for the base. */
    readonly pair: number;
    readonly facts: NativeModelFacts;
    /** The same number for models of one file; those that are to be in the same place share its weights. */
    readonly weights?: number;
    readonly adapters?: readonly AdapterMemory[];
    /** States of one sequence each that it holds; 0 for a model without. */
    readonly states?: number;
    readonly gpuLayers: "auto" | number;
    /** Names of existing devices; empty = CPU only, undefined = choose. */
    readonly devices: readonly string[] | undefined;
}

/** Everything a plan depends on. */
export interface PlacementInput extends MemorySettings {
    /** The base first, then each expert with its antiexpert. */
    readonly models: readonly ModelToPlace[];
    readonly devices: readonly NativeDevice[];
    readonly hostAvailableBytes: number;
    readonly mmap: boolean;
    readonly mlock: boolean;
}

/** Where one model goes. */
export interface PlacedModel {
    readonly role: NativeRole;
    readonly pair: number;
    /** The output layer counts as one more. */
    readonly gpuLayers: number;
    /** Empty = CPU only. */
    readonly devices: readonly string[];
    /** Estimated bytes on the devices, and in main memory. */
    readonly deviceBytes: number;
    readonly hostBytes: number;
}

/** Where all models go, in the order they came in. */
export interface Placements {
    readonly models: readonly PlacedModel[];
    /** What a person should know: a model that is not whole on its device, for instance. */
    readonly notes: readonly string[];
}

interface Share {
    readonly gpuLayers: number;
    readonly devices: readonly string[];
    readonly deviceBytes: number;
}

/**
 * Decides how many layers of each model go to which devices.
 * Explicit numbers come first. Then, as every token needs both small models whole: expert and antiexpert whole, then
 * as many layers of the base as fit, counted from the end, its output layer first.
 * @throws ERR_INSUFFICIENT_MEMORY when explicit numbers, or the part in main memory, do not fit
 */
export function placeModels(input: PlacementInput): Placements {
    const budget = new DeviceBudget(input.devices);
    const groups = groupsOf(input.models);
    const memory = input.models.map((model) => {
        const own = modelMemory(model.facts, input, model.states);
        const isFirst = groups.some(([first]) => first === model);
        return withAdapters(isFirst ? own : withoutWeights(own), model.adapters ?? []);
    });
    const memoryOf = (model: ModelToPlace): ModelMemory => memory[input.models.indexOf(model)]!;
    const placements = new Map<ModelToPlace, Share>();
    const place = (group: Group): void => {
        const shared = group.reduce((bytes, model) => bytes + sharedBytes(model, input), 0);
        const all = placeModel(group, together(group.map(memoryOf)), shared, budget, input);
        // the first holds the weights: what the others do not take is its own
        const others = group.slice(1).map((model) => ({ ...all, deviceBytes: bytesOf(all, memoryOf(model)) }));
        const rest = others.reduce((bytes, { deviceBytes }) => bytes + deviceBytes, 0);
        [{ ...all, deviceBytes: all.deviceBytes - rest }, ...others].forEach((share, index) =>
            placements.set(group[index]!, share)
        );
    };
    const explicit = groups.filter(([first]) => first.gpuLayers !== "auto");
    const chosen = groups.filter(([first]) => first.gpuLayers === "auto");
    const small = chosen.filter((group) => group.some(({ role }) => role !== "base"));
    const base = chosen.filter((group) => group.every(({ role }) => role === "base"));
    [...explicit, ...small, ...base].forEach(place);
    budget.assertFits();

    const models = input.models.map((model, index) => {
        const placement = placements.get(model)!;
        return { role: model.role, pair: model.pair, ...placement, hostBytes: hostBytes(placement, memory[index]!) };
    });
    return { models, notes: [...layerNotes(input, models), ...checkHost(input, models, memory)] };
}

type Group = readonly [ModelToPlace, ...ModelToPlace[]];

// Models of one file that are to be in the same place, and so will be.
function groupsOf(models: readonly ModelToPlace[]): readonly Group[] {
    const groups: [ModelToPlace, ...ModelToPlace[]][] = [];
    for (const model of models) {
        const { weights, gpuLayers, devices } = model;
        const group =
            weights === undefined
                ? undefined
                : groups.find(
                      ([first]) =>
                          first.weights === weights &&
                          first.gpuLayers === gpuLayers &&
                          String(first.devices) === String(devices)
                  );
        if (group === undefined) groups.push([model]);
        else group.push(model);
    }
    return groups;
}

// What one model takes of the devices that it shares with others of its file.
function bytesOf({ gpuLayers, devices }: Share, memory: ModelMemory): number {
    if (gpuLayers === 0 || devices.length === 0) return 0;
    const { perDevice, output, layers } = units(memory, gpuLayers, 0);
    return perDevice * devices.length + output + layers.reduce((sum, bytes) => sum + bytes, 0);
}

// The tensors of the sampler lie beside the base's output layer.
function sharedBytes(model: ModelToPlace, input: PlacementInput): number {
    if (model.role !== "base") return 0;
    return samplerBytes(model.facts.vocabularySize, input.rows, (input.models.length - 1) / 2);
}

function placeModel(
    [model, ...others]: Group,
    memory: ModelMemory,
    shared: number,
    budget: DeviceBudget,
    input: PlacementInput
): Share {
    const onCpu = { gpuLayers: 0, devices: [], deviceBytes: 0 };
    const devices = model.devices ?? chooseDevices(memory, shared, budget, input.devices);
    if (devices.length === 0 || model.gpuLayers === 0) return onCpu;
    if (model.gpuLayers !== "auto") {
        const gpuLayers = Math.min(model.gpuLayers, memory.layerBytes.length + 1);
        const roles = [model, ...others].map(describeModel).join(" and ");
        const what = `${roles} with ${gpuLayers} of ${memory.layerBytes.length + 1} layers`;
        return { gpuLayers, devices, deviceBytes: budget.takeAnyway(units(memory, gpuLayers, shared), devices, what) };
    }
    const taken = budget.takeWhatFits(units(memory, memory.layerBytes.length + 1, shared), devices);
    return taken.layers === 0 ? onCpu : { gpuLayers: taken.layers, devices, deviceBytes: taken.bytes };
}

function units(memory: ModelMemory, gpuLayers: number, shared: number): MemoryUnits {
    const layers = memory.layerBytes.map((bytes) => bytes + memory.kvBytesPerLayer).reverse();
    return {
        perDevice: memory.computeBytes,
        output: memory.outputBytes + shared,
        layers: layers.slice(0, Math.max(0, gpuLayers - 1))
    };
}

// One device where it holds the model whole, since every device more costs a hop per token; else all of them. The
// last device comes first for small models: llama.cpp puts the base's output layer there, where their rows go.
function chooseDevices(
    memory: ModelMemory,
    shared: number,
    budget: DeviceBudget,
    devices: readonly NativeDevice[]
): readonly string[] {
    const gpus = usableDevices(devices);
    const whole = units(memory, memory.layerBytes.length + 1, shared);
    const single = [...gpus].reverse().find((name) => budget.fits(whole, [name]));
    return single === undefined ? gpus : [single];
}

/** Names of the devices used when nobody names any: GPUs; integrated ones only where there is no other. */
export function usableDevices(devices: readonly NativeDevice[]): string[] {
    const ofType = (type: NativeDevice["type"]): string[] =>
        devices.filter((device) => device.type === type).map((device) => device.name);
    const gpus = ofType("gpu");
    return gpus.length > 0 ? gpus : ofType("igpu").slice(0, 1);
}

function hostBytes(placement: Share, memory: ModelMemory): number {
    const layers = memory.layerBytes.length;
    const onHost = layers - Math.max(0, placement.gpuLayers - 1);
    const weights = memory.layerBytes.slice(0, onHost).reduce((sum, bytes) => sum + bytes, 0);
    const output = placement.gpuLayers === 0 ? memory.outputBytes : 0;
    return weights + output + memory.embeddingBytes + onHost * memory.kvBytesPerLayer + memory.computeBytes;
}

// Mapped weights are the page cache's and can be dropped: too many of them is slow, not impossible.
function checkHost(input: PlacementInput, models: readonly PlacedModel[], memory: readonly ModelMemory[]): string[] {
    const total = models.reduce((sum, model) => sum + model.hostBytes, 0);
    const needed = models.reduce((sum, model, index) => {
        const kvLayers = memory[index]!.layerBytes.length - Math.max(0, model.gpuLayers - 1);
        const { kvBytesPerLayer, computeBytes, adapterBytes } = memory[index]!;
        return sum + kvLayers * kvBytesPerLayer + computeBytes + (model.gpuLayers === 0 ? adapterBytes : 0);
    }, 0);
    const soft = input.mmap && !input.mlock;
    const required = soft ? needed : total;
    const available = input.hostAvailableBytes;
    if (required > available) {
        throw new RastError(
            "ERR_INSUFFICIENT_MEMORY",
            `The models need ${formatMib(required)} of main memory, and ${formatMib(available)} are available. ` +
                "Lower contextSize, parallel or batchSize, or use smaller quantizations" +
                (soft ? "." : ", or turn mmap on and mlock off."),
            { details: { device: "CPU", neededBytes: required, availableBytes: available } }
        );
    }
    if (total <= available) return [];
    return [
        `The models take ${formatMib(total)} of main memory and ${formatMib(available)} are available: ` +
            "parts of the weights will be read from disk again and again."
    ];
}

function layerNotes(input: PlacementInput, models: readonly PlacedModel[]): string[] {
    if (usableDevices(input.devices).length === 0) return [];
    return input.models.flatMap((model, index) => {
        const total = model.facts.layerBytes.length + 1;
        const { gpuLayers } = models[index]!;
        if (model.gpuLayers !== "auto" || gpuLayers === total || model.devices?.length === 0) return [];
        return [`${describeModel(model)}: ${gpuLayers} of ${total} layers fit into the free memory of the devices.`];
    });
}

function describeModel(model: ModelToPlace): string {
    return model.role === "base" || model.pair === 0 ? model.role : `${model.role} of pair ${model.pair}`;
}
