// Signals are the caller's objects: some are not real AbortSignals, and whatever they do must not reach other requests.
import { readSafely } from "../checks.js";

/** The listener of one signal, for any number of requests: lists of listeners are slow, and Node warns of long ones. */
class AbortHub {
    readonly #signal: AbortSignal;
    readonly #callbacks = new Set<() => void>();
    #listening = false;
    readonly #tell = (): void => {
        const callbacks = [...this.#callbacks];
        this.#callbacks.clear();
        this.#unlisten();
        for (const callback of callbacks) callback();
    };

    constructor(signal: AbortSignal) {
        this.#signal = signal;
    }

    add(callback: () => void): void {
        this.#callbacks.add(callback);
        if (this.#listening) return;
        try {
            this.#signal.addEventListener("abort", this.#tell);
            this.#listening = true;
        } catch (error) {
            this.#callbacks.delete(callback);
            throw error;
        }
    }

    remove(callback: () => void): void {
        if (this.#callbacks.delete(callback) && this.#callbacks.size === 0) this.#unlisten();
    }

    #unlisten(): void {
        try {
            this.#signal.removeEventListener("abort", this.#tell);
            this.#listening = false;
        } catch {
            return; // it goes on calling, and is listened to no second time
        }
    }
}

const hubs = new WeakMap<AbortSignal, AbortHub>();

/** Whether the signal has aborted; one that fails to say so has not. */
export function isAborted(signal: AbortSignal | undefined): boolean {
    try {
        return signal?.aborted === true;
    } catch {
        return false;
    }
}

/** Why the signal has aborted, whatever that is. */
export function abortReason(signal: AbortSignal): unknown {
    try {
        return signal.reason;
    } catch (error) {
        return error;
    }
}

/**
 * Calls back once when the signal aborts; not for one that has already.
 * @param onAbort may not throw
 * @returns what ends the watch: never throws, may be called again
 * @throws ERR_INVALID_OPTION when the signal cannot be listened to
 */
export function watchSignal(signal: AbortSignal | undefined, onAbort: () => void): () => void {
    if (signal === undefined) return () => {};
    const hub = hubs.get(signal) ?? new AbortHub(signal);
    hubs.set(signal, hub);
    const callback = (): void => onAbort();
    readSafely("signal", () => hub.add(callback));
    return () => hub.remove(callback);
}
