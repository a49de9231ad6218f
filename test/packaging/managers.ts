// Package managers, each installed from npm when it is first wanted, and kept in test/.cache.
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root, run } from "../support/native.js";

const cache = join(root, "test", ".cache");

/** Those that are tested, at versions that docs/install.md names. */
export const versions = {
    pnpm: "12.21.0",
    "@yarnpkg/cli-dist": "4.18.1",
    yarn: "1.22.22",
    bun: "1.4.5",
    deno: "2.9.6"
} as const;

/** What npm is run by. */
export const npmCli = realpathSync(spawnSync("sh", ["-c", "command -v npm"], { encoding: "utf8" }).stdout.trim());

// The program within what was installed. Packages whose install script would put it in place have it in one of its own.
const programs: Readonly<Record<keyof typeof versions, RegExp>> = {
    pnpm: /^@pnpm\/exe\.linux-x64\/pnpm$/,
    "@yarnpkg/cli-dist": /^@yarnpkg\/cli-dist\/bin\/yarn\.js$/,
    yarn: /^yarn\/bin\/yarn\.js$/,
    bun: /^@oven\/bun-linux-x64\/bin\/bun$/,
    deno: /^@deno\/linux-x64-glibc\/deno$/
};

/** The words that a package manager is started with. */
export async function managerOf(name: keyof typeof versions): Promise<readonly string[]> {
    const folder = join(cache, "managers", `${name.replace("/", "+")}@${versions[name]}`);
    const modules = join(folder, "node_modules");
    if (!existsSync(join(modules, ".package-lock.json"))) {
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, "package.json"), '{"private": true}');
        const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", `${name}@${versions[name]}`];
        const result = await run(process.execPath, [npmCli, ...args], { cwd: folder });
        if (result.code !== 0) throw new Error(result.stderr);
    }
    const found = readdirSync(modules, { recursive: true, encoding: "utf8" }).find((file) =>
        programs[name].test(file.replaceAll("\\", "/"))
    );
    const program = join(modules, found!);
    return program.endsWith(".js") ? [process.execPath, program] : [program];
}

/** Environment for all of them: this registry, caches that stay, no questions, and of programs none but these. */
export function managerEnvironment(registry: string, path: string): NodeJS.ProcessEnv {
    const own = (name: string): string => join(cache, "packages", name);
    const clean = Object.entries(process.env).filter(
        ([name]) => !/^(?:npm_|yarn_|pnpm_|bun_|deno_|node_options)/i.test(name)
    );
    return {
        ...Object.fromEntries(clean),
        PATH: path,
        CXX: "",
        CI: "",
        NPM_CONFIG_REGISTRY: registry,
        npm_config_prefer_offline: "true",
        npm_config_audit: "false",
        npm_config_fund: "false",
        npm_config_update_notifier: "false",
        npm_config_store_dir: own("pnpm"),
        pnpm_config_store_dir: own("pnpm"),
        pnpm_config_registry: registry,
        YARN_CACHE_FOLDER: own("yarn"),
        YARN_NPM_REGISTRY_SERVER: registry.replace(/\/$/, ""),
        YARN_UNSAFE_HTTP_WHITELIST: "localhost",
        YARN_ENABLE_TELEMETRY: "0",
        YARN_ENABLE_GLOBAL_CACHE: "true",
        YARN_GLOBAL_FOLDER: own("yarn-global"),
        BUN_INSTALL_CACHE_DIR: own("bun"),
        DENO_DIR: own("deno"),
        DENO_NO_UPDATE_CHECK: "1"
    };
}

/** Takes out of the caches what a registry on this machine was asked for: Deno keeps all of that under the registry's address. */
export function forgetLocalRegistries(): void {
    const npm = join(cache, "packages", "deno", "npm");
    if (!existsSync(npm)) return;
    for (const name of readdirSync(npm)) {
        if (name.startsWith("localhost_")) rmSync(join(npm, name), { recursive: true });
    }
}

/** Whether npm's registry answers. */
export async function reachable(upstream: string): Promise<boolean> {
    try {
        return (await fetch(new URL("commander", upstream), { method: "HEAD", signal: AbortSignal.timeout(15_000) }))
            .ok;
    } catch {
        return false;
    }
}

/** The registry that npm is set to. */
export function upstreamRegistry(): string {
    return spawnSync(process.execPath, [npmCli, "config", "get", "registry"], { encoding: "utf8" }).stdout.trim();
}
