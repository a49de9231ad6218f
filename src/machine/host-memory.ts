import { readFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { cgroupMemoryBytes } from "./cgroup.js";

const reader = (path: string): Promise<string> => readFile(path, "utf8");

/**
 * Bytes of main memory that new allocations can have, page cache counted as free and a container's limit respected.
 * @param read reads a text file; for tests
 */
export async function availableHostBytes(platform = process.platform, read = reader): Promise<number> {
    // The free pages that macOS reports leave out everything it would give back on demand.
    if (platform === "darwin") return totalmem() * 0.75;
    if (platform !== "linux") return freemem();
    const meminfo = await read("/proc/meminfo").catch(() => "");
    const available = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1];
    const machine = available === undefined ? freemem() : Number(available) * 1024;
    return Math.min(machine, await cgroupMemoryBytes(read));
}
