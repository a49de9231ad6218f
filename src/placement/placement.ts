// Where each model goes: pure arithmetic over what the files and the devices say.
import { RastError } from "../errors.js";
import type { NativeDevice, NativeRole } from "../native/addon-types.js";
import { DeviceBudget, deviceTitle, remoteNames, type MemoryUnits } from "./device-budget.js";
import {
    formatMib,
    modelMemory,
    samplerMemory,
    together,
    withAdapters,
    withoutWeights,
    type AdapterMemory,
    type Draws,
    type MemorySettings,
    type ModelMemory,
    type SamplerMemory,
    type SizedModel
} from "./model-memory.js";
import { bytesOf, expertsInMainMemory, partsOf, type PlacedParts } from "./placed-parts.js";

/** One model to place. */
export interface ModelToPlace {
    readonly role: NativeRole;
    /** 0 to 2; 0 for the base. */
    readonly pair: number;
    readonly facts: SizedModel;
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
    /** Layers, from the first, whose experts stay in main memory. @default "auto": those of as many layers as do not fit otherwise */
    readonly cpuMoeLayers?: "auto" | number;
}

/** Where one model goes. */
export interface PlacedModel {
    readonly role: NativeRole;
    readonly pair: number;
    /** The output layer counts as one more. */
    readonly gpuLayers: number;
    /** Empty = CPU only. */
    readonly devices: readonly string[];
    /** Layers on each of these, the output layer on the last. */
    readonly split: readonly number[];
    /** Layers, from the first, whose experts are in main memory, wherever the rest of them is. */
    readonly cpuMoeLayers: number;
    /** The output layer is in main memory although it counts among `gpuLayers`: its device is a worker's. */
    readonly outputInMainMemory: boolean;
    /** Estimated bytes on the devices, and in main memory. */
    readonly deviceBytes: number;
    readonly hostBytes: number;
    /** The same by place and purpose. */
    readonly parts: PlacedParts;
}

/** Where all models go, in the order they came in. */
export interface Placements {
    readonly models: readonly PlacedModel[];
    /** Bytes of each device that stay free. */
    readonly margins: ReadonlyMap<string, number>;
    /** What a person should know: a model that is not whole on its device, for instance. */
    readonly notes: readonly string[];
}

interface Share {
    readonly gpuLayers: number;
    readonly devices: readonly string[];
    readonly split: readonly number[];
    readonly cpuMoeLayers: number;
    readonly outputInMainMemory: boolean;
}

/**
 * Decides how many layers of each model go to which devices.
 * Explicit numbers come first. Then, as every token needs both small models whole: expert and antiexpert whole, then
 * as many layers of the base as fit, counted from the end, its output layer first. Of a mixture of experts all layers without the
 * experts of the first ones, where that fits: a token reads few of them.
 * Devices of workers hold layers of the base alone, unless somebody names them, and as few of it and on as few machines as can be; no
 * output layer is there, so that no row of logits goes over the network.
 * @throws ERR_INSUFFICIENT_MEMORY when explicit numbers, or the part in main memory, do not fit
 */
