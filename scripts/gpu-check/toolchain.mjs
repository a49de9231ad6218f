// What the machine has, and the flags that follow for llama.cpp's build.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
import { Misuse, printed, say } from "./running.mjs";

const always = [
    "CMAKE_BUILD_TYPE=Release",
    "BUILD_SHARED_LIBS=ON",
    // libraries as node-llama-cpp's packages hold them: backends that are loaded, plain names, found beside each other
    "GGML_BACKEND_DL=ON",
    "CMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",
    "CMAKE_BUILD_RPATH_USE_ORIGIN=ON",
    "GGML_OPENMP=OFF",
    "GGML_CCACHE=OFF",
    // refused together with loadable backends: the processor's features are named one by one instead
    "GGML_NATIVE=OFF",
    "LLAMA_ALL_WARNINGS=OFF",
    "LLAMA_BUILD_COMMON=OFF",
    "LLAMA_BUILD_TESTS=OFF",
    "LLAMA_BUILD_TOOLS=OFF",
    "LLAMA_BUILD_EXAMPLES=OFF",
    "LLAMA_BUILD_SERVER=OFF",
    "LLAMA_BUILD_APP=OFF",
    // ggml asks git for its commit, and would find the one of whatever lies around it
    "GIT_EXE:STRING=OFF"
];

const features = {
    GGML_SSE42: ["sse4_2"],
    GGML_AVX: ["avx"],
    GGML_AVX2: ["avx2"],
    GGML_BMI2: ["bmi2"],
    GGML_FMA: ["fma"],
    GGML_F16C: ["f16c"],
    GGML_AVX512: ["avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"],
    GGML_AVX512_VBMI: ["avx512f", "avx512vbmi"],
    GGML_AVX512_VNNI: ["avx512f", "avx512_vnni"],
    GGML_AVX512_BF16: ["avx512f", "avx512_bf16"],
    GGML_AVX_VNNI: ["avx_vnni"]
};

/** @param {string} text of /proc/cpuinfo @returns flags for the CPU library */
export function cpuFlags(text) {
    const has = new Set((/^flags\s*:(.*)$/m.exec(text)?.[1] ?? "").trim().split(/\s+/));
    return Object.entries(features).map(([name, all]) => `${name}=${all.every((one) => has.has(one)) ? "ON" : "OFF"}`);
}

/** Flags of llama.cpp's build. @param {readonly string[]} cuda those of the CUDA backend; none: CPU alone */
export function llamaFlags({ ggmlCommit, cpuinfo, cuda }) {
    return [...always, `LLAMA_BUILD_COMMIT=${ggmlCommit}`, ...cpuFlags(cpuinfo), ...cuda];
}

/** What the addon was compiled for, from the header that scripts/llama-headers.mjs wrote. */
export function expectedVersions(project) {
    const text = readFileSync(join(project, "native", "llama", "include", "rast-llama-version.h"), "utf8");
    const define = (name) => new RegExp(`#define ${name} "(.*)"`).exec(text)[1];
    return {
        rast: define("RAST_ADDON_VERSION"),
        llamaCpp: define("RAST_LLAMA_TAG"),
        ggml: define("RAST_GGML_VERSION"),
        ggmlCommit: define("RAST_GGML_COMMIT")
    };
}

const firstThere = (paths) => paths.find((path) => existsSync(path)) ?? null;

async function command(name, ...elsewhere) {
    const found = await printed("sh", ["-c", `command -v ${name}`]);
    return found !== null && found !== "" ? found : firstThere(elsewhere.map((folder) => join(folder, name)));
}

/** Where nvidia-smi lies when it is not on the PATH. */
export const smiFolders = ["/usr/local/nvidia/bin", "/usr/lib/wsl/lib"];

/** The first GPU as nvidia-smi tells it, or null. */
export async function nvidiaGpu() {
    const smi = await command("nvidia-smi", ...smiFolders);
    if (smi === null) return null;
    const query = "name,memory.total,driver_version,compute_cap";
    const text = await printed(smi, [`--query-gpu=${query}`, "--format=csv,noheader,nounits"], { seconds: 60 });
    const [name, mebibytes, driver, computeCapability] = (text ?? "")
        .split("\n")[0]
        .split(",")
        .map((one) => one.trim());
    if (computeCapability === undefined) return null;
    const cuda = /CUDA Version:\s*([\d.]+)/.exec((await printed(smi, [], { seconds: 60 })) ?? "")?.[1] ?? null;
    return { name, memoryBytes: Number(mebibytes) * 1024 * 1024, driver, computeCapability, driverCuda: cuda };
}

/** The machine, for the record. */
export async function machineFacts() {
    const text = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
    const version = async (name, pattern) => pattern.exec((await printed(name, ["--version"])) ?? "")?.[1] ?? null;
    const nvcc = await command("nvcc", "/usr/local/cuda/bin");
    return {
        cpu: cpus()[0]?.model.trim() ?? "unknown",
        cores: cpus().length,
        memoryBytes: totalmem(),
        system: /^PRETTY_NAME="(.*)"$/m.exec(text)?.[1] ?? process.platform,
        compiler: await version(process.env.CXX ?? "c++", /^(.*)$/m),
        cmake: await version("cmake", /version ([\d.]+)/),
        node: process.versions.node,
        cudaToolkit: nvcc === null ? null : await version(nvcc, /release [\d.]+, V([\d.]+)/),
        gpu: await nvidiaGpu()
    };
}

