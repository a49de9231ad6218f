// Checks (or with --write makes) the format of the C++ sources.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const generated = join(root, "native", "llama", "include");

function sources(folder) {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (path === generated) return [];
        return entry.isDirectory() ? sources(path) : /\.(cpp|h|c)$/.test(entry.name) ? [path] : [];
    });
}

const mode = process.argv.includes("--write") ? ["-i"] : ["--dry-run", "-Werror"];
const result = spawnSync("clang-format", [...mode, ...sources(join(root, "native"))], { cwd: root, stdio: "inherit" });
if (result.error) process.stderr.write("clang-format is missing: install it (apt-get install clang-format).\n");
process.exitCode = result.status ?? 1;
