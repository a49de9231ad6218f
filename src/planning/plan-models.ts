// A plan for models whose facts are known, on devices that need not be here: the arithmetic of a load, and what it comes to.
import { placeModels, usableDevices, type PlacedModel, type Placements } from "../placement/placement.js";
import type { AdapterMemory } from "../placement/model-memory.js";
import { bytesOf, type MemoryParts } from "../placement/placed-parts.js";
import type { EngineSize } from "../loading/engine-size.js";
import { sizeEngine, type SizeOptions } from "../loading/engine-size.js";
import type { NativeDevice, NativeModelFacts, NativeRole } from "../native/addon-types.js";
import { expectedSpeed, type Bandwidths, type ExpectedSpeed } from "./speed.js";

/** A model of which a header is known, or what it would say. */
export interface ModelToPlan {
    readonly role: NativeRole;
    /** From 0; 0 for the base. */
    readonly pair: number;
    /** In words: "the base". */
    readonly name: string;
    readonly facts: PlannedFacts;
    /** The same number for models of one file: they share its weights. */
    readonly weights: number;
    /** What adapters on it add. */
    readonly adapters: readonly AdapterMemory[];
}

/** What a plan needs to know of a model. */
export type PlannedFacts = Omit<
    NativeModelFacts,
    "name" | "files" | "tokenizerModel" | "chatTemplate" | "fingerprint" | "finetune" | "baseModels"
>;

/** Where models are to run. */
export interface Machine {
    /** Those of this machine, or such as are asked about. */
    readonly devices: readonly NativeDevice[];
    readonly hostAvailableBytes: number;
}

/** What is assumed of speed. */
export interface SpeedSettings {
    readonly bandwidths: Bandwidths;
    readonly agreement: number;
}

/** What one device, or main memory, has to give. */
export interface PlannedPlace {
    /** "CUDA0", or "main memory". */
    readonly name: string;
    /** What there is. */
    readonly freeBytes: number;
    /** Of those, kept free. */
    readonly marginBytes: number;
    /** What all models take of it. */
    readonly takenBytes: number;
    /** The same by purpose. */
    readonly parts: MemoryParts;
}

/** Where everything goes. */
export interface ModelsPlan {
    readonly size: EngineSize;
    readonly models: readonly PlacedModel[];
    readonly places: readonly PlannedPlace[];
    /**
     * "devices": every model is whole on devices. "partly": layers of some are in main memory. "host": all of it is. "disk": main
     * memory does not hold what would lie there, so that weights are read from disk again and again.
     */
    readonly fit: "devices" | "partly" | "host" | "disk";
    readonly speed: ExpectedSpeed;
    readonly notes: readonly string[];
}

const none: MemoryParts = { weights: 0, cache: 0, compute: 0, results: 0, sampler: 0 };

/**
 * Places models as a load would.
 * @throws ERR_INSUFFICIENT_MEMORY where they cannot be loaded, ERR_INVALID_OPTION
 */
export function planModels(
    models: readonly ModelToPlan[],
    options: SizeOptions,
    machine: Machine,
    speed: SpeedSettings
): ModelsPlan {
    const size = sizeEngine(options, models);
    const placements = placeModels({
        ...size,
        ...machine,
        mmap: true,
        mlock: false,
        models: models.map(({ role, pair, facts, weights, adapters }, index) => ({
            role,
            pair,
            facts,
            weights,
            adapters,
            states: size.states[index]!.states,
            gpuLayers: "auto",
            devices: undefined
        }))
    });
    const layers = models.map(({ facts }) => facts.layerBytes.length + 1);
    const whole = placements.models.every(
        ({ gpuLayers, cpuMoeLayers }, index) => gpuLayers === layers[index] && cpuMoeLayers === 0
    );
    const any = placements.models.some(({ gpuLayers }) => gpuLayers > 0);
    const placed = models.map(({ facts }, index) => ({ facts, placed: placements.models[index]! }));
    const inHost = placements.models.reduce((sum, { hostBytes }) => sum + hostBytes, 0);
    const elsewhere = inHost > machine.hostAvailableBytes ? "disk" : any ? "partly" : "host";
    return {
        size,
        models: placements.models,
        places: placesOf(placements, machine),
        fit: whole ? "devices" : elsewhere,
        speed: expectedSpeed(
            placed,
            speed.bandwidths,
            { agreement: speed.agreement, maxDraft: size.maxDraft },
            halfFull
        ),
        notes: [...size.notes, ...placements.notes]
    };
}

/** A text is halfway through its context when its speed is told. */
const halfFull = 0.5;

function placesOf({ models, margins }: Placements, { devices, hostAvailableBytes }: Machine): PlannedPlace[] {
    const usable = usableDevices(devices);
    const places = devices
        .filter(({ name }) => usable.includes(name))
        .map(({ name, memoryFreeBytes }): PlannedPlace => {
            const parts = models
                .map((model) => model.parts.devices[model.devices.indexOf(name)] ?? none)
                .reduce(addParts, none);
            return {
                name,
                freeBytes: memoryFreeBytes,
                marginBytes: margins.get(name) ?? 0,
                takenBytes: bytesOf(parts),
                parts
            };
        });
    const host = models.map(({ parts }) => parts.host).reduce(addParts, none);
    return [
        ...places,
        { name: "main memory", freeBytes: hostAvailableBytes, marginBytes: 0, takenBytes: bytesOf(host), parts: host }
    ];
}

function addParts(one: MemoryParts, other: MemoryParts): MemoryParts {
    return {
        weights: one.weights + other.weights,
        cache: one.cache + other.cache,
        compute: one.compute + other.compute,
        results: one.results + other.results,
        sampler: one.sampler + other.sampler
    };
}
