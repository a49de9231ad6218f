import { describe, expect, it } from "vitest";
import { demo } from "../support/demo.js";
import { figure, nativeTest, places } from "../support/native.js";
import { size } from "../support/size.js";
import { wideDemo } from "../support/test-models.js";

// 64 requests that differ in prompt (some equal, some with a common beginning), length, temperature, filters, lambda,
// mode of penalties, seed and draft, each run alone by an engine without drafts, then all together. Equal but for
// near-ties, which are proven as in drafts.test.ts.
const wanted = { requests: 64, tokens: 24, "max-draft": 6, context: 160, batch: 64, mixed: 1, reuse: 1 };

describe("together against alone on the CPU", () => {
    it.each([
        ["1 slot", { slots: 1 }],
        ["4 slots", { slots: 4 }],
        ["16 slots", { slots: 16 }],
        ["16 slots without prefix reuse", { slots: 16, reuse: 0 }],
        ["prompts in chunks of 8", { slots: 4, chunk: 8 }],
        ["the host path", { slots: 4, sampler: "host" }]
    ])("%s, drafted and not", async (_, more) => {
        const { base, expert, antiexpert } = await wideDemo();
        const models = { base, experts: expert, antiexperts: antiexpert, "flash-attention": "off" };
        const output = await nativeTest("drafts", { ...models, ...wanted, lengths: "0,3,auto", ...more });
        console.info(/near-ties \d+/.exec(output)![0]);
        expect(figure(output, "ok sequences")).toBe(192);
        expect(figure(output, "near-ties")).toBeLessThanOrEqual(6);
        if (!("reuse" in more)) expect(figure(output, "cached")).toBeGreaterThan(3000);
    });

    it.each([
        ["a cache for one sequence", { cache: 170, reuse: 0 }],
        ["a cache for a few, and kept prefixes", { cache: 256 }]
    ])("with %s and 16 slots: requests give way and lose nothing", async (_, more) => {
        const { base, expert, antiexpert } = await wideDemo();
        const models = { base, experts: expert, antiexperts: antiexpert, "flash-attention": "off" };
        const room = { slots: 16, tokens: 60, lengths: "0,auto" };
        const output = await nativeTest("drafts", { ...models, ...wanted, ...room, ...more });
        expect(figure(output, "ok sequences")).toBe(128);
        expect(figure(output, "restarts")).toBeGreaterThan(20);
    });
});

describe.runIf(places.includes("Vulkan0"))("together against alone on the software Vulkan device", () => {
    it("4 slots, drafted and not", async () => {
        const models = { base: demo.base, experts: demo.expert, antiexperts: demo.antiexpert };
        const few = { requests: 5, tokens: size(5, 8), slots: 4, lengths: "0,2", "max-draft": 2 };
        const output = await nativeTest("drafts", { ...models, ...wanted, ...few }, "Vulkan0");
        expect(figure(output, "ok sequences")).toBe(10);
    });
});
