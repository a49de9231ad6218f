// What the machine does beside the samples of a row, added up sample by sample.
import { activityBetween, readActivity, type Activity, type ActivityReading } from "../../machine/activity.js";
import type { BenchNoise } from "../record/schema.js";
import { yardstickMs } from "./yardstick.js";

/** Listens while samples are taken. */
export class NoiseMeter {
    readonly #cpuCount: number;
    readonly #read: () => Promise<ActivityReading>;
    readonly #yardstick: () => number;
    readonly #yardsticks: number[] = [];
    readonly #seen: Activity[] = [];

    constructor(cpuCount: number, read: () => Promise<ActivityReading> = readActivity, yardstick = yardstickMs) {
        this.#cpuCount = cpuCount;
        this.#read = read;
        this.#yardstick = yardstick;
    }

    /** Does work that is measured, with the yardstick before it and the counters around it. */
    async around<T>(work: () => Promise<T>): Promise<T> {
        this.#yardsticks.push(this.#yardstick());
        const before = await this.#read();
        const result = await work();
        const activity = activityBetween(before, await this.#read(), this.#cpuCount);
        if (activity !== null) this.#seen.push(activity);
        return result;
    }

    /** All so far; every sample counts by its time. @param isPeer whether another program was measured, which is no noise */
    noise(isPeer: boolean): BenchNoise {
        const ms = this.#seen.reduce((sum, one) => sum + one.ms, 0);
        const mean = (name: "othersCpus" | "stealShare" | "throttledShare"): number | null => {
            if (ms === 0 || this.#seen.some((one) => one[name] === null)) return null;
            return this.#seen.reduce((sum, one) => sum + one[name]! * one.ms, 0) / ms;
        };
        return {
            yardstickMs: [...this.#yardsticks],
            othersCpus: isPeer ? null : mean("othersCpus"),
            stealShare: mean("stealShare"),
            throttledShare: mean("throttledShare")
        };
    }
}
