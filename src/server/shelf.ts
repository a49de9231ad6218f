// The models by name: loaded when asked for, one after the other, and put away when nobody needs them.
import { describeError } from "../checks.js";
import { RastError } from "../errors.js";
import type { Rast } from "../engine/engine.js";
import type { LoadOptions, LoadProgress } from "../loading/load-options.js";
import { RequestError } from "./http/request-error.js";

/** A model of the shelf. */
export interface ShelfModel {
    /** Unique. */
    readonly name: string;
    readonly load: Omit<LoadOptions, "signal" | "onProgress">;
}

/** What is known of a model, loaded or not. */
export interface ShelfState {
    readonly name: string;
    readonly state: "unloaded" | "loading" | "loaded" | "failed";
    /** Of a load, 0 to 1. */
    readonly progress: number;
    /** Whether its load waits for others to give up their memory, which answer requests. */
    readonly waitsForRoom: boolean;
    /** Requests that have it. */
    readonly leases: number;
    /** Requests that wait for it. */
    readonly waiting: number;
    /** How often it was loaded. */
    readonly loads: number;
    /** The latest engine, which may be disposed of; undefined before the first load. */
    readonly rast: Rast | undefined;
}

/** A loaded model that stays loaded until `release`. */
export interface Lease {
    readonly name: string;
    readonly rast: Rast;
    /** May be called again, to no effect. */
    release(): void;
}

/** How a shelf treats its models. */
export interface ShelfSettings {
    /** Unused for so long, a model is unloaded; 0 = never. */
    readonly idleMs: number;
    /** How long `lease` waits for a load. */
    readonly waitMs: number;
    /** In memory together. */
    readonly maxLoaded: number;
    readonly load: (options: LoadOptions) => Promise<Rast>;
    /** Of a person's interest: loaded, unloaded, failed. */
    readonly tell: (event: ShelfEvent) => void;
}

/** What happened to a model. */
export interface ShelfEvent {
    readonly what: "loading" | "loaded" | "unloaded" | "failed";
    readonly name: string;
    readonly ms?: number;
    readonly error?: unknown;
    readonly notes?: readonly string[];
}

/** What failed is not tried again at once. */
const failurePauseMs = 5000;

interface Entry {
    readonly model: ShelfModel;
    state: ShelfState["state"];
    progress: number;
    waitsForRoom: boolean;
    rast: Rast | undefined;
    leases: number;
    loads: number;
    lastUse: number;
    failedAt: number;
    failure: unknown;
    loading: Promise<Rast> | undefined;
    idle: NodeJS.Timeout | undefined;
    waiting: number;
    /** It is to make room for another: who asks for it now waits until it was loaded again. */
    leaving: boolean;
}

/** All models of a server. Owns their engines. */
export class Shelf {
    readonly #settings: ShelfSettings;
    readonly #entries: ReadonlyMap<string, Entry>;
    readonly #ending = new AbortController();
    // Loads and unloads, one after the other.
    #turn: Promise<unknown> = Promise.resolve();
    // Called, and forgotten, when a model is no longer leased.
    readonly #onFreed = new Set<() => void>();

