import { afterEach, describe, expect, it, vi } from "vitest";
import type { Rast } from "../../../src/engine/engine.js";
import { RastError } from "../../../src/errors.js";
import type { LoadOptions } from "../../../src/loading/load-options.js";
import { Shelf, type ShelfEvent, type ShelfSettings } from "../../../src/server/shelf.js";

const never = new AbortController().signal;

/** Engines that are loaded when the test says so. */
class Loads {
    readonly begun: string[] = [];
    readonly disposed: string[] = [];
    readonly events: ShelfEvent["what"][] = [];
    readonly #settle = new Map<string, { resolve: () => void; reject: (error: unknown) => void }>();
    auto = true;

    readonly load = ({ trio = "", signal, onProgress }: LoadOptions): Promise<Rast> => {
        this.begun.push(trio);
        onProgress?.({ role: "base", pair: 0, fraction: 0.5, overall: 0.5 });
        const rast = {
            info: { notes: [], pairs: [] },
            dispose: async () => void this.disposed.push(trio)
        } as unknown as Rast;
        if (this.auto) return Promise.resolve(rast);
        return new Promise((resolve, reject) => {
            this.#settle.set(trio, { resolve: () => resolve(rast), reject });
            signal?.addEventListener("abort", () => reject(new RastError("ERR_LOAD_ABORTED", "aborted")));
        });
    };

    finish(trio: string): void {
        this.#settle.get(trio)!.resolve();
    }

    fail(trio: string, error: unknown): void {
        this.#settle.get(trio)!.reject(error);
    }
}

function shelfOf(loads: Loads, settings: Partial<ShelfSettings> = {}): Shelf {
    const models = ["a", "b", "c"].map((name) => ({ name, load: { trio: name } }));
    return new Shelf(models, {
        idleMs: 0,
        waitMs: 1000,
        maxLoaded: 64,
        load: loads.load,
        tell: ({ what }) => loads.events.push(what),
        ...settings
    });
}

const stateOf = (shelf: Shelf): string[] => shelf.states().map(({ state }) => state);
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

afterEach(() => vi.useRealTimers());

describe("a lease", () => {
    it("loads once, however many ask", async () => {
        const loads = new Loads();
        const shelf = shelfOf(loads);
        const leases = await Promise.all([1, 2, 3].map(() => shelf.lease("a", never)));
        expect(loads.begun).toEqual(["a"]);
        expect(shelf.states()[0]).toMatchObject({ state: "loaded", leases: 3, progress: 1, loads: 1 });
        for (const lease of leases) lease.release();
        leases[0]!.release();
        expect(shelf.states()[0]!.leases).toBe(0);
    });

    it("loads one after the other", async () => {
        const loads = new Loads();
        loads.auto = false;
        const shelf = shelfOf(loads);
        const both = [shelf.lease("a", never), shelf.lease("b", never)];
        await tick();
        expect(loads.begun).toEqual(["a"]);
        expect(shelf.states()[0]).toMatchObject({ state: "loading", progress: 0.5, waiting: 1 });
        loads.finish("a");
        await both[0];
        await tick();
        expect(loads.begun).toEqual(["a", "b"]);
        loads.finish("b");
        await both[1];
    });

    it("waits so long and no longer, while the load goes on", async () => {
        const loads = new Loads();
        loads.auto = false;
        const shelf = shelfOf(loads, { waitMs: 10 });
        await expect(shelf.lease("a", never)).rejects.toMatchObject({
            failure: {
                status: 503,
                code: "model_loading",
                retryAfterSeconds: 5,
                message: expect.stringContaining("50%")
            }
        });
        expect(stateOf(shelf)[0]).toBe("loading");
        loads.finish("a");
        await shelf.load("a");
        (await shelf.lease("a", never)).release();
        expect(loads.begun).toEqual(["a"]);
    });

    it("ends with its signal", async () => {
        const loads = new Loads();
        loads.auto = false;
        const shelf = shelfOf(loads);
        const abort = new AbortController();
        const leased = shelf.lease("a", abort.signal);
        abort.abort(new Error("gone"));
        await expect(leased).rejects.toThrow("gone");
        expect(shelf.states()[0]!.waiting).toBe(0);
        await expect(shelf.lease("a", abort.signal)).rejects.toThrow("gone");
    });

    it("of one that fails is 503, and it is not tried again at once", async () => {
        const loads = new Loads();
        loads.auto = false;
        const shelf = shelfOf(loads);
        const leased = shelf.lease("a", never);
        await tick();
        loads.fail("a", new RastError("ERR_MODEL_INVALID", "/secret/path is broken"));
        const refused = {
            failure: { status: 503, code: "model_load_failed", message: expect.not.stringContaining("secret") }
        };
        await expect(leased).rejects.toMatchObject(refused);
        await expect(shelf.lease("a", never)).rejects.toMatchObject(refused);
        expect(loads.begun).toEqual(["a"]);
        expect(stateOf(shelf)[0]).toBe("failed");
        expect(loads.events).toEqual(["loading", "failed"]);
    });
});