export function placeModels(input: PlacementInput): Placements {
    const budget = new DeviceBudget(input.devices);
    const groups = groupsOf(input.models);
    const memory = input.models.map((model) => {
        const own = modelMemory(model.facts, input, model.states, drawsOf(model));
        const isFirst = groups.some(([first]) => first === model);
        return withAdapters(isFirst ? own : withoutWeights(own), model.adapters ?? []);
    });
    const memoryOf = (model: ModelToPlace): ModelMemory => memory[input.models.indexOf(model)]!;
    const placements = new Map<ModelToPlace, Share>();
    const place = (group: Group): void => {
        const sampler = group.reduce((bytes, model) => bytes + samplerOf(model, input).device, 0);
        const share = placeModel(group, together(group.map(memoryOf)), sampler, budget, input);
        group.forEach((model) => placements.set(model, share));
    };
    const explicit = groups.filter(([first]) => first.gpuLayers !== "auto");
    const chosen = groups.filter(([first]) => first.gpuLayers === "auto");
    const small = chosen.filter((group) => group.some(({ role }) => role !== "base"));
    const base = chosen.filter((group) => group.every(({ role }) => role === "base"));
    [...explicit, ...small, ...base].forEach(place);
    budget.assertFits();

    const models = input.models.map((model, index): PlacedModel => {
        const share = placements.get(model)!;
        const parts = partsOf(memory[index]!, share, samplerOf(model, input));
        const deviceBytes = parts.devices.reduce((sum, part) => sum + bytesOf(part), 0);
        return { role: model.role, pair: model.pair, ...share, deviceBytes, hostBytes: bytesOf(parts.host), parts };
    });
    return {
        models,
        margins: budget.margins,
        notes: [...expertNotes(input), ...layerNotes(input, models), ...checkHost(input, models, memory)]
    };
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

function drawsOf({ role, pair }: ModelToPlace): Draws {
    if (role === "base") return "fused";
    return role === "expert" && pair === 0 ? "own" : "none";
}

function samplerOf({ role, pair, facts }: ModelToPlace, { models, rows }: PlacementInput): SamplerMemory {
    return samplerMemory(role, pair, facts, rows, (models.length - 1) / 2);
}

function placeModel(
    [model, ...others]: Group,
    memory: ModelMemory,
    sampler: number,
    budget: DeviceBudget,
    input: PlacementInput
): Share {
    const onCpu = { gpuLayers: 0, devices: [], split: [], cpuMoeLayers: 0, outputInMainMemory: false };
    const mayBeRemote = [model, ...others].every(({ role }) => role === "base");
    const chosen = model.devices ?? chooseDevices(memory, sampler, budget, input.devices, mayBeRemote);
    if (chosen.length === 0 || model.gpuLayers === 0) return onCpu;
    const all = memory.layerBytes.length + 1;
    const { cpuMoeLayers: asked = "auto" } = input;
    const cpuMoeLayers = asked === "auto" ? 0 : Math.min(asked, expertLayers(memory));
    const remote = remoteNames(input.devices);
    // the last device has the output layer
    const devices = [...chosen.filter((name) => remote.has(name)), ...chosen.filter((name) => !remote.has(name))];
    const outputInMainMemory = remote.has(devices.at(-1)!);
    if (model.devices === undefined && model.gpuLayers === "auto" && devices.some((name) => remote.has(name))) {
        return placeOverNetwork(memory, sampler, budget, devices, remote, cpuMoeLayers) ?? onCpu;
    }
    if (outputInMainMemory) memory = { ...memory, outputBytes: 0 };
    const shared = outputInMainMemory ? 0 : sampler;
    if (model.gpuLayers !== "auto") {
        const gpuLayers = Math.min(model.gpuLayers, all);
        const roles = [model, ...others].map(describeModel).join(" and ");
        const wanted = units(memory, gpuLayers, shared, gpuLayers < all, cpuMoeLayers);
        const { split } = budget.takeAnyway(wanted, devices, `${roles} with ${gpuLayers} of ${all} layers`);
        return { gpuLayers, devices, split, cpuMoeLayers, outputInMainMemory };
    }
    const most = asked === "auto" ? expertLayers(memory) : cpuMoeLayers;
    for (let count = cpuMoeLayers; count <= most; ++count) {
        const wanted = units(memory, all, shared, false, count);
        if (count === 0 && !budget.fits(wanted, devices)) continue;
        const taken = count === 0 ? budget.takeWhatFits(wanted, devices) : budget.takeInARow(wanted, devices);
        if (taken === undefined) continue;
        return { gpuLayers: taken.layers, devices, split: taken.split, cpuMoeLayers: count, outputInMainMemory };
    }
    const { layers, split } = budget.takeWhatFits(units(memory, all, shared, true, cpuMoeLayers), devices);
    return layers === 0 ? onCpu : { gpuLayers: layers, devices, split, cpuMoeLayers, outputInMainMemory };
}

// This machine's devices first, from the last layer on, then workers one after the other: each costs its share of the network for every
// token, however few layers it has.
function placeOverNetwork(
    memory: ModelMemory,
    sampler: number,
    budget: DeviceBudget,
    devices: readonly string[],
    remote: ReadonlySet<string>,
    cpuMoeLayers: number
): Share | undefined {
    for (let candidates = devices; candidates.length > 0; candidates = candidates.slice(0, -1)) {
        const outputInMainMemory = remote.has(candidates.at(-1)!);
        const held = outputInMainMemory ? { ...memory, outputBytes: 0 } : memory;
        const all = memory.layerBytes.length + 1;
        // weights in main memory are not brought to workers
        const wanted = units(held, all, outputInMainMemory ? 0 : sampler, !outputInMainMemory, cpuMoeLayers);
        const taken = budget.takeFromTheEnd(wanted, candidates);
        if (taken === undefined) continue; // no room for the output layer, or for one layer, on the last of them
        return {
            gpuLayers: taken.layers,
            devices: taken.devices,
            split: taken.split,
            cpuMoeLayers,
            outputInMainMemory
        };
    }
    return undefined;
}

/** Layers up to the last one that has experts. */
function expertLayers({ expertBytes }: ModelMemory): number {
    return expertBytes.findLastIndex((bytes) => bytes > 0) + 1;
}

// @param partly whether other layers stay in main memory, whose weights are brought to the devices for prompts, as are experts
function units(memory: ModelMemory, gpuLayers: number, shared: number, partly: boolean, cpuMoeLayers = 0): MemoryUnits {
    const layers = memory.layerBytes
        .map((bytes, layer) => bytes - expertsInMainMemory(memory, layer, cpuMoeLayers) + memory.kvBytesPerLayer)
        .reverse();
    return {
        perDevice: partly || cpuMoeLayers > 0 ? memory.partlyComputeBytes : memory.deviceComputeBytes,
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
    devices: readonly NativeDevice[],
    mayBeRemote: boolean
): readonly string[] {
    const remote = remoteNames(devices);
    const gpus = usableDevices(devices.filter(({ name }) => !remote.has(name)));
    const whole = units(memory, memory.layerBytes.length + 1, shared, false);
    const single = [...gpus].reverse().find((name) => budget.fits(whole, [name]));
    if (single !== undefined) return [single];
    // those with most room come last, and are filled first
    const room = (name: string): number => devices.find((device) => device.name === name)!.memoryFreeBytes;
    const workers = mayBeRemote ? [...remote].sort((one, other) => room(one) - room(other)) : [];
    return [...workers, ...gpus];
}

/** Names of the devices used when nobody names any: GPUs; integrated ones only where there is no other. */
export function usableDevices(devices: readonly NativeDevice[]): string[] {
    const ofType = (type: NativeDevice["type"]): string[] =>
        devices.filter((device) => device.type === type).map((device) => device.name);
    const gpus = ofType("gpu");
    return gpus.length > 0 ? gpus : ofType("igpu").slice(0, 1);
}

// Mapped weights are the page cache's and can be dropped: too many of them is slow, not impossible.
function checkHost(input: PlacementInput, models: readonly PlacedModel[], memory: readonly ModelMemory[]): string[] {
    const total = models.reduce((sum, model) => sum + model.hostBytes, 0);
    const mapped = models.reduce((sum, { parts, gpuLayers }, index) => {
        const { adapterBytes } = memory[index]!;
        return sum + parts.host.weights - (gpuLayers === 0 ? adapterBytes : 0);
    }, 0);
    const soft = input.mmap && !input.mlock;
    const required = soft ? total - mapped : total;
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

function expertNotes({ cpuMoeLayers, models }: PlacementInput): string[] {
    const isIdle = typeof cpuMoeLayers === "number" && cpuMoeLayers > 0;
    if (!isIdle || models.some(({ facts }) => facts.expertBytes.some((bytes) => bytes > 0))) return [];
    return ["cpuMoeLayers has no effect, as none of the models is a mixture of experts."];
}

function layerNotes(input: PlacementInput, models: readonly PlacedModel[]): string[] {
    if (usableDevices(input.devices).length === 0) return [];
    const remote = remoteNames(input.devices);
    const isHere = usableDevices(input.devices.filter(({ name }) => !remote.has(name))).length > 0;
    return input.models.flatMap((model, index) => {
        const total = model.facts.layerBytes.length + 1;
        const { gpuLayers, cpuMoeLayers } = models[index]!;
        if (model.gpuLayers !== "auto" || model.devices?.length === 0) return [];
        if (!isHere && model.role !== "base" && model.devices === undefined) return [];
        if (gpuLayers === total && cpuMoeLayers > 0 && (input.cpuMoeLayers ?? "auto") === "auto") {
            return [
                `${describeModel(model)}: the experts of ${cpuMoeLayers} of ${total - 1} layers stay in main memory; all else fits into the free memory of the devices.`
            ];
        }
        if (gpuLayers === total) return [];
        const there = input.devices.filter(({ name }) => remote.has(name) && model.devices?.includes(name) !== false);
        const has = there.map((device) => `${deviceTitle(device)} has ${formatMib(device.memoryFreeBytes)} free`);
        const margin =
            has.length === 0 ? "" : ` (${has.join("; ")}; of each 8%, at least 512 MiB, stay free as a margin)`;
        return [
            `${describeModel(model)}: ${gpuLayers} of ${total} layers fit into the free memory of the devices${margin}.`
        ];
    });
}

function describeModel(model: ModelToPlace): string {
    return model.role === "base" || model.pair === 0 ? model.role : `${model.role} of pair ${model.pair}`;
}
