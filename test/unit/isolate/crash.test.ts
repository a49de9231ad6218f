import { describe, expect, it } from "vitest";
import { crashError, type Crash } from "../../../src/isolate/crash.js";
import { LastWords } from "../../../src/isolate/last-words.js";
import { RestartPolicy } from "../../../src/isolate/restart-policy.js";

describe("LastWords", () => {
    it("keeps the last lines, whole ones and the one without an end", () => {
        const words = new LastWords();
        expect([words.lines, words.reason]).toEqual([[], ""]);
        words.add("one\r\ntw");
        words.add("o\n\n  \nthree");
        expect(words.lines).toEqual(["one", "two", "three"]);
        expect(words.reason).toBe("three");
        for (let i = 0; i < 100; ++i) words.add(`line ${i}\n`);
        expect(words.lines.length).toBe(20);
        expect(words.lines.at(-1)).toBe("line 99");
        expect(words.lines[0]).toBe("line 80");
    });

    it("finds the line that says most", () => {
        const words = new LastWords();
        words.add("loading\nterminate called after throwing\n  what():  no\n");
        expect(words.reason).toBe("terminate called after throwing");
        const assert = new LastWords();
        assert.add("a\n/x/ggml.c:5: GGML_ASSERT(a != NULL) failed\nbacktrace\n");
        expect(assert.reason).toBe("/x/ggml.c:5: GGML_ASSERT(a != NULL) failed");
    });

    it("cuts lines at 500 characters, and one without an end at 1,000", () => {
        const words = new LastWords();
        words.add(`${"a".repeat(500)}\n${"b".repeat(501)}\n`);
        expect(words.lines).toEqual(["a".repeat(500), `${"b".repeat(500)}...`]);
        words.add("c".repeat(999));
        words.add("d".repeat(10));
        words.add("\nend\n");
        expect(words.lines.slice(2)).toEqual([`${"c".repeat(500)}...`, "end"]);
        const open = new LastWords();
        open.add("e".repeat(499));
        open.add("fgh");
        expect(open.lines).toEqual([`${"e".repeat(499)}f...`]);
        open.add(" ");
        expect(open.lines).toHaveLength(1);
    });

    it("counts the line without an end among the twenty", () => {
        const words = new LastWords();
        for (let i = 0; i < 20; ++i) words.add(`line ${i}\n`);
        expect([words.lines.length, words.lines[0]]).toEqual([20, "line 0"]);
        words.add("open");
        expect([words.lines.length, words.lines[0], words.lines[19]]).toEqual([20, "line 1", "open"]);
        words.add("\n  ");
        expect([words.lines[0], words.lines[19], words.reason]).toEqual(["line 1", "open", "open"]);
    });

    it.each([
        "x: GGML_ASSERT(a) failed",
        "GGML_ABORT",
        "CUDA error: no",
        "Out of memory",
        "terminate called",
        "FATAL ERROR: heap",
        "Assertion `x' failed"
    ])("knows %j among others", (line) => {
        const words = new LastWords();
        words.add(`before\n  ${line}  \nafter\n`);
        expect(words.reason).toBe(line);
    });

    it("does not grow, whatever is written", () => {
        const words = new LastWords();
        for (let i = 0; i < 1000; ++i) words.add("x".repeat(10_000));
        expect(words.lines.join("").length).toBeLessThan(2000);
        for (let i = 0; i < 100; ++i) words.add(`${"y".repeat(10_000)}\n`);
        expect(words.lines.join("").length).toBeLessThan(20 * 510);
    });
});

describe("crashError", () => {
    const crash: Crash = {
        phase: "generating",
        signal: "SIGSEGV",
        exitCode: null,
        trouble: undefined,
        neverRan: undefined,
        stderr: ["a"],
        reason: "a",
        requests: [4, 5]
    };

    it("says how the process ended", () => {
        expect(crashError(crash, 5)).toMatchObject({
            code: "ERR_ENGINE_CRASHED",
            message: "The engine's process was ended by SIGSEGV while it generated: a.",
            details: { phase: "generating", signal: "SIGSEGV", exitCode: null, requests: [4, 5], request: 5 }
        });
        const quiet = { ...crash, reason: "", signal: null };
        expect(crashError({ ...quiet, exitCode: 1 }).message).toBe(
            "The engine's process ended with exit code 1 while it generated."
        );
        expect(crashError({ ...quiet, exitCode: 0xc0000005 }).message).toContain("exit code 0xC0000005");
        expect(crashError({ ...quiet, trouble: "closed its channel" }).message).toContain("closed its channel while");
        expect(crashError({ ...quiet, exitCode: 255 }).message).toContain("exit code 255 while");
        expect(crashError({ ...quiet, exitCode: 256 }).message).toContain("exit code 0x100 while");
        expect(crashError(quiet).message).toContain("ended with exit code unknown while");
    });

    it.each([
        ["starting", "while it started"],
        ["loading", "while it loaded"],
        ["idle", "while it was idle"],
        ["working", "while it worked"],
        ["generating", "while it generated"]
    ] as const)("says what it was doing: %s", (phase, words) => {
        expect(crashError({ ...crash, phase }).message).toBe(`The engine's process was ended by SIGSEGV ${words}: a.`);
    });

    it("is about isolate.execPath where that never ran the engine's script", () => {
        const never = { ...crash, phase: "starting", neverRan: "/usr/bin/no-node", requests: [] } as const;
        expect(crashError(never)).toMatchObject({
            code: "ERR_INVALID_OPTION",
            message:
                "isolate.execPath, /usr/bin/no-node, does not run as Node.js 20 or newer: it was ended by SIGSEGV: a.",
            details: { option: "isolate.execPath", value: "/usr/bin/no-node", signal: "SIGSEGV", stderr: ["a"] }
        });
        const quiet = { ...never, reason: "", trouble: "did not start within 60 s" };
        expect(crashError(quiet).message).toContain("newer: it did not start within 60 s.");
    });

    it("has request and trouble among the details only where there are any", () => {
        const { details } = crashError(crash);
        expect(details).toEqual({
            phase: "generating",
            signal: "SIGSEGV",
            exitCode: null,
            stderr: ["a"],
            requests: [4, 5]
        });
        expect(Object.keys(details)).not.toContain("request");
        expect(crashError({ ...crash, trouble: "t" }, 4).details).toMatchObject({ request: 4, trouble: "t" });
    });
});

describe("RestartPolicy", () => {
    it("allows so many new starts in a row", () => {
        const policy = new RestartPolicy({ restart: "onNextCall", maxRestarts: 2 });
        const allowed = [1, 2, 3].map(() => {
            policy.crashed();
            return policy.mayRestart;
        });
        expect(allowed).toEqual([true, true, false]);
        policy.generated();
        policy.crashed();
        expect([policy.mayRestart, policy.restartsAtOnce, policy.crashes]).toEqual([true, false, 1]);
    });

    it("allows none, or does not wait", () => {
        const never = new RestartPolicy({ restart: "never", maxRestarts: 5 });
        never.crashed();
        expect(never.mayRestart).toBe(false);
        const none = new RestartPolicy({ restart: "onNextCall", maxRestarts: 0 });
        none.crashed();
        expect(none.mayRestart).toBe(false);
        const atOnce = new RestartPolicy({ restart: "atOnce", maxRestarts: 1 });
        atOnce.crashed();
        expect(atOnce.restartsAtOnce).toBe(true);
        atOnce.crashed();
        expect(atOnce.restartsAtOnce).toBe(false);
    });
});
