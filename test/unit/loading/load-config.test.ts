// What is decided for native code: each number from both sides.
import { describe, expect, test } from "vitest";
import { prepareConfig, type PreparedConfig } from "../../../src/loading/load-config.js";
import { resolveLoadOptions } from "../../../src/loading/load-options.js";
import { combineModels } from "../../../src/loading/model-set.js";
import type { NativeDevice, NativeModelFacts } from "../../../src/native/addon-types.js";
import { cpuDevice, FakeAddon, gpuDevice, modelFacts } from "../../support/fake-addon.js";

const gpus = [cpuDevice, gpuDevice("CUDA0", 24 * 2 ** 30), gpuDevice("CUDA1", 24 * 2 ** 30)];

async function prepare(
    options: object = {},
    devices: readonly NativeDevice[] = [cpuDevice],
    contextLengths: Partial<Record<string, number>> = {}
): Promise<PreparedConfig> {
    const resolved = resolveLoadOptions({ base: "/b", expert: "/e", antiexpert: "/a", threads: 1, ...options });
    const models = combineModels(resolved, undefined);
    const facts = new Map<string, NativeModelFacts>(
        ["/b", "/e", "/a"].map((path) => [
            path,
            modelFacts({ fingerprint: path, contextLength: contextLengths[path] ?? 100_000 })
        ])
    );
    return prepareConfig(new FakeAddon({ devices }), resolved, models, facts);
}

const rejected = (options: object, devices?: readonly NativeDevice[]): Promise<unknown> =>
    prepare(options, devices).then(
        () => "accepted",
        (error: unknown) => error
    );

test("an engine with workers in this process is worth a note", async () => {
    const note = expect.stringMatching(/^isolate is false: losing a worker ends this process/) as unknown;
    expect((await prepare({ rpc: "a:1", isolate: false })).notes).toContainEqual(note);
    for (const options of [{ rpc: "a:1" }, { rpc: "a:1", isolate: true }, { isolate: false }, {}]) {
        expect((await prepare(options)).notes).not.toContainEqual(note);
    }
});

describe.skipIf(process.platform === "win32")("what native code is told", () => {
    test("by default", async () => {
        const { config, notes } = await prepare();
        const model = {
            adapters: [],
            devices: [],
            gpuLayers: 0,
            split: new Float32Array(0),
            cpuMoeLayers: 0,
            outputInMainMemory: false,
            threads: 1,
            snapshots: 0,
            tokens: new Int32Array(0)
        };
        expect(config).toEqual({
            base: { path: "/b", fingerprint: "/b", weights: 1, ...model },
            pairs: [
                {
                    expert: { path: "/e", fingerprint: "/e", weights: 2, ...model },
                    antiexpert: { path: "/a", fingerprint: "/a", weights: 3, ...model }
                }
            ],
            contextSize: 4096,
            slots: 1,
            cacheSize: 4096,
            prefillChunk: 0,
            maxQueue: 1024,
            reusePrefixes: true,
            batchSize: 512,
            maxDraft: 15,
            rows: 16,
            kvTypeK: "f16",
            kvTypeV: "f16",
            flashAttention: "auto",
            adaptThreads: false,
            mmap: true,
            mlock: false,
            sampler: "auto"
        });
        expect(notes).toEqual([]);
    });

    test.each<[object, number, number]>([
        // options, batch, cache
        [{ contextSize: 100 }, 100, 100],
        [{ contextSize: 100, parallel: 4 }, 400, 400],
        [{ contextSize: 1000, parallel: 4 }, 512, 4000],
        [{ contextSize: 1 }, 2, 1],
        [{ batchSize: 1, parallel: 1 }, 2, 4096],
        [{ batchSize: 3, parallel: 5 }, 5, 5 * 4096],
        [{ parallel: 4, cacheSize: 5000 }, 512, 5000],
        [{ parallel: 2, cacheSize: 1_000_000 }, 512, 8192],
        [{ parallel: 4, cacheSize: 4096 }, 512, 4096]
    ])("%j: batch %i, cache %i", async (options, batchSize, cacheSize) => {
        expect((await prepare(options)).config).toMatchObject({ batchSize, cacheSize });
    });

    test("the context is cut to the least of the models'", async () => {
        const cut = await prepare({}, [cpuDevice], { "/b": 3000, "/e": 2000, "/a": 2500 });
        expect(cut.config).toMatchObject({ contextSize: 2000, cacheSize: 2000 });
        expect(cut.notes).toEqual(["The context was cut from 4096 to 2000 tokens: the expert holds no more."]);
        expect((await prepare({}, [cpuDevice], { "/b": 4096, "/e": 0 })).notes).toEqual([]);
        expect((await prepare({}, [cpuDevice], { "/a": 4095 })).config.contextSize).toBe(4095);
    });

    test("as many threads as pay, unless somebody says how many", async () => {
        const adapts = async (options: object): Promise<boolean> => (await prepare(options)).config.adaptThreads;
        expect(await adapts({ threads: undefined })).toBe(true);
        expect(await adapts({ threads: 2 })).toBe(false);
        expect(await adapts({ threads: undefined, antiexpert: { path: "/a", threads: 1 } })).toBe(false);
    });

    test("threads of each model, and why fewer", async () => {
        const { config, notes } = await prepare({ threads: 512, expert: { path: "/e", threads: 1 } });
        expect(config.pairs[0]!.expert.threads).toBe(1);
        expect(config.base.threads).toBe(config.pairs[0]!.antiexpert.threads);
        if (config.base.threads < 512) {
            expect(notes).toEqual([
                expect.stringMatching(
                    new RegExp(
                        `^512 threads were asked for, and ${config.base.threads} are used: this process may run on `
                    )
                )
            ]);
        }
    });
});

