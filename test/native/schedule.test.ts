import { describe, expect, it } from "vitest";
import { demo } from "../support/demo.js";
import { figure, nativeTest } from "../support/native.js";
import { size } from "../support/size.js";

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

describe("threads", () => {
    it("as many as pay, beside other work that comes and goes, on simulated machines", async () => {
        await nativeTest("thread-choice", { seeds: size(20, 200) });
    });
});

describe("drivers", () => {
    it("which cards a CUDA backend holds code for; one that does not answer", async () => {
        await nativeTest("cards", {});
    });
});

describe("memory that runs out between two tokens", () => {
    // every so many allocations one fails, or several one after the other, those that would tell of it among them
    it("ends the requests at work with a typed error, and the engine goes on", async () => {
        const options = { slots: 3, "max-draft": 4, context: 128, batch: 40, reuse: 1, bursts: "1,3", every: size(37, 1) };
        const output = await nativeTest("starved", { ...models, ...options });
        expect(figure(output, "trials")).toBeGreaterThan(60);
        expect(figure(output, "without memory")).toBeGreaterThan(60);
    });
});

describe("the engine in the hands of several threads", () => {
    const busy = { ...models, slots: 4, "max-draft": 4, context: 128, batch: 40, cache: 200, reuse: 1 };

    it("every request ends once, errors are typed", async () => {
        expect(figure(await nativeTest("soak", { ...busy, actions: 40 }), "requests")).toBeGreaterThan(50);
    });

    it("many lives leave nothing behind", async () => {
        expect(figure(await nativeTest("lives", { ...busy, cycles: 15 }), "lives")).toBe(15);
    });
});
