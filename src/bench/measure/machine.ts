import { execFile } from "node:child_process";
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
