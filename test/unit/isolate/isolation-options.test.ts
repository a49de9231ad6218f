import { describe, expect, test } from "vitest";
import { RastError } from "../../../src/errors.js";
import { readIsolation } from "../../../src/isolate/isolation-options.js";

const defaults = {
    restart: "onNextCall",
    maxRestarts: 3,
    graceMs: 5000,
    execPath: undefined,
    onCrash: undefined
};

function revoked(): object {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
}

function messageOf(value: unknown): string {
    try {
        readIsolation(value);
    } catch (error) {
        expect(error).toBeInstanceOf(RastError);
        return (error as Error).message;
    }
    throw new Error("It was accepted.");
}

describe("isolate", () => {
    test("is off unless asked for", () => {
        expect(readIsolation(undefined)).toBeUndefined();
        expect(readIsolation(false)).toBeUndefined();
    });

    test("has defaults, each of which can be told otherwise", () => {
        expect(readIsolation(true)).toEqual(defaults);
        expect(readIsolation({})).toEqual(defaults);
        const onCrash = (): void => {};
        const all = { restart: "never", maxRestarts: 0, graceMs: 0, execPath: "node", onCrash };
        expect(readIsolation(all)).toEqual(all);
        for (const restart of ["onNextCall", "atOnce", "never"])
            expect(readIsolation({ restart })).toMatchObject({ restart });
        expect(readIsolation({ maxRestarts: 1000, graceMs: 600_000 })).toMatchObject({
            maxRestarts: 1000,
            graceMs: 600_000
        });
    });

    test.each<[unknown, string]>([
        [null, "Expected true, false or an object for isolate, received null."],
        [1, "Expected true, false or an object for isolate, received 1 (number)."],
        [[], "Expected true, false or an object for isolate, received an array of 0."],
        [new Map(), "Expected true, false or an object for isolate, received an object."],
        [new Date(0), "Expected true, false or an object for isolate, received an object."],
        ["on", 'Expected true, false or an object for isolate, received "on" (string).'],
        [{ restarts: 1 }, "Unknown option restarts in isolate. Did you mean restart?"],
        [
            { restart: "always" },
            'Expected one of "onNextCall", "atOnce", "never" for isolate.restart, received "always" (string).'
        ],
        [{ maxRestarts: -1 }, "Expected an integer in [0, 1000] for isolate.maxRestarts, received -1 (number)."],
        [{ maxRestarts: 1001 }, "Expected an integer in [0, 1000] for isolate.maxRestarts, received 1001 (number)."],
        [{ maxRestarts: 0.5 }, "Expected an integer in [0, 1000] for isolate.maxRestarts, received 0.5 (number)."],
        [{ graceMs: -1 }, "Expected an integer in [0, 600000] for isolate.graceMs, received -1 (number)."],
        [{ graceMs: 600_001 }, "Expected an integer in [0, 600000] for isolate.graceMs, received 600001 (number)."],
        [{ execPath: 5 }, "Expected a string for isolate.execPath, received 5 (number)."],
        [{ execPath: "" }, 'Expected a string that is not empty for isolate.execPath, received "" (string).'],
        [{ onCrash: "f" }, 'Expected a function for isolate.onCrash, received "f" (string).']
    ])("refuses %j", (value, message) => {
        expect(messageOf(value)).toBe(message);
    });

    test("refuses to be what Bun cannot do", () => {
        expect(readIsolation(false, true)).toBeUndefined();
        expect(() => readIsolation(true, true)).toThrow(
            "Expected false, as Bun cannot do it (Node.js, Electron and Deno can), for isolate, received true"
        );
    });

    test("refuses what cannot be read", () => {
        expect(messageOf(revoked())).toMatch(/^Reading isolate failed: /);
    });
});
