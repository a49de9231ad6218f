import { describe, expect, it } from "vitest";
import { demo } from "../support/demo.js";
import { figure, nativeTest } from "../support/native.js";

const models = { base: demo.base, experts: demo.expert, antiexperts: demo.antiexpert, threads: 1 };

describe("the engine's schedule, counted in steps", () => {
    it("chunks, order of work, who gives way, shared beginnings, limits from both sides", async () => {
        await nativeTest("schedule", models);
    });

    it("settings of a position, and of positions ahead, are those counted afresh from all tokens", async () => {
        const output = await nativeTest("settings", models);
        expect(figure(output, "settings")).toBe(11 * 4 * 12 * 5);
    });
});

describe("the engine in the hands of several threads", () => {
    const busy = { ...models, slots: 4, "max-draft": 4, context: 128, batch: 40, cache: 200, reuse: 1 };

    it("every request ends once, errors are typed", async () => {
        expect(figure(await nativeTest("soak", { ...busy, actions: 30 }), "requests")).toBeGreaterThan(60);
    });

    it("many lives leave nothing behind", async () => {
        expect(figure(await nativeTest("lives", { ...busy, cycles: 15 }), "lives")).toBe(15);
    });
});
