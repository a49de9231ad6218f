// Builds of the engine and its native tests without Node.js, each in a folder of its own below build/.
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepareHeaders } from "./llama-headers.mjs";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Whether there is such a program. */
export const runs = (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0;

/** clang where it is, as it compiles sanitized code in half the time; RAST_CXX names another compiler. */
export function compiler() {
    return process.env["RAST_CXX"] ?? ["clang++", "g++"].find(runs) ?? "c++";
}

/**
 * Configures and builds; only what has changed since the last time.
 * @param {string} name the folder below build/
 * @param {{ defines?: string[], flags?: string, targets: string[], source?: string, compiler?: string }} options
 * @returns {string} the folder
 */
export function buildApart(
    name,
    { defines = [], flags = "-O1 -g1", targets, source = root, compiler: cxx = compiler() }
) {
    prepareHeaders();
    const folder = join(source, "build", name);
    const generator = runs("ninja") ? ["-G", "Ninja"] : [];
    const cc = cxx
        .replace(/clang\+\+/, "clang")
        .replace(/g\+\+/, "gcc")
        .replace(/c\+\+$/, "cc");
    const configure = [
        ...["-S", source, "-B", folder, ...generator],
        `-DCMAKE_CXX_COMPILER=${cxx}`,
        `-DCMAKE_C_COMPILER=${cc}`,
        "-DCMAKE_BUILD_TYPE=None",
        `-DCMAKE_CXX_FLAGS=${flags}`,
        "-DRAST_BUILD_TESTS=ON",
        "-DRAST_UNITY=OFF",
        ...defines
    ];
    cmake(configure);
    compile(folder, targets);
    return folder;
}

/**
 * Builds with AddressSanitizer and UndefinedBehaviorSanitizer, and with clang for libFuzzer too, so that the fuzzers'
 * objects are those of the sanitized tests.
 * @returns {string} the folder
 */
export function buildWithAddressSanitizer(targets, cxx = compiler()) {
    const fuzzers = /clang/.test(cxx);
    return buildApart(fuzzers ? "asan" : "asan-gcc", {
        compiler: cxx,
        defines: [
            `-DRAST_SANITIZE=address,undefined${fuzzers ? ",fuzzer-no-link" : ""}`,
            `-DRAST_BUILD_FUZZ=${fuzzers ? "ON" : "OFF"}`
        ],
        targets
    });
}

/** Builds in a folder that is configured. */
export function compile(folder, targets) {
    cmake(["--build", folder, "--parallel", "2", "--target", ...targets]);
}

function cmake(args) {
    const result = spawnSync("cmake", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    if (result.status !== 0) {
        throw new Error(`cmake ${args.join(" ")}\n${result.stdout}${result.stderr}${result.error?.message ?? ""}`);
    }
}

/** The folder of llama.cpp's libraries, as the compiled product finds them. */
export async function librariesFolder() {
    const { findLibraries } = await import("../dist/native/libraries.js");
    return (await findLibraries()).core.cpuFolder;
}

/**
 * Runs a program to its end. With `group` the limit ends what it started as well; not where there are no process groups.
 * @returns {Promise<{ code: number | null, signal: string | null, output: string, ms: number }>}
 */
export function runProgram(program, args, { env = {}, limitMs = 600_000, cwd = root, group = false } = {}) {
    return new Promise((resolve, reject) => {
        const start = Date.now();
        const detached = group && process.platform !== "win32";
        const child = spawn(program, args, {
            cwd,
            env: { ...process.env, ...env },
            stdio: ["ignore", "pipe", "pipe"],
            detached
        });
        let output = "";
        const take = (text) => (output += text);
        child.stdout.setEncoding("utf8").on("data", take);
        child.stderr.setEncoding("utf8").on("data", take);
        const timer = setTimeout(
            () => (detached ? process.kill(-child.pid, "SIGKILL") : child.kill("SIGKILL")),
            limitMs
        );
        child.on("error", reject);
        child.on("close", (code, signal) => {
            clearTimeout(timer);
            resolve({ code, signal, output, ms: Date.now() - start });
        });
    });
}
