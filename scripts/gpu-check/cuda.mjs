// The CUDA toolkit: where its parts lie, and the flags for what CMake would not find by itself.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Misuse, lastWords, printed, run, say } from "./running.mjs";
import { architectureOf, command, firstThere, nvidiaGpu } from "./toolchain.mjs";

const targets = ["x86_64-linux", "sbsa-linux", "aarch64-linux"].map((name) => join("targets", name));
// where nvcc looks, before where Python's packages have them
const libraryFolders = ["lib64", ...targets.map((name) => join(name, "lib")), "lib"];

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

function firstOf(items, find) {
    for (const item of items) {
        const found = find(item);
        if (found !== null) return found;
    }
    return null;
}

// A library for the linker in one of the folders: its plain name, or the one with a version.
function libraryIn(folders, name) {
    return firstOf(folders, (folder) => {
        const plain = firstThere([join(folder, `lib${name}.so`)]);
        if (plain !== null || !existsSync(folder)) return plain;
        const versioned = readdirSync(folder).find((file) => file.startsWith(`lib${name}.so.`));
        return versioned === undefined ? null : join(folder, versioned);
    });
}

const librariesOf = (folder) => libraryFolders.map((name) => join(folder, name));
const isPlain = (library) => library?.endsWith(".so") === true;

function cublasFlags(toolkit, others, shim) {
    const include = [toolkit, ...targets.map((name) => join(toolkit, name))].map((one) => join(one, "include"));
    const own = libraryIn(librariesOf(toolkit), "cublas");
    if (isPlain(own) && include.some((folder) => existsSync(join(folder, "cublas_v2.h"))))
        return { compile: [], all: [] };
    for (const folder of [toolkit, ...others]) {
        const headers = join(folder, "include");
        const cublas = libraryIn(librariesOf(folder), "cublas");
        if (cublas === null || !existsSync(join(headers, "cublas_v2.h"))) continue;
        const light = libraryIn([dirname(cublas)], "cublasLt");
        const all = [`CUDA_cublas_LIBRARY=${cublas}`, ...(light === null ? [] : [`CUDA_cublasLt_LIBRARY=${light}`])];
        // nvcc reads its own toolkit's headers as it is
        if (folder === toolkit) return { compile: [], all };
        rmSync(shim, { recursive: true, force: true });
        mkdirSync(shim, { recursive: true });
        for (const name of readdirSync(headers).filter((file) => /^cublas.*\.h$/.test(file))) {
            symlinkSync(join(headers, name), join(shim, name));
        }
        return { compile: [`-I${shim}`], all };
    }
    throw new Misuse(`cuBLAS is missing: neither ${toolkit} nor Python's packages hold cublas_v2.h and libcublas.so`);
}

// nvcc links what it tries CMake with to the runtime, from lib64 alone; CMake wants a name without a version.
function runtimeFlags(toolkit, others) {
    const folders = [toolkit, ...others].flatMap(librariesOf);
    const usual = [join(toolkit, "lib64"), ...targets.map((name) => join(toolkit, name, "lib"))];
    const hasRuntime = (folder) => existsSync(join(folder, "libcudart_static.a"));
    const elsewhere = usual.some(hasRuntime) ? undefined : folders.find(hasRuntime);
    const runtime = libraryIn(folders, "cudart");
    if (runtime === null) {
        throw new Misuse(`CUDA's runtime is missing: neither ${toolkit} nor Python's packages hold libcudart.so`);
    }
    return {
        compile: elsewhere === undefined ? [] : [`-L${elsewhere}`],
        // its module asks under the one name, and makes a target of the other
        all: isPlain(runtime) ? [] : [`CUDA_CUDART=${runtime}`, `CUDA_cudart_LIBRARY=${runtime}`]
    };
}

/**
 * Flags for cuBLAS and CUDA's runtime where CMake would not find them by itself.
 * @param {string} toolkit the toolkit's folder
 * @param {readonly string[]} others folders with include and lib
 * @param {string} shim a folder to make: links to cuBLAS's headers alone, as others beside them may be of another CUDA
 * @throws Misuse when one of them is nowhere
 */
export function toolkitFlags(toolkit, others, shim) {
    const parts = [cublasFlags(toolkit, others, shim), runtimeFlags(toolkit, others)];
    const compile = parts.flatMap((part) => part.compile);
    const all = parts.flatMap((part) => part.all);
    // loaders do not know these folders, and CMake takes them for ones that they do: nvcc links from there unasked
    const folders = [...new Set(all.map((flag) => dirname(flag.slice(flag.indexOf("=") + 1))))];
    // given twice, the last would be all of it
    return [
        ...(compile.length === 0 ? [] : [`CMAKE_CUDA_FLAGS=${compile.join(" ")}`]),
        ...all,
        ...(folders.length === 0 ? [] : [`CMAKE_SHARED_LINKER_FLAGS=-Wl,-rpath,${folders.join(":")}`])
    ];
}

