// How this package was installed: what advice depends on.
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";

/** Who laid out the folders that this package lies in. */
export type Installer = "npm" | "npm -g" | "pnpm" | "yarn" | "yarn pnp" | "bun" | "deno" | "checkout" | "archive";

// What each leaves in a folder node_modules, the surest first; bun says it beside the folder alone.
const traces: readonly (readonly [trace: string, installer: Installer])[] = [
    [".deno", "deno"],
    [".modules.yaml", "pnpm"],
    [".yarn-state.yml", "yarn"],
    [".yarn-integrity", "yarn"],
    [".package-lock.json", "npm"],
    [join("..", "bun.lock"), "bun"],
    [join("..", "bun.lockb"), "bun"]
];

/**
 * Who installed a package.
 * @param root its folder
 * @returns "npm" where nothing tells, as its words are known to most
 */
export function installerOf(
    root: string,
    exists: (path: string) => boolean = existsSync,
    isDeno = process.versions["deno"] !== undefined
): Installer {
    const parts = root.split(/[\\/]/);
    if (parts.some((part) => /\.asar(?:\.unpacked)?$/.test(part))) return "archive";
    if (parts.includes(".yarn")) return "yarn pnp";
    if (parts.includes(".pnpm") || /[\\/]pnpm[\\/](?:store|links)[\\/]/.test(root)) return "pnpm";
    if (parts.includes(".bun")) return "bun";
    for (let folder = dirname(root); folder !== dirname(folder); folder = dirname(folder)) {
        if (basename(folder) !== "node_modules") continue;
        const found = traces.find(([trace]) => exists(join(folder, trace)));
        // npm's folder for commands has no project around it
        const isGlobal = basename(dirname(folder)) === "lib" && !exists(join(folder, "..", "package.json"));
        if (isGlobal) return "npm -g";
        if (found !== undefined) return found[1];
    }
    const isInstalled = parts.includes("node_modules");
    // without a folder node_modules it runs what lies in its cache
    if (isDeno && !isInstalled) return "deno";
    return !isInstalled && exists(join(root, "tsconfig.json")) ? "checkout" : "npm";
}

const adding: Readonly<Record<Exclude<Installer, "checkout" | "archive">, string>> = {
    npm: "npm install ",
    "npm -g": "npm install -g ",
    pnpm: "pnpm add ",
    yarn: "yarn add ",
    "yarn pnp": "yarn add ",
    bun: "bun add ",
    deno: "deno add npm:"
};

/** What brings a package, in a sentence: "Run npm install x@1." */
export function adviceToAdd(installer: Installer, name: string, version: string): string {
    if (installer === "checkout") return "Run npm ci.";
    if (installer === "archive") {
        return `Make ${name}@${version} a dependency of the app, and unpack it from the archive (asarUnpack).`;
    }
    return `Run ${adding[installer]}${name}@${version}.`;
}

const building: Readonly<Record<Exclude<Installer, "archive">, string>> = {
    npm: "npx rast build",
    "npm -g": "rast build",
    pnpm: "pnpm exec rast build",
    yarn: "yarn rast build",
    "yarn pnp": "yarn rast build",
    bun: "bunx rast build",
    deno: "deno run -A npm:rast-llama/rast build",
    checkout: "npm run setup"
};

/** What makes the addon, in a sentence. */
export function adviceToBuild(installer: Installer): string {
    if (installer === "archive") {
        return "Unpack it from the app's archive: asarUnpack of node_modules/@rast-llama/** and node_modules/rast-llama/**.";
    }
    return `Build it: ${building[installer]}.`;
}

/** Whether a path leads into a ZIP archive, as Yarn keeps packages, from which the system opens nothing. */
export function isZipped(path: string): boolean {
    return path.includes(`.zip${sep}`);
}

/** Whether this is a Linux with musl in the place of glibc. */
export function isMusl(program = process.execPath, platform: string = process.platform): boolean {
    if (platform !== "linux") return false;
    // The loader that a program names stands near its beginning.
    const start = Buffer.alloc(4096);
    try {
        const file = openSync(program, "r");
        try {
            readSync(file, start, 0, start.length, 0);
        } finally {
            closeSync(file);
        }
    } catch {
        return false;
    }
    return start.includes("/ld-musl-");
}
