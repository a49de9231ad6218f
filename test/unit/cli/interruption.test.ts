import { describe, expect, test } from "vitest";
import { interruptible } from "../../../src/cli/interruption.js";
import { RastError } from "../../../src/errors.js";
import { CommandProcess } from "../../support/command-io.js";

const untilAborted = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new RastError("ERR_ABORTED", "Given up.")))
    );

describe("interruptible work", () => {
    test("listens while it lasts, and no longer", async () => {
        const io = new CommandProcess();
        const { value, interruptedBy } = await interruptible(io.signals, async () => io.listeners());
        expect([value, interruptedBy, io.listeners()]).toEqual([2, undefined, 0]);
        await expect(interruptible(io.signals, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
        expect(io.listeners()).toBe(0);
    });

    test.each(["SIGINT", "SIGTERM"] as const)("%s aborts the signal, with a reason", async (name) => {
        const io = new CommandProcess();
        const work = async (signal: AbortSignal): Promise<string> => {
            io.send(name);
            return String(signal.reason);
        };
        expect(await interruptible(io.signals, work)).toEqual({
            value: `Error: ${name} was received.`,
            interruptedBy: name
        });
        expect(io.raised).toEqual([]);
    });

    test("the second signal, whichever, is the system's", async () => {
        const io = new CommandProcess();
        const work = interruptible(io.signals, untilAborted);
        io.send("SIGINT");
        io.send("SIGTERM");
        expect([io.raised, io.listeners()]).toEqual([["SIGTERM"], 0]);
        expect(await work).toEqual({ value: undefined, interruptedBy: "SIGINT" });
    });

    test("an error that is no abort is one, unless it is said to follow", async () => {
        const io = new CommandProcess();
        const fails = async (): Promise<void> => {
            io.send("SIGINT");
            throw new RastError("ERR_DECODE", "Broken.");
        };
        await expect(interruptible(io.signals, fails)).rejects.toThrow("Broken.");
        expect(await interruptible(io.signals, fails, () => true)).toEqual({
            value: undefined,
            interruptedBy: "SIGINT"
        });
    });

    test("an abort that no signal asked for is an error", async () => {
        const fails = (): Promise<never> => Promise.reject(new RastError("ERR_ABORTED", "Given up."));
        await expect(interruptible(new CommandProcess().signals, fails)).rejects.toThrow("Given up.");
    });
});
