// What can be said of a CUDA backend without a card: that every symbol is there, for which cards it holds code, and that it
// explains itself.
import { symlinkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { lastWords, run } from "../gpu-check/running.mjs";

const loader = `#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char ** argv) {
    void * library = dlopen(argv[1], RTLD_NOW);
    void * (*init)(void) = library ? (void * (*)(void)) dlsym(library, "ggml_backend_init") : NULL;
    if (init == NULL) { puts(dlerror()); return 1; }
    printf("%s\\n", init() != NULL ? "registered" : "not registered");
    return 0;
}
`;

/** A folder where loaders find the stub as the driver. */
export function stubAsDriver(stub, folder) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    symlinkSync(stub, join(folder, "libcuda.so.1"));
    return folder;
}

/**
 * Symbols that nothing defines, and libraries that are not found, with all of these on the loader's path.
 * @returns {Promise<string[]>} lines of ldd -r; none: it links whole
 */
export async function unresolved(library, folders) {
    const env = { ...process.env, LD_LIBRARY_PATH: folders.join(":") };
    const { code, stdout, stderr } = await run("ldd", ["-r", library], { env, seconds: 120 });
    const lines = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim());
    const bad = lines.filter((line) => /undefined symbol|not found|no version information/.test(line));
    return code === 0 || bad.length > 0 ? bad : [`ldd -r ended with ${code}`];
}

/** @param {string} project with dist @returns {Promise<string[]>} e.g. ["90", "120 PTX"] */
export async function kernelsOf(project, library) {
    const module = pathToFileURL(join(project, "dist", "native", "cuda-kernels.js")).href;
    const { cudaKernels } = await import(module);
    return cudaKernels(library).map(({ capability, isPortable }) => `${capability}${isPortable ? " PTX" : ""}`);
}

/** What ggml's own words are when it opens a backend. */
export async function inGgmlsWords(library, { work, folders }) {
    const source = join(work, "load.c");
    const program = join(work, "load");
    writeFileSync(source, loader);
    const made = await run(process.env.CC || "cc", ["-o", program, source, "-ldl"], { seconds: 120 });
    if (made.code !== 0) throw new Error(`the loader did not compile: ${lastWords(made)}`);
    const env = { ...process.env, LD_LIBRARY_PATH: folders.join(":") };
    const { code, signal, stdout, stderr } = await run(program, [library], { env, seconds: 120 });
    return { code: code ?? signal, said: `${stderr}${stdout}`.trim().split("\n") };
}

/** What `rast devices` says of the CUDA backend in a folder of libraries. */
export async function inOurWords(project, libraries, folders) {
    const env = { ...process.env, RAST_LIBRARIES: libraries, LD_LIBRARY_PATH: folders.join(":") };
    const main = join(project, "dist", "cli", "main.js");
    const result = await run(process.execPath, [main, "devices", "--json"], { env, seconds: 300 });
    if (result.code !== 0) throw new Error(`rast devices failed: ${lastWords(result)}`);
    const { attempts, devices } = JSON.parse(result.stdout);
    return { cuda: attempts.find(({ kind }) => kind === "cuda"), devices: devices.map(({ name }) => name) };
}

/** Packages of Debian that compiled and linked it, from their own words. */
export async function compilers(nvcc) {
    const said = async (command, pattern) =>
        pattern.exec((await run(command, ["--version"], { seconds: 60 })).stdout)?.[1] ?? null;
    return {
        nvcc: await said(nvcc, /V([\d.]+)/),
        gcc: await said(process.env.CXX || "c++", /^(.*)$/m),
        cmake: await said("cmake", /version ([\d.]+)/),
        system: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? null
    };
}
