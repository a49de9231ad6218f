import { basename } from "node:path";
import { describe, expect, it, test } from "vitest";
import { contestant, sumsTrio, sumsTrios, type Part } from "../../../src/eval/contestants.js";

describe("contestants", () => {
    test.each<[Part, string, string | undefined, string]>([
        ["base", "demo-strong.json", "base", ""],
        ["antiexpert", "demo-strong-antiexpert.gguf", undefined, ""],
        ["expert", "demo-strong.json", "expert", ""],
        ["rast", "demo-strong.json", "rast", ""],
        ["begun base", "demo-strong.json", "base", "S:"],
        ["trained base", "demo-base-rl.gguf", undefined, ""]
    ])("%s is %s, mode %s, begun with %j", async (part, file, mode, opening) => {
        const { load, options, ...rest } = contestant(await sumsTrio("demo-strong"), part);
        expect(basename((load.trio ?? load.base) as string)).toBe(file);
        expect(options.mode).toBe(mode);
        expect(rest).toEqual({ part, opening });
    });

    it("compute one row at a time on one thread, so that a seed gives the same figures", async () => {
        const { load } = contestant(await sumsTrio("demo"), "rast");
        expect(load).toMatchObject({ parallel: 1, threads: 1, speculation: "off" });
    });

    it("are of trios that the problems are for", async () => {
        for (const name of sumsTrios) expect((await sumsTrio(name)).name).toBe(name);
        await expect(sumsTrio("demi")).rejects.toMatchObject({ code: "ERR_UNKNOWN_TRIO" });
        await expect(sumsTrio((await sumsTrio("demo")).file)).rejects.toMatchObject({
            code: "ERR_INVALID_OPTION",
            message: expect.stringMatching(/^The demo's problems are for the trios demo, demo-seed2, demo-strong; /)
        });
    });
});
