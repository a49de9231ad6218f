import { RastError } from "../errors.js";
import type { NativeDevice } from "../native/addon-types.js";
import { formatMib } from "./model-memory.js";

/** What a model asks of devices, the output layer first, then its layers from the last to the first. */
export interface MemoryUnits {
    /** Needed on each device that holds any layer. */
    readonly perDevice: number;
    /** On the last device: it has the output layer. */
    readonly output: number;
    readonly layers: readonly number[];
}

const minMarginBytes = 512 * 1_048_576;
const marginShare = 0.08;

/** Devices of other machines. */
export function remoteNames(devices: readonly NativeDevice[]): ReadonlySet<string> {
    return new Set(devices.filter(({ worker }) => typeof worker === "string").map(({ name }) => name));
}

/** A device for a message; of another machine's, whose it is. */
export function deviceTitle({ name, worker }: NativeDevice): string {
    return typeof worker === "string" ? `${name} (the worker ${worker})` : name;
}

interface Account {
    readonly freeBytes: number;
    readonly marginBytes: number;
    takenBytes: number;
    readonly takenBy: string[];
}

/** What was taken of devices for one model. */
export interface Taken {
    /** Layers, the output as one. */
    readonly layers: number;
    readonly bytes: number;
    /** Layers on each device, in their order; the output counts on the last. */
    readonly split: readonly number[];
}

/**
 * The free memory of every device while models are placed.
 * A margin stays free, because running out of device memory ends the process: CUDA aborts, and nothing catches that.
 */
export class DeviceBudget {
    readonly #accounts = new Map<string, Account>();
    readonly #titles: ReadonlyMap<string, string>;
    readonly #remote: ReadonlySet<string>;

    constructor(devices: readonly NativeDevice[]) {
        this.#remote = remoteNames(devices);
        this.#titles = new Map(devices.map((device) => [device.name, deviceTitle(device)]));
        for (const device of devices) {
            // A device that does not say how much it has cannot be planned for: it takes what it is given.
            const freeBytes = device.memoryTotalBytes > 0 ? device.memoryFreeBytes : Infinity;
            const marginBytes = freeBytes === Infinity ? 0 : Math.max(minMarginBytes, freeBytes * marginShare);
            this.#accounts.set(device.name, { freeBytes, marginBytes, takenBytes: 0, takenBy: [] });
        }
    }

