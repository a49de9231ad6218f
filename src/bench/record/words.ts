// How a record is put into words: the same in every printer and on the page.
import { mean, standardDeviation, type Samples } from "./statistics.js";
import type { BenchCase, BenchMachine, BenchModel, BenchRecord } from "./schema.js";
import { plain } from "../../report/shown-text.js";

/** "12.34 ± 0.56": mean and standard deviation, as llama-bench writes them. */
export function rateInWords(samples: Samples): string {
    return `${mean(samples).toFixed(2)} ± ${standardDeviation(samples).toFixed(2)}`;
}

/** "1.21 GiB", or "18.30 MiB" below one, as llama-bench writes sizes. */
export function sizeInWords(bytes: number): string {
    const gibibytes = bytes / 1024 ** 3;
    return gibibytes >= 1 ? `${gibibytes.toFixed(2)} GiB` : `${(bytes / 1024 ** 2).toFixed(2)} MiB`;
}

/** "1.54 B", or "494.03 M" below a billion, as llama-bench writes them. */
export function parametersInWords(count: number): string {
    return count >= 1e9 ? `${(count / 1e9).toFixed(2)} B` : `${(count / 1e6).toFixed(2)} M`;
}

/** "73.6%". */
export function shareInWords(share: number): string {
    return `${(100 * share).toFixed(1)}%`;
}

/** Few digits, but never fewer than three that count: "0.456", "83.1", "1250". */
export function threeDigits(value: number): string {
    if (value >= 100 || value === 0) return value.toFixed(0);
    return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/** The models that take part in a row: all, or the base where it is alone. */
export function modelsOf(record: Pick<BenchRecord, "models">, mode: BenchCase["mode"]): readonly BenchModel[] {
    return mode === "base" ? record.models.filter(({ role }) => role === "base") : record.models;
}

/** "qwen2 1.5B Q4_0 + 2 x qwen2 0.5B Q4_0": the base first, then the others, equal ones counted. */
export function modelsInWords(models: readonly BenchModel[]): string {
    const base = models.filter(({ role }) => role === "base");
    const others = models.filter(({ role }) => role !== "base");
    const counts = new Map<string, number>();
    for (const { description } of others) counts.set(description, (counts.get(description) ?? 0) + 1);
    return [
        ...base.map(({ description }) => description),
        ...[...counts].map(([description, count]) => (count === 1 ? description : `${count} x ${description}`))
    ]
        .map(plain)
        .join(" + ");
}

/** What ran, for titles: "demo-strong: llama 0.3M Q4_0 + 2 x ...", by the trio's name or by what the base's file calls it. */
export function titleInWords({ trio, models }: Pick<BenchRecord, "trio" | "models">): string {
    const name = trio ?? models.find(({ role }) => role === "base")?.name ?? "";
    const words = modelsInWords(models);
    return name === "" ? words : `${plain(name)}: ${words}`;
}

/** "AMD EPYC, 2 cores, 7.76 GiB, linux x64 6.1.0, node v20.20.2; NVIDIA H100 (CUDA0, 79.10 GiB), driver 550". */
export function machineInWords(machine: BenchMachine): string {
    const { cpu, cores, memoryBytes, platform, arch, release, node, devices, driver } = machine;
    const host = `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}, ${sizeInWords(memoryBytes)}`;
    const system = [platform, arch, release].filter((word) => word !== "").join(" ");
    const others = devices.map(
        ({ name, description, memoryTotalBytes }) =>
            `${description} (${name}${memoryTotalBytes > 0 ? `, ${sizeInWords(memoryTotalBytes)}` : ""})`
    );
    const ofDriver = driver === null ? "" : `, driver ${driver}`;
    return plain([`${host}, ${system}, node ${node}`, ...others].join("; ") + ofDriver);
}

/** "rast-llama 0.1.0, node-llama-cpp 3.22.1, llama.cpp v0.5.0, ggml 0.9.4 (a1b2c3d)". */
export function versionsInWords(versions: BenchRecord["versions"]): string {
    const { rast, nodeLlamaCpp, llamaCpp, ggml, ggmlCommit } = versions;
    return plain(
        `rast-llama ${rast}, node-llama-cpp ${nodeLlamaCpp}, llama.cpp ${llamaCpp}, ggml ${ggml} (${ggmlCommit})`
    );
}

/** One line that says where a record comes from: machine, date, versions, backend. */
export function originInWords(record: BenchRecord): string {
    const { machine, date, versions, backend } = record;
    return `${machineInWords(machine)}; ${plain(date)}; ${versionsInWords(versions)}; ${plain(backend)}`;
}

/** "Load average 0.21 before, 1.90 after; 12 s were spent on waiting for a quiet machine."; empty where nothing is known. */
export function activityInWords({ activity }: Pick<BenchRecord, "activity">): string {
    if (activity === null) return "";
    const { loadBefore, loadAfter, waitedMs } = activity;
    const known = loadBefore !== null && loadAfter !== null;
    const loads = known ? `load average ${loadBefore.toFixed(2)} before, ${loadAfter.toFixed(2)} after` : "";
    const spent = `${((waitedMs ?? 0) / 1000).toFixed(0)} s were spent on waiting for a quiet machine`;
    const waited = waitedMs === null ? "" : waitedMs === 0 ? "the machine was quiet at once" : spent;
    const words = [loads, waited].filter((text) => text !== "").join("; ");
    return words === "" ? "" : `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
