import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root, run } from "../../support/native.js";

type Sizes = Readonly<Record<string, number>>;
interface Contents {
    isLlamaFile(path: string): boolean;
    isProjectFile(path: string): boolean;
    isPackageFile(path: string): boolean;
    checkSizes(sizes: Sizes, limit?: number): number;
}
interface Toolchain {
    cpuFlags(cpuinfo: string): string[];
    llamaFlags(options: { ggmlCommit: string; cpuinfo: string; cuda: readonly string[] }): string[];
    architectureOf(computeCapability: string): string;
    slugOf(name: string): string;
}
interface Cuda {
    toolkitFlags(toolkit: string, others: readonly string[], shim: string): string[];
    driverFunctions(header: string): string[];
    makeDriverStub(header: string, folder: string): Promise<string>;
}
interface Bench {
    benchUnits(options: { agreements: string; samplings: string }): { agreement: string; sampling: string }[];
    benchArguments(options: object): string[];
}
interface Records {
    recordOf(options: object): { failed: number; missing: string[]; bench: unknown[]; benchFailures: unknown[] };
}

const script = join(root, "scripts", "gpu-check.mjs");
const part = async <T>(name: string): Promise<T> =>
    (await import(pathToFileURL(join(root, "scripts", "gpu-check", `${name}.mjs`)).href)) as T;

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "rast-gpu-check-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const touch = (...paths: string[]): void => {
    for (const path of paths) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), "");
    }
};

describe("what a pack holds", () => {
    it("of llama.cpp: what its libraries are made of", async () => {
        const { isLlamaFile } = await part<Contents>("contents");
        const needed = [
            "CMakeLists.txt",
            "cmake/build-info.cmake",
            "include/llama.h",
            "src/models/qwen2.cpp",
            "ggml/cmake/common.cmake",
            "ggml/src/ggml-backend-reg.cpp",
            "ggml/src/ggml-cpu/arch/x86/quants.c",
            "ggml/src/ggml-cuda/template-instances/mmq-instance-q4_k.cu",
            "vendor/nlohmann/CMakeLists.txt",
            "vendor/hash/xxhash/xxhash.c"
        ];
        const others = [
            "tools/server/server.cpp",
            "ggml/src/ggml-vulkan/ggml-vulkan.cpp",
            "vendor/miniaudio/miniaudio.h",
            "models/ggml-vocab-qwen2.gguf",
            "docs/build.md",
            "ggml/tests/CMakeLists.txt"
        ];
        expect(needed.filter((path) => !isLlamaFile(path))).toEqual([]);
        expect(others.filter((path) => isLlamaFile(path))).toEqual([]);
    });

    it("of this package: what is built and run, no tests of TypeScript, no types", async () => {
        const { isProjectFile, isPackageFile } = await part<Contents>("contents");
        const needed = [
            "CMakeLists.txt",
            "package.json",
            "dist/cli/main.js",
            "native/llama/include/ggml.h",
            "native/test/preload/count_reads.c",
            "models/demo/demo-base.gguf",
            "models/demo/demo.json",
            "scripts/gpu-check.mjs",
            "scripts/gpu-check/start.sh",
            "scripts/make-shaped-trio.mjs",
            "test/lifecycle/scripts/worker.mjs"
        ];
        const others = ["dist/index.d.ts", "dist/index.js.map", "src/index.ts", "scripts/setup.mjs", "README.md"];
        expect(needed.filter((path) => !isProjectFile(path))).toEqual([]);
        expect(others.filter((path) => isProjectFile(path))).toEqual([]);
        expect(["napi.h", "include/node_api.h", "index.js", "package.json"].every(isPackageFile)).toBe(true);
        expect(["README.md", "index.d.ts", "dist/index.js.map", "test/a.js"].some(isPackageFile)).toBe(false);
    });

    it("weighs at most 64 MiB", async () => {
        const { checkSizes } = await part<Contents>("contents");
        expect(checkSizes({ a: 1024, b: 2048 })).toBe(3072);
        expect(checkSizes({ a: 64 * 1024 * 1024 })).toBe(64 * 1024 * 1024);
        expect(() => checkSizes({ "node.tar.xz": 64 * 1024 * 1024, b: 1 })).toThrow(
            "the pack is 64.0 MiB, over 64.0 MiB: node.tar.xz 64.0 MiB, b 0.0 MiB"
        );
    });
});

