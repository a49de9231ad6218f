import { RastError } from "../errors.js";
import type { NativeEngineInfo, NativeStep } from "../native/addon-types.js";
import type { EngineHost } from "../native/engine-host.js";
import type { GenerateContext } from "./generate-options.js";
import type { RolePlaces } from "./results.js";

// Native code counts in 32 bits.
const greatestId = 2 ** 32 - 1;

/** A request that native code knows. */
export interface RunningRequest {
    /** Takes what one engine step brought. */
    receive(step: NativeStep): void;
    /** Fails it, as its step could not be taken in. */
    breakOff(error: unknown): void;
    /** Ends it with what there is, unless native code has ended it before. */
    endSoon(): void;
    /** Ends it here and now. */
    endAborted(): void;
}

/** What is known of an engine once it is loaded, and never changes. */
export interface EngineFacts {
    readonly context: GenerateContext;
    readonly promptTemplate: string | undefined;
    /** Texts of the special tokens; "" for none. */
    readonly bosText: string;
    readonly eosText: string;
    readonly devices: RolePlaces;
    /** Whether layers are on other machines. @default false */
    readonly overNetwork?: boolean;
    readonly loadMs: number;
    /** Requests that run together. */
    readonly slots: number;
}

/**
 * A loaded engine as its requests see it: which of them run, under which ids, and whether it still takes any. It must not
 * refer to the `Rast` object, or that is never collected.
 */
export class EngineCore {
    readonly addon: EngineHost;
    readonly handle: number;
    readonly native: NativeEngineInfo;
    readonly facts: EngineFacts;
    readonly #requests: Map<number, RunningRequest>;
    readonly #onDisposed: () => Promise<void>;
    // Called, and forgotten, when a request ends: there may be room in the queue.
    readonly #onRoom = new Set<() => void>();
    #lastId = 0;
    #disposed = false;

    /**
     * @param requests those that `deliverSteps` hands the engine's steps to
     * @param onDisposed what is left to do when all have ended; never rejects
     */
    constructor(
        engine: { readonly addon: EngineHost; readonly handle: number; readonly native: NativeEngineInfo },
        facts: EngineFacts,
        requests: Map<number, RunningRequest>,
        onDisposed: () => Promise<void> = () => Promise.resolve()
    ) {
        this.#onDisposed = onDisposed;
        this.addon = engine.addon;
        this.handle = engine.handle;
        this.native = engine.native;
        this.facts = facts;
        this.#requests = requests;
    }

    /** Whether `dispose` was called: every call fails from then on. */
    get disposed(): boolean {
        return this.#disposed;
    }

    /** An id that neither a request nor a grammar of the engine has: 1 and more. */
    nextId(): number {
        this.#lastId = (this.#lastId % greatestId) + 1;
        return this.#lastId;
    }

    /** @returns the id under which the request is submitted */
    add(request: RunningRequest): number {
        const id = this.nextId();
        this.#requests.set(id, request);
        return id;
    }

    /** @param leavesRoom whether it had a place in the queue, which another may take now */
    remove(id: number, leavesRoom: boolean): void {
        this.#requests.delete(id);
        if (!leavesRoom) return;
        const waiting = [...this.#onRoom];
        this.#onRoom.clear();
        for (const proceed of waiting) proceed();
    }

    /** Whether any request is in native code. */
    get busy(): boolean {
        return this.#requests.size > 0;
    }

    /** Calls back once, when a request ends. */
    whenRoom(proceed: () => void): void {
        this.#onRoom.add(proceed);
    }

    /** Ends all that run with what there is, and frees the engine; `prepared` are those that native code may still learn of. */
    async dispose(prepared: Iterable<Promise<void>>): Promise<void> {
        this.#disposed = true;
        for (const request of this.#requests.values()) request.endSoon();
        try {
            await this.addon.engineDispose(this.handle);
        } finally {
            await Promise.all(prepared);
            for (const request of [...this.#requests.values()]) request.endAborted();
            await this.#onDisposed();
        }
    }
}

/** Hands the steps of native code to their requests. Never throws: what goes wrong with one is that one's own. */
export function deliverSteps(requests: ReadonlyMap<number, RunningRequest>, steps: readonly NativeStep[]): void {
    for (const step of steps) {
        const request = requests.get(step.request);
        try {
            request?.receive(step);
        } catch (error) {
            request?.breakOff(error);
        }
    }
}

/** The error of every call after `dispose`. */
export function disposedError(): RastError {
    return new RastError("ERR_DISPOSED", "The engine was disposed of. Load a new one with loadRast.");
}
