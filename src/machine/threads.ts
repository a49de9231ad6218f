import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { cgroupCpus } from "./cgroup.js";

/** What `defaultThreads` asks of the machine; replaced in tests. */
export interface ThreadsSource {
    readonly platform: NodeJS.Platform;
    readonly arch: string;
    /** Logical CPUs that this process may use. */
    readonly parallelism: number;
    read(path: string): Promise<string>;
    run(command: string, args: readonly string[]): Promise<string>;
}

function thisMachine(): ThreadsSource {
    return {
        platform: process.platform,
        arch: process.arch,
        parallelism: availableParallelism(),
        read: (path) => readFile(path, "utf8"),
        run: async (command, args) => (await promisify(execFile)(command, args, { timeout: 1000 })).stdout
    };
}

/**
 * Threads to use when nobody says: the physical cores that this process may run on, within a container's quota.
 * ggml's threads spin at barriers, so that a second thread on one core costs more than it gives.
 * @returns 1 or more
 */
export async function defaultThreads(source: ThreadsSource = thisMachine()): Promise<number> {
    const cores = await physicalCores(source).catch(() => undefined);
    const quota = source.platform === "linux" ? await cgroupCpus((path) => source.read(path)) : Infinity;
    return Math.max(1, Math.min(cores ?? guessedCores(source), source.parallelism, Math.floor(quota)));
}

/** Threads that were asked for, as many as there are processors for them. */
export interface GrantedThreads {
    readonly used: number;
    /** Why fewer than were asked for; null when it is as many. */
    readonly reason: string | null;
}

/**
 * No more threads than processors that this process may run on: ggml's threads spin at barriers, and each barrier would
 * wait until the scheduler has run all of them.
 */
export async function grantThreads(wanted: number, source: ThreadsSource = thisMachine()): Promise<GrantedThreads> {
    const quota = source.platform === "linux" ? await cgroupCpus((path) => source.read(path)) : Infinity;
    const processors = Math.max(1, Math.min(source.parallelism, Math.ceil(quota)));
    if (wanted <= processors) return { used: wanted, reason: null };
    const limit = quota < source.parallelism ? `, within a quota of ${quota}` : "";
    const count = processors === 1 ? "1 processor" : `${processors} processors`;
    return { used: processors, reason: `this process may run on ${count}${limit}` };
}

async function physicalCores(source: ThreadsSource): Promise<number | undefined> {
    if (source.platform === "linux") return linuxCores(source);
    if (source.platform === "darwin" && source.arch === "arm64") {
        // Efficiency cores would hold the others up at every barrier.
        const count = Number(await source.run("/usr/sbin/sysctl", ["-n", "hw.perflevel0.physicalcpu"]));
        return count >= 1 ? count : undefined;
    }
    return undefined;
}

function guessedCores({ arch, parallelism }: ThreadsSource): number {
    return arch === "x64" && parallelism > 2 ? Math.floor(parallelism / 2) : parallelism;
}

async function linuxCores(source: ThreadsSource): Promise<number | undefined> {
    const status = await source.read("/proc/self/status");
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
    if (list === undefined) return undefined;
    const cores = await Promise.all(
        parseCpuList(list).map(async (cpu) => {
            const topology = `/sys/devices/system/cpu/cpu${cpu}/topology`;
            const ids = [source.read(`${topology}/physical_package_id`), source.read(`${topology}/core_id`)];
            return (await Promise.all(ids)).map((id) => id.trim()).join(":");
        })
    );
    return cores.length === 0 ? undefined : new Set(cores).size;
}

/** CPU numbers of a list as Linux writes it: "0-3,8" is 0, 1, 2, 3 and 8. */
export function parseCpuList(list: string): number[] {
    return list.split(",").flatMap((range) => {
        const [first, last = first] = range.split("-").map(Number) as [number, number?];
        return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
