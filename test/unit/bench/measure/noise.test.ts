import { describe, expect, test } from "vitest";
import { mergeLoads } from "../../../../src/bench/measure/loads.js";
import { descriptionOf } from "../../../../src/bench/measure/models.js";
import { NoiseMeter } from "../../../../src/bench/measure/noise.js";
import { QuietGate } from "../../../../src/bench/measure/quiet.js";
import { yardstickMs } from "../../../../src/bench/measure/yardstick.js";
import type { ActivityReading } from "../../../../src/machine/activity.js";
import { someResult } from "../../../support/bench-records.js";

// A machine whose other programs use so many CPUs, half a second after half a second.
function machine(others: readonly number[], stealShare = 0): () => Promise<ActivityReading> {
    let [reading, busyMs] = [0, 0];
    return async () => {
        busyMs += reading === 0 ? 0 : 500 * (others[reading - 1] ?? others.at(-1)!);
        const atMs = 500 * reading++;
        return { atMs, busyMs, ownMs: 0, stealMs: 2 * stealShare * atMs, throttledMs: null, load: 0 };
    };
}

describe("noise of a row", () => {
    test("is the mean over the time of its samples", async () => {
        const yardsticks = [5, 6];
        const meter = new NoiseMeter(2, machine([1, 0.4, 0.5]), () => yardsticks.shift()!);
        for (const rate of [10, 11]) expect(await meter.around(async () => rate)).toBe(rate);
        // the second half second lies between the samples
        const noise = { yardstickMs: [5, 6], othersCpus: 0.75, stealShare: 0, throttledShare: null };
        expect(meter.noise(false)).toEqual(noise);
        expect(meter.noise(true)).toEqual({ ...noise, othersCpus: null });
    });

    test("of nothing is unknown", () => {
        const nothing = { yardstickMs: [], othersCpus: null, stealShare: null, throttledShare: null };
        expect(new NoiseMeter(2).noise(false)).toEqual(nothing);
    });

    test("the yardstick takes some time, and the same again", () => {
        const all = Array.from({ length: 15 }, yardstickMs).sort((a, b) => a - b);
        expect(all[0]).toBeGreaterThan(0.1);
        // the quickest of them, as other programs may be there
        expect(all[2]! / all[0]!).toBeLessThan(3);
    });
});

describe("waiting for a quiet machine", () => {
    const gate = (
        others: readonly number[],
        patienceMs: number,
        stealShare = 0
    ): { gate: QuietGate; said: string[]; waits: number[] } => {
        const [said, waits]: [string[], number[]] = [[], []];
        const wait = async (ms: number): Promise<void> => void waits.push(ms);
        const sources = { read: machine(others, stealShare), wait, cpuCount: 2 };
        return { gate: new QuietGate(patienceMs, (what) => said.push(what), sources), said, waits };
    };

    test("takes two quiet looks, and says nothing, where it is quiet", async () => {
        const { gate: quiet, said, waits } = gate([0.05, 0.02], 10_000);
        await quiet.pass();
        expect([waits.length, said, quiet.waitedMs, quiet.gaveUp]).toEqual([2, [], 0, false]);
    });

    test("goes on until two in a row are quiet, and says how long", async () => {
        const { gate: quiet, said } = gate([1, 0.02, 0.9, 0.02, 0.02], 10_000);
        await quiet.pass();
        expect(said).toEqual([
            "waiting for a quiet machine, 1 of 10 s: other programs use 1.00 CPUs",
            "waiting for a quiet machine, 1 of 10 s: other programs use 0.90 CPUs"
        ]);
        expect([quiet.waitedMs, quiet.gaveUp]).toEqual([1000, false]);
    });

    test("gives up once for all", async () => {
        const { gate: quiet, said, waits } = gate([1], 2000);
        await quiet.pass();
        expect(said.at(-1)).toBe("no quiet machine after 2 s: other programs use 1.00 CPUs");
        expect([quiet.waitedMs, quiet.gaveUp, waits.length]).toEqual([2000, true, 4]);
        await quiet.pass();
        expect(waits).toHaveLength(4);
    });

    test("a hypervisor's other guests are no quiet either", async () => {
        const { gate: quiet } = gate([0], 1000, 0.1);
        await quiet.pass();
        expect(quiet.gaveUp).toBe(true);
    });

    test("ends with the signal", async () => {
        const signal = AbortSignal.abort(new Error("enough"));
        const real = new QuietGate(60_000, () => {}, { cpuCount: 2, read: machine([1]) });
        await expect(real.pass(signal)).rejects.toThrow();
    });
});

test("rows of several loads become one, samples in the order of the loads", () => {
    const noise = { yardstickMs: [5], othersCpus: 0.2, stealShare: null, throttledShare: 0 };
    const shares = { base: 0.5, expert: 0.2, antiexpert: 0.2, sampling: 0.05, overhead: 0.05 };
    const of = (samples: number[], stepMs: number, othersCpus: number) =>
        someResult({ samples, idealSamples: samples, stepMs, agreement: 0.8, shares, noise: { ...noise, othersCpus } });
    const base = someResult({ mode: "base" });
    const merged = mergeLoads([of([1, 2], 10, 0.2), base, of([3, 4], 20, 0.4), base]);
    expect(merged).toHaveLength(2);
    expect(merged[0]).toMatchObject({
        samples: [1, 2, 3, 4],
        idealSamples: [1, 2, 3, 4],
        stepMs: 15,
        agreement: 0.8,
        hostBytesPerToken: null
    });
    expect(merged[0]!.noise!.yardstickMs).toEqual([5, 5]);
    expect(merged[0]!.noise!.othersCpus).toBeCloseTo(0.3);
    expect(merged[0]!.noise!.stealShare).toBeNull();
    expect(merged[0]!.shares!.base).toBeCloseTo(0.5);
    expect(merged[1]!.samples).toEqual([...base.samples, ...base.samples]);
    expect(mergeLoads([base])[0]).toBe(base);
});

test.each([
    ["qwen2 7B Q4_K - Medium", "qwen2", "Q4_K - Medium", 7.6e9, "qwen2 7B Q4_K - Medium"],
    ["llama ?B Q4_0", "llama", "Q4_0", 350_000, "llama 0.350M Q4_0"],
    ["llama ?B (guessed) Q4_0", "llama", null, 66_773_120, "llama 66.8M Q4_0"],
    ["llama 3B (guessed) Q4_0", "llama", null, 1_782_000_000, "llama 1.78B Q4_0"],
    ["llama ?B all F32 (guessed)", "llama", "F32", 5e8, "llama 500M F32"]
])("%s is described by what it holds", (description, architecture, quantization, parameterCount, expected) => {
    expect(descriptionOf({ description, architecture, quantization, parameterCount })).toBe(expected);
});
