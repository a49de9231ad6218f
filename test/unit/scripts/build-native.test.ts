import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
// @ts-expect-error a script without declarations
import { cacheIsOfAnotherFolder } from "../../../scripts/build-native.mjs";
import { root } from "../../support/native.js";

const folder = mkdtempSync(join(tmpdir(), "rast-build-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// what compiled and failed is kept: a second time, or a mended file, takes only the rest
test("only a folder that was moved is built from nothing", () => {
    const isOfAnother = (): boolean => (cacheIsOfAnotherFolder as (folder: string) => boolean)(folder);
    const made = (text: string): boolean => {
        writeFileSync(join(folder, "CMakeCache.txt"), text);
        return isOfAnother();
    };
    expect(isOfAnother()).toBe(false);
    expect(made(`A:STRING=b\nCMAKE_HOME_DIRECTORY:INTERNAL=${root}\n`)).toBe(false);
    expect(made(`CMAKE_HOME_DIRECTORY:INTERNAL=${join(root, "build", "..")}\r\n`)).toBe(false);
    expect(made("CMAKE_HOME_DIRECTORY:INTERNAL=/somewhere/else\n")).toBe(true);
    expect(made("")).toBe(true);
});
