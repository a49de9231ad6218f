import { spawn } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../package-root.js";
import { exitCodes } from "../output.js";

/** `rast build`: compiles the addon of this installation. */
export async function runBuild(): Promise<void> {
    const script = join(packageRoot(), "scripts", "build-native.mjs");
    const child = spawn(process.execPath, [script], { stdio: "inherit" });
    const code = await new Promise<number | null>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", resolve);
    });
    process.exitCode = code === 0 ? exitCodes.ok : exitCodes.failure;
    if (code === 0) process.stdout.write("The addon is built.\n");
}
