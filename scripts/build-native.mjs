// Compiles the addon with cmake-js into build/Release/rast.node. Needs no network.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { prepareHeaders } from "./llama-headers.mjs";
import { missingTool } from "./toolchain.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);

/**
 * @param {{ tests?: boolean, portable?: boolean, quiet?: boolean }} options portable: build/portable/rast.node instead
 * @returns {{ ok: true } | { ok: false, line: string, log: string }}
 */
export function buildNative({ tests = false, portable = false, quiet = false } = {}) {
    const missing = missingTool();
    if (missing !== null) return { ok: false, line: missing, log: "" };
    prepareHeaders();
    const folder = join(root, "build");
    const cmakeJs = join(dirname(require.resolve("cmake-js/package.json")), "bin", "cmake-js");
    const headers = require("node-api-headers").include_dir;
    const addonApi = require("node-addon-api").include_dir;
    const args = [
        "--directory",
        root,
        "--out",
        folder,
        "--config",
        "Release",
        "--parallel",
        "2",
        `--CDNODE_ADDON_API_DIR=${addonApi}`,
        `--CDNODE_API_HEADERS_DIR=${headers}`,
        // what was built with tests stays so
        ...(portable ? [] : [`--CDRAST_BUILD_TESTS=${tests ? "ON" : "OFF"}`]),
        ...(portable ? ["--target", "rast-portable"] : [])
    ];
    const cmake = (command) =>
        spawnSync(process.execPath, [cmakeJs, command, ...args], {
            cwd: root,
            encoding: "utf8",
            stdio: ["ignore", "pipe", "pipe"]
        });
    // "build" alone keeps to what was configured before, perhaps without tests.
    const run = () => {
        const configured = cmake("configure");
        return configured.status === 0 ? cmake("build") : configured;
    };
    // A moved folder leaves CMake with a cache that names the old place.
    let result = run();
    if (result.status !== 0 && existsSync(folder)) {
        rmSync(folder, { recursive: true, force: true });
        result = run();
    }
    const log = `${result.stdout}${result.stderr}`;
    if (result.status !== 0) {
        return { ok: false, line: "The addon did not compile; the compiler's words are above.", log };
    }
    if (!quiet && /warning:/.test(log)) process.stderr.write(log);
    return { ok: true };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
    const result = buildNative({ tests: process.argv.includes("--tests") });
    if (!result.ok) {
        process.stderr.write(`${result.log}${result.line}\n`);
        process.exitCode = 1;
    }
}
