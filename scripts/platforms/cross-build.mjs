// Compiles the addon for a platform with Zig's clang, from sources in any folder: the bytes do not depend on which.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { hasCommand, installDebian, root, runTool, workFolder, zigProgram } from "./tools.mjs";

// of the Zig in tools.mjs
const clangVersion = "22.1.8";

const require = createRequire(import.meta.url);

// Written only when it changes: ccache knows a compiler by the time of its file.
function write(file, text) {
    mkdirSync(dirname(file), { recursive: true });
    if (existsSync(file) && readFileSync(file, "utf8") === text) return;
    writeFileSync(file, text);
    chmodSync(file, 0o755);
}

const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Commands that CMake takes for a compiler's. */
function compilerCommands({ name, target }) {
    const zig = quoted(zigProgram());
    const folder = join(workFolder, "bin", name);
    const command = (file, ...args) => {
        const path = join(folder, file);
        write(path, `#!/bin/sh\nexec ${[zig, ...args].join(" ")} "$@"\n`);
        return path;
    };
    // CMake's flags of GNU's linker that are of no use here, and which Zig refuses
    const filter = [
        "n=$#",
        "while [ $n -gt 0 ]; do",
        "  a=$1; shift; n=$((n - 1))",
        '  case $a in -Wl,--major-image-version,*) ;; *) set -- "$@" "$a" ;; esac',
        "done"
    ].join("\n");
    const compiler = (file, word) => {
        const path = join(folder, file);
        write(path, `#!/bin/sh\n${filter}\nexec ${zig} ${word} -target ${target} "$@"\n`);
        return path;
    };
    return {
        cxx: compiler("clang++", "c++"),
        c: compiler("clang", "cc"),
        ar: command("ar", "ar"),
        ranlib: command("ranlib", "ranlib"),
        resources: command("rc", "rc")
    };
}

function toolchainFile(platform) {
    const { cxx, c, ar, ranlib, resources } = compilerCommands(platform);
    const settings = {
        CMAKE_SYSTEM_NAME: platform.system,
        CMAKE_SYSTEM_PROCESSOR: platform.processor,
        CMAKE_C_COMPILER: c,
        CMAKE_CXX_COMPILER: cxx,
        CMAKE_AR: ar,
        CMAKE_RANLIB: ranlib,
        CMAKE_C_COMPILER_AR: ar,
        CMAKE_CXX_COMPILER_AR: ar,
        CMAKE_C_COMPILER_RANLIB: ranlib,
        CMAKE_CXX_COMPILER_RANLIB: ranlib,
        CMAKE_RC_COMPILER: resources,
        // Known, so that nothing is linked to learn it: each kind of link has Zig build a C++ runtime first.
        ...Object.fromEntries(
            ["C", "CXX"].flatMap((language) =>
                Object.entries({
                    [`CMAKE_${language}_COMPILER_ID_RUN`]: "TRUE",
                    [`CMAKE_${language}_COMPILER_ID`]: "Clang",
                    [`CMAKE_${language}_COMPILER_VERSION`]: clangVersion,
                    [`CMAKE_${language}_COMPILER_FRONTEND_VARIANT`]: "GNU",
                    [`CMAKE_${language}_STANDARD_COMPUTED_DEFAULT`]: "17",
                    [`CMAKE_${language}_COMPILER_WORKS`]: "TRUE",
                    [`CMAKE_${language}_ABI_COMPILED`]: "TRUE"
                })
            )
        ),
        CMAKE_SIZEOF_VOID_P: "8",
        CMAKE_HAVE_LIBC_PTHREAD: "TRUE",
        // nothing of this machine is to be found
        CMAKE_FIND_ROOT_PATH_MODE_LIBRARY: "ONLY",
        CMAKE_FIND_ROOT_PATH_MODE_INCLUDE: "ONLY",
        CMAKE_FIND_ROOT_PATH_MODE_PACKAGE: "ONLY",
        CMAKE_FIND_ROOT_PATH: join(workFolder, "none"),
        CMAKE_TRY_COMPILE_TARGET_TYPE: "STATIC_LIBRARY",
        ...(platform.os === "darwin"
            ? { CMAKE_OSX_SYSROOT: "", CMAKE_OSX_DEPLOYMENT_TARGET: "", CMAKE_INSTALL_NAME_TOOL: "true" }
            : {})
    };
    const file = join(workFolder, "bin", platform.name, "toolchain.cmake");
    write(
        file,
        Object.entries(settings)
            .map(([name, value]) => `set(${name} "${value}")\n`)
            .join("")
    );
    return file;
}

/**
 * Configures with CMake and builds.
 * @param {import("./platforms.mjs").Platform} platform
 * @param {{ source: string, folder: string, targets: readonly string[], settings: Record<string, string>,
 *     env?: NodeJS.ProcessEnv, defines?: readonly string[] }} what
 */
export function crossCMake(platform, { source, folder, targets, settings, env = {}, defines = [] }) {
    const missing = ["cmake", "ninja"].filter((command) => !hasCommand(command));
    installDebian(missing.map((command) => (command === "ninja" ? "ninja-build" : command)));
    mkdirSync(folder, { recursive: true });
    const mapped = Object.entries({ [folder]: "build", [source]: ".", [root]: "." }).map(
        ([path, name]) => `"-ffile-prefix-map=${path}=${name}"`
    );
    const flags = [...mapped, ...defines].join(" ");
    const all = {
        CMAKE_BUILD_TYPE: "Release",
        CMAKE_TOOLCHAIN_FILE: toolchainFile(platform),
        CMAKE_C_FLAGS: flags,
        CMAKE_CXX_FLAGS: flags,
        CMAKE_SHARED_LINKER_FLAGS: "-s",
        CMAKE_MODULE_LINKER_FLAGS: "-s",
        ...settings
    };
    const cache = join(workFolder, "zig-cache");
    const options = {
        env: { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache, ...env },
        stdio: ["ignore", "pipe", "pipe"]
    };
    const set = Object.entries(all).map(([name, value]) => `-D${name}${name.includes(":") ? "" : ":STRING"}=${value}`);
    runTool("cmake", ["-S", source, "-B", folder, "-G", "Ninja", ...set], options);
    return runTool("cmake", ["--build", folder, "--parallel", "2", "--target", ...targets], options);
}

/**
 * @param {import("./platforms.mjs").Platform} platform
 * @param {readonly import("./platforms.mjs").Artifact[]} artifacts
 * @param {{ source?: string, folder?: string, env?: NodeJS.ProcessEnv }} [options] source: where CMakeLists.txt and
 *     native lie; folder: where to build
 * @returns {string} the folder that the artifacts were built in
 */
export function crossBuild(
    platform,
    artifacts,
    { source = root, folder = join(workFolder, platform.name), env = {} } = {}
) {
    const settings = {
        CMAKE_DISABLE_PRECOMPILE_HEADERS: "ON",
        // it names its folder as seen from here, and CMake looks from the sources
        NODE_ADDON_API_DIR: resolve(require("node-addon-api").include_dir),
        NODE_API_HEADERS_DIR: require("node-api-headers").include_dir,
        RAST_UNITY: "ON",
        RAST_RELEASE: "ON"
    };
    const targets = [...new Set(artifacts.map(({ target }) => target))];
    const log = crossCMake(platform, { source, folder, targets, settings, env });
    for (const line of log.split("\n").filter((one) => /\bwarning:/.test(one))) process.stderr.write(`${line}\n`);
    return folder;
}
