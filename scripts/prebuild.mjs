// Makes prebuilds/<platform>-<arch>/rast.node: the addon for machines without a compiler, C++ runtime linked in.
import { copyFileSync, existsSync, mkdirSync, statSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildNative } from "./build-native.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const result = await buildNative({ portable: true });
if (!result.ok) {
    process.stderr.write(`${result.log}${result.line}\n`);
    process.exit(1);
}
const folder = join(root, "prebuilds", `${process.platform}-${process.arch}`);
const file = join(folder, "rast.node");
mkdirSync(folder, { recursive: true });
// Visual Studio adds a folder for the configuration
const builtFile = ["portable", join("portable", "Release")]
    .map((place) => join(root, "build", place, "rast.node"))
    .find((path) => existsSync(path));
copyFileSync(builtFile, file);
if (process.platform === "linux") spawnSync("strip", ["--strip-unneeded", file]);
process.stdout.write(`${file.slice(root.length + 1)} (${Math.round(statSync(file).size / 1024)} KiB)\n`);
