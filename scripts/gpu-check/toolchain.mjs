// What the machine has, and the flags that follow for llama.cpp's build.
import { existsSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { basename, join } from "node:path";
import { printed } from "./running.mjs";

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

/** The first path that is there, or null. */
export const firstThere = (paths) => paths.find((path) => existsSync(path)) ?? null;

/** Where a program lies: on the PATH, or in one of these folders; null: nowhere. */
export async function command(name, ...elsewhere) {
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

/** "9.0" to "90-real": machine code for this card alone. */
export function architectureOf(computeCapability) {
    return `${computeCapability.replace(".", "")}-real`;
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
