// npm leaves a platform's package out of the lock when the registry that it asks doesn't hold it, and `npm ci` then
// refuses the lock. Adds the entries that the lock's own optionalDependencies name: after each `npm install` that
// changed package-lock.json.
import { readFileSync, writeFileSync } from "node:fs";

const operatingSystems = { mac: "darwin", darwin: "darwin", win: "win32", win32: "win32" };
const architectures = ["x64", "arm64", "ia32", "riscv64", "ppc64", "loong64", "s390x", "arm"];

/** os, cpu and libc as the names of platform packages give them: "@rollup/rollup-linux-x64-musl". */
function platformOf(name) {
    const words = name
        .split("/")[1]
        .replace(/^rollup-/, "")
        .split("-");
    const cpu = architectures.find((each) => words[1]?.startsWith(each));
    if (cpu === undefined) return undefined;
    const platform = { cpu: [cpu], optional: true, os: [operatingSystems[words[0]] ?? words[0]] };
    if (words[0] === "linux" && words.at(-1).startsWith("musl")) platform.libc = ["musl"];
    else if (words[0] === "linux" && words.at(-1).startsWith("gnu")) platform.libc = ["glibc"];
    return platform;
}

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const added = [];
for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
        const target = `node_modules/${name}`;
        const platform = name.startsWith("@") ? platformOf(name) : undefined;
        if (lock.packages[target] !== undefined || platform === undefined) continue;
        lock.packages[target] = { version, ...(entry.dev ? { dev: true } : {}), ...platform };
        added.push(`${name}@${version} for ${path}`);
    }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 4)}\n`);
process.stdout.write(added.map((line) => `${line}\n`).join(""));
