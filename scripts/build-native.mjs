// Compiles the addon with cmake-js into build/Release/rast.node. Needs no network.
import { spawn } from "node:child_process";
import { cpSync, existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { headersArePacked, prepareHeaders } from "./llama-headers.mjs";
import { progressLines } from "./progress-lines.mjs";
import { missingTool } from "./toolchain.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/**
 * @param {{ tests?: boolean, portable?: boolean, onProgress?: (done: number, all: number) => void }} options
 *     portable: build/portable/rast.node instead
 * @returns {Promise<{ ok: true } | { ok: false, line: string, log: string }>}
 */
export async function buildNative({ tests = false, portable = false, onProgress = () => {} } = {}) {
    const missing = missingTool({ git: !headersArePacked() });
    if (missing !== null) return { ok: false, line: missing, log: "" };
    prepareHeaders();
    const folder = join(root, "build");
    const cmakeJs = join(dirname(require.resolve("cmake-js/package.json")), "bin", "cmake-js");
    const args = () => [
        "--directory",
        root,
        "--out",
        folder,
        "--config",
        "Release",
        "--parallel",
        "2",
        `--CDNODE_ADDON_API_DIR=${headersOf("node-addon-api", folder)}`,
        `--CDNODE_API_HEADERS_DIR=${headersOf("node-api-headers", folder)}`,
        `--CDRAST_UNITY=${process.env.RAST_UNITY === "0" ? "OFF" : "ON"}`,
        // what was built with tests stays so
        ...(portable ? [] : [`--CDRAST_BUILD_TESTS=${tests ? "ON" : "OFF"}`]),
        ...(portable ? ["--target", "rast-portable"] : [])
    ];
    const cmake = (command) => ran([cmakeJs, command, ...args()], onProgress);
    // "build" alone keeps to what was configured before, perhaps without tests.
    const run = async () => {
        const configured = await cmake("configure");
        return configured.code === 0 ? cmake("build") : configured;
    };
    // A moved folder leaves CMake with a cache that names the old place, which it refuses to work with.
    if (cacheIsOfAnotherFolder(folder)) {
        for (const name of readdirSync(folder)) {
            if (name !== "setup.json") rmSync(join(folder, name), { recursive: true, force: true });
        }
    }
    const result = await run();
    if (result.code !== 0) {
        return { ok: false, line: "The addon did not compile; the compiler's words are above.", log: result.log };
    }
    if (/warning:/.test(result.log)) process.stderr.write(result.log);
    return { ok: true };
}

/** Whether CMake made what is in a build folder for a project elsewhere. */
export function cacheIsOfAnotherFolder(folder) {
    const cache = join(folder, "CMakeCache.txt");
    if (!existsSync(cache)) return false;
    const [, home] = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, "utf8")) ?? [];
    return home === undefined || relative(home.trim(), root) !== "";
}

// A compiler reads nothing in the ZIP archives in which Yarn may keep packages.
function headersOf(name, folder) {
    const found = require(name).include_dir;
    if (!/\.zip[\\/]/.test(found)) return found;
    const copy = join(folder, "headers", name);
    cpSync(found, copy, { recursive: true });
    return copy;
}

function ran(args, onProgress) {
    return new Promise((resolve, reject) => {
        const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
        let log = "";
        const read = (text) => {
            log += text;
            // of ninja, and of make
            const [, done, all] = /\[(\d+)\/(\d+)\]/.exec(text) ?? /\[ *(\d+)(%)\]/.exec(text) ?? [];
            if (done !== undefined) onProgress(Number(done), all === "%" ? 100 : Number(all));
        };
        for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", read);
        child.on("error", reject);
        child.on("close", (code) => resolve({ code, log }));
    });
}

// A line that counts on a terminal; elsewhere one that says what goes on.
function progressLine() {
    const stream = process.stderr;
    if (stream.isTTY !== true) {
        stream.write(`Compiling the addon for ${process.platform}-${process.arch}; this takes a minute or two.\n`);
        return progressLines((text) => stream.write(`${text}\n`), "Compiling the addon");
    }
    const show = (done, all) =>
        stream.write(`\r\u001b[KCompiling the addon: ${Math.floor((100 * done) / Math.max(1, all))}%`);
    show(0, 1);
    return { show, clear: () => stream.write("\r\u001b[K") };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
    const line = progressLine();
    const result = await buildNative({ tests: process.argv.includes("--tests"), onProgress: line.show });
    line.clear();
    if (!result.ok) {
        process.stderr.write(`${result.log}${result.line}\n`);
        process.exitCode = 1;
    }
}
