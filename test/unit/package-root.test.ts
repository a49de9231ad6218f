import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unpackedPath } from "../../src/package-root.js";

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

    it.each(["plain", "app.asar", "app.asarx", "x.asar.y"])("leaves what is nowhere else: %s", (name) => {
        const path = join(folder, name, "rast.node");
        expect(unpackedPath(path)).toBe(path);
    });
});
