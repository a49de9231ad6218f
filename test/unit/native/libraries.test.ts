import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
    attemptOf,
    candidatesFor,
    findLibraries,
    whyMissing,
    wantedBackend,
    type FoundLibraries
} from "../../../src/native/libraries.js";
import { noAnswer, type NativeBackendOutcome } from "../../../src/native/addon-types.js";
import type { LocalBuild } from "../../../src/native/llama-packages.js";
import { llamaRelease } from "../../../src/native/llama-release.js";

let packages = "";
beforeEach(() => void (packages = mkdtempSync(join(tmpdir(), "rast-libraries-"))));
afterEach(() => rmSync(packages, { recursive: true, force: true }));

function add(...files: string[]): void {
    for (const file of files) {
        const path = join(packages, file);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, "");
    }
}

const core = (folder: string, ext = "so"): string[] =>
    ["ggml-base", "ggml", "llama"].map((name) => `${folder}/${ext === "dll" ? "" : "lib"}${name}.${ext}`);
const installed =
    (...names: string[]) =>
    async (name: string) =>
        names.includes(name) ? join(packages, name.split("/")[1]!) : undefined;
const linux = { platform: "linux", arch: "x64" };
const at = (path: string): string => join(packages, path);

describe("findLibraries", () => {
    it("takes the CPU libraries from the plain package and backends from theirs, CUDA first", async () => {
        add(...core("linux-x64/linux-x64"), ...core("linux-x64-cuda/linux-x64-cuda"));
        add("linux-x64-cuda/linux-x64-cuda/libggml-cuda.so", "linux-x64-cuda-ext/linux-x64-cuda/fallback/libggml-cuda.so");
        const packageFolder = installed(
            "@node-llama-cpp/linux-x64",
            "@node-llama-cpp/linux-x64-cuda",
            "@node-llama-cpp/linux-x64-cuda-ext"
        );
        expect(await findLibraries(packageFolder, undefined, linux)).toEqual({
            core: {
                ggmlBase: at("linux-x64/linux-x64/libggml-base.so"),
                ggml: at("linux-x64/linux-x64/libggml.so"),
                llama: at("linux-x64/linux-x64/libllama.so"),
                cpuFolder: at("linux-x64/linux-x64")
            },
            candidates: [
                {
                    kind: "cuda",
                    source: "@node-llama-cpp/linux-x64-cuda",
                    path: at("linux-x64-cuda/linux-x64-cuda/libggml-cuda.so")
                },
                {
                    kind: "cuda",
                    source: "@node-llama-cpp/linux-x64-cuda-ext",
                    path: at("linux-x64-cuda-ext/linux-x64-cuda/fallback/libggml-cuda.so")
                },
                { kind: "vulkan", source: "@node-llama-cpp/linux-x64-vulkan", path: undefined }
            ]
        });
    });

    it("makes do with a GPU package that has the CPU libraries too", async () => {
        add(...core("linux-x64-vulkan/linux-x64-vulkan"), "linux-x64-vulkan/linux-x64-vulkan/libggml-vulkan.so");
        const found = await findLibraries(installed("@node-llama-cpp/linux-x64-vulkan"), undefined, linux);
        expect(found.core.llama).toBe(at("linux-x64-vulkan/linux-x64-vulkan/libllama.so"));
    });

    it("knows the names of other systems", async () => {
        add(...core("mac-arm64-metal/mac-arm64-metal", "dylib"), "mac-arm64-metal/mac-arm64-metal/libggml-metal.dylib");
        add(...core("win-x64/win-x64", "dll"));
        const mac = await findLibraries(installed("@node-llama-cpp/mac-arm64-metal"), undefined, {
            platform: "darwin",
            arch: "arm64"
        });
        expect(mac.candidates).toEqual([
            {
                kind: "metal",
                source: "@node-llama-cpp/mac-arm64-metal",
                path: at("mac-arm64-metal/mac-arm64-metal/libggml-metal.dylib")
            }
        ]);
        const windows = await findLibraries(installed("@node-llama-cpp/win-x64"), undefined, {
            platform: "win32",
            arch: "x64"
        });
        expect(windows.core.ggmlBase).toBe(at("win-x64/win-x64/ggml-base.dll"));
    });

    it("takes everything from one folder when told to", async () => {
        add(...core("mine"), "mine/libggml-cuda.so");
        const found = await findLibraries(installed(), at("mine"), linux);
        expect(found.core.cpuFolder).toBe(at("mine"));
        expect(found.candidates.filter((one) => one.path !== undefined).map((one) => one.kind)).toEqual(["cuda"]);
        await expect(findLibraries(installed(), at("none"), linux)).rejects.toMatchObject({
            code: "ERR_LIBRARIES",
            message: `RAST_LIBRARIES names ${at("none")}, which does not exist.`
        });
    });

    it("names what a folder lacks", async () => {
        add("half/libggml.so", "half/libggml-cuda.so", "half/libllama.txt");
        await expect(findLibraries(installed(), at("half"), linux)).rejects.toMatchObject({
            code: "ERR_LIBRARIES",
            message: `RAST_LIBRARIES names ${at("half")}, which lacks libggml-base, libllama.`,
            details: { folder: at("half"), missing: ["ggml-base", "llama"] }
        });
    });

    it("takes a build of llama.cpp, with versioned names beside plain ones", async () => {
        add(...core("mine"), "mine/libllama.so.0.5.0", "mine/libggml-base.so.0", "mine/libggml-cpu-haswell.so");
        const { core: found } = await findLibraries(installed(), at("mine"), linux);
        expect(found).toEqual({
            ggmlBase: at("mine/libggml-base.so"),
            ggml: at("mine/libggml.so"),
            llama: at("mine/libllama.so"),
            cpuFolder: at("mine")
        });
    });

    it("says which folder holds no library of a backend that is asked for", async () => {
        add(...core("mine"));
        const { candidates } = await findLibraries(installed(), at("mine"), linux);
        const cuda = candidatesFor("cuda", candidates).attempts.find((attempt) => attempt.kind === "cuda");
        expect(cuda).toMatchObject({ outcome: "not installed", reason: `${at("mine")} holds no libggml-cuda` });
    });

    it("names the package that is missing, in the version that is needed, and what brings it", async () => {
        await expect(findLibraries(installed(), undefined, { platform: "linux", arch: "arm64" })).rejects.toMatchObject({
            code: "ERR_LIBRARIES",
            message: expect.stringMatching(
                /^llama\.cpp's libraries are missing: @node-llama-cpp\/linux-arm64 is not installed, .*\. Run npm ci\.$/
            ),
            details: { package: "@node-llama-cpp/linux-arm64" }
        });
    });

    it("says what to do where there is no package for a platform", async () => {
        await expect(findLibraries(installed(), undefined, { platform: "freebsd", arch: "x64" })).rejects.toThrow(
            "There is no package with llama.cpp for freebsd-x64. Build llama.cpp v0.5.0 as shared libraries, and name their folder"
        );
    });

    describe("a build by node-llama-cpp", () => {
        const build = (gpu: LocalBuild["gpu"], release = llamaRelease): LocalBuild => ({ folder: at("own"), release, gpu });
        const find = (own: LocalBuild, ...names: string[]): Promise<FoundLibraries> =>
            findLibraries(installed(...names), undefined, linux, own);
        const plain = "@node-llama-cpp/linux-x64";
        const vulkan = "@node-llama-cpp/linux-x64-vulkan";
        beforeEach(() => {
            vi.stubEnv("RAST_BACKEND", undefined);
            add(...core("own"), "own/libggml-cuda.so", ...core("linux-x64/x"), "linux-x64-vulkan/x/libggml-vulkan.so");
        });
        afterEach(() => void vi.unstubAllEnvs());

        it("is used: for its GPU always, for the CPU where nothing better is there", async () => {
            expect((await find(build("cuda"), plain, vulkan)).core.cpuFolder).toBe(at("own"));
            expect((await find(build(false), plain)).core.cpuFolder).toBe(at("own"));
            const found = await find(build(false));
            expect(found.core.cpuFolder).toBe(at("own"));
            expect(found.localBuild).toMatchObject({ kind: "cpu", source: at("own"), outcome: "used" });
        });

        it("does not take another backend away", async () => {
            const found = await find(build(false), plain, vulkan);
            expect(found.core.cpuFolder).toBe(at("linux-x64/x"));
            expect(found.localBuild).toMatchObject({ outcome: "not asked for" });
            vi.stubEnv("RAST_BACKEND", "vulkan");
            expect((await find(build("cuda"), plain, vulkan)).core.cpuFolder).toBe(at("linux-x64/x"));
            vi.stubEnv("RAST_BACKEND", "cpu");
            expect((await find(build(false), plain, vulkan)).core.cpuFolder).toBe(at("own"));
        });

        it("of another release is passed over, and said", async () => {
            const found = await find(build("cuda", "b9999"), plain);
            expect(found.core.cpuFolder).toBe(at("linux-x64/x"));
            expect(found.localBuild).toMatchObject({
                outcome: "not loaded",
                reason: `a build by node-llama-cpp of llama.cpp b9999; the addon was made for ${llamaRelease}`
            });
        });
    });
});

