import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { cpus, release, totalmem } from "node:os";
import { promisify } from "node:util";
import type { NativeDevice } from "../../native/addon-types.js";
import type { BenchMachine } from "../record/schema.js";

/** What this machine is. @param devices as llama.cpp lists them */
export async function describeMachine(devices: readonly NativeDevice[]): Promise<BenchMachine> {
    const others = devices.filter((device) => device.type !== "cpu");
    return {
        cpu: cpus()[0]?.model.trim() ?? "unknown",
        cores: cpus().length,
        memoryBytes: totalmem(),
        platform: process.platform,
        arch: process.arch,
        release: release(),
        node: process.version,
        devices: others.map(({ name, description, backend, memoryTotalBytes }) => ({
            name,
            description,
            backend,
            memoryTotalBytes
        })),
        driver: others.some((device) => device.backend === "CUDA") ? await nvidiaDriver() : null
    };
}

async function nvidiaDriver(): Promise<string | null> {
    try {
        const query = ["--query-gpu=driver_version", "--format=csv,noheader"];
        const { stdout } = await promisify(execFile)("nvidia-smi", query, { timeout: 10_000 });
        return stdout.trim().split("\n")[0] ?? null;
    } catch {
        return null; // no tool, no version
    }
}

/** Resident memory of this process, in bytes: as it is, and at its peak since {@link startPeak}. Linux only, else null. */
export async function residentMemory(): Promise<{ readonly now: number; readonly peak: number } | null> {
    if (process.platform !== "linux") return null;
    const status = await readFile("/proc/self/status", "utf8");
    const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? NaN);
    const memory = { now: kib("VmRSS") * 1024, peak: kib("VmHWM") * 1024 };
    return Number.isFinite(memory.now) && Number.isFinite(memory.peak) ? memory : null;
}

/** Begins a new peak. @returns false where the system cannot */
export async function startPeak(): Promise<boolean> {
    try {
        await writeFile("/proc/self/clear_refs", "5");
        return true;
    } catch {
        return false;
    }
}
