// `rast generate` over a fake addon: what an error in the middle of its work leaves behind, and the exit code it gets.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runGenerate } from "../../../src/cli/commands/generate.js";
import { exitCodes, reportError } from "../../../src/cli/output.js";
import type { LoadOptions } from "../../../src/engine/load-options.js";
import type * as Load from "../../../src/engine/load.js";
import { RastError } from "../../../src/errors.js";
import { FakeAddon, fakeNative, type FakeSettings } from "../../support/fake-addon.js";
import { makeModelFiles, type ModelFiles } from "../../support/model-files.js";

let files: ModelFiles;
let addon: FakeAddon;
let printed: { stdout: string; stderr: string };

vi.mock("../../../src/engine/load.js", async (original) => {
    const load = await original<typeof Load>();
    return { ...load, loadRast: (options: LoadOptions) => load.loadRastWith(options, fakeNative(addon)) };
});

beforeEach(async () => {
    files = await makeModelFiles();
    printed = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
        vi.spyOn(process[name], "write").mockImplementation((text) => {
            printed[name] += String(text);
            return true;
        });
    }
});

afterEach(async () => {
    vi.restoreAllMocks();
    await files.remove();
});

/** The exit code, as `main` finds it. */
async function generate(settings: FakeSettings, flags: object = {}): Promise<number> {
    addon = new FakeAddon(settings);
    const code = process.exitCode;
    try {
        await runGenerate("Hi", { trio: files.trio, ...flags });
        return typeof process.exitCode === "number" ? process.exitCode : exitCodes.ok;
    } catch (error) {
        return reportError(error, false);
    } finally {
        process.exitCode = code;
    }
}

const listeners = (): number => process.listenerCount("SIGINT") + process.listenerCount("SIGTERM");

describe("rast generate", () => {
    test("ends with 0", async () => {
        expect(await generate({})).toBe(0);
        expect(printed.stdout).toBe("Hello, world\n");
        expect(printed.stderr).toMatch(/^\[3 tokens, 150\.0 tokens\/s, first after 11 ms; prompt 2 tokens; eos; seed /);
    });

    test.each([
        ["one text", {}, "Hello,"],
        ["samples", { samples: "2" }, ""],
        ["JSON", { json: true }, ""]
    ])("a decode that fails ends it with 1, %s: what was written stays, the engine is gone", async (_, flags, text) => {
        const before = listeners();
        expect(await generate({ failAtStep: 2 }, flags)).toBe(1);
        expect(printed).toEqual({ stdout: text, stderr: "rast: The decode failed. [ERR_DECODE]\n" });
        expect(addon.liveEngines()).toBe(0);
        expect(listeners()).toBe(before);
    });

    test("a load that fails ends it with 1, where the caller did nothing wrong", async () => {
        expect(await generate({ loadError: new RastError("ERR_MODEL_LOAD", "It does not load.") })).toBe(1);
        expect(printed).toEqual({ stdout: "", stderr: "rast: It does not load. [ERR_MODEL_LOAD]\n" });
    });

    test("what the caller did wrong ends it with 2", async () => {
        expect(await generate({}, { "top-p": "0", topP: "0" })).toBe(2);
        expect(await generate({}, { trio: "none-of-this-name" })).toBe(2);
        expect(await generate({ compareError: new RastError("ERR_TOKENIZER_MISMATCH", "They differ.") })).toBe(2);
        expect(printed.stderr.split("\n")[2]).toBe("rast: They differ. [ERR_TOKENIZER_MISMATCH]");
    });
});

test("an error that is no RastError is a failure of the program, on one line", () => {
    expect(reportError(new TypeError("first\n   second"), false)).toBe(1);
    expect(reportError("text", false)).toBe(1);
    expect(printed.stderr).toBe("rast: first second\nrast: text\n");
});
