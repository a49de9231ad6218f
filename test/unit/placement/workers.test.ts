// Devices of other machines: what goes there, and what never does.
import { describe, expect, test } from "vitest";
import type { NativeDevice } from "../../../src/native/addon-types.js";
import {
    placeModels,
    type ModelToPlace,
    type Placements,
    type PlacementInput
} from "../../../src/placement/placement.js";
import { cpuDevice, gpuDevice, modelFacts } from "../../support/fake-addon.js";

const mib = 2 ** 20;
const gib = 2 ** 30;

// Ten layers of 100 MiB and an output layer of 100 MiB.
function model(role: ModelToPlace["role"], changes: Partial<ModelToPlace> = {}, layerMib = 100): ModelToPlace {
    const facts = modelFacts({
        layers: 10,
        layerBytes: new Array<number>(10).fill(layerMib * mib),
        outputBytes: layerMib * mib,
        tiedOutput: false,
        embeddingBytes: layerMib * mib,
        embeddingLength: 64,
        vocabularySize: 1024
    });
    return { role, pair: 0, facts, gpuLayers: "auto", devices: undefined, ...changes };
}

const remote = (name: string, bytes: number): NativeDevice => ({
    ...gpuDevice(name, bytes),
    backend: "RPC",
    worker: `host-${name}:50052`
});
/** Free but for the margin and what compute takes. */
const roomFor = (layers: number): number => (512 + layers * 100 + 40) * mib;

function place(devices: readonly NativeDevice[], changes: Partial<PlacementInput> = {}): Placements {
    return placeModels({
        models: [model("base"), model("expert", {}, 1), model("antiexpert", {}, 1)],
        devices: [cpuDevice, ...devices],
        hostAvailableBytes: 8 * gib,
        cacheSize: 256,
        batchSize: 16,
        rows: 1,
        kvTypeK: "f16",
        kvTypeV: "f16",
        flashAttention: "auto",
        mmap: true,
        mlock: false,
        ...changes
    });
}

