// What the machine does beside this process: other programs' time on its CPUs, what a hypervisor or a control group takes.
import { readFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { cgroupFolders } from "./cgroup.js";

/** Counters at one moment; differences of two say what happened between. In milliseconds, of all CPUs together. */
export interface ActivityReading {
    readonly atMs: number;
    /** CPU time of everybody, this process included. */
    readonly busyMs: number;
    /** CPU time of this process, all its threads. */
    readonly ownMs: number;
    /** Time that a hypervisor gave to other guests; null where nobody says. */
    readonly stealMs: number | null;
    /** Time that threads of this control group were held back for its quota; null where nobody says. */
    readonly throttledMs: number | null;
    /** Load average of the last minute; null on Windows, which has none. */
    readonly load: number | null;
}

/** What happened between two readings. */
export interface Activity {
    readonly ms: number;
    /** CPUs' worth that other programs used: 0.97 where one of them spins. */
    readonly othersCpus: number;
    /** Of the time of all CPUs; null where nobody says. */
    readonly stealShare: number | null;
    /** Of the time that passed, over all threads; null where nobody says. */
    readonly throttledShare: number | null;
}

type Reader = (path: string) => Promise<string>;
const readText: Reader = (path) => readFile(path, "utf8");

/** Reads the counters as they are now. */
export async function readActivity(
    read: Reader = readText,
    platform: NodeJS.Platform = process.platform
): Promise<ActivityReading> {
    const linux = platform === "linux";
    const [stat, throttledMs] = await Promise.all([
        linux ? read("/proc/stat").catch(() => "") : "",
        linux ? readThrottled(read) : null
    ]);
    const own = process.cpuUsage();
    const counted = parseStat(stat) ?? { busyMs: busyOfCpus(), stealMs: null };
    const atMs = performance.now();
    const load = platform === "win32" ? null : loadavg()[0]!;
    return { atMs, ...counted, ownMs: (own.user + own.system) / 1000, throttledMs, load };
}

/** What happened from one reading to a later one; null where no time has passed. */
export function activityBetween(before: ActivityReading, after: ActivityReading, cpuCount: number): Activity | null {
    const ms = after.atMs - before.atMs;
    if (!(ms > 0)) return null;
    const passed = (name: "stealMs" | "throttledMs"): number | null => {
        const [from, to] = [before[name], after[name]];
        return from === null || to === null ? null : Math.max(0, to - from) / ms;
    };
    const steal = passed("stealMs");
    const others = after.busyMs - before.busyMs - (after.ownMs - before.ownMs);
    return {
        ms,
        othersCpus: Math.max(0, others) / ms,
        stealShare: steal === null ? null : steal / cpuCount,
        throttledShare: passed("throttledMs")
    };
}

// Linux counts in hundredths of a second, whatever its timer. Guests' time is part of user and nice.
function parseStat(stat: string): Pick<ActivityReading, "busyMs" | "stealMs"> | undefined {
    const words = /^cpu +([\d ]+)$/m.exec(stat)?.[1]?.trim().split(" ").map(Number);
    if (words === undefined || words.length < 4) return undefined;
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal] = words;
    return { busyMs: 10 * (user + nice + system + irq + softirq), stealMs: steal === undefined ? null : 10 * steal };
}

function busyOfCpus(): number {
    return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

// Of the group and every group above it that can be seen: whichever holds back most.
async function readThrottled(read: Reader): Promise<number | null> {
    const all = (await cgroupFolders(read, "cpu")).map(async ({ version, path }) => {
        const text = await read(`${path}/cpu.stat`).catch(() => "");
        const [name, perMs] = version === 2 ? ["throttled_usec", 1e3] : ["throttled_time", 1e6];
        const count = new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1];
        return count === undefined ? [] : [Number(count) / Number(perMs)];
    });
    const found = (await Promise.all(all)).flat();
    return found.length === 0 ? null : Math.max(...found);
}