    constructor(models: readonly ShelfModel[], settings: ShelfSettings) {
        this.#settings = settings;
        this.#entries = new Map(
            models.map((model) => [
                model.name,
                {
                    model,
                    state: "unloaded",
                    progress: 0,
                    waitsForRoom: false,
                    rast: undefined,
                    leases: 0,
                    loads: 0,
                    lastUse: 0,
                    failedAt: -Infinity,
                    failure: undefined,
                    loading: undefined,
                    idle: undefined,
                    waiting: 0,
                    leaving: false
                }
            ])
        );
    }

    /** In the order given. */
    get names(): readonly string[] {
        return [...this.#entries.keys()];
    }

    states(): readonly ShelfState[] {
        return [...this.#entries.values()].map(
            ({ model, state, progress, waitsForRoom, leases, waiting, loads, rast }) => ({
                name: model.name,
                state,
                waitsForRoom,
                progress: state === "loaded" ? 1 : progress,
                leases,
                waiting,
                loads,
                rast
            })
        );
    }

    /** Loads a model, however long that takes. @throws what `loadRast` does */
    async load(name: string): Promise<void> {
        await this.#loaded(this.#entry(name));
    }

    /**
     * A model, loaded first if need be. The load goes on when the signal aborts, or the wait ends.
     * @throws RequestError 503 where it takes longer than may be waited, or fails; the signal's reason
     */
    async lease(name: string, signal: AbortSignal): Promise<Lease> {
        const entry = this.#entry(name);
        signal.throwIfAborted();
        if (entry.state === "loaded" && !entry.leaving) return this.#leaseOf(entry, entry.rast!);
        if (performance.now() - entry.failedAt < failurePauseMs) throw loadFailed(entry);
        const loading = this.#loaded(entry);
        loading.catch(() => {}); // whoever waits hears of it
        entry.waiting += 1;
        try {
            await within(this.#settings.waitMs, loading, signal, () => stillLoading(entry));
        } catch (error) {
            if (error instanceof RequestError || signal.aborted) throw error;
            throw loadFailed(entry);
        } finally {
            entry.waiting -= 1;
            this.#tellFreed();
        }
        // another may have needed the memory between its end and this turn
        return this.lease(name, signal);
    }

    /** Puts a model away now, unless it is leased or being loaded. @returns whether it is unloaded */
    async unload(name: string): Promise<boolean> {
        const entry = this.#entry(name);
        if (entry.state === "loaded" && !isWanted(entry)) await this.#unload(entry);
        return entry.state === "unloaded" || entry.state === "failed";
    }

    /** Ends loads, and disposes of all engines: what still runs in them ends with "abort". */
    async close(): Promise<void> {
        this.#ending.abort(new RequestError(503, "The server is shutting down.", { retryAfterSeconds: 5 }));
        for (const { idle } of this.#entries.values()) clearTimeout(idle);
        for (const free of [...this.#onFreed]) free();
        await this.#turn.catch(() => {});
        await Promise.all([...this.#entries.values()].map((entry) => this.#unload(entry)));
    }

    #entry(name: string): Entry {
        const entry = this.#entries.get(name);
        if (entry === undefined) throw new RastError("ERR_INTERNAL", `There is no model ${name} to be had.`);
        return entry;
    }

    #leaseOf(entry: Entry, rast: Rast): Lease {
        clearTimeout(entry.idle);
        entry.leases += 1;
        entry.lastUse = performance.now();
        let held = true;
        const release = (): void => {
            if (!held) return;
            held = false;
            entry.leases -= 1;
            entry.lastUse = performance.now();
            if (entry.leases > 0) return;
            this.#tellFreed();
            this.#unloadLater(entry);
        };
        return { name: entry.model.name, rast, release };
    }

    // Whoever waits for it takes it before this is acted upon.
    #tellFreed(): void {
        for (const free of [...this.#onFreed]) free();
    }

    #unloadLater(entry: Entry): void {
        clearTimeout(entry.idle);
        const { idleMs } = this.#settings;
        if (idleMs === 0 || this.#ending.signal.aborted) return;
        entry.idle = setTimeout(() => void this.#inTurn(() => this.#unloadIdle(entry)), idleMs);
        entry.idle.unref();
    }

    async #unloadIdle(entry: Entry): Promise<void> {
        const unused = performance.now() - entry.lastUse >= this.#settings.idleMs - 1;
        if (!isWanted(entry) && entry.state === "loaded" && unused) await this.#unload(entry);
    }

    async #unload(entry: Entry): Promise<void> {
        clearTimeout(entry.idle);
        if (entry.state !== "loaded" || entry.rast === undefined) return;
        entry.state = "unloaded";
        entry.leaving = false;
        entry.progress = 0;
        await entry.rast.dispose();
        this.#settings.tell({ what: "unloaded", name: entry.model.name });
    }

    #inTurn<T>(work: () => Promise<T>): Promise<T> {
        const done = this.#turn.then(work, work);
        this.#turn = done.catch(() => {});
        return done;
    }

    #loaded(entry: Entry): Promise<Rast> {
        if (entry.state === "loaded" && !entry.leaving) return Promise.resolve(entry.rast!);
        entry.loading ??= this.#inTurn(() => this.#load(entry)).finally(() => {
            entry.loading = undefined;
        });
        return entry.loading;
    }

    async #load(entry: Entry): Promise<Rast> {
        const { signal } = this.#ending;
        const { name, load } = entry.model;
        const { tell } = this.#settings;
        // another model has made the room
        if (entry.state === "loaded") return entry.rast!;
        const start = performance.now();
        entry.state = "loading";
        entry.progress = 0;
        tell({ what: "loading", name });
        const onProgress = ({ overall }: LoadProgress): void => {
            entry.progress = overall;
        };
        try {
            await this.#makeRoom(entry, (loaded) => loaded >= this.#settings.maxLoaded);
            for (;;) {
                signal.throwIfAborted();
                try {
                    const rast = await this.#settings.load({ ...load, signal, onProgress });
                    entry.rast = rast;
                    entry.state = "loaded";
                    entry.loads += 1;
                    entry.lastUse = performance.now();
                    tell({ what: "loaded", name, ms: performance.now() - start, notes: rast.info.notes });
                    this.#unloadLater(entry);
                    return rast;
                } catch (error) {
                    const isMemory = error instanceof RastError && error.code === "ERR_INSUFFICIENT_MEMORY";
                    if (!isMemory || signal.aborted || !(await this.#makeRoom(entry, () => true, 1))) throw error;
                }
            }
        } catch (error) {
            entry.state = signal.aborted ? "unloaded" : "failed";
            entry.failure = error;
            entry.failedAt = performance.now();
            if (!signal.aborted) tell({ what: "failed", name, error });
            throw error;
        }
    }

    /**
     * Unloads what was not used for longest, and waits for what is leased, while that is needed. Of what is leased one gets no new leases
     * meanwhile: requests that follow each other closely would otherwise keep it for ever.
     * @param needed of how many are loaded
     * @returns false where nothing could be unloaded
     */
    async #makeRoom(entry: Entry, needed: (loaded: number) => boolean, most = Infinity): Promise<boolean> {
        let made = 0;
        try {
            while (made < most) {
                const loaded = [...this.#entries.values()]
                    .filter(({ state }) => state === "loaded")
                    .sort((a, b) => a.lastUse - b.lastUse);
                if (loaded.length === 0 || !needed(loaded.length)) break;
                const free = loaded.find((one) => !isWanted(one));
                if (free === undefined) {
                    this.#ending.signal.throwIfAborted();
                    // who has waited for its load takes it first
                    const next = loaded.some(({ leaving }) => leaving)
                        ? undefined
                        : loaded.find((one) => one.waiting === 0);
                    if (next !== undefined) next.leaving = true;
                    entry.waitsForRoom = true;
                    await this.#freed();
                    entry.waitsForRoom = false;
                    this.#ending.signal.throwIfAborted();
                    continue;
                }
                await this.#unload(free);
                made += 1;
            }
        } finally {
            for (const one of this.#entries.values()) one.leaving = false;
        }
        return made > 0;
    }

    #freed(): Promise<void> {
        return new Promise((resolve) => {
            const free = (): void => {
                this.#onFreed.delete(free);
                resolve();
            };
            this.#onFreed.add(free);
        });
    }
}

// By those who have it, or have waited for its load and not taken it yet.
function isWanted({ leases, waiting, leaving }: Entry): boolean {
    return leases > 0 || (waiting > 0 && !leaving);
}

function stillLoading({ model, progress, state, waitsForRoom }: Entry): RequestError {
    const message = waitsForRoom
        ? `The model ${model.name} waits for memory: another model, which answers requests, has to be unloaded first.`
        : state === "loading"
          ? `The model ${model.name} is being loaded (${Math.floor(100 * progress)}%).`
          : `The model ${model.name} waits for its turn: another model is being loaded.`;
    return new RequestError(503, message, { code: "model_loading", retryAfterSeconds: 5 });
}

function loadFailed({ model, failure }: Entry): RequestError {
    const isMemory = failure instanceof RastError && failure.code === "ERR_INSUFFICIENT_MEMORY";
    const why = isMemory ? "there is not enough memory for it" : "the server's log says why";
    return new RequestError(503, `The model ${model.name} cannot be loaded: ${why}.`, {
        code: "model_load_failed",
        retryAfterSeconds: Math.ceil(failurePauseMs / 1000),
        cause: failure
    });
}

// Ends with the promise, the signal or the time, whichever is first.
async function within<T>(ms: number, promise: Promise<T>, signal: AbortSignal, late: () => Error): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let onAbort = (): void => {};
    const other = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(late()), ms);
        onAbort = (): void =>
            reject(signal.reason instanceof Error ? signal.reason : new Error(describeError(signal.reason)));
        signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
        return await Promise.race([promise, other]);
    } finally {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
    }
}
