import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findPackages, localBuild, packageFolder } from "../../../src/native/llama-packages.js";
import { llamaRelease } from "../../../src/native/llama-release.js";
import { llamaPackages, packageRoot } from "../../../src/package-root.js";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "rast-packages-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(file: string, content: unknown): void {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), typeof content === "string" ? content : JSON.stringify(content));
}

test("the release is that of the source which headers are taken from, and the packages are node-llama-cpp's", () => {
    const require = createRequire(import.meta.url);
    const nodeLlamaCpp = join(packageRoot(), "node_modules", "node-llama-cpp");
    const info = JSON.parse(readFileSync(join(nodeLlamaCpp, "llama", "llama.cpp.info.json"), "utf8")) as { tag: string };
    expect(info.tag).toBe(llamaRelease);
    const { optionalDependencies } = require(join(nodeLlamaCpp, "package.json")) as { optionalDependencies: object };
    expect(llamaPackages()).toEqual(optionalDependencies);
});

describe("packages", () => {
    test("of this platform are found, from this package's folder", async () => {
        const name = Object.keys(llamaPackages()).find((one) => findPackages(one).length > 0)!;
        expect(findPackages(name)).toEqual([
            { folder: join(packageRoot(), "node_modules", name), version: llamaPackages()[name] }
        ]);
        expect(await packageFolder(name)).toBe(join(packageRoot(), "node_modules", name, "bins"));
    });

    test("of another version, or of no such name, are not taken", async () => {
        expect(findPackages("prettier")).toHaveLength(1);
        expect(await packageFolder("prettier")).toBeUndefined();
        expect(findPackages("@node-llama-cpp/none")).toEqual([]);
    });
});

describe("what node-llama-cpp built", () => {
    const options = { buildOptions: { gpu: "cuda", llamaCpp: { repo: "ggml-org/llama.cpp", release: "v0.5.0" } } };

    test("is found where it was finished", () => {
        expect(localBuild(folder)).toBeUndefined();
        write("llama/lastBuild.json", { folderName: "linux-x64-cuda" });
        expect(localBuild(folder)).toBeUndefined();
        write("llama/localBuilds/linux-x64-cuda/Release/_nlcBuildMetadata.json", options);
        expect(localBuild(folder)).toBeUndefined();
        write("llama/localBuilds/linux-x64-cuda/buildDone.status", "");
        expect(localBuild(folder)).toEqual({
            folder: join(folder, "llama", "localBuilds", "linux-x64-cuda", "Release"),
            release: "v0.5.0",
            gpu: "cuda"
        });
    });

    test.each(["", "null", "{}", '{"folderName": 5}', '{"folderName": "../.."}'])("is nothing when it says %j", (text) => {
        write("llama/lastBuild.json", text);
        expect(localBuild(folder)).toBeUndefined();
    });
});
