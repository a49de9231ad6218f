// All set-up of a checkout: dependencies, addon, TypeScript. Does only what has changed since the last time.
// Options: --tests (the native tests too), --force (build all).
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { missingTool } from "./toolchain.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, "build", "setup.json");
const tests = process.argv.includes("--tests");

function fail(line) {
    process.stderr.write(`${line}\n`);
    process.exit(1);
}

function filesBelow(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        return entry.isDirectory() ? filesBelow(path) : [path];
    });
}

function hashOf(...paths) {
    const hash = createHash("sha256").update(`${process.version} ${process.platform} ${process.arch} ${root}`);
    for (const path of paths) {
        const full = join(root, path);
        const files = existsSync(full) && readdirSyncOrNull(full) !== null ? filesBelow(full).sort() : [full];
        for (const file of files) {
            if (file.includes(`${join("native", "llama", "include")}`)) continue;
            hash.update(file.slice(root.length)).update(readFileSync(file));
        }
    }
    return hash.digest("hex");
}

function readdirSyncOrNull(path) {
    try {
        return readdirSync(path);
    } catch {
        return null;
    }
}

// Who reads lines, and no terminal, is told at once, too.
function step(what, work) {
    const start = Date.now();
    const live = process.stderr.isTTY === true;
    process.stderr.write(`${what} ...${live ? " " : "\n"}`);
    work();
    const seconds = `${((Date.now() - start) / 1000).toFixed(1)} s`;
    process.stderr.write(live ? `${seconds}\n` : `${what}: ${seconds}\n`);
}

function run(command, args, options = {}) {
    const result = spawnSync(command, args, {
        cwd: root,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        ...options
    });
    if (result.status !== 0) fail(`\n${result.stdout ?? ""}${result.stderr ?? ""}${result.error?.message ?? ""}`);
}

const major = Number(process.versions.node.split(".")[0]);
if (major < 20) fail(`rast-llama needs Node.js 20 or newer; this is ${process.version}.`);
if (process.argv.includes("--force")) rmSync(stampFile, { force: true });

const stamps = existsSync(stampFile) ? JSON.parse(readFileSync(stampFile, "utf8")) : {};
const save = (change) => {
    Object.assign(stamps, change);
    mkdirSync(dirname(stampFile), { recursive: true });
    writeFileSync(stampFile, JSON.stringify(stamps));
};

const lock = hashOf("package-lock.json");
if (stamps.dependencies !== lock || !existsSync(join(root, "node_modules", "node-llama-cpp"))) {
    step("Installing dependencies", () => {
        // Their install scripts are not needed: llama.cpp's binaries come as packages.
        run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { shell: process.platform === "win32" });
    });
    save({ dependencies: lock });
}

const native = hashOf(
    "native",
    "CMakeLists.txt",
    "scripts/llama-headers.mjs",
    "scripts/build-native.mjs",
    "package-lock.json"
);
const addon = join(root, "build", "Release", "rast.node");
const testProgram = join(root, "build", process.platform === "win32" ? "Release" : "", "rast-native-tests");
const testsReady = !tests || stamps.nativeTests === native;
if (stamps.native !== native || !existsSync(addon) || !testsReady) {
    const missing = missingTool();
    const prebuilt = existsSync(join(root, "prebuilds", `${process.platform}-${process.arch}`, "rast.node"));
    if (missing !== null && !(prebuilt && !tests)) fail(missing);
    if (missing === null) {
        step("Building the addon", () => {
            const args = [join(root, "scripts", "build-native.mjs"), ...(tests ? ["--tests"] : [])];
            run(process.execPath, args);
        });
        save({ native, ...(tests ? { nativeTests: native } : {}) });
    }
}
if (
    tests &&
    process.platform !== "win32" &&
    !existsSync(testProgram) &&
    !existsSync(join(root, "build", "Release", "rast-native-tests"))
) {
    fail("The native tests were not built: remove build/ and try again.");
}

const source = hashOf("src", "tsconfig.json");
if (stamps.source !== source || !existsSync(join(root, "dist", "index.js"))) {
    step("Compiling TypeScript", () => {
        rmSync(join(root, "dist"), { recursive: true, force: true });
        run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.json"]);
    });
    save({ source });
}
