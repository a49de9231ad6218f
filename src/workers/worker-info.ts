// What a worker says of itself, asked without using it.
import { isObject } from "../checks.js";
import { RastError } from "../errors.js";
import type { NativeAddon, NativeDevice } from "../native/addon-types.js";
import { endpointText, type WorkerEndpoint } from "./endpoints.js";

/** A worker and what it offers. */
export interface WorkerInfo {
    /** "host:port". */
    readonly worker: string;
    /** Of its package. */
    readonly version: string;
    /** Clients that it serves at the moment. */
    readonly connections: number;
    /** Whether it keeps weights for later. */
    readonly cache: boolean;
    /** Least time for a question and its answer, in milliseconds. */
    readonly roundTripMs: number;
    /** In its own words; an engine calls them RPC0, RPC1 and so on, over all its workers, and gives each layers as it does a GPU. */
    readonly devices: readonly NativeDevice[];
}

/** So long a worker may take to answer. */
const askWithinMs = 5000;

/**
 * Asks a worker what it is.
 * @throws ERR_WORKER_UNREACHABLE, ERR_WORKER_REFUSED, ERR_WORKER_VERSION
 */
export async function askWorker(
    addon: Pick<NativeAddon, "askWorker">,
    endpoint: WorkerEndpoint,
    withinMs = askWithinMs
): Promise<WorkerInfo> {
    const worker = endpointText(endpoint);
    const { json, roundTripMs } = await addon.askWorker({ ...endpoint, silenceMs: withinMs });
    const said = parsed(json);
    const devices = Array.isArray(said["devices"]) ? (said["devices"] as unknown[]).slice(0, mostDevices) : [];
    const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, longestText) : "");
    const count = (value: unknown): number => (typeof value === "number" && value >= 0 ? value : 0);
    return {
        worker,
        version: text(said["version"]),
        connections: count(said["connections"]),
        cache: said["cache"] === true,
        roundTripMs,
        devices: devices.filter(isObject).map((one): NativeDevice => {
            const { name, description, type, memoryFreeBytes, memoryTotalBytes } = one;
            return {
                name: text(name),
                description: text(description),
                type: types.find((known) => known === type) ?? "gpu",
                backend: "RPC",
                worker,
                memoryFreeBytes: count(memoryFreeBytes),
                memoryTotalBytes: count(memoryTotalBytes)
            };
        })
    };

    function parsed(text: string): Record<string, unknown> {
        try {
            const value: unknown = JSON.parse(text);
            if (isObject(value)) return value;
        } catch {
            // below
        }
        throw new RastError("ERR_WORKER_VERSION", `The worker ${worker} says of itself what cannot be read.`, {
            details: { worker }
        });
    }
}

const types: readonly NativeDevice["type"][] = ["cpu", "gpu", "igpu", "accel"];
const mostDevices = 64;
const longestText = 256;

/**
 * The devices of several workers as an engine will name them.
 * @throws what `askWorker` does
 */
export async function askWorkers(
    addon: Pick<NativeAddon, "askWorker">,
    endpoints: readonly WorkerEndpoint[]
): Promise<{ readonly workers: readonly WorkerInfo[]; readonly devices: readonly NativeDevice[] }> {
    const asked = await Promise.allSettled(endpoints.map((endpoint) => askWorker(addon, endpoint)));
    const workers = asked.map((one) => {
        if (one.status === "rejected") throw one.reason;
        return one.value;
    });
    const all = workers.flatMap(({ devices }) => devices);
    return { workers, devices: all.map((device, index) => ({ ...device, name: `RPC${index}`, type: "gpu" })) };
}
