// All set-up of a checkout: dependencies, addon, TypeScript. Does only what has changed since the last time.
// Options: --tests (the native tests too), --force (build all).
import { spawn } from "node:child_process";
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
async function step(what, work) {
    const start = Date.now();
    const live = process.stderr.isTTY === true;
    process.stderr.write(`${what} ...${live ? " " : "\n"}`);
    await work();
    const seconds = `${((Date.now() - start) / 1000).toFixed(1)} s`;
    process.stderr.write(live ? `${seconds}\n` : `${what}: ${seconds}\n`);
}

// @param onText is given what comes, as it comes
function run(command, args, options = {}, onText = () => {}) {
    return new Promise((resolve) => {
        const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
        let output = "";
        // Otherwise npm would go on alone, beside the next set-up.
        const end = (signal) => {
            child.kill(signal);
            process.exit(signal === "SIGINT" ? 130 : 143);
        };
        for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, end);
        child.on("close", () => {
            for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, end);
        });
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding("utf8").on("data", (text) => {
                output += text;
                onText(text);
            });
        }
        child.on("error", (error) => fail(`\n${output}${error.message}`));
        child.on("close", (status) => (status === 0 ? resolve() : fail(`\n${output}`)));
    });
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
    // Their install scripts are not needed: llama.cpp's binaries come as packages.
    const install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    await step("Installing dependencies", () => run("npm", install, { shell: process.platform === "win32" }));
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
const bundlers = ["build-page", "build-server", "bundled-licenses"].map((name) => join("scripts", `${name}.mjs`));
const source = hashOf("src", "tsconfig.json", "page", ...bundlers);

function nativeIsMissing() {
    const testsReady = !tests || stamps.nativeTests === native;
    if (stamps.native === native && existsSync(addon) && testsReady) return false;
    const missing = missingTool();
    const prebuilt = existsSync(join(root, "prebuilds", `${process.platform}-${process.arch}`, "rast.node"));
    if (missing !== null && !(prebuilt && !tests)) fail(missing);
    return missing === null;
}

async function buildNative() {
    const script = join(root, "scripts", "build-native.mjs");
    // Who reads lines is told how far it is.
    const progress = (text) => {
        if (process.stderr.isTTY !== true)
            process.stderr.write(text.match(/^Compiling the addon: .*\n/gm)?.join("") ?? "");
    };
    await run(process.execPath, [script, ...(tests ? ["--tests"] : [])], {}, progress);
    save({ native, ...(tests ? { nativeTests: native } : {}) });
}

async function compile() {
    rmSync(join(root, "dist"), { recursive: true, force: true });
    // Types are looked at by `npm run typecheck`, and that takes half the time.
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const script = (name) => run(process.execPath, [join(root, "scripts", `${name}.mjs`)]);
    await Promise.all([
        // one of its files is then made anew
        run(process.execPath, [tsc, "-p", "tsconfig.json", "--noCheck"]).then(() => script("build-server")),
        script("build-page")
    ]);
    save({ source });
}

// At the same time, as neither keeps all processors busy to its end.
const work = [];
if (nativeIsMissing()) work.push(["building the addon", buildNative]);
const built = [join("dist", "index.js"), join("dist", "page", "index.html")];
if (stamps.source !== source || !built.every((file) => existsSync(join(root, file))))
    work.push(["compiling TypeScript", compile]);
if (work.length > 0) {
    const what = work.map(([name]) => name).join(", ");
    await step(what[0].toUpperCase() + what.slice(1), () => Promise.all(work.map(([, start]) => start())));
}
if (
    tests &&
    process.platform !== "win32" &&
    !existsSync(testProgram) &&
    !existsSync(join(root, "build", "Release", "rast-native-tests"))
) {
    fail("The native tests were not built: remove build/ and try again.");
}
