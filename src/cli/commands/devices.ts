import { loadNative } from "../../native/binding.js";
import { formatBytes } from "../output.js";

/** `rast devices`: what llama.cpp runs on here, and why. */
export async function runDevices(options: { json?: boolean }): Promise<void> {
    const { addon, libraries, choice } = await loadNative();
    const devices = await addon.devices();
    const build = addon.buildInfo();
    if (options.json === true) {
        const report = {
            backend: choice.backend,
            reason: choice.reason,
            attempts: choice.attempts,
            devices,
            libraries,
            build
        };
        process.stdout.write(`${JSON.stringify(report)}\n`);
        return;
    }
    const lines = [
        `backend  ${choice.backend}: ${choice.reason}`,
        ...choice.attempts.map(({ kind, outcome, reason }) => `  ${kind.padEnd(7)}${outcome}: ${reason}`),
        "devices",
        ...devices.map(({ name, type, description, memoryFreeBytes, memoryTotalBytes }) => {
            const memory =
                memoryTotalBytes > 0
                    ? `, ${formatBytes(memoryFreeBytes)} free of ${formatBytes(memoryTotalBytes)}`
                    : "";
            return `  ${name.padEnd(9)}${type}, ${description}${memory}`;
        }),
        `llama.cpp ${build.llamaTag}, ggml ${libraries.ggmlVersion} (${libraries.ggmlCommit}), addon ${build.addonVersion}`
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
}
