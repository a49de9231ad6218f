// The machine that is asked about: its devices and main memory, and how fast they are taken to be.
import { invalidOption } from "../checks.js";
import { availableHostBytes } from "../machine/host-memory.js";
import type { NativeAddon, NativeDevice } from "../native/addon-types.js";
import { usableDevices } from "../placement/placement.js";
import { askWorkers } from "../workers/worker-info.js";
import { cardOf, usualHostGigabytesPerSecond } from "./cards.js";
import type { Machine, SpeedSettings } from "./plan-models.js";
import type { ResolvedPlanOptions } from "./plan-options.js";

/** What is taken for the bandwidth of a place. */
export interface PlannedBandwidth {
    /** The device, or "main memory". */
    readonly name: string;
    /** In 10^9 bytes per second. */
    readonly gigabytesPerSecond: number;
    /** Whether somebody said so, it is its maker's figure, or nobody knows. */
    readonly by: "given" | "table" | "assumed";
}

/** A worker of a plan, as it answered. */
export interface PlannedWorker {
    /** "host:port". */
    readonly worker: string;
    /** Its devices, as the plan's places name them: "RPC0". */
    readonly devices: readonly string[];
    /** Least time for a question and its answer, in milliseconds. */
    readonly roundTripMs: number;
}

/** A machine with what is assumed of it. */
export interface PlannedMachine extends Machine, SpeedSettings {
    readonly rates: readonly PlannedBandwidth[];
    readonly workers: readonly PlannedWorker[];
}

/** @throws ERR_INVALID_OPTION for bandwidths of another number of devices; for workers what `askWorkers` does */
export async function machineOf(
    given: ResolvedPlanOptions,
    addon: Pick<NativeAddon, "askWorker" | "devices">
): Promise<PlannedMachine> {
    const here =
        given.vram === undefined ? await addon.devices() : given.vram.filter((bytes) => bytes > 0).map(askedCard);
    const { workers, devices: remote } = await askWorkers(addon, given.rpc);
    const devices = [...here, ...remote];
    const roundTripMs = new Map(workers.map((one) => [one.worker, one.roundTripMs]));
    const usable = usableDevices(devices);
    const own = workers.flatMap((one) => one.devices);
    const processors = new Set(remote.filter((_, index) => own[index]!.type === "cpu").map(({ name }) => name));
    if (given.bandwidth !== undefined && given.bandwidth.length !== 1 && given.bandwidth.length !== usable.length) {
        throw invalidOption("bandwidth", `one number, or one for each of ${usable.length} devices`, given.bandwidth);
    }
    const rates: PlannedBandwidth[] = usable.map((name, index) => {
        const asked = given.bandwidth?.[given.bandwidth.length === 1 ? 0 : index];
        if (asked !== undefined) return { name, gigabytesPerSecond: asked, by: "given" };
        const known = cardOf(devices.find((device) => device.name === name)!.description);
        return known === undefined
            ? {
                  name,
                  gigabytesPerSecond: processors.has(name) ? usualHostGigabytesPerSecond : assumedCardRate,
                  by: "assumed"
              }
            : { name, gigabytesPerSecond: known.gigabytesPerSecond, by: "table" };
    });
    const host = given.hostBandwidth;
    const hostRate = {
        name: "main memory",
        gigabytesPerSecond: host ?? usualHostGigabytesPerSecond,
        by: host === undefined ? "assumed" : "given"
    } as const;
    const byName = new Map(rates.map(({ name, gigabytesPerSecond }) => [name, gigabytesPerSecond * 1e9]));
    return {
        devices,
        hostAvailableBytes: given.ram ?? (await availableHostBytes()),
        bandwidths: {
            hostBytesPerSecond: hostRate.gigabytesPerSecond * 1e9,
            deviceBytesPerSecond: (name) => byName.get(name) ?? assumedCardRate * 1e9,
            roundTripSeconds: (name) => {
                const { worker } = devices.find((device) => device.name === name) ?? {};
                return (roundTripMs.get(worker ?? "") ?? 0) / 1000;
            }
        },
        agreement: given.agreement,
        workers: workers.map(({ worker, roundTripMs }) => ({
            worker,
            devices: remote.filter((device) => device.worker === worker).map(({ name }) => name),
            roundTripMs
        })),
        rates: [...rates, hostRate]
    };
}

/** Of a card that nobody names: that of an RTX 3060. Of a worker's processor it is what main memory has. */
const assumedCardRate = 360;

function askedCard(bytes: number, index: number): NativeDevice {
    return {
        name: `GPU${index}`,
        description: "",
        type: "gpu",
        backend: "",
        memoryFreeBytes: bytes,
        memoryTotalBytes: bytes
    };
}