    /** What stays free of each device. */
    get margins(): ReadonlyMap<string, number> {
        return new Map([...this.#accounts].map(([name, { marginBytes }]) => [name, marginBytes]));
    }

    /**
     * Takes all units or none, the layers in a row: the last device has the output layer and as many of the last layers as it holds,
     * the one before it the next ones. For layers of different sizes: which of them a device gets is llama.cpp's, how many ours.
     */
    takeInARow(units: MemoryUnits, devices: readonly string[]): Taken | undefined {
        const taken = new Map<string, number>();
        const split = devices.map((_, index) => (index === devices.length - 1 ? 1 : 0));
        let placed = 0;
        for (let index = devices.length - 1; index >= 0; --index) {
            const name = devices[index]!;
            let bytes = units.perDevice + (index === devices.length - 1 ? units.output : 0);
            if (bytes > this.#room(name)) return undefined;
            for (; placed < units.layers.length && bytes + units.layers[placed]! <= this.#room(name); ++placed) {
                bytes += units.layers[placed]!;
                split[index]! += 1;
            }
            taken.set(name, bytes);
        }
        if (placed < units.layers.length) return undefined;
        return { layers: placed + 1, bytes: this.#commit(taken), split };
    }

    /**
     * Takes the output layer on the last device, then layers from the last on while they fit, each device as full as it gets before the
     * one in front of it has any. Devices that are not needed are left out.
     * @returns undefined, with nothing taken, where the last device holds no layer
     */
    takeFromTheEnd(
        units: MemoryUnits,
        devices: readonly string[]
    ): (Taken & { readonly devices: readonly string[] }) | undefined {
        const taken = new Map<string, number>();
        const counts = devices.map(() => 0);
        let placed = 0;
        for (let index = devices.length - 1; index >= 0 && placed < units.layers.length; --index) {
            const name = devices[index]!;
            const isLast = index === devices.length - 1;
            let bytes = units.perDevice + (isLast ? units.output : 0);
            for (; placed < units.layers.length && bytes + units.layers[placed]! <= this.#room(name); ++placed) {
                bytes += units.layers[placed]!;
                counts[index]! += 1;
            }
            if (counts[index]! > 0) taken.set(name, bytes);
            else if (isLast) return undefined;
        }
        const used = devices.flatMap((name, index) => (counts[index]! > 0 ? [{ name, count: counts[index]! }] : []));
        if (used.length === 0) return undefined;
        const split = used.map(({ count }, index) => count + (index === used.length - 1 ? 1 : 0));
        return { layers: placed + 1, bytes: this.#commit(taken), split, devices: used.map(({ name }) => name) };
    }

    /** Whether all units fit. */
    fits(units: MemoryUnits, devices: readonly string[]): boolean {
        return this.#spread(units, devices).layers === units.layers.length + 1;
    }

    /** Takes the output layer, then layers while they fit. */
    takeWhatFits(units: MemoryUnits, devices: readonly string[]): Taken {
        const { layers, taken, split } = this.#spread(units, devices);
        return layers === 0 ? { layers, bytes: 0, split: [] } : { layers, bytes: this.#commit(taken), split };
    }

    /** Takes all units, whether they fit or not; `assertFits` tells. */
    takeAnyway(units: MemoryUnits, devices: readonly string[], what: string): Taken {
        const { layers, taken, split } = this.#spread(units, devices, true);
        for (const [name, bytes] of taken) this.#accounts.get(name)!.takenBy.push(`${what} ${formatMib(bytes)}`);
        return { layers, bytes: this.#commit(taken), split };
    }

    /** @throws ERR_INSUFFICIENT_MEMORY when a device was given more than it has free */
    assertFits(): void {
        for (const [device, account] of this.#accounts) {
            const { freeBytes, marginBytes, takenBytes, takenBy } = account;
            if (takenBytes === 0 || takenBytes <= freeBytes - marginBytes) continue;
            throw new RastError(
                "ERR_INSUFFICIENT_MEMORY",
                `The models need ${formatMib(takenBytes)} on ${this.#titles.get(device)!}, where ${formatMib(freeBytes)} are free and ` +
                    `${formatMib(marginBytes)} ${marginBytes > freeBytes ? "are to stay free" : "of them are kept"} as a margin (${takenBy.join("; ")}). ` +
                    'Lower gpuLayers or leave it "auto", lower contextSize, parallel or batchSize, or free device memory.',
                { details: { device, neededBytes: takenBytes, freeBytes, marginBytes } }
            );
        }
    }

    #room(device: string): number {
        const account = this.#accounts.get(device)!;
        return account.freeBytes - account.marginBytes - account.takenBytes;
    }

    // Each layer to the device with most room left, where workers are among them by its share: who names several wants all of
    // them to have some. llama.cpp is told how many each of them has.
    #spread(
        units: MemoryUnits,
        devices: readonly string[],
        anyway = false
    ): { layers: number; taken: Map<string, number>; split: number[] } {
        const last = devices.at(-1)!;
        const taken = new Map(devices.map((name) => [name, units.perDevice]));
        taken.set(last, units.perDevice + units.output);
        const left = (name: string): number => this.#room(name) - taken.get(name)!;
        const byShare = devices.some((name) => this.#remote.has(name));
        const rank = (name: string): number =>
            byShare && this.#room(name) > 0 ? 1 - taken.get(name)! / this.#room(name) : left(name);
        const split = devices.map((name) => (name === last ? 1 : 0));
        if (!anyway && devices.some((name) => left(name) < 0)) return { layers: 0, taken, split: [] };
        let layers = 1;
        for (const bytes of units.layers) {
            const name = devices.reduce((best, other) => (rank(other) > rank(best) ? other : best), last);
            if (!anyway && left(name) < bytes) break;
            taken.set(name, taken.get(name)! + bytes);
            split[devices.indexOf(name)]! += 1;
            layers++;
        }
        return { layers, taken, split };
    }

    #commit(taken: Map<string, number>): number {
        let bytes = 0;
        for (const [name, amount] of taken) {
            this.#accounts.get(name)!.takenBytes += amount;
            bytes += amount;
        }
        return bytes;
    }
}