/** The driver's functions that a cuda.h declares, under the names that programs are linked to. */
export function driverFunctions(header) {
    const declared = [...header.matchAll(/\bCUDAAPI\s+(cu[A-Z]\w*)\s*\(/g)];
    const renamed = [...header.matchAll(/^\s*#\s*define\s+cu[A-Z]\w*\s+(cu[A-Z]\w*_v\d+)\s*$/gm)];
    return [...new Set([...declared, ...renamed].map((match) => match[1]))].sort();
}

/**
 * Makes a library to link to in the driver's place, as toolkits from packages bring none: every function answers that it is
 * a stub (34). Loaders look for libcuda.so.1, and do not find it under this name.
 * @param {string} header a cuda.h
 * @param {string} folder to make
 * @returns {Promise<string>} its path
 */
export async function makeDriverStub(header, folder) {
    const names = driverFunctions(readFileSync(header, "utf8"));
    if (names.length === 0) throw new Misuse(`${header} declares no function of the driver`);
    mkdirSync(folder, { recursive: true });
    const source = join(folder, "libcuda.c");
    const library = join(folder, "libcuda.so");
    writeFileSync(source, names.map((name) => `int ${name}(void) { return 34; }\n`).join(""));
    const args = ["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library, source];
    const result = await run(process.env.CC || "cc", args, { seconds: 120 });
    if (result.code !== 0) throw new Error(`the driver's stub did not compile: ${lastWords(result)}`);
    return library;
}

// The driver's library has no plain name where only the driver is installed, and toolkits from packages have no stub.
async function driverFlags(toolkit, folder) {
    const stubs = librariesOf(toolkit).map((one) => join(one, "stubs", "libcuda.so"));
    const system = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/nvidia/lib64", "/usr/lib/wsl/lib"];
    if (firstThere(stubs) !== null) return [];
    const cache = (await printed("sh", ["-c", "ldconfig -p || /sbin/ldconfig -p"])) ?? "";
    const listed = /libcuda\.so\.1 .*=> (\S+)/.exec(cache)?.[1];
    const found = firstThere([...(listed ? [listed] : []), ...system.map((one) => join(one, "libcuda.so.1"))]);
    if (found !== null) return [`CUDA_cuda_driver_LIBRARY=${found}`];
    const include = [toolkit, ...targets.map((name) => join(toolkit, name))];
    const header = firstThere(include.map((one) => join(one, "include", "cuda.h")));
    if (header === null) throw new Misuse(`${toolkit} holds no cuda.h`);
    say("the driver's libcuda is missing: linking to a stub");
    return [`CUDA_cuda_driver_LIBRARY=${await makeDriverStub(header, folder)}`];
}

/**
 * Flags of the CUDA backend.
 * @param {{ architectures?: string, cublas?: string, work: string }} options work: a folder for what must be made
 * @throws Misuse when something is missing that it needs
 */
export async function cudaFlags({ architectures, cublas, work }) {
    const nvcc = await command("nvcc", "/usr/local/cuda/bin", "/opt/cuda/bin");
    if (nvcc === null) throw new Misuse("nvcc is missing: install the CUDA toolkit, or give --backend cpu");
    // a wrapper on the PATH may stand for it: the compiler itself says where its toolkit is
    const dryRun = await printed("sh", ["-c", `"${nvcc}" -dryrun -c -x cu /dev/null -o /dev/null 2>&1`]);
    const toolkit = join(/^#\$ TOP=(.*)$/m.exec(dryRun ?? "")?.[1] ?? dirname(dirname(nvcc)), ".");
    const gpu = await nvidiaGpu();
    if (gpu === null && architectures === undefined)
        say("nvidia-smi shows no GPU: building for compute capability 9.0");
    const others = [...(cublas === undefined ? [] : [cublas]), ...(await pythonFolders())];
    return [
        "GGML_CUDA=ON",
        "GGML_CUDA_NCCL=OFF",
        `CMAKE_CUDA_COMPILER=${nvcc}`,
        `CMAKE_CUDA_ARCHITECTURES=${architectures ?? architectureOf(gpu?.computeCapability ?? "9.0")}`,
        ...toolkitFlags(toolkit, others, join(work, "cublas-headers")),
        ...(await driverFlags(toolkit, join(work, "driver-stub")))
    ];
}
