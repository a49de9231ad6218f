// The process of `rast worker` that serves clients: what a client does to it, it does to nobody else.
import { RastError } from "../errors.js";
import { availableHostBytes } from "../machine/host-memory.js";
import { defaultThreads, grantThreads } from "../machine/threads.js";
import { loadNative } from "../native/binding.js";
import { endWithParent } from "../native/end-with-parent.js";
import type { NativeWorkerOptions } from "../native/addon-types.js";

/** What the process is started with. */
export type WorkerSettings = Omit<NativeWorkerOptions, "threads" | "mainMemoryBytes" | "allowed"> & {
    /** Undefined: as many as an engine here would take. */
    readonly threads?: number;
    /** Undefined: what is available when it starts. */
    readonly mainMemoryBytes?: number;
    readonly allowed: readonly { readonly address: readonly number[]; readonly bits: number }[];
};

// Whoever interrupts the command lets it decide.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

async function serve(): Promise<void> {
    const { threads, allowed, mainMemoryBytes: asked, ...settings } = JSON.parse(process.argv[2]!) as WorkerSettings;
    const { addon } = await loadNative();
    endWithParent();
    const { used } = await grantThreads(threads ?? (await defaultThreads()));
    const mainMemoryBytes = asked ?? Math.floor(await availableHostBytes());
    const port = await addon.serveWorker({
        ...settings,
        allowed: allowed.map(({ address, bits }) => ({ address: Uint8Array.from(address), bits })),
        threads: used,
        mainMemoryBytes
    });
    const found = (await addon.devices()).map((device) => {
        if (device.type !== "cpu") return device;
        return { ...device, memoryFreeBytes: Math.min(device.memoryFreeBytes, mainMemoryBytes) };
    });
    const devices =
        settings.devices.length > 0
            ? found.filter(({ name }) => settings.devices.some((one) => one.toLowerCase() === name.toLowerCase()))
            : found.filter(({ type }) => type === (found.some(isGpu) ? "gpu" : "cpu") || type === "igpu");
    say({ event: "listening", port, devices });
    setInterval(() => {}, 2 ** 30); // threads serve; without this the process would end
}

function isGpu({ type }: { readonly type: string }): boolean {
    return type === "gpu" || type === "igpu";
}

function say(event: unknown): void {
    process.stdout.write(`${JSON.stringify(event)}\n`);
}

serve().catch((error: unknown) => {
    say({ event: "failed", error: RastError.from(error).toJSON() });
    process.exitCode = 1;
});
