import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attemptOf, candidatesFor, findLibraries, wantedBackend } from "../../../src/native/libraries.js";

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

    it("names the package that is missing", async () => {
        await expect(findLibraries(installed(), undefined, linux)).rejects.toMatchObject({
            code: "ERR_LIBRARIES",
            message: expect.stringContaining("@node-llama-cpp/linux-x64")
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
        expect(attemptOf(cuda, false, 0).outcome).toBe("not loaded");
        expect(attemptOf(cuda, true, 0).outcome).toBe("no device");
        expect(attemptOf(cuda, true, 2)).toMatchObject({
            outcome: "used",
            reason: "libggml-cuda.so loaded and found 2 devices"
        });
    });
});
