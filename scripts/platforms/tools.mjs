// Tools of other people's, fetched once into build/platforms: compilers from PyPI, packages of Debian.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Where everything fetched or built for other platforms lies. */
export const workFolder = join(root, "build", "platforms");

/** One compiler for all platforms: clang, lld, and the headers and libraries of every system, in one package. */
export const zigVersion = "0.17.1";
const zig = `ziglang==${zigVersion} --hash=sha256:ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54`;
// Reads ELF, PE and Mach-O.
const lief = "lief==1.0.0";

/** Runs a program to its end. @throws with what it wrote when it fails */
export function runTool(command, args, options = {}) {
    const { error, status, signal, stdout, stderr } = spawnSync(command, args, {
        encoding: "utf8",
        maxBuffer: 1 << 28,
        ...options
    });
    if (error !== undefined) throw new Error(`${command} could not be started: ${error.message}`);
    if (status !== 0) {
        const end = signal === null ? `exit code ${status}` : signal;
        throw new Error(`${command} ${args.join(" ")} failed (${end}):\n${stdout ?? ""}${stderr ?? ""}`);
    }
    return stdout;
}

/** Whether a command is there. */
export function hasCommand(command) {
    return spawnSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" }).status === 0;
}

/**
 * Installs Debian's packages where that is allowed.
 * @param {readonly string[]} packages
 * @throws that names them where it is not
 */
export function installDebian(packages) {
    if (packages.length === 0) return;
    const isRoot = process.getuid?.() === 0;
    if (!hasCommand("apt-get") || (!isRoot && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status !== 0)) {
        throw new Error(`Debian's packages are missing, and may not be installed here: ${packages.join(" ")}.`);
    }
    const before = [...(isRoot ? [] : ["sudo", "-n"]), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    const run = (...args) => runTool(before[0], [...before.slice(1), ...args]);
    process.stderr.write(`installing Debian's ${packages.join(" ")}\n`);
    run("update", "-qq");
    run("install", "-y", "-qq", "--no-install-recommends", ...packages);
}

// A package of PyPI, in a folder of its own: nothing of the machine's Python changes.
function pythonPackage(requirement, folder, options = [], mayInstall = true) {
    const done = join(folder, ".complete");
    if (existsSync(done)) return folder;
    const hasPip = spawnSync("python3", ["-m", "pip", "--version"], { stdio: "ignore" }).status === 0;
    if (!hasPip && !mayInstall) throw new Error("Python with pip is missing (Debian: python3-pip).");
    if (!hasPip) installDebian(["python3-minimal", "python3-pip"]);
    const [name] = requirement.split(" ");
    process.stderr.write(`fetching ${name}\n`);
    const part = `${folder}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    const list = join(part, "requirements.txt");
    writeFileSync(list, `${requirement}\n`);
    const args = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--disable-pip-version-check"
    ];
    runTool("python3", [...args, "--root-user-action", "ignore", ...options, "--target", part, "-r", list]);
    writeFileSync(join(part, ".complete"), "");
    rmSync(folder, { recursive: true, force: true });
    renameSync(part, folder);
    return folder;
}

/** The compiler's program. */
export function zigProgram() {
    const folder = join(workFolder, `zig-${zigVersion}`);
    return join(pythonPackage(zig, folder, ["--require-hashes"]), "ziglang", "zig");
}

/**
 * The folder that Python finds LIEF in.
 * @param mayInstall whether Debian's Python is installed where there is none
 */
export function liefFolder(mayInstall = true) {
    return pythonPackage(lief, join(workFolder, "lief-1.0.0"), [], mayInstall);
}