describe("with workers", () => {
    test("the base goes there but for its output layer, small models stay", () => {
        const { models } = place([remote("RPC0", 24 * gib)]);
        expect(models[0]).toMatchObject({ devices: ["RPC0"], gpuLayers: 11, split: [11], outputInMainMemory: true });
        expect(models.slice(1).map(({ devices }) => devices)).toEqual([[], []]);
        const [there] = models[0]!.parts.devices;
        expect(there!.weights).toBe(1000 * mib);
        expect(there!.sampler).toBe(0);
        // embedding and output layer
        expect(models[0]!.parts.host.weights).toBe(200 * mib);
        expect(models[0]!.parts.host.sampler).toBeGreaterThan(0);
    });

    test("layers that do not fit there are told with whose memory it is", () => {
        const { notes } = place([remote("RPC0", 20 * mib), gpuDevice("CUDA0", roomFor(5))]);
        expect(notes[0]).toMatch(
            /^base: \d of 11 layers fit into the free memory of the devices \(RPC0 \(the worker host-RPC0:50052\) has 20 MiB free; of each 8%, at least 512 MiB, stay free as a margin\)\.$/
        );
        const base = model("base", { devices: ["CUDA0"] });
        const models = [base, model("expert", {}, 1), model("antiexpert", {}, 1)];
        const here = place([remote("RPC0", 20 * mib), gpuDevice("CUDA0", roomFor(5))], { models });
        expect(here.notes[0]).toMatch(/the free memory of the devices\.$/);
    });

    test("a worker that was asked for more than it has is named, and so is a margin that is not there", () => {
        const models = [
            model("base", { gpuLayers: 8, devices: ["RPC0"] }),
            model("expert", {}, 1),
            model("antiexpert", {}, 1)
        ];
        expect(() => place([remote("RPC0", 20 * mib)], { models })).toThrow(
            / on RPC0 \(the worker host-RPC0:50052\), where 20 MiB are free and 512 MiB are to stay free as a margin \(/
        );
        expect(() => place([remote("RPC0", 600 * mib)], { models })).toThrow(
            / on RPC0 \(the worker host-RPC0:50052\), where 600 MiB are free and 512 MiB of them are kept as a margin \(/
        );
    });

    test("nothing goes there that one device here holds", () => {
        const { models } = place([remote("RPC0", 24 * gib), gpuDevice("CUDA0", 24 * gib)]);
        expect(models.map(({ devices }) => devices)).toEqual([["CUDA0"], ["CUDA0"], ["CUDA0"]]);
        expect(models[0]!.outputInMainMemory).toBe(false);
    });

    test("this machine's devices are filled first, from the last layer on, with the output layer", () => {
        const { models } = place([remote("RPC0", 24 * gib), gpuDevice("CUDA0", roomFor(5))]);
        const [base] = models;
        expect(base).toMatchObject({ devices: ["RPC0", "CUDA0"], gpuLayers: 11, outputInMainMemory: false });
        expect(base!.split[1]).toBeGreaterThan(3);
        expect(base!.split[0]! + base!.split[1]!).toBe(11);
        expect(base!.parts.devices[1]!.weights).toBe(base!.split[1]! * 100 * mib);
    });

    test("as few machines as can be are used, those with most room first", () => {
        const { models } = place([remote("RPC0", roomFor(4)), remote("RPC1", 24 * gib), remote("RPC2", roomFor(6))]);
        expect(models[0]).toMatchObject({ devices: ["RPC1"], split: [11] });
        const two = place([remote("RPC0", roomFor(3)), remote("RPC1", roomFor(7)), remote("RPC2", roomFor(5))])
            .models[0]!;
        expect(two.devices).toEqual(["RPC2", "RPC1"]);
        expect(two.split.reduce((sum, layers) => sum + layers)).toBe(11);
    });

    test("what fits nowhere stays in main memory", () => {
        const { models, notes } = place([remote("RPC0", roomFor(4))]);
        expect(models[0]).toMatchObject({ devices: ["RPC0"], gpuLayers: 5, split: [5], outputInMainMemory: true });
        expect(models[0]!.parts.host.weights).toBe((6 + 2) * 100 * mib);
        expect(notes).toContainEqual(expect.stringContaining("5 of 11 layers"));
    });

    test("without room there, all is here", () => {
        const { models } = place([remote("RPC0", 100 * mib)]);
        expect(models[0]).toMatchObject({ devices: [], gpuLayers: 0, outputInMainMemory: false });
    });

    test("a device that somebody names holds what is asked for, in whatever role, and no output layer", () => {
        const named = { devices: ["RPC0", "RPC1"], gpuLayers: 11 } as const;
        const { models } = place([remote("RPC0", 4 * gib), remote("RPC1", 4 * gib)], {
            models: [model("base", named), model("expert", named, 1), model("antiexpert", { devices: ["RPC1"] }, 1)]
        });
        expect(models.map(({ devices }) => devices)).toEqual([["RPC0", "RPC1"], ["RPC0", "RPC1"], ["RPC1"]]);
        expect(models.every(({ outputInMainMemory }) => outputInMainMemory)).toBe(true);
        expect(models[0]!.split[0]).toBeGreaterThan(3);
        expect(models[0]!.split[1]).toBeGreaterThan(3);
    });

    test("named together they have layers by their shares of the memory that is free", () => {
        const all = ["RPC0", "RPC1", "RPC2"];
        const splitOf = (sizes: readonly number[]): readonly number[] => {
            const devices = sizes.map((bytes, index) => remote(`RPC${index}`, bytes));
            const base = model("base", { devices: all.slice(0, sizes.length), gpuLayers: 11 });
            return place(devices, { models: [base, model("expert", {}, 1), model("antiexpert", {}, 1)] }).models[0]!
                .split;
        };
        // the last one's output layer is here, and counts
        expect(splitOf([24 * gib, 24 * gib])).toEqual([5, 6]);
        expect(splitOf([24.1 * gib, 24 * gib, 23.9 * gib])).toEqual([4, 3, 4]);
        expect(splitOf([30 * gib, 10 * gib])).toEqual([7, 4]);
    });

    test("a device here that is named with them has the output layer, wherever it stands in the list", () => {
        const named = { devices: ["CUDA0", "RPC0"], gpuLayers: 11 } as const;
        const { models } = place([remote("RPC0", 4 * gib), gpuDevice("CUDA0", 4 * gib)], {
            models: [model("base", named), model("expert", {}, 1), model("antiexpert", {}, 1)]
        });
        expect(models[0]).toMatchObject({ devices: ["RPC0", "CUDA0"], outputInMainMemory: false });
        expect(models[0]!.parts.devices[1]!.weights).toBeGreaterThan(models[0]!.split[1]! * 100 * mib - 1);
    });

    test("more than there is room for is an error, as on devices here", () => {
        const named = { devices: ["RPC0"], gpuLayers: 11 } as const;
        const models = [model("base", named), model("expert", {}, 1), model("antiexpert", {}, 1)];
        expect(() => place([remote("RPC0", roomFor(5))], { models })).toThrow(
            expect.objectContaining({ code: "ERR_INSUFFICIENT_MEMORY" })
        );
    });
});
