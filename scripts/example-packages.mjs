// What the examples are checked and tested with (examples/package.json), installed when it is first wanted: neither `npm run demo`
// nor the package itself should wait for it. rast-llama is this checkout there. Does only what has changed since the last time.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "examples");
const packages = join(folder, "node_modules");
const stampFile = join(packages, ".stamp");
const stamp = createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");

if (!existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
    // Electron's install script would fetch Electron itself; its types are wanted alone.
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    const options = { cwd: folder, encoding: "utf8", shell: process.platform === "win32" };
    const { status, stdout, stderr, error } = spawnSync("npm", args, options);
    if (status !== 0) {
        process.stderr.write(
            `The examples' packages cannot be installed.\n${stdout}${stderr}${error?.message ?? ""}\n`
        );
        process.exit(1);
    }
    symlinkSync(root, join(packages, "rast-llama"), "junction");
    writeFileSync(stampFile, stamp);
}
