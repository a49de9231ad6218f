// Memory of devices, to the byte.
import { describe, expect, test } from "vitest";
import { DeviceBudget, type MemoryUnits } from "../../../src/placement/device-budget.js";
import type { RastError } from "../../../src/errors.js";
import { cpuDevice, gpuDevice } from "../../support/fake-addon.js";

const mib = 2 ** 20;
const margin = 512 * mib;
const units = (perDevice: number, output: number, ...layers: number[]): MemoryUnits => ({ perDevice, output, layers });
/** A device with so many bytes beyond its margin. */
const room = (name: string, bytes: number): ReturnType<typeof gpuDevice> => gpuDevice(name, margin + bytes);

describe("one device", () => {
    test("fits what it has room for, and not a byte more", () => {
        const need = units(10, 100, 1000, 2000);
        expect(new DeviceBudget([room("A", 3110)]).fits(need, ["A"])).toBe(true);
        expect(new DeviceBudget([room("A", 3109)]).fits(need, ["A"])).toBe(false);
    });

    test("looking takes nothing", () => {
        const budget = new DeviceBudget([room("A", 3110)]);
        const need = units(10, 100, 1000, 2000);
        expect([budget.fits(need, ["A"]), budget.fits(need, ["A"])]).toEqual([true, true]);
        expect(budget.takeWhatFits(need, ["A"])).toEqual({ layers: 3, bytes: 3110, split: [3] });
        expect(budget.fits(units(0, 1), ["A"])).toBe(false);
        expect(budget.fits(units(0, 0), ["A"])).toBe(true);
    });

    test("takes the output layer, then layers as long as they fit", () => {
        const need = units(10, 100, 1000, 2000, 1);
        const taken = (bytes: number): object => new DeviceBudget([room("A", bytes)]).takeWhatFits(need, ["A"]);
        expect(taken(109)).toEqual({ layers: 0, bytes: 0, split: [] });
        expect(taken(110)).toEqual({ layers: 1, bytes: 110, split: [1] });
        expect(taken(1109)).toEqual({ layers: 1, bytes: 110, split: [1] });
        expect(taken(1110)).toEqual({ layers: 2, bytes: 1110, split: [2] });
        // The last one would fit, but not the one in front of it.
        expect(taken(3109)).toEqual({ layers: 2, bytes: 1110, split: [2] });
        expect(taken(3111)).toEqual({ layers: 4, bytes: 3111, split: [4] });
    });

    test("what did not fit has taken nothing", () => {
        const budget = new DeviceBudget([room("A", 100)]);
        expect(budget.takeWhatFits(units(50, 51), ["A"])).toEqual({ layers: 0, bytes: 0, split: [] });
        expect(budget.takeWhatFits(units(50, 50), ["A"])).toEqual({ layers: 1, bytes: 100, split: [1] });
    });

    test("keeps 512 MiB or 8% free, whichever is more", () => {
        const even = 6400 * mib; // 8% are 512 MiB
        const fits = (free: number, bytes: number): boolean =>
            new DeviceBudget([gpuDevice("A", free)]).fits(units(0, bytes), ["A"]);
        expect([fits(even, even - margin), fits(even, even - margin + 1)]).toEqual([true, false]);
        const small = 1000 * mib;
        expect([fits(small, 488 * mib), fits(small, 488 * mib + 1)]).toEqual([true, false]);
        const large = 12_800 * mib;
        expect([fits(large, 11_776 * mib), fits(large, 11_776 * mib + 1)]).toEqual([true, false]);
    });

    test("that does not tell its memory takes everything", () => {
        const budget = new DeviceBudget([gpuDevice("A", 5, 0)]);
        expect(budget.takeWhatFits(units(1e15, 1e15, 1e15), ["A"])).toEqual({ layers: 2, bytes: 3e15, split: [2] });
        expect(() => budget.assertFits()).not.toThrow();
    });
});