describe("flags", () => {
    it("name the processor's features one by one", async () => {
        const { cpuFlags } = await part<Toolchain>("toolchain");
        const old = cpuFlags("processor : 0\nflags\t\t: fpu sse4_2 avx f16c\nmodel : x\nflags : avx2\n");
        expect(old).toEqual(
            expect.arrayContaining(["GGML_SSE42=ON", "GGML_AVX=ON", "GGML_AVX2=OFF", "GGML_AVX512=OFF"])
        );
        const recent = cpuFlags("flags : avx512f avx512cd avx512vl avx512dq avx512bw avx512_vnni\n");
        expect(recent).toEqual(
            expect.arrayContaining(["GGML_AVX512=ON", "GGML_AVX512_VNNI=ON", "GGML_AVX512_BF16=OFF"])
        );
        expect(cpuFlags("").every((flag) => flag.endsWith("=OFF"))).toBe(true);
    });

    it("ask for loadable backends, and for the commit that the addon expects", async () => {
        const { llamaFlags, architectureOf } = await part<Toolchain>("toolchain");
        const flags = llamaFlags({ ggmlCommit: "0ad4a86", cpuinfo: "", cuda: ["GGML_CUDA=ON"] });
        expect(flags).toEqual(
            expect.arrayContaining([
                "GGML_BACKEND_DL=ON",
                "GGML_NATIVE=OFF",
                "LLAMA_BUILD_COMMIT=0ad4a86",
                "GGML_CUDA=ON"
            ])
        );
        expect(architectureOf("9.0")).toBe("90-real");
        expect(architectureOf("12.0")).toBe("120-real");
    });

    it.each(["lib64", "targets/x86_64-linux/lib"])("leave all to CMake where a toolkit has it in %s", async (lib) => {
        const { toolkitFlags } = await part<Cuda>("cuda");
        touch("cuda/include/cublas_v2.h");
        touch(...["libcublas.so", "libcudart.so", "libcudart_static.a"].map((name) => `cuda/${lib}/${name}`));
        expect(toolkitFlags(join(folder, "cuda"), [], join(folder, "shim"))).toEqual([]);
    });

    it("find cuBLAS among Python's packages, and take no other header from there", async () => {
        const { toolkitFlags } = await part<Cuda>("cuda");
        const shim = join(folder, "shim");
        touch("cuda/include/cuda.h", "site/include/cublas_v2.h", "site/include/cublas_api.h", "site/include/cuda.h");
        touch("cuda/lib64/libcudart.so", "cuda/lib64/libcudart_static.a");
        touch("site/lib/libcublas.so.13", "site/lib/libcublasLt.so.13");
        expect(toolkitFlags(join(folder, "cuda"), [join(folder, "site")], shim)).toEqual([
            `CMAKE_CUDA_FLAGS=-I${shim}`,
            `CUDA_cublas_LIBRARY=${join(folder, "site", "lib", "libcublas.so.13")}`,
            `CUDA_cublasLt_LIBRARY=${join(folder, "site", "lib", "libcublasLt.so.13")}`,
            `CMAKE_SHARED_LINKER_FLAGS=-Wl,-rpath,${join(folder, "site", "lib")}`
        ]);
        expect(readdirSync(shim).sort()).toEqual(["cublas_api.h", "cublas_v2.h"]);
        expect(() => toolkitFlags(join(folder, "cuda"), [], shim)).toThrow("cuBLAS is missing");
    });

    it("take a toolkit that is itself Python's packages: no lib64, no name without a version", async () => {
        const { toolkitFlags } = await part<Cuda>("cuda");
        const toolkit = join(folder, "nvidia", "cu13");
        const lib = join(toolkit, "lib");
        touch(
            "nvidia/cu13/include/cublas_v2.h",
            "nvidia/cu13/lib/libcublas.so.13",
            "nvidia/cu13/lib/libcublasLt.so.13"
        );
        expect(() => toolkitFlags(toolkit, [], join(folder, "shim"))).toThrow("CUDA's runtime is missing");
        touch("nvidia/cu13/lib/libcudart.so.13", "nvidia/cu13/lib/libcudart_static.a");
        expect(toolkitFlags(toolkit, [toolkit], join(folder, "shim"))).toEqual([
            `CMAKE_CUDA_FLAGS=-L${lib}`,
            `CUDA_cublas_LIBRARY=${join(lib, "libcublas.so.13")}`,
            `CUDA_cublasLt_LIBRARY=${join(lib, "libcublasLt.so.13")}`,
            `CUDA_CUDART=${join(lib, "libcudart.so.13")}`,
            `CUDA_cudart_LIBRARY=${join(lib, "libcudart.so.13")}`,
            `CMAKE_SHARED_LINKER_FLAGS=-Wl,-rpath,${lib}`
        ]);
    });

    it.runIf(process.platform === "linux")(
        "stand in for a driver that is not there with all that cuda.h declares",
        async () => {
            const { driverFunctions, makeDriverStub } = await part<Cuda>("cuda");
            const header = join(folder, "cuda.h");
            writeFileSync(
                header,
                "#define cuMemAlloc cuMemAlloc_v2\n#define cuStreamWaitValue32 __CUDA_API_PTSZ(cuStreamWaitValue32)\n" +
                    "CUresult CUDAAPI cuInit(unsigned int Flags);\nCUresult CUDAAPI cuMemAlloc(CUdeviceptr *dptr, size_t n);\n"
            );
            expect(driverFunctions(readFileSync(header, "utf8"))).toEqual(["cuInit", "cuMemAlloc", "cuMemAlloc_v2"]);
            const library = await makeDriverStub(header, join(folder, "stub"));
            const { stdout } = await run("readelf", ["-d", "--dyn-syms", "-W", library]);
            expect(stdout).toContain("[libcuda.so.1]");
            expect(stdout).toMatch(/ cuMemAlloc_v2$/m);
        }
    );
});

