import { spawn } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../package-root.js";
import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";

/** `rast build`: compiles the addon of this installation. */
export const build: CommandDeclaration = {
    name: "build",
    description: "compile the addon where no prebuilt one fits",
    flags: {},
    run
};

async function run({ io }: CommandCall): Promise<ExitCode> {
    const script = join(packageRoot(), "scripts", "build-native.mjs");
    // The compiler speaks to the terminal itself.
    const child = spawn(process.execPath, [script], { stdio: "inherit" });
    const code = await new Promise<number | null>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", resolve);
    });
    if (code !== 0) return exitCodes.failure;
    io.stdout.write("The addon is built.\n");
    return exitCodes.ok;
}