describe("several devices", () => {
    test("each holds a buffer of its own, the last the output layer", () => {
        const two = (a: number, b: number): number =>
            new DeviceBudget([room("A", a), room("B", b)]).takeWhatFits(units(10, 100), ["A", "B"]).layers;
        expect([two(10, 110), two(9, 110), two(10, 109), two(110, 10)]).toEqual([1, 0, 0, 0]);
    });

    test("the emptiest takes the next layer; of equal ones the last, then the first", () => {
        const budget = new DeviceBudget([room("A", 300), room("B", 300), room("C", 300)]);
        // B: 100 left after the output; A and C 300 each
        expect(budget.takeWhatFits(units(0, 200, 250, 250, 100, 1), ["A", "C", "B"])).toEqual({
            layers: 5,
            bytes: 801,
            // 250 and 1 on A, 250 on C, the output and 100 on B
            split: [2, 1, 2]
        });
        // What is left: 49, 0, 50.
        expect(budget.fits(units(0, 49), ["A"])).toBe(true);
        expect(budget.fits(units(0, 50), ["A"])).toBe(false);
        expect(budget.fits(units(0, 1), ["B"])).toBe(false);
        expect(budget.fits(units(0, 50), ["C"])).toBe(true);
        expect(budget.fits(units(0, 51), ["C"])).toBe(false);
    });

    test("the CPU's account is one like others", () => {
        expect(new DeviceBudget([cpuDevice]).fits(units(0, 1), ["CPU"])).toBe(true);
    });
});

describe("what was asked for", () => {
    const errorOf = (budget: DeviceBudget): RastError => {
        try {
            budget.assertFits();
        } catch (error) {
            return error as RastError;
        }
        throw new Error("It fits.");
    };

    test("is taken anyway, and told afterwards", () => {
        const budget = new DeviceBudget([gpuDevice("A", 1024 * mib), gpuDevice("B", 1024 * mib)]);
        expect(budget.takeAnyway(units(0, 300 * mib, 100 * mib), ["A"], "base with 2 of 2 layers").bytes).toBe(
            400 * mib
        );
        expect(budget.takeAnyway(units(0, 200 * mib), ["A"], "expert with 1 of 1 layers").bytes).toBe(200 * mib);
        const error = errorOf(budget);
        expect(error).toMatchObject({
            code: "ERR_INSUFFICIENT_MEMORY",
            message:
                "The models need 600 MiB on A, where 1024 MiB are free and 512 MiB of them are kept as a margin " +
                "(base with 2 of 2 layers 400 MiB; expert with 1 of 1 layers 200 MiB). " +
                'Lower gpuLayers or leave it "auto", lower contextSize, parallel or batchSize, or free device memory.',
            details: { device: "A", neededBytes: 600 * mib, freeBytes: 1024 * mib, marginBytes: margin }
        });
    });

    test("fits to the byte, and a device that nobody uses has no say", () => {
        const exact = new DeviceBudget([room("A", 100), gpuDevice("full", 1)]);
        exact.takeAnyway(units(0, 100), ["A"], "x");
        expect(() => exact.assertFits()).not.toThrow();
        exact.takeAnyway(units(0, 1), ["A"], "x");
        expect(errorOf(exact).details).toMatchObject({ device: "A", neededBytes: 101 });
    });

    test("goes where there is most room, although there is none", () => {
        const budget = new DeviceBudget([room("A", 10), room("B", 20)]);
        expect(budget.takeAnyway(units(1, 30, 100, 100), ["A", "B"], "x")).toEqual({
            layers: 3,
            bytes: 232,
            split: [1, 2]
        });
        // A takes the first layer (9 left against -11), B the second (-11 against -91).
        expect(errorOf(budget).details).toMatchObject({ device: "A", neededBytes: 101 });
    });
});

describe("layers in a row", () => {
    const need = units(10, 100, 1000, 500, 20);

    test("all or nothing, from the last device to the first", () => {
        const two = (a: number, b: number): object | undefined =>
            new DeviceBudget([room("A", a), room("B", b)]).takeInARow(need, ["A", "B"]);
        expect(two(10, 1630)).toEqual({ layers: 4, bytes: 1640, split: [0, 4] });
        expect(two(9, 1630)).toBeUndefined();
        expect(two(530, 1110)).toEqual({ layers: 4, bytes: 1640, split: [2, 2] });
        // the third would fit behind the first, but not the second in between
        expect(two(529, 1130)).toBeUndefined();
        expect(two(10_000, 109)).toBeUndefined();
    });

    test("what did not fit has taken nothing", () => {
        const budget = new DeviceBudget([room("A", 1629)]);
        expect(budget.takeInARow(need, ["A"])).toBeUndefined();
        expect(budget.fits(units(0, 1629), ["A"])).toBe(true);
        const enough = new DeviceBudget([room("A", 1630)]);
        expect(enough.takeInARow(need, ["A"])).toEqual({ layers: 4, bytes: 1630, split: [4] });
        expect(enough.fits(units(0, 1), ["A"])).toBe(false);
    });
});
