import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { adviceToAdd, adviceToBuild, installerOf, isZipped } from "../../../src/native/installation.js";

const at = (...files: string[]): ((path: string) => boolean) => {
    const there = new Set(files.map((file) => join(file)));
    return (path) => there.has(join(path));
};

describe("who installed it", () => {
    test.each([
        ["/app/node_modules/rast-llama", ["/app/node_modules/.package-lock.json"], "npm"],
        ["/app/node_modules/rast-llama", [], "npm"],
        ["/usr/lib/node_modules/rast-llama", [], "npm -g"],
        ["/app/lib/node_modules/rast-llama", ["/app/lib/package.json", "/app/lib/node_modules/.yarn-integrity"], "yarn"],
        ["/app/node_modules/.pnpm/rast-llama@1/node_modules/rast-llama", [], "pnpm"],
        ["/home/x/.local/share/pnpm/store/v11/links/rast-llama/1/node_modules/rast-llama", [], "pnpm"],
        ["/app/node_modules/rast-llama", ["/app/node_modules/.modules.yaml"], "pnpm"],
        ["/app/node_modules/rast-llama", ["/app/node_modules/.yarn-state.yml"], "yarn"],
        ["/app/.yarn/unplugged/rast-llama-1/node_modules/rast-llama", [], "yarn pnp"],
        ["/app/node_modules/rast-llama", ["/app/bun.lock"], "bun"],
        ["/app/node_modules/.bun/rast-llama@1/node_modules/rast-llama", [], "bun"],
        ["/app/node_modules/rast-llama", ["/app/node_modules/.deno", "/app/bun.lock"], "deno"],
        ["/opt/x/resources/app.asar/node_modules/rast-llama", [], "archive"],
        ["/opt/x/resources/core.asar.unpacked/node_modules/rast-llama", [], "archive"],
        ["/code/rast-llama", ["/code/rast-llama/tsconfig.json"], "checkout"],
        ["/code/node_modules/rast-llama", ["/code/node_modules/rast-llama/tsconfig.json"], "npm"],
        // of a package that another package has for itself
        ["/app/node_modules/other/node_modules/rast-llama", ["/app/node_modules/.yarn-integrity"], "yarn"]
    ] as const)("%s with %j: %s", (root, files, installer) => {
        expect(installerOf(root, at(...files))).toBe(installer);
    });
});

test("in Deno's cache", () => {
    const root = "/home/x/.cache/deno/npm/registry.example/rast-llama/0.1.0";
    expect([installerOf(root, at(), true), installerOf(root, at(), false)]).toEqual(["deno", "npm"]);
    expect(installerOf("/app/node_modules/rast-llama", at("/app/node_modules/.package-lock.json"), true)).toBe("npm");
});

test("advice is in its words", () => {
    expect(adviceToAdd("pnpm", "@x/y", "1.2.3")).toBe("Run pnpm add @x/y@1.2.3.");
    expect(adviceToAdd("deno", "@x/y", "1.2.3")).toBe("Run deno add npm:@x/y@1.2.3.");
    expect(adviceToAdd("archive", "@x/y", "1")).toContain("unpack it from the archive (asarUnpack)");
    expect(adviceToBuild("npm")).toBe("Build it: npx rast build.");
    expect(adviceToBuild("yarn pnp")).toBe("Build it: yarn rast build.");
    expect(adviceToBuild("archive")).toContain("node_modules/@rast-llama/**");
});

test("what lies in a ZIP archive", () => {
    expect(isZipped(join("/c", "x.zip", "node_modules", "x"))).toBe(true);
    expect(isZipped(join("/c", "x.zip.unplugged", "x"))).toBe(false);
});
