import { describe, expect, test } from "vitest";
import { kvElementBytes, modelMemory, samplerMemory } from "../../../src/placement/model-memory.js";
import {
    placeModels,
    usableDevices,
    type Placements,
    type PlacementInput,
    type ModelToPlace
} from "../../../src/placement/placement.js";
import { bytesOf } from "../../../src/placement/placed-parts.js";
import type { NativeDevice } from "../../../src/native/addon-types.js";
import { cpuDevice, gpuDevice, modelFacts } from "../../support/fake-addon.js";

const mib = 2 ** 20;
const gib = 2 ** 30;

// Ten layers of 100 MiB and an output layer of 100 MiB; KV cache and buffers are small beside them.
function model(role: ModelToPlace["role"], changes: Partial<ModelToPlace> = {}, layerMib = 100): ModelToPlace {
    const facts = modelFacts({
        layers: 10,
        layerBytes: new Array<number>(10).fill(layerMib * mib),
        outputBytes: layerMib * mib,
        embeddingBytes: layerMib * mib,
        embeddingLength: 64,
        vocabularySize: 1024
    });
    return { role, pair: 0, facts, gpuLayers: "auto", devices: undefined, ...changes };
}

function plan(changes: Partial<PlacementInput> = {}): Placements {
    return placeModels({
        models: [model("base"), model("expert", {}, 10), model("antiexpert", {}, 10)],
        devices: [cpuDevice, gpuDevice("CUDA0", 24 * gib)],
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

const layersOf = (result: Placements): number[] => result.models.map((one) => one.gpuLayers);

describe("memory of a model", () => {
    const settings = {
        cacheSize: 2000,
        batchSize: 512,
        rows: 2,
        kvTypeK: "q8_0",
        kvTypeV: "f16",
        flashAttention: "auto"
    } as const;

    test("the KV cache is exact, its cells rounded up to 256", () => {
        const facts = modelFacts({ layers: 4, kvElementsPerToken: { k: 320, v: 320 } });
        expect(modelMemory(facts, settings).kvBytesPerLayer).toBe((2048 * (320 * (34 / 32) + 640)) / 4);
        expect(kvElementBytes.q4_0).toBe(18 / 32);
    });

    test("attention without flash attention costs more", () => {
        const facts = modelFacts();
        const off = modelMemory(facts, { ...settings, flashAttention: "off" }).deviceComputeBytes;
        expect(off).toBeGreaterThan(modelMemory(facts, settings).deviceComputeBytes);
    });

    test("a tied output layer is a copy of the embedding", () => {
        expect(modelMemory(modelFacts({ outputBytes: 0, embeddingBytes: 77 }), settings).outputBytes).toBe(77);
    });
});

describe("auto", () => {
    test("everything whole where there is room", () => {
        const result = plan();
        expect(layersOf(result)).toEqual([11, 11, 11]);
        expect(result.models.every((one) => one.devices.join() === "CUDA0")).toBe(true);
        expect(result.notes).toEqual([]);
    });

    test("the small models whole, then layers of the base from the end", () => {
        // 512 MiB of margin, 2 * 110 MiB of small models, and room for the output layer and three more
        const result = plan({ devices: [cpuDevice, gpuDevice("CUDA0", (512 + 220 + 450) * mib)] });
        expect(layersOf(result)).toEqual([4, 11, 11]);
        expect(result.notes).toEqual(["base: 4 of 11 layers fit into the free memory of the devices."]);
        expect(result.models[0]!.hostBytes).toBeGreaterThanOrEqual(8 * 100 * mib);
    });

    test("the base gets nothing rather than a part of the small models", () => {
        const result = plan({ devices: [cpuDevice, gpuDevice("CUDA0", (512 + 250) * mib)] });
        expect(layersOf(result)).toEqual([0, 11, 11]);
        expect(result.models[0]!.devices).toEqual([]);
    });

    test("the margin is 8% of the free memory when that is more than 512 MiB", () => {
        const large = [model("base", {}, 1000), model("expert"), model("antiexpert")];
        const devices = [cpuDevice, gpuDevice("CUDA0", 13.8 * gib)];
        const left = 13.8 * 1024 * 0.92 - 2200;
        expect(layersOf(plan({ models: large, devices }))[0]).toBe(Math.floor(left / 1001));
    });

    test("without a GPU everything stays on the CPU, without a note", () => {
        const result = plan({ devices: [cpuDevice] });
        expect(layersOf(result)).toEqual([0, 0, 0]);
        expect(result.notes).toEqual([]);
    });

    test("a device that does not tell its memory takes all", () => {
        expect(layersOf(plan({ devices: [gpuDevice("X0", 0)] }))).toEqual([11, 11, 11]);
    });

    test("one device is preferred, the last one that holds the model; else all are used", () => {
        const two = [cpuDevice, gpuDevice("CUDA0", 24 * gib), gpuDevice("CUDA1", 24 * gib)];
        expect(plan({ devices: two }).models.map((one) => one.devices)).toEqual([["CUDA1"], ["CUDA1"], ["CUDA1"]]);
        const narrow = [gpuDevice("CUDA0", 1250 * mib), gpuDevice("CUDA1", 1250 * mib)];
        const result = plan({ devices: narrow });
        expect(result.models[0]).toMatchObject({ devices: ["CUDA0", "CUDA1"], gpuLayers: 11 });
        expect(result.models[1]).toMatchObject({ devices: ["CUDA1"], gpuLayers: 11 });
    });

    test("integrated GPUs count only where there is no other", () => {
        const igpu = { ...gpuDevice("Vulkan1", gib), type: "igpu" as const };
        expect(usableDevices([cpuDevice, igpu])).toEqual(["Vulkan1"]);
        expect(usableDevices([cpuDevice, igpu, gpuDevice("CUDA0", gib)])).toEqual(["CUDA0"]);
    });

    test("a base alone", () => {
        expect(layersOf(plan({ models: [model("base")] }))).toEqual([11]);
    });
});

describe("explicit layers", () => {
    test("are kept, and cut to what the model has", () => {
        const models = [
            model("base", { gpuLayers: 5 }),
            model("expert", { gpuLayers: 99 }, 10),
            model("antiexpert", {}, 10)
        ];
        expect(layersOf(plan({ models }))).toEqual([5, 11, 11]);
    });

    test("come before automatic ones", () => {
        const models = [model("base", { gpuLayers: 4 }), model("expert", {}, 10), model("antiexpert", {}, 10)];
        expect(layersOf(plan({ models, devices: [gpuDevice("CUDA0", (512 + 470) * mib)] }))).toEqual([4, 1, 0]);
    });

    test("that do not fit are refused with numbers and advice", () => {
        const models = [model("base", { gpuLayers: 11 }), model("expert", {}, 10), model("antiexpert", {}, 10)];
        const attempt = (): unknown => plan({ models, devices: [gpuDevice("CUDA0", gib)] });
        expect(attempt).toThrow(expect.objectContaining({ code: "ERR_INSUFFICIENT_MEMORY" }));
        expect(attempt).toThrow(
            /need 1101 MiB on CUDA0, where 1024 MiB are free and 512 MiB .*base with 11 of 11 layers/
        );
        expect(attempt).toThrow(/Lower gpuLayers/);
    });

    test("0, and the device cpu, mean the CPU", () => {
        const models = [
            model("base", { gpuLayers: 0 }),
            model("expert", { devices: [] }, 10),
            model("antiexpert", {}, 10)
        ];
        const result = plan({ models });
        expect(layersOf(result)).toEqual([0, 0, 11]);
        expect(result.models[1]!.devices).toEqual([]);
        expect(result.notes).toEqual([]);
    });
});

describe("main memory", () => {
    test("mapped weights that do not fit are a note", () => {
        const result = plan({ devices: [cpuDevice], hostAvailableBytes: gib });
        expect(result.notes).toHaveLength(1);
        expect(result.notes[0]).toContain("main memory");
    });

    test.each([
        [{ mmap: false }, /or turn mmap on/],
        [{ mlock: true }, /mlock off/],
        [{ cacheSize: 32_000_000 }, /Lower contextSize/]
    ])("what must fit and does not is refused: %j", (changes, advice) => {
        const attempt = (): unknown => plan({ devices: [cpuDevice], hostAvailableBytes: gib, ...changes });
        expect(attempt).toThrow(expect.objectContaining({ code: "ERR_INSUFFICIENT_MEMORY" }));
        expect(attempt).toThrow(advice);
    });
});

describe("to the byte", () => {
    // Two layers of 1,000 and 2,000, an output of 300, an embedding of 70; cache and buffers are what remains.
    const tiny = (role: ModelToPlace["role"], changes: Partial<ModelToPlace> = {}): ModelToPlace => ({
        role,
        pair: 0,
        facts: modelFacts({
            layers: 2,
            layerBytes: [1000, 2000],
            outputBytes: 300,
            embeddingBytes: 70,
            embeddingLength: 0,
            feedForwardLength: 0,
            vocabularySize: 0,
            kvElementsPerToken: { k: 1, v: 1 }
        }),
        gpuLayers: "auto",
        devices: undefined,
        ...changes
    });
    const kv = (256 * 4) / 2; // of a layer
    const buffer = 256 * 2 + 24; // the mask and places, for a batch of 1
    const own = samplerMemory("base", 0, { vocabularySize: 0 }, 0, 0).device; // settings of the spare row
    const place = (base: Partial<ModelToPlace>, more: Partial<PlacementInput> = {}): Placements["models"][number] =>
        plan({ models: [tiny("base", base)], batchSize: 1, rows: 0, ...more }).models[0]!;

    test("what lies where, layer by layer from the end", () => {
        const host = 70 + buffer;
        expect(place({ gpuLayers: 0 })).toMatchObject({ deviceBytes: 0, hostBytes: host + 3300 + 2 * kv, split: [] });
        expect(place({ gpuLayers: 1 })).toMatchObject({
            deviceBytes: own + buffer + 300,
            hostBytes: host + 3000 + 2 * kv
        });
        expect(place({ gpuLayers: 2 })).toMatchObject({
            deviceBytes: own + buffer + 2300 + kv,
            hostBytes: host + 1000 + kv,
            split: [2]
        });
        expect(place({ gpuLayers: 3 })).toMatchObject({ deviceBytes: own + buffer + 3300 + 2 * kv, hostBytes: host });
        expect(place({ gpuLayers: 9 }).gpuLayers).toBe(3);
    });

    test("the same by place and purpose; a tied output is no second copy in main memory", () => {
        const none = { weights: 0, cache: 0, compute: 0, results: 0, sampler: 0 };
        expect(place({ gpuLayers: 2 }).parts).toEqual({
            host: { ...none, weights: 1070, cache: kv, compute: buffer },
            devices: [{ ...none, weights: 2300, cache: kv, compute: buffer, sampler: own }]
        });
        const { facts } = tiny("base");
        const tied = { facts: { ...facts, tiedOutput: true } };
        expect(place({ ...tied, gpuLayers: 0 }).parts.host.weights).toBe(3070);
        expect(place({ ...tied, gpuLayers: 3 }).parts.devices[0]!.weights).toBe(3300);
    });

    test("several devices have consecutive layers, the last one the output", () => {
        const devices = [gpuDevice("A", 512 * mib + 3000), gpuDevice("B", 512 * mib + 3700 + own)];
        const placed = place({ devices: ["A", "B"] }, { devices });
        expect(placed).toMatchObject({ gpuLayers: 3, devices: ["A", "B"], split: [1, 2] });
        const { parts, deviceBytes } = placed;
        expect(parts.devices.map(({ weights }) => weights)).toEqual([1000, 2300]);
        expect(deviceBytes).toBe(own + 3300 + 2 * kv + 2 * buffer);
    });

    test("the sampler's tensors lie beside the base's output layer, and beside the first expert's", () => {
        const facts = modelFacts({
            vocabularySize: 1000,
            layers: 0,
            layerBytes: [],
            embeddingLength: 0,
            feedForwardLength: 0
        });
        const models = (["base", "expert", "antiexpert"] as const).map((role) => tiny(role, { facts }));
        const { models: placed } = plan({ models, batchSize: 1, rows: 2 });
        expect(placed.map(({ parts }) => parts.devices[0]!.sampler)).toEqual(
            (["base", "expert", "antiexpert"] as const).map((role) => samplerMemory(role, 0, facts, 2, 1).device)
        );
        expect(placed.map(({ parts }) => parts.host.sampler)).toEqual([0, 0, 0]);
        const onHost = plan({ models, batchSize: 1, rows: 2, devices: [cpuDevice] }).models;
        expect(onHost.map(({ parts }) => parts.host.sampler)).toEqual([4000 * 8, 4000 * 2, 0]);
    });

    test("caches of layers on a device need no main memory", () => {
        const whole = { models: [tiny("base", { gpuLayers: 3 })], batchSize: 1, rows: 0 };
        expect(() => plan({ ...whole, hostAvailableBytes: buffer })).not.toThrow();
        expect(() => plan({ ...whole, hostAvailableBytes: buffer - 1 })).toThrow(
            expect.objectContaining({ details: { device: "CPU", neededBytes: buffer, availableBytes: buffer - 1 } })
        );
        const half = { ...whole, models: [tiny("base", { gpuLayers: 2 })] };
        expect(() => plan({ ...half, hostAvailableBytes: buffer + kv })).not.toThrow();
        expect(() => plan({ ...half, hostAvailableBytes: buffer + kv - 1 })).toThrow();
    });

    const cpuOnly = { devices: [cpuDevice], models: [tiny("base")], batchSize: 1, rows: 0 };
    const mapped = 2 * kv + buffer;
    const whole = mapped + 3300 + 70;

    test("mapped weights need not fit, all else must", () => {
        expect(plan({ ...cpuOnly, hostAvailableBytes: whole }).notes).toEqual([]);
        expect(plan({ ...cpuOnly, hostAvailableBytes: whole - 1 }).notes).toEqual([
            "The models take 1 MiB of main memory and 1 MiB are available: " +
                "parts of the weights will be read from disk again and again."
        ]);
        expect(() => plan({ ...cpuOnly, hostAvailableBytes: mapped })).not.toThrow();
        expect(() => plan({ ...cpuOnly, hostAvailableBytes: mapped - 1 })).toThrow(
            expect.objectContaining({
                message:
                    "The models need 1 MiB of main memory, and 1 MiB are available. " +
                    "Lower contextSize, parallel or batchSize, or use smaller quantizations.",
                details: { device: "CPU", neededBytes: mapped, availableBytes: mapped - 1 }
            })
        );
    });

    test.each([{ mmap: false }, { mlock: true }, { mmap: false, mlock: true }])("all must fit under %j", (how) => {
        expect(plan({ ...cpuOnly, ...how, hostAvailableBytes: whole }).notes).toEqual([]);
        expect(() => plan({ ...cpuOnly, ...how, hostAvailableBytes: whole - 1 })).toThrow(
            expect.objectContaining({
                message: expect.stringMatching(/ or use smaller quantizations, or turn mmap on and mlock off\.$/),
                details: { device: "CPU", neededBytes: whole, availableBytes: whole - 1 }
            })
        );
    });

    test("models of further pairs are named with their pair", () => {
        const models = [
            model("base", {}, 10),
            model("expert", { pair: 1, gpuLayers: 11 }),
            model("antiexpert", { pair: 0, gpuLayers: 11 })
        ];
        expect(() => plan({ models, devices: [gpuDevice("CUDA0", 1024 * mib)] })).toThrow(
            /\(expert of pair 1 with 11 of 11 layers 1101 MiB; antiexpert with 11 of 11 layers 1101 MiB\)/
        );
    });
});

describe("models of one file", () => {
    const adapter = {
        layerBytes: new Array<number>(10).fill(mib),
        outputBytes: 2 * mib,
        embeddingBytes: 0,
        tensorBytes: 12 * mib
    };
    const pair = (expert: Partial<ModelToPlace>, antiexpert: Partial<ModelToPlace>): ModelToPlace[] => [
        model("base", { weights: 1, gpuLayers: 0 }),
        model("expert", { weights: 2, ...expert }),
        model("antiexpert", { weights: 2, ...antiexpert })
    ];
    const bytes = (result: Placements): number => result.models.reduce((sum, one) => sum + one.deviceBytes, 0);

    test("are on a device once, and with them their caches and adapters", () => {
        const apart = plan({ models: pair({}, { weights: 3 }) });
        const shared = plan({ models: pair({}, {}) });
        expect(layersOf(shared)).toEqual([0, 11, 11]);
        // ten layers and the output layer
        expect(bytes(apart) - bytes(shared)).toBeCloseTo(1100 * mib, 1);
        expect(shared.models[2]!.deviceBytes).toBeLessThan(2 * mib);
        const adapted = plan({ models: pair({ adapters: [adapter] }, {}) });
        expect(bytes(adapted) - bytes(shared)).toBeCloseTo(12 * mib, 1);
    });

    test("fit where two copies would not", () => {
        const devices = [cpuDevice, gpuDevice("CUDA0", 2 * gib)];
        expect(layersOf(plan({ devices, models: pair({}, { weights: 3 }) }))).not.toEqual([0, 11, 11]);
        expect(layersOf(plan({ devices, models: pair({}, {}) }))).toEqual([0, 11, 11]);
    });

    test("are two where they are to be in different places", () => {
        const shared = plan({ models: pair({}, { gpuLayers: 3 }) });
        expect(layersOf(shared)).toEqual([0, 11, 3]);
        expect(shared.models[2]!.deviceBytes).toBeGreaterThan(300 * mib);
    });

    test("count once in main memory", () => {
        const host = (models: ModelToPlace[]): number =>
            plan({ devices: [cpuDevice], models }).models.reduce((sum, one) => sum + one.hostBytes, 0);
        expect(host(pair({}, { weights: 3 })) - host(pair({}, {}))).toBeCloseTo(1200 * mib, 1);
        expect(host(pair({ adapters: [adapter] }, {})) - host(pair({}, {}))).toBeCloseTo(12 * mib, 1);
    });

    test("the base among them is placed with the pair", () => {
        const devices = [cpuDevice, gpuDevice("CUDA0", 2 * gib)];
        const models = (["base", "expert", "antiexpert"] as const).map((role) => model(role, { weights: 1 }));
        expect(layersOf(plan({ devices, models }))).toEqual([11, 11, 11]);
    });
});

describe("mixtures of experts", () => {
    // 80 of the 100 MiB of each layer are experts, of which a token reads a quarter
    const mixture = (changes: Partial<ModelToPlace> = {}): ModelToPlace => {
        const { facts, ...rest } = model("base", changes);
        const expertBytes = new Array<number>(10).fill(80 * mib);
        return { ...rest, facts: { ...facts, expertBytes, experts: 8, expertsUsed: 2, feedForwardLength: 64 } };
    };
    const models = [mixture(), model("expert", {}, 10), model("antiexpert", {}, 10)];
    const card = (room: number): NativeDevice[] => [cpuDevice, gpuDevice("CUDA0", (512 + 221 + room) * mib)];

    test("experts of as many layers as do not fit stay in main memory, and all else is on the device", () => {
        // 1100 MiB of weights, and room for two matrices of experts that visit for prompts, 53 MiB
        const result = plan({ models, devices: card(700) });
        const [base] = result.models;
        expect([base!.gpuLayers, base!.cpuMoeLayers]).toEqual([11, 6]);
        expect(base!.parts.devices[0]!.weights).toBe((1100 - 6 * 80) * mib);
        expect(base!.parts.host.weights).toBe((100 + 6 * 80) * mib);
        expect(bytesOnDevices(result)).toBeLessThanOrEqual((221 + 700) * mib);
        expect(result.notes).toEqual([
            "base: the experts of 6 of 10 layers stay in main memory; all else fits into the free memory of the devices."
        ]);
    });

    test("none, where all fits; whole layers, where not even the rest of them does", () => {
        expect(plan({ models }).models[0]).toMatchObject({ gpuLayers: 11, cpuMoeLayers: 0 });
        const narrow = plan({ models, devices: card(300) }).models[0]!;
        expect(narrow.cpuMoeLayers).toBe(0);
        expect(narrow.gpuLayers).toBeLessThan(4);
    });

    test("as many as are asked for, of a model that has them", () => {
        const result = plan({ models, cpuMoeLayers: 3 });
        expect(result.models.map(({ cpuMoeLayers }) => cpuMoeLayers)).toEqual([3, 0, 0]);
        expect(result.notes).toEqual([]);
        expect(plan({ models, cpuMoeLayers: 99 }).models[0]!.cpuMoeLayers).toBe(10);
        const none = plan({ models, cpuMoeLayers: 0, devices: card(700) }).models[0]!;
        expect([none.cpuMoeLayers, none.gpuLayers]).toEqual([0, 6]);
        const dense = plan({ cpuMoeLayers: 3 });
        expect(dense.models[0]!.cpuMoeLayers).toBe(0);
        expect(dense.notes).toEqual(["cpuMoeLayers has no effect, as none of the models is a mixture of experts."]);
        const onCpu = plan({ models, cpuMoeLayers: 3, devices: [cpuDevice] }).models[0]!;
        expect([onCpu.cpuMoeLayers, onCpu.gpuLayers]).toEqual([0, 0]);
    });

    test("a number of layers is taken as it is, with the experts of others as they are asked for", () => {
        const explicit = [mixture({ gpuLayers: 5 }), ...models.slice(1)];
        expect(plan({ models: explicit }).models[0]).toMatchObject({ gpuLayers: 5, cpuMoeLayers: 0 });
        const [base] = plan({ models: explicit, cpuMoeLayers: 8 }).models;
        // of the last four layers those before the ninth are without
        expect(base!.parts.devices[0]!.weights).toBe((100 + 4 * 100 - 2 * 80) * mib);
    });

    test("over two devices each holds what llama.cpp will give it", () => {
        const devices = [cpuDevice, gpuDevice("CUDA0", 900 * mib), gpuDevice("CUDA1", 900 * mib)];
        const result = plan({ models, devices });
        const [base] = result.models;
        expect(base!.gpuLayers).toBe(11);
        expect(base!.cpuMoeLayers).toBeGreaterThan(0);
        expect(base!.split.reduce((sum, count) => sum + count, 0)).toBe(11);
        for (const name of ["CUDA0", "CUDA1"]) {
            const taken = result.models.map(({ devices: names, parts }) => {
                const part = parts.devices[names.indexOf(name)];
                return part === undefined ? 0 : bytesOf(part);
            });
            expect(taken.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual((900 - 512) * mib);
        }
    });

    const bytesOnDevices = ({ models: placed }: Placements): number =>
        placed.reduce((sum, { deviceBytes }) => sum + deviceBytes, 0);
});