describe("room", () => {
    it("is made of what was not used for longest", async () => {
        const loads = new Loads();
        const shelf = shelfOf(loads, { maxLoaded: 2 });
        for (const name of ["a", "b"]) (await shelf.lease(name, never)).release();
        (await shelf.lease("a", never)).release();
        (await shelf.lease("c", never)).release();
        expect(loads.disposed).toEqual(["b"]);
        expect(stateOf(shelf)).toEqual(["loaded", "unloaded", "loaded"]);
    });

    it("is not made of what somebody has waited for", async () => {
        const loads = new Loads();
        const shelf = shelfOf(loads, { maxLoaded: 1 });
        const asked = ["a", "b", "a", "c"].map(async (name) => (await shelf.lease(name, never)).release());
        await Promise.all(asked);
        expect(loads.begun).toEqual(["a", "b", "c"]);
    });

    it("is never made of what is leased: the load waits", async () => {
        const loads = new Loads();
        const shelf = shelfOf(loads, { maxLoaded: 1 });
        const held = await shelf.lease("a", never);
        const other = shelf.lease("b", never);
        await tick();
        expect(loads.begun).toEqual(["a"]);
        held.release();
        (await other).release();
        expect(loads.disposed).toEqual(["a"]);
    });

    it("is what who waits in vain is told of", async () => {
        const loads = new Loads();
        const shelf = shelfOf(loads, { maxLoaded: 1, waitMs: 20 });
        const held = await shelf.lease("a", never);
        await expect(shelf.lease("b", never)).rejects.toMatchObject({
            message: expect.stringContaining("The model b waits for memory"),
            failure: { status: 503, code: "model_loading" }
        });
        await expect(shelf.lease("c", never)).rejects.toThrow("The model c waits for its turn");
        expect(shelf.states().map(({ waitsForRoom }) => waitsForRoom)).toEqual([false, true, false]);
        held.release();
        (await shelf.lease("b", never)).release();
        expect(shelf.states()[1]!.waitsForRoom).toBe(false);
    });

    it("comes though others go on asking for what is leased, and those have their turn", async () => {
        const loads = new Loads();
        const shelf = shelfOf(loads, { maxLoaded: 1 });
        const order: string[] = [];
        const take = async (name: string): Promise<void> => {
            const lease = await shelf.lease(name, never);
            order.push(name);
            await tick();
            await tick();
            lease.release();
        };
        const first = await shelf.lease("a", never);
        const b = take("b");
        await tick();
        const others = [take("a"), take("a"), take("c"), take("b")];
        await tick();
        expect(order).toEqual([]);
        first.release();
        await Promise.all([b, ...others]);
        expect(order).toEqual(["b", "b", "a", "a", "c"]);
        expect(loads.begun).toEqual(["a", "b", "a", "c"]);
    });

    it("gives what was to leave back where another has made it", async () => {
        const loads = new Loads();
        const shelf = shelfOf(loads, { maxLoaded: 2 });
        const a = await shelf.lease("a", never);
        const b = await shelf.lease("b", never);
        const c = shelf.lease("c", never);
        await tick();
        // a is to leave, b is free before it
        const again = shelf.lease("a", never);
        await tick();
        b.release();
        (await c).release();
        (await again).release();
        a.release();
        expect(loads.begun).toEqual(["a", "b", "c"]);
        expect(loads.disposed).toEqual(["b"]);
    });

    it("is made where memory is short, one by one", async () => {
        const loads = new Loads();
        const shelf = shelfOf(loads);
        for (const name of ["a", "b"]) (await shelf.lease(name, never)).release();
        loads.auto = false;
        const leased = shelf.lease("c", never);
        await tick();
        loads.fail("c", new RastError("ERR_INSUFFICIENT_MEMORY", "no room"));
        await tick();
        await tick();
        expect(loads.disposed).toEqual(["a"]);
        loads.finish("c");
        await leased;
        expect(stateOf(shelf)).toEqual(["unloaded", "loaded", "loaded"]);
    });

    it("that cannot be made is an error", async () => {
        const loads = new Loads();
        loads.auto = false;
        const shelf = shelfOf(loads);
        const leased = shelf.lease("a", never);
        await tick();
        loads.fail("a", new RastError("ERR_INSUFFICIENT_MEMORY", "no room"));
        await expect(leased).rejects.toMatchObject({
            failure: { message: expect.stringContaining("not enough memory") }
        });
    });
});

it("what is idle is put away, and not while it is leased", async () => {
    const loads = new Loads();
    const shelf = shelfOf(loads, { idleMs: 30 });
    const lease = await shelf.lease("a", never);
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(stateOf(shelf)[0]).toBe("loaded");
    lease.release();
    await vi.waitFor(() => expect(stateOf(shelf)[0]).toBe("unloaded"));
    expect(loads.disposed).toEqual(["a"]);
    (await shelf.lease("a", never)).release();
    expect(shelf.states()[0]!.loads).toBe(2);
});

it("unload puts away what nobody has", async () => {
    const loads = new Loads();
    const shelf = shelfOf(loads);
    const lease = await shelf.lease("a", never);
    expect(await shelf.unload("a")).toBe(false);
    lease.release();
    expect(await shelf.unload("a")).toBe(true);
    expect(await shelf.unload("b")).toBe(true);
    expect(loads.disposed).toEqual(["a"]);
});

it("close ends loads, tells who waits, and disposes of all", async () => {
    const loads = new Loads();
    const shelf = shelfOf(loads);
    (await shelf.lease("a", never)).release();
    loads.auto = false;
    const waiting = shelf.lease("b", never);
    const behind = shelf.lease("c", never);
    const outcomes = Promise.allSettled([waiting, behind]);
    await tick();
    await shelf.close();
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(loads.disposed).toEqual(["a"]);
    expect(loads.begun).toEqual(["a", "b"]);
    expect(stateOf(shelf)).toEqual(["unloaded", "unloaded", "unloaded"]);
});
