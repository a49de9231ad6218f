// Waiting until nothing else runs on the machine.
import { setTimeout as sleep } from "node:timers/promises";
import { activityBetween, readActivity, type ActivityReading } from "../../machine/activity.js";

/** Quiet is what lies below these for {@link windows} windows in a row. */
const mostOthers = 0.1;
const mostSteal = 0.02;
const windowMs = 500;
const windows = 2;

/** What it reads and waits with. */
export interface QuietSources {
    readonly read: () => Promise<ActivityReading>;
    readonly wait: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
    readonly cpuCount: number;
}

/** Lets measuring go on when the machine is quiet, or when its patience is at an end. */
export class QuietGate {
    readonly #patienceMs: number;
    readonly #sources: QuietSources;
    readonly #onWait: (what: string) => void;
    #waitedMs = 0;
    #gaveUp = false;

    /** @param patienceMs over all waits; what it takes to see that all is quiet does not count */
    constructor(
        patienceMs: number,
        onWait: (what: string) => void,
        sources: Partial<QuietSources> & Pick<QuietSources, "cpuCount">
    ) {
        this.#patienceMs = patienceMs;
        this.#onWait = onWait;
        this.#sources = {
            read: readActivity,
            wait: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
            ...sources
        };
    }

    /** Spent on waiting so far. */
    get waitedMs(): number {
        return this.#waitedMs;
    }

    /** Whether its patience came to an end. */
    get gaveUp(): boolean {
        return this.#gaveUp;
    }

    /** Resolves when the machine is quiet, at once after it has given up. Rejects when the signal aborts. */
    async pass(signal?: AbortSignal): Promise<void> {
        const { read, wait, cpuCount } = this.#sources;
        let quiet = 0;
        let before = await read();
        while (!this.#gaveUp) {
            await wait(windowMs, signal);
            const after = await read();
            const activity = activityBetween(before, after, cpuCount);
            before = after;
            if (activity === null) continue;
            const isQuiet = activity.othersCpus < mostOthers && (activity.stealShare ?? 0) < mostSteal;
            quiet = isQuiet ? quiet + 1 : 0;
            if (quiet === windows) return;
            if (isQuiet) continue;
            this.#waitedMs += activity.ms;
            this.#gaveUp = this.#waitedMs >= this.#patienceMs;
            this.#onWait(this.#words(activity.othersCpus));
        }
    }

    #words(othersCpus: number): string {
        const seconds = (ms: number): string => (ms / 1000).toFixed(0);
        const others = `other programs use ${othersCpus.toFixed(2)} CPUs`;
        if (this.#gaveUp) return `no quiet machine after ${seconds(this.#waitedMs)} s: ${others}`;
        return `waiting for a quiet machine, ${seconds(this.#waitedMs)} of ${seconds(this.#patienceMs)} s: ${others}`;
    }
}