describe("benchmarks and the record", () => {
    const options = {
        ...{ modes: "base,host,device,draft", prompt: "512", generate: "128", depth: "0" },
        ...{ sequences: "1,8", repetitions: "5" }
    };

    it("have a unit per agreement and way of drawing", async () => {
        const { benchUnits, benchArguments } = await part<Bench>("bench");
        expect(benchUnits({ agreements: "0.8,0.95", samplings: "greedy,paper" })).toHaveLength(4);
        expect(() => benchUnits({ agreements: "0.8,2", samplings: "paper" })).toThrow("expected numbers from 0 to 1");
        expect(() => benchUnits({ agreements: "1", samplings: "warm" })).toThrow(
            "expected greedy,paper for --samplings"
        );
        const trio = { base: "b", expert: "e", antiexpert: "a" };
        const line = benchArguments({ trio, sampling: "paper", options, output: "out" }).join(" ");
        expect(line).toBe(
            "bench --base b --expert e --antiexpert a --mode base,host,device,draft --prompt 512 --generate 128 --depth 0 " +
                "--sequences 1,8 --repetitions 5 --temperature 1 --top-p 0.95 --format json --output out"
        );
    });

    it("say what failed and what is missing", async () => {
        const { recordOf } = await part<Records>("record");
        const state = {
            date: "2026-01-01T00:00:00Z",
            build: { ok: true },
            testsWanted: ["one", "two", "three"],
            tests: { one: { name: "one", ok: true }, two: { name: "two", ok: false, error: "no" } },
            benchWanted: ["a", "b"],
            bench: { a: { ok: true, record: { schema: "rast-bench/1" } }, b: { ok: false, error: "no" } }
        };
        const record = recordOf({ state, backend: "cuda", machine: { gpu: null }, versions: {} });
        expect(record).toMatchObject({ failed: 2, missing: ["three"], bench: [{ schema: "rast-bench/1" }] });
        expect(record.benchFailures).toEqual([{ name: "b", error: "no" }]);
        expect(recordOf({ state: {}, backend: "cpu", machine: { gpu: null }, versions: {} }).missing).toEqual([
            "build",
            "test",
            "bench"
        ]);
    });

    it("name files after the card", async () => {
        const { slugOf } = await part<Toolchain>("toolchain");
        expect(slugOf("NVIDIA H100 80GB HBM3")).toBe("nvidia-h100-80gb-hbm3");
    });
});

describe("the command", () => {
    it("explains itself", async () => {
        const { code, stdout } = await run(process.execPath, [script, "--help"]);
        expect(code).toBe(0);
        expect(stdout).toContain("gpu-pack/gpu-check [build|test|bench]");
    });

    it.each([
        ["dance"],
        ["build", "--backend", "rocm"],
        ["build", "--limit", "soon"],
        ["test", "--unheard-of"],
        ["bench", "--pack", "/nowhere"]
    ])("exits with 2 and one line for %s %s %s", async (...args) => {
        const { code, stderr } = await run(process.execPath, [script, ...args.filter((arg) => arg !== undefined)]);
        expect(code).toBe(2);
        expect(stderr).toMatch(/^gpu-check: .+\n$/);
    });
});
