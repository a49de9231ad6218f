import { describe, expect, test } from "vitest";
import {
    deliverSteps,
    disposedError,
    EngineCore,
    type EngineFacts,
    type RunningRequest
} from "../../../src/engine/engine-core.js";
import type { NativeEngineInfo, NativeStep } from "../../../src/native/addon-types.js";
import { FakeAddon } from "../../support/fake-addon.js";

const step = (request: number): NativeStep => ({ request, tokens: new Int32Array(0), text: "" });

/** A request that writes down what is done to it. */
function noting(log: string[], name: string, changes: Partial<RunningRequest> = {}): RunningRequest {
    const note = (what: string) => (): void => void log.push(`${name} ${what}`);
    return {
        receive: note("receives"),
        breakOff: note("breaks off"),
        endSoon: note("ends soon"),
        endAborted: note("ends"),
        ...changes
    };
}

function makeCore(log: string[] = []): { core: EngineCore; requests: Map<number, RunningRequest> } {
    const addon = new FakeAddon();
    addon.engineDispose = async () => void log.push("engine disposed");
    const requests = new Map<number, RunningRequest>();
    const engine = { addon, handle: 1, native: {} as NativeEngineInfo };
    return { core: new EngineCore(engine, {} as EngineFacts, requests), requests };
}

describe("requests of an engine", () => {
    test("have ids of their own, which grammars count in", () => {
        const { core, requests } = makeCore();
        const first = noting([], "first");
        expect([core.nextId(), core.add(first), core.nextId()]).toEqual([1, 2, 3]);
        expect([...requests]).toEqual([[2, first]]);
    });

    test("are busy until the last has gone", () => {
        const { core } = makeCore();
        expect(core.busy).toBe(false);
        const ids = ["a", "b"].map((name) => core.add(noting([], name)));
        core.remove(ids[0]!, true);
        expect(core.busy).toBe(true);
        core.remove(ids[1]!, true);
        expect(core.busy).toBe(false);
    });

    test("tell those who wait for room, once, and only when they leave some", () => {
        const { core } = makeCore();
        const log: string[] = [];
        const [refused, ended] = ["a", "b"].map((name) => core.add(noting([], name)));
        core.whenRoom(() => {
            log.push("first");
            core.whenRoom(() => log.push("again"));
        });
        core.whenRoom(() => log.push("second"));
        core.remove(refused!, false);
        expect(log).toEqual([]);
        core.remove(ended!, true);
        expect(log).toEqual(["first", "second"]);
        core.remove(core.add(noting([], "c")), true);
        expect(log).toEqual(["first", "second", "again"]);
        core.remove(core.add(noting([], "d")), true);
        expect(log).toHaveLength(3);
    });

    test("end with the engine: soon, and at last at once, when what prepares is done", async () => {
        const log: string[] = [];
        const { core } = makeCore(log);
        core.add(noting(log, "a"));
        expect(core.disposed).toBe(false);
        const prepared = Promise.resolve().then(() => void core.add(noting(log, "late")));
        const disposing = core.dispose([prepared]);
        expect(core.disposed).toBe(true);
        await disposing;
        expect(log).toEqual(["a ends soon", "engine disposed", "a ends", "late ends"]);
    });
});

describe("steps", () => {
    test("reach their requests, and what goes wrong with one stays its own", () => {
        const log: string[] = [];
        const bad = noting(log, "bad", {
            receive: () => {
                throw new Error("mine");
            },
            breakOff: (error) => void log.push(`bad: ${(error as Error).message}`)
        });
        const requests = new Map([
            [1, noting(log, "one")],
            [2, bad],
            [3, noting(log, "three")]
        ]);
        expect(() => deliverSteps(requests, [1, 2, 9, 3].map(step))).not.toThrow();
        expect(log).toEqual(["one receives", "bad: mine", "three receives"]);
    });

    test("after a disposal there is one error", () => {
        expect(disposedError()).toMatchObject({
            code: "ERR_DISPOSED",
            message: "The engine was disposed of. Load a new one with loadRast."
        });
    });
});
