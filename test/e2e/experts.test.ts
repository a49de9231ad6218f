// Experts of a mixture in main memory, the rest of their layers on a device.
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { planTrio, type RastResult } from "../../dist/index.js";
import { loadNative } from "../../dist/native/binding.js";
import { root, run, vulkanEnvironment, vulkanLibrary } from "../support/native.js";
import { heavy, size } from "../support/size.js";
import { tinyTrioOf } from "../support/test-models.js";

const mib = 2 ** 20;
const device = "Vulkan0";
const script = join(root, "test", "e2e", "scripts", "experts.mjs");

interface Ran {
    readonly logprobs: NonNullable<RastResult["logprobs"]>;
    /** Of the base, by place. */
    readonly weights: Readonly<Record<string, number>>;
    readonly layers: number;
    readonly cpuMoeLayers: number;
}

describe.skipIf(vulkanLibrary === undefined)("a mixture of experts on a device", () => {
    let models: { base: string; expert: string; antiexpert: string };
    let expertBytes: number;

    beforeAll(async () => {
        models = await tinyTrioOf("qwen3moe", "llama");
        const { addon } = await loadNative();
        const facts = await addon.inspectModel(models.base);
        expertBytes = facts.expertBytes[0]!;
        expect(facts.expertBytes).toEqual([expertBytes, expertBytes, expertBytes, expertBytes]);
    });

    const ran = async (load: object): Promise<Ran> => {
        // The base alone: a prompt of 40 tokens, for which llama.cpp brings experts to the device, and tokens one by one, for which it does not
        const tokens = Array.from({ length: 40 }, (_, i) => 5 + ((i * 37) % 400));
        const request = { tokens, temperature: 0, maxTokens: size(3, 8), ignoreEos: true, logprobs: 2 };
        const given = JSON.stringify({
            load: { base: models.base, device, contextSize: 128, mmap: false, ...load },
            request
        });
        const { code, stdout, stderr } = await run(process.execPath, [script, given], { env: vulkanEnvironment() });
        expect([code, stderr]).toEqual([0, ""]);
        return JSON.parse(stdout) as Ran;
    };

    it("has the same text wherever they lie, and the device holds as much less", async () => {
        const whole = await ran({ gpuLayers: 99, cpuMoeLayers: 0 });
        expect([whole.layers, whole.cpuMoeLayers]).toEqual([5, 0]);
        for (const count of heavy ? [1, 4] : [3]) {
            const apart = await ran({ gpuLayers: 99, cpuMoeLayers: count });
            expect([apart.layers, apart.cpuMoeLayers]).toEqual([5, count]);
            const moved = whole.weights[device]! - apart.weights[device]!;
            expect(Math.abs(moved - count * expertBytes)).toBeLessThan(0.05 * mib);
            for (const [index, { token, top }] of apart.logprobs.entries()) {
                const other = whole.logprobs[index]!;
                expect(Math.abs(top[0]!.logprob - other.top[0]!.logprob)).toBeLessThan(0.02);
                if (token === other.token) continue;
                // a near-tie may go either way; behind it texts are two
                expect(top[0]!.logprob - top[1]!.logprob).toBeLessThan(0.02);
                break;
            }
        }
    });

    it("is planned so where it does not fit whole, and the card holds as much less", async () => {
        const sized = { contextSize: 128, ram: 64 * 2 ** 30 };
        const whole = await planTrio({ ...models, ...sized, vram: 2 ** 33 });
        expect([whole.fit, whole.models[0]!.cpuMoeLayers]).toEqual(["devices", 0]);
        const [card] = whole.places;
        const vram = Math.round(512 * mib + card!.takenBytes - 0.9 * expertBytes);
        const plan = await planTrio({ ...models, ...sized, vram });
        const [base] = plan.models;
        expect(plan.fit).toBe("partly");
        expect(base!.gpuLayers).toBe(base!.layers);
        expect(base!.cpuMoeLayers).toBeGreaterThan(0);
        expect(base!.cpuMoeLayers).toBeLessThan(4);
        expect(plan.notes.join()).toContain(`experts of ${base!.cpuMoeLayers} of 4 layers stay in main memory`);
        const [planned] = plan.places;
        expect(card!.parts.weights - planned!.parts.weights).toBe(base!.cpuMoeLayers * expertBytes);
    });
});