describe("devices", () => {
    test("by name, whatever its case, each once", async () => {
        const { config } = await prepare({ device: ["cuda1", "CUDA1"] }, gpus);
        expect(config.base.devices).toEqual(["CUDA1"]);
        const own = await prepare({ device: "CUDA0", expert: { path: "/e", device: "cpu" } }, gpus);
        expect([own.config.base.devices, own.config.pairs[0]!.expert.devices]).toEqual([["CUDA0"], []]);
        expect((await prepare({ gpuLayers: 1 }, gpus)).config.base).toMatchObject({ gpuLayers: 1, devices: ["CUDA1"] });
    });

    test("that are not there are refused, with those that are", async () => {
        expect(await rejected({ device: "CUDA7" }, gpus)).toMatchObject({
            code: "ERR_DEVICE_NOT_FOUND",
            message: "There is no device CUDA7 for the base. Devices here: CPU, CUDA0, CUDA1.",
            details: { devices: ["CPU", "CUDA0", "CUDA1"] }
        });
        expect(await rejected({ antiexpert: { path: "/a", device: "x" } }, [])).toMatchObject({
            message: "There is no device x for the antiexpert. Devices here: none."
        });
        const accel = { ...cpuDevice, name: "BLAS", type: "accel" as const };
        expect(await rejected({ device: "BLAS" }, [accel])).toMatchObject({ code: "ERR_DEVICE_NOT_FOUND" });
    });

    test("layers need one", async () => {
        expect(await rejected({ gpuLayers: 3 })).toMatchObject({
            code: "ERR_DEVICE_NOT_FOUND",
            message: "There is no GPU to hold the 3 layers asked for the base. Devices here: CPU."
        });
        expect(await rejected({ gpuLayers: 0 })).toBe("accepted");
        expect(await rejected({ gpuLayers: 1, device: "cpu" }, gpus)).toMatchObject({
            code: "ERR_INVALID_OPTION",
            message: 'Expected 0 or "auto" for the gpuLayers of the base on device "cpu", received 1 (number).',
            details: { option: "gpuLayers", role: "base" }
        });
        expect(await rejected({ gpuLayers: 0, device: "cpu" }, gpus)).toBe("accepted");
        expect(await rejected({ device: "cpu" }, gpus)).toBe("accepted");
    });
});
