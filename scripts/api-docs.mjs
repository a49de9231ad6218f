// The API reference, docs/api, from the docstrings of src/index.ts (README.md) and src/server/index.ts (server.md):
// node scripts/api-docs.mjs [--check]
//
// --check writes nothing and ends with 1 where docs/api lags behind. What is exported and has no docstring, or speaks of a type
// that is not exported, fails both. TypeDoc is installed here on demand, in a folder of its own: 24 MB that a fresh clone which
// only wants `npm run demo` need not wait for. TypeScript comes from the package's own dependencies.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "scripts", "api-docs");
const stamp = join(folder, "node_modules", ".lock-hash");
const target = join(root, "docs", "api");

function run(command, args, cwd, options = {}) {
    const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit", ...options });
    if (error !== undefined) throw error;
    if (status !== 0) process.exit(status ?? 1);
}

function install() {
    const lock = createHash("sha256")
        .update(readFileSync(join(folder, "package-lock.json")))
        .digest("hex");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
    process.stderr.write("Installing TypeDoc\n");
    // Without its peer TypeScript, which is there already.
    const args = ["ci", "--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"];
    run("npm", args, folder, { shell: process.platform === "win32" });
    writeFileSync(stamp, lock);
}

/** A page for each of the package's entries. */
function generate(out) {
    typedoc("typedoc.json", out);
    const aside = mkdtempSync(join(tmpdir(), "rast-api-server-"));
    try {
        typedoc("typedoc.server.json", aside);
        copyFileSync(join(aside, "README.md"), join(out, "server.md"));
    } finally {
        rmSync(aside, { recursive: true, force: true });
    }
}

function typedoc(options, out) {
    const command = join(folder, "node_modules", "typedoc", "bin", "typedoc");
    run(process.execPath, [command, "--options", join(folder, options), "--out", out, "--logLevel", "Warn"], folder);
}

function contents(of) {
    if (!existsSync(of)) return new Map();
    const files = readdirSync(of, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return new Map(
        files.map(({ parentPath, name }) => {
            const path = join(parentPath, name);
            return [path.slice(of.length + 1), readFileSync(path, "utf8").replaceAll("\r\n", "\n")];
        })
    );
}

install();
if (process.argv.includes("--check")) {
    const fresh = mkdtempSync(join(tmpdir(), "rast-api-"));
    try {
        generate(fresh);
        const [wanted, there] = [contents(fresh), contents(target)];
        const names = [...new Set([...wanted.keys(), ...there.keys()])];
        const lagging = names.filter((name) => wanted.get(name) !== there.get(name));
        if (lagging.length > 0) {
            process.stderr.write(`docs/api lags behind the docstrings (${lagging.join(", ")}): npm run docs\n`);
            process.exitCode = 1;
        }
    } finally {
        rmSync(fresh, { recursive: true, force: true });
    }
} else {
    generate(target);
}
