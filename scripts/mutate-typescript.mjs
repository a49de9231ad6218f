// Mutation testing of the TypeScript layer with StrykerJS: node scripts/mutate-typescript.mjs [--mutate FILES] [more of Stryker's options]
//
// Stryker is installed here on demand, in a folder of its own: it is 110 packages and 64 MB, which a fresh clone that only
// wants `npm run demo` need not wait for. vitest and esbuild come from the package's own. What was found is kept in
// build/mutation/incremental.json, and a further run tries only what has changed. Exit code 1 below 80 %.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "test", "mutations", "typescript");
const stamp = join(folder, "node_modules", ".lock-hash");
const lock = createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");

function run(command, args, cwd, options = {}) {
    const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit", ...options });
    if (error !== undefined) throw error;
    return status ?? 1;
}

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
    process.stderr.write("Installing StrykerJS\n");
    const status = run("npm", ["ci", "--ignore-scripts"], folder, { shell: process.platform === "win32" });
    if (status !== 0) process.exit(status);
    writeFileSync(stamp, lock);
}
const stryker = join(folder, "node_modules", "@stryker-mutator", "core", "bin", "stryker.js");
const config = join("test", "mutations", "typescript", "stryker.config.mjs");
process.exitCode = run(process.execPath, [stryker, "run", config, ...process.argv.slice(2)], root);
