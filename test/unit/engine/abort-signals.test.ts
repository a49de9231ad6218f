import { describe, expect, test, vi } from "vitest";
import { abortReason, isAborted, watchSignal } from "../../../src/engine/abort-signals.js";
import { CountingSignal, throwing } from "../../support/foreign.js";

const foreign = (signal: object): AbortSignal => signal as AbortSignal;

describe("a watch of a signal", () => {
    test("calls back once, and holds no listener afterwards", () => {
        const signal = new CountingSignal();
        const calls: string[] = [];
        watchSignal(signal.asSignal(), () => calls.push("first"));
        watchSignal(signal.asSignal(), () => calls.push("second"));
        signal.abort();
        signal.abort();
        expect(calls).toEqual(["first", "second"]);
        expect(signal.listeners.size).toBe(0);
    });

    test("shares its listener until the last one has ended", () => {
        const signal = new CountingSignal();
        const calls: number[] = [];
        const [first, second] = [1, 2].map((n) => watchSignal(signal.asSignal(), () => calls.push(n)));
        expect(signal.listeners.size).toBe(1);
        first!();
        first!();
        expect(signal.listeners.size).toBe(1);
        signal.abort();
        expect(calls).toEqual([2]);
        second!();
        const third = watchSignal(signal.asSignal(), () => calls.push(3));
        expect([signal.added, signal.listeners.size]).toEqual([2, 1]);
        third();
        expect(signal.listeners.size).toBe(0);
    });

    test("ends only once: what ended before takes no listener from others", () => {
        const signal = new CountingSignal();
        const removed = vi.spyOn(signal, "removeEventListener");
        const forget = watchSignal(signal.asSignal(), () => {});
        forget();
        forget();
        expect(removed).toHaveBeenCalledTimes(1);
    });

    test("listens to aborts, and to nothing else", () => {
        const controller = new AbortController();
        const add = vi.spyOn(controller.signal, "addEventListener");
        const remove = vi.spyOn(controller.signal, "removeEventListener");
        watchSignal(controller.signal, () => {})();
        expect([add.mock.calls[0]![0], remove.mock.calls[0]![0]]).toEqual(["abort", "abort"]);
        expect(add.mock.calls[0]![1]).toBe(remove.mock.calls[0]![1]);
    });

    test("a signal that forgets nothing is listened to once, and still calls back", () => {
        const listeners: (() => void)[] = [];
        const signal = foreign({
            aborted: false,
            addEventListener: (_: string, listener: () => void) => listeners.push(listener),
            removeEventListener: () => {
                throw new Error("mine");
            }
        });
        expect(() => watchSignal(signal, () => {})()).not.toThrow();
        const calls: string[] = [];
        watchSignal(signal, () => calls.push("called"));
        expect(listeners).toHaveLength(1);
        listeners[0]!();
        expect(calls).toEqual(["called"]);
    });

    test("one that cannot be listened to is refused, and holds nothing", () => {
        let broken = true;
        const listeners: (() => void)[] = [];
        const signal = foreign({
            aborted: false,
            addEventListener: (_: string, listener: () => void) => {
                if (broken) throw new Error("mine");
                listeners.push(listener);
            },
            removeEventListener: () => {}
        });
        const calls: string[] = [];
        expect(() => watchSignal(signal, () => calls.push("refused"))).toThrow(
            expect.objectContaining({
                code: "ERR_INVALID_OPTION",
                message: "Reading signal failed: mine.",
                details: { option: "signal" }
            })
        );
        broken = false;
        watchSignal(signal, () => calls.push("taken"));
        listeners[0]!();
        expect(calls).toEqual(["taken"]);
    });

    test("without a signal is none", () => {
        expect(watchSignal(undefined, () => {})()).toBeUndefined();
    });
});

describe("what a signal says", () => {
    test("is whether it aborted, and why", () => {
        expect([undefined, new AbortController().signal, AbortSignal.abort()].map(isAborted)).toEqual([
            false,
            false,
            true
        ]);
        expect(isAborted(foreign({ aborted: 1 }))).toBe(false);
        expect(abortReason(AbortSignal.abort("enough"))).toBe("enough");
    });

    test("is no abort where it throws, and its own error the reason", () => {
        expect(isAborted(foreign(throwing("aborted")))).toBe(false);
        expect(abortReason(foreign(throwing("reason")))).toMatchObject({ message: "no reason" });
    });
});