describe("backends", () => {
    it("reads RAST_BACKEND", () => {
        expect(wantedBackend("")).toBe("auto");
        expect(wantedBackend("Vulkan")).toBe("vulkan");
        expect(() => wantedBackend("rocm")).toThrow(/Expected auto, cpu, cuda, vulkan, metal for RAST_BACKEND/);
    });

    it("says of each candidate what became of it", () => {
        const cuda = { kind: "cuda", source: "a", path: "/x/libggml-cuda.so" } as const;
        const vulkan = { kind: "vulkan", source: "b", path: undefined } as const;
        expect(candidatesFor("auto", [cuda, vulkan])).toEqual({
            load: [cuda],
            attempts: [{ kind: "vulkan", source: "b", outcome: "not installed", reason: "b is not installed" }]
        });
        expect(candidatesFor("cpu", [cuda]).attempts).toMatchObject([{ outcome: "not asked for" }]);
        const came = (loaded: boolean, devices: number): NativeBackendOutcome => ({
            ...{ path: cuda.path, loaded, devices, answer: noAnswer }
        });
        expect(attemptOf(cuda, came(false, 0)).outcome).toBe("not loaded");
        expect(attemptOf(cuda, came(true, 0)).outcome).toBe("no device");
        expect(attemptOf(cuda, came(true, 2))).toMatchObject({
            outcome: "used",
            reason: "libggml-cuda.so loaded and found 2 devices"
        });
    });
});

describe("why a package is missing", () => {
    it("is that optional packages were left out, by the flag of who installed them", () => {
        const none = (): boolean => false;
        expect(whyMissing("npm", none)).toBe(", nor any other optional package, as with --omit=optional");
        expect(whyMissing("pnpm", none)).toBe(", nor any other optional package, as with --no-optional");
        expect(whyMissing("yarn", none)).toBe(", nor any other optional package, as with --ignore-optional");
        expect(whyMissing("archive", none)).toBe("");
    });

    it("or that the folder comes from another platform", () => {
        const isFound = (name: string): boolean => name === "@node-llama-cpp/mac-arm64-metal";
        expect(whyMissing("npm", isFound)).toBe(
            ", and @node-llama-cpp/mac-arm64-metal is: node_modules was made on another platform"
        );
    });
});
