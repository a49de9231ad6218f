import { expect, it } from "vitest";
import { askWorkers } from "../../../src/workers/worker-info.js";
import type { NativeWorker } from "../../../src/native/addon-types.js";

const saying = (answers: Readonly<Record<number, string>>) => ({
    askWorker: async ({ port }: NativeWorker) => ({ json: answers[port]!, connectMs: 2, roundTripMs: 1 })
});
const device = { name: "CUDA0", description: "A card", type: "gpu", memoryFreeBytes: 5, memoryTotalBytes: 7 };

it("devices of several workers are counted through, as an engine counts them", async () => {
    const json = (devices: object[]): string => JSON.stringify({ version: "1", cache: true, connections: 2, devices });
    const addon = saying({
        1: json([device, { ...device, name: "CUDA1" }]),
        2: json([{ ...device, name: "CPU", type: "cpu" }])
    });
    const { workers, devices } = await askWorkers(addon, [
        { host: "a", port: 1 },
        { host: "::1", port: 2 }
    ]);
    expect(devices.map(({ name, worker }) => [name, worker])).toEqual([
        ["RPC0", "a:1"],
        ["RPC1", "a:1"],
        ["RPC2", "[::1]:2"]
    ]);
    expect(devices[0]).toMatchObject({ description: "A card", type: "gpu", memoryFreeBytes: 5, memoryTotalBytes: 7 });
    // in its own words, and as an engine uses it
    expect([workers[1]!.devices[0]!.type, devices[2]!.type]).toEqual(["cpu", "gpu"]);
    expect(workers[1]).toMatchObject({ version: "1", cache: true, connections: 2, roundTripMs: 1 });
});

it.each(["[]", "{", "7", ""])("a worker that says %j of itself is none", async (json) => {
    await expect(askWorkers(saying({ 1: json }), [{ host: "a", port: 1 }])).rejects.toMatchObject({
        code: "ERR_WORKER_VERSION",
        details: { worker: "a:1" }
    });
});

it("what a hostile one says is bounded, and nothing but texts and numbers", async () => {
    const devices = Array.from({ length: 100 }, () => ({
        name: { toString: 1 },
        description: "x".repeat(1000),
        memoryFreeBytes: "7",
        type: "rm -rf"
    }));
    const { workers } = await askWorkers(saying({ 1: JSON.stringify({ devices, version: [] }) }), [
        { host: "a", port: 1 }
    ]);
    expect(workers[0]!.devices).toHaveLength(64);
    expect(workers[0]!.devices[0]).toMatchObject({ name: "", memoryFreeBytes: 0, type: "gpu" });
    expect(workers[0]!.devices[0]!.description).toHaveLength(256);
    expect(workers[0]!.version).toBe("");
});
