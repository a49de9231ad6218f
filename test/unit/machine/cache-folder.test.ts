import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cacheFolder } from "../../../src/machine/cache-folder.js";

describe("cacheFolder", () => {
    it("is the user's cache folder of the system", () => {
        const home = join("/", "home", "x");
        expect(cacheFolder({}, "linux", home)).toBe(join(home, ".cache", "rast-llama"));
        expect(cacheFolder({ XDG_CACHE_HOME: "/cache" }, "linux", home)).toBe(join("/cache", "rast-llama"));
        expect(cacheFolder({ XDG_CACHE_HOME: "relative" }, "linux", home)).toBe(join(home, ".cache", "rast-llama"));
        expect(cacheFolder({}, "darwin", home)).toBe(join(home, "Library", "Caches", "rast-llama"));
        expect(cacheFolder({ LOCALAPPDATA: "L" }, "win32", home)).toBe(join("L", "rast-llama", "cache"));
        for (const env of [{}, { LOCALAPPDATA: "" }]) {
            expect(cacheFolder(env, "win32", home)).toBe(join(home, "AppData", "Local", "rast-llama", "cache"));
        }
    });

    it("is that of RAST_CACHE before all", () => {
        expect(cacheFolder({ RAST_CACHE: "/mine", XDG_CACHE_HOME: "/cache" }, "linux", "/home")).toBe("/mine");
    });

    it("is none where RAST_CACHE says so", () => {
        for (const off of ["", "off"])
            expect(cacheFolder({ RAST_CACHE: off, XDG_CACHE_HOME: "/cache" })).toBeUndefined();
    });
});
