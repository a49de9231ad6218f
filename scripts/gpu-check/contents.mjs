// What a pack holds: which files of llama.cpp's source, and which of this package. Pure, so that tests can ask.

/** Most that a pack may weigh. */
export const packLimitBytes = 64 * 1024 * 1024;

// All that configuring and compiling libllama, ggml, ggml-cpu and ggml-cuda reads. llama.cpp's CMake enters vendor
// without being asked: its interface libraries need no more than their CMakeLists.txt, "hash" names its sources.
const llamaFiles = [
    /^(CMakeLists\.txt|LICENSE)$/,
    /^(cmake|include|src)\//,
    /^ggml\/(CMakeLists\.txt$|cmake\/|include\/)/,
    /^ggml\/src\/([^/]+$|ggml-cpu\/|ggml-cuda\/)/,
    /^vendor\/(CMakeLists\.txt|[^/]+\/CMakeLists\.txt|hash\/.*)$/
];

/** Whether a file of llama.cpp's source is needed to build its libraries. */
export function isLlamaFile(path) {
    return llamaFiles.some((pattern) => pattern.test(path));
}

// dist, native/llama/include and models are what the others of this package read; scripts are what runs there.
const projectFiles = [
    /^(CMakeLists\.txt|LICENSE|package\.json)$/,
    /^native\//,
    /^dist\/.*\.js$/,
    /^models\/demo\/[^/]+\.(gguf|json|jsonl)$/,
    /^scripts\/(gpu-check(\.mjs$|\/)|make-shaped-trio\.mjs$)/,
    /^test\/lifecycle\/scripts\//
];

/** Whether a file of this package is needed on the machine with the GPU. */
export function isProjectFile(path) {
    return projectFiles.some((pattern) => pattern.test(path));
}

/** The folders that isProjectFile has something of. */
export const projectFolders = ["dist", "models/demo", "native", "scripts", "test/lifecycle/scripts"];

/** Dependencies that only installing and finding node-llama-cpp's packages need. */
export const leftOut = ["cmake-js", "node-llama-cpp"];

/** Whether a file of an npm package is read when it is used: neither documentation nor types. */
export function isPackageFile(path) {
    return !/\.(md|map|ts|mts|cts)$/i.test(path) && !/(^|\/)(test|tests|docs|node_modules)\//.test(path);
}

/**
 * @param {Readonly<Record<string, number>>} sizes bytes by file
 * @returns the sum
 * @throws when it is over the limit, naming the sizes
 */
export function checkSizes(sizes, limit = packLimitBytes) {
    const total = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
    if (total > limit) {
        const list = Object.entries(sizes).map(([name, bytes]) => `${name} ${mebibytes(bytes)}`);
        throw new Error(`the pack is ${mebibytes(total)}, over ${mebibytes(limit)}: ${list.join(", ")}`);
    }
    return total;
}

export function mebibytes(bytes) {
    return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