// Folders of Python packages: CUDA's libraries are installed there too, without the names that linkers look for.
async function pythonFolders() {
    const script = "import sys; print('\\n'.join(sys.path))";
    const all = (await printed("python3", ["-c", script], { seconds: 60 })) ?? "";
    const folders = all
        .split("\n")
        .filter((folder) => folder !== "")
        .map((folder) => join(folder, "nvidia"));
    return folders.filter(existsSync).flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
}

const libraryIn = (folder, name) => {
    const plain = firstThere([join(folder, `lib${name}.so`)]);
    if (plain !== null || !existsSync(folder)) return plain;
    const versioned = readdirSync(folder).find((file) => file.startsWith(`lib${name}.so.`));
    return versioned === undefined ? null : join(folder, versioned);
};

/**
 * Flags for cuBLAS where CMake would not find it by itself.
 * @param {string} toolkit the toolkit's folder
 * @param {readonly string[]} others folders with include and lib
 * @param {string} shim a folder to make: links to cuBLAS's headers alone, as others beside them may be of another CUDA
 */
export function cublasFlags(toolkit, others, shim) {
    const libraries = ["lib64", "lib", join("targets", "x86_64-linux", "lib")];
    const include = [join(toolkit, "include"), join(toolkit, "targets", "x86_64-linux", "include")];
    const plain = libraries.some((name) => existsSync(join(toolkit, name, "libcublas.so")));
    if (plain && include.some((folder) => existsSync(join(folder, "cublas_v2.h")))) return [];
    for (const folder of [toolkit, ...others]) {
        const headers = join(folder, "include");
        const cublas = firstOf(libraries, (name) => libraryIn(join(folder, name), "cublas"));
        if (cublas === null || !existsSync(join(headers, "cublas_v2.h"))) continue;
        rmSync(shim, { recursive: true, force: true });
        mkdirSync(shim, { recursive: true });
        for (const name of readdirSync(headers).filter((file) => /^cublas.*\.h$/.test(file))) {
            symlinkSync(join(headers, name), join(shim, name));
        }
        const light = libraryIn(dirname(cublas), "cublasLt");
        return [
            `CMAKE_CUDA_FLAGS=-I${shim}`,
            `CUDA_cublas_LIBRARY=${cublas}`,
            ...(light === null ? [] : [`CUDA_cublasLt_LIBRARY=${light}`])
        ];
    }
    throw new Misuse(`cuBLAS is missing: neither ${toolkit} nor Python's packages hold cublas_v2.h and libcublas.so`);
}

function firstOf(items, find) {
    for (const item of items) {
        const found = find(item);
        if (found !== null) return found;
    }
    return null;
}

// The driver's library has no plain name where only the driver is installed, and toolkits from packages have no stub.
async function driverFlags(toolkit) {
    const stubs = ["lib64/stubs", "lib/stubs", "targets/x86_64-linux/lib/stubs"].map((name) => join(toolkit, name));
    const system = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/nvidia/lib64", "/usr/lib/wsl/lib"];
    if (firstThere(stubs.map((folder) => join(folder, "libcuda.so"))) !== null) return [];
    const cache = (await printed("sh", ["-c", "ldconfig -p || /sbin/ldconfig -p"])) ?? "";
    const listed = /libcuda\.so\.1 .*=> (\S+)/.exec(cache)?.[1];
    const found = firstThere([...(listed ? [listed] : []), ...system.map((folder) => join(folder, "libcuda.so.1"))]);
    if (found !== null) return [`CUDA_cuda_driver_LIBRARY=${found}`];
    say("the driver's libcuda is missing: ggml's memory pools are built without virtual memory");
    return ["GGML_CUDA_NO_VMM=ON"];
}

/** "9.0" to "90-real": machine code for this card alone. */
export function architectureOf(computeCapability) {
    return `${computeCapability.replace(".", "")}-real`;
}

/**
 * Flags of the CUDA backend.
 * @param {{ architectures?: string, cublas?: string, shim: string }} options
 * @throws Misuse when something is missing that it needs
 */
export async function cudaFlags({ architectures, cublas, shim }) {
    const nvcc = await command("nvcc", "/usr/local/cuda/bin", "/opt/cuda/bin");
    if (nvcc === null) throw new Misuse("nvcc is missing: install the CUDA toolkit, or give --backend cpu");
    // a wrapper on the PATH may stand for it: the compiler itself says where its toolkit is
    const dryRun = await printed("sh", ["-c", `"${nvcc}" -dryrun -c -x cu /dev/null -o /dev/null 2>&1`]);
    const toolkit = /^#\$ TOP=(.*)$/m.exec(dryRun ?? "")?.[1] ?? dirname(dirname(nvcc));
    const gpu = await nvidiaGpu();
    if (gpu === null && architectures === undefined)
        say("nvidia-smi shows no GPU: building for compute capability 9.0");
    return [
        "GGML_CUDA=ON",
        "GGML_CUDA_NCCL=OFF",
        `CMAKE_CUDA_COMPILER=${nvcc}`,
        `CMAKE_CUDA_ARCHITECTURES=${architectures ?? architectureOf(gpu?.computeCapability ?? "9.0")}`,
        ...cublasFlags(toolkit, [...(cublas === undefined ? [] : [cublas]), ...(await pythonFolders())], shim),
        ...(await driverFlags(toolkit))
    ];
}

/** A card's name for a file name. */
export function slugOf(name) {
    return (
        basename(name)
            .toLowerCase()
            .replace(/[^a-z0-9]+/g, "-")
            .replace(/^-|-$/g, "") || "unknown"
    );
}
