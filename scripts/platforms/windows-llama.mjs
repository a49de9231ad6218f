// llama.cpp's libraries for Windows x64: node-llama-cpp's package where the registry has it, else built from the source that
// node-llama-cpp ships.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeLlamaCppFolder } from "../llama-headers.mjs";
import { crossCMake } from "./cross-build.mjs";
import { npmPackage } from "./npm-package.mjs";
import { platformNamed } from "./platforms.mjs";
import { root, runTool, workFolder } from "./tools.mjs";

const settings = {
    // half the time to build, and the same sums
    CMAKE_C_FLAGS_RELEASE: "-O1 -DNDEBUG",
    CMAKE_CXX_FLAGS_RELEASE: "-O1 -DNDEBUG",
    BUILD_SHARED_LIBS: "ON",
    GGML_BACKEND_DL: "ON",
    GGML_NATIVE: "OFF",
    GGML_OPENMP: "OFF",
    GGML_CCACHE: "OFF",
    // what Windows 11 asks of a processor, and Wine passes on
    GGML_AVX: "ON",
    GGML_AVX2: "ON",
    GGML_FMA: "ON",
    GGML_F16C: "ON",
    GGML_BMI2: "ON",
    LLAMA_BUILD_COMMON: "OFF",
    LLAMA_BUILD_TESTS: "OFF",
    LLAMA_BUILD_TOOLS: "OFF",
    LLAMA_BUILD_EXAMPLES: "OFF",
    LLAMA_BUILD_SERVER: "OFF",
    LLAMA_BUILD_APP: "OFF",
    "GIT_EXE:STRING": "OFF"
};

/** @returns {{ folder: string, how: string }} a folder with all of them, and where they are from */
export function windowsLibraries() {
    const name = "@node-llama-cpp/win-x64";
    const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).optionalDependencies[name];
    const found = spawnSync("npm", ["view", `${name}@${version}`, "version"], { encoding: "utf8" });
    if (found.status === 0 && found.stdout.trim() === version) {
        const bins = join(npmPackage(name, version), "bins");
        return { folder: join(bins, readdirSync(bins)[0]), how: `${name} ${version}` };
    }
    return { folder: built(), how: "built from the bundle of node-llama-cpp with Zig, as the registry has no package" };
}

function built() {
    const bundle = join(nodeLlamaCppFolder(), "llama", "gitRelease.bundle");
    const source = join(workFolder, "llama.cpp");
    const folder = join(workFolder, "llama-win32-x64");
    const libraries = join(folder, "libraries");
    const commit = runTool("git", ["bundle", "list-heads", bundle]).slice(0, 40);
    const stamp = join(libraries, "stamp");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === commit) return libraries;
    process.stderr.write("building llama.cpp for Windows: some minutes, and once\n");
    if (!existsSync(join(source, commit))) {
        rmSync(source, { recursive: true, force: true });
        mkdirSync(source, { recursive: true });
        const git = (...args) => runTool("git", ["-C", source, ...args]);
        git("init", "-q");
        git("fetch", "-q", "--depth=1", bundle, "HEAD");
        git("checkout", "-q", "FETCH_HEAD");
        // As for MSVC: without words on what is exported Zig's linker exports all, the C runtime's atexit as well, and then finds two.
        for (const name of ["ggml/include/ggml.h", "ggml/include/ggml-backend.h", "include/llama.h"]) {
            const file = join(source, name);
            const text = readFileSync(file, "utf8");
            writeFileSync(file, text.replace("defined(_WIN32) && !defined(__MINGW32__)", "defined(_WIN32)"));
        }
        writeFileSync(join(source, commit), "");
    }
    crossCMake(platformNamed("win32-x64"), {
        source,
        folder,
        targets: ["llama", "ggml", "ggml-base", "ggml-cpu"],
        settings: { ...settings, LLAMA_BUILD_COMMIT: commit.slice(0, 7), GGML_BUILD_COMMIT: commit.slice(0, 7) },
        defines: ["-w"]
    });
    rmSync(libraries, { recursive: true, force: true });
    mkdirSync(libraries);
    for (const name of readdirSync(join(folder, "bin")).filter((one) => one.endsWith(".dll"))) {
        copyFileSync(join(folder, "bin", name), join(libraries, name));
    }
    writeFileSync(stamp, commit);
    return libraries;
}
