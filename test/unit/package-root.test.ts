import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pathToFileURL } from "node:url";
import { findPackage, unpackedPath } from "../../src/package-root.js";

describe("unpackedPath", () => {
    let folder: string;
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "rast-asar-"))));
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it.each(["app.asar", "electron.asar", "my app.asar", "node_modules.asar"])(
        "finds what lies beside %s",
        (archive) => {
            const unpacked = join(folder, `${archive}.unpacked`, "node_modules", "rast-llama");
            mkdirSync(unpacked, { recursive: true });
            writeFileSync(join(unpacked, "child.js"), "");
            const packed = join(folder, archive, "node_modules", "rast-llama");
            expect(unpackedPath(join(packed, "child.js"))).toBe(join(unpacked, "child.js"));
            expect(unpackedPath(packed)).toBe(unpacked);
            expect(unpackedPath(join(unpacked, "child.js"))).toBe(join(unpacked, "child.js"));
        }
    );

    it("finds it below a folder that has such a name itself", () => {
        const unpacked = join(folder, "my.asar", "app.asar.unpacked", "rast.node");
        mkdirSync(join(folder, "my.asar", "app.asar.unpacked"), { recursive: true });
        writeFileSync(unpacked, "");
        expect(unpackedPath(join(folder, "my.asar", "app.asar", "rast.node"))).toBe(unpacked);
    });

    it.each(["plain", "app.asar", "app.asarx", "x.asar.y"])("leaves what is nowhere else: %s", (name) => {
        const path = join(folder, name, "rast.node");
        expect(unpackedPath(path)).toBe(path);
    });
});

describe("findPackage", () => {
    it("knows this package by its name", () => {
        expect(findPackage(import.meta.url).manifest.version).toMatch(/^\d+\.\d+\.\d+/);
    });

    // webpack writes the path of the machine that it ran on; esbuild leaves nothing of import.meta in CommonJS
    it.each([
        undefined,
        "webpack:///src/x.js",
        pathToFileURL(join(tmpdir(), "none", "x.js")).href,
        pathToFileURL(join(tmpdir(), "rast-bundle", "out", "x.js")).href
    ])("refuses to be part of a bundle: %s", (module) => {
        const folder = join(tmpdir(), "rast-bundle");
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, "package.json"), '{"name": "app"}');
        expect(() => findPackage(module)).toThrow(
            expect.objectContaining({
                code: "ERR_BUNDLED",
                message: expect.stringContaining("esbuild --external:rast-llama")
            })
        );
        rmSync(folder, { recursive: true });
    });
});
