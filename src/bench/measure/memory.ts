// What an engine takes: the most that the process held and what devices lost, beside what the engine says it holds.
import { readFile, writeFile } from "node:fs/promises";
import type { Rast } from "../../engine/engine.js";
import type { NativeAddon } from "../../native/addon-types.js";
import { memoryByPart } from "../record/memory.js";
import type { BenchMemory, BenchModel } from "../record/schema.js";
import type { MatrixEngine } from "./matrix.js";
import { modelInfos } from "./models.js";

/** Memory before an engine is loaded. */
export interface MemoryBefore {
    /** Resident, of the process; null where a peak cannot be told. */
    readonly residentBytes: number | null;
    /** Free on all devices together; null without one. */
    readonly deviceFreeBytes: number | null;
}

/** Reads what there is, and begins a new peak. */
export async function memoryBefore(addon: NativeAddon): Promise<MemoryBefore> {
    const deviceFreeBytes = await freeDeviceBytes(addon);
    const resident = (await startPeak()) ? await residentMemory() : null;
    return { residentBytes: resident?.now ?? null, deviceFreeBytes };
}

/** Memory of an engine that has run and beside which nothing else was loaded. @param models its own, as the record has them */
export async function memoryOf(
    rast: Rast,
    { kind, load }: MatrixEngine,
    models: readonly BenchModel[],
    before: MemoryBefore,
    addon: NativeAddon
): Promise<BenchMemory> {
    const after = before.residentBytes === null ? null : await residentMemory();
    const freeAfter = await freeDeviceBytes(addon);
    const held = modelInfos(rast).map(({ memory }, index) => {
        const { role, pair, fileBytes } = models[index]!;
        return { role, pair, fileBytes, ...memory };
    });
    return {
        threads: rast.info.base.threads,
        gpuLayers: rast.info.base.gpuLayers,
        kvType: load.kvType ?? "f16",
        sampler: rast.info.path,
        speculation: kind === "draft",
        contextSize: rast.info.contextSize,
        sequences: rast.info.parallel,
        models: held,
        accountedBytes: memoryByPart({ models: held }).reduce((sum, bytes) => sum + bytes),
        peakBytes: before.residentBytes === null || after === null ? null : after.peak - before.residentBytes,
        deviceBytes: before.deviceFreeBytes === null || freeAfter === null ? null : before.deviceFreeBytes - freeAfter
    };
}

async function freeDeviceBytes(addon: NativeAddon): Promise<number | null> {
    const devices = (await addon.devices()).filter(({ type }) => type !== "cpu");
    return devices.length === 0 ? null : devices.reduce((sum, { memoryFreeBytes }) => sum + memoryFreeBytes, 0);
}

// Resident memory of this process, in bytes: as it is, and at its peak since startPeak. Linux only, else null.
async function residentMemory(): Promise<{ readonly now: number; readonly peak: number } | null> {
    if (process.platform !== "linux") return null;
    const status = await readFile("/proc/self/status", "utf8");
    const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? NaN);
    const memory = { now: kib("VmRSS") * 1024, peak: kib("VmHWM") * 1024 };
    return Number.isFinite(memory.now) && Number.isFinite(memory.peak) ? memory : null;
}

// False where the system cannot.
async function startPeak(): Promise<boolean> {
    try {
        await writeFile("/proc/self/clear_refs", "5");
        return true;
    } catch {
        return false;
    }
}
