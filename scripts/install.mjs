// Runs when the package is installed: uses a prebuilt addon, or compiles one.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const prebuilt = join(root, "prebuilds", `${process.platform}-${process.arch}`, "rast.node");

if (existsSync(join(root, "tsconfig.json"))) {
    // a checkout: npm run demo and npm test do the set-up
} else if (!existsSync(prebuilt)) {
    const { buildNative } = await import("./build-native.mjs");
    const result = buildNative({ quiet: true });
    if (!result.ok) {
        process.stderr.write(`${result.log}${result.line}\n`);
        process.exitCode = 1;
    }
}
