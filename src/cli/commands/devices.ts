import type { CommandCall, CommandDeclaration } from "../command.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import { readFlags, switchFlag } from "../flag.js";
import { formatBytes } from "../output.js";

const flags = { json: switchFlag("--json", "print one JSON object; errors as JSON, too") };

/** `rast devices`: what llama.cpp runs on here, and why. */
export const devices: CommandDeclaration = {
    name: "devices",
    description: "list backends and devices, and say what was loaded and why",
    flags,
    run
};

async function run({ io, typed }: CommandCall): Promise<ExitCode> {
    const { loadNative } = await import("../../native/binding.js");
    const { addon, libraries, choice } = await loadNative();
    const found = await addon.devices();
    const build = addon.buildInfo();
    const { attempts } = choice;
    if (readFlags(flags, typed).json === true) {
        const { backend, reason } = choice;
        io.stdout.write(`${JSON.stringify({ backend, reason, attempts, devices: found, libraries, build })}\n`);
        return exitCodes.ok;
    }
    const lines = [
        `backend  ${choice.backend}: ${choice.reason}`,
        // Several packages of a kind may fail alike.
        ...new Set(
            attempts.map(({ kind, outcome, reason, install }) => {
                const advice = install === undefined ? "" : `. ${install}`;
                return `  ${kind.padEnd(7)}${outcome}: ${reason}${advice}`;
            })
        ),
        "devices",
        ...found.map(({ name, type, description, memoryFreeBytes, memoryTotalBytes }) => {
            const memory =
                memoryTotalBytes > 0
                    ? `, ${formatBytes(memoryFreeBytes)} free of ${formatBytes(memoryTotalBytes)}`
                    : "";
            return `  ${name.padEnd(9)}${type}, ${description}${memory}`;
        }),
        `llama.cpp ${build.llamaTag}, ggml ${libraries.ggmlVersion} (${libraries.ggmlCommit}), addon ${build.addonVersion}`
    ];
    io.stdout.write(`${lines.join("\n")}\n`);
    return exitCodes.ok;
}
