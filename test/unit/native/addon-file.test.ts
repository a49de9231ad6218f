import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addonFile, platformName, releasedPlatforms, type Surroundings } from "../../../src/native/addon-file.js";
import { isMusl } from "../../../src/native/installation.js";
import { errorOf } from "../../support/refused.js";

const root = join("/app", "node_modules", "rast-llama");
const beside = join("/app", "node_modules", "@rast-llama", "linux-x64");

function around(files: readonly string[], packages: Readonly<Record<string, string>> = {}, more: Partial<Surroundings> = {}): Surroundings {
    return {
        root,
        version: "1.2.3",
        platform: "linux-x64",
        exists: (path) => files.includes(path),
        packages: (name) =>
            Object.entries(packages).flatMap(([folder, version]) => (name === "@rast-llama/linux-x64" ? [{ folder, version }] : [])),
        ...more
    };
}

const built = join(root, "build", "Release", "rast.node");
const packed = join(root, "prebuilds", "linux-x64", "rast.node");
const own = join(beside, "rast.node");

test("a build made here comes before what was packed, and that before the platform's package", () => {
    const found = { [beside]: "1.2.3" };
    expect(addonFile(around([built, packed, own], found))).toBe(built);
    expect(addonFile(around([packed, own], found))).toBe(packed);
    expect(addonFile(around([own], found))).toBe(own);
});

test("the platform's package in the right version, wherever it lies", () => {
    const old = join("/app/other", "linux-x64");
    expect(addonFile(around([own, join(old, "rast.node")], { [old]: "1.2.2", [beside]: "1.2.3" }))).toBe(own);
});

test.each([
    ["is not installed", {}, {}],
    ["is there in version 1.2.2; this package needs 1.2.3", { [beside]: "1.2.2" }, {}],
    ["has lost its file rast.node", { [beside]: "1.2.3" }, {}],
    ["is in a ZIP archive", { [join("/c", "linux-x64.zip", "node_modules", "x")]: "1.2.3" }, {}]
])("says what is missing: %s", (words, packages, more) => {
    const { code, message, details } = errorOf(() => addonFile(around([], packages, more)));
    expect([code, details["package"]]).toEqual(["ERR_ADDON_MISSING", "@rast-llama/linux-x64"]);
    expect(message).toContain(`There is no addon for linux-x64: @rast-llama/linux-x64 ${words}`);
    expect(message).toContain("Run npm install @rast-llama/linux-x64@1.2.3. Or build it: npx rast build.");
});

test("names no package that there is not", () => {
    const { message } = errorOf(() => addonFile(around([], {}, { platform: "freebsd-x64" })));
    expect(message).toBe("There is no addon for freebsd-x64. Build it: npx rast build.");
    expect(releasedPlatforms).toContain("linux-x64");
});

test("a Linux with musl has a name of its own", () => {
    expect(platformName({ platform: "linux", arch: "x64" }, () => true)).toBe("linux-x64-musl");
    expect(platformName({ platform: "linux", arch: "arm64" }, () => false)).toBe("linux-arm64");
    expect(platformName({ platform: "win32", arch: "x64" }, () => true)).toBe("win32-x64");
    const folder = mkdtempSync(join(tmpdir(), "rast-musl-"));
    try {
        const program = join(folder, "node");
        writeFileSync(program, "\u007fELF................/lib/ld-musl-x86_64.so.1\0");
        expect([isMusl(program, "linux"), isMusl(program, "win32"), isMusl(join(folder, "none"), "linux")]).toEqual([true, false, false]);
        expect(isMusl(process.execPath, "linux")).toBe(false);
    } finally {
        rmSync(folder, { recursive: true });
    }
});
