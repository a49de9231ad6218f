import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findLibraries } from "../../src/native/libraries.js";

/** The folder of this checkout. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A file that the build made, wherever the generator put it. */
export function built(name: string): string {
    const found = [join(root, "build", name), join(root, "build", "Release", name)].find((path) => existsSync(path));
    if (found === undefined) throw new Error(`${name} is not built: run node scripts/setup.mjs --tests`);
    return found;
}

/** llama.cpp's libraries as the product finds them. */
export const libraries = await findLibraries();

/** Environment of a process that uses the software Vulkan device. */
export function vulkanEnvironment(...preload: string[]): NodeJS.ProcessEnv {
    return {
        ...process.env,
        // Software devices are passed over unless named.
        GGML_VK_VISIBLE_DEVICES: "0",
        RAST_BACKEND: "vulkan",
        RAST_GGML_BASE: libraries.core.ggmlBase,
        LD_PRELOAD: [built("software_vulkan.so"), ...preload].join(" ")
    };
}

const icdFolders = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
const hasSoftwareDevice =
    process.platform === "linux" &&
    icdFolders.some((folder) => existsSync(folder) && readdirSync(folder).some((name) => name.startsWith("lvp_icd")));

/** The Vulkan library of llama.cpp, when this machine has the software Vulkan device as well. */
export const vulkanLibrary = hasSoftwareDevice
    ? libraries.candidates.find((candidate) => candidate.kind === "vulkan")?.path
    : undefined;

if (vulkanLibrary === undefined && process.env["RAST_REQUIRE_VULKAN"] === "1") {
    throw new Error(
        "The software Vulkan device is missing (mesa-vulkan-drivers, libvulkan1), and RAST_REQUIRE_VULKAN is set"
    );
}

export interface Finished {
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
    readonly ms: number;
}

/** Runs a program to its end. */
export function run(
    command: string,
    args: readonly string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {}
): Promise<Finished> {
    return new Promise((resolve, reject) => {
        const start = Date.now();
        const child = spawn(command, args, { cwd: options.cwd ?? root, env: options.env ?? process.env });
        let stdout = "";
        let stderr = "";
        child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
        child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
        child.on("error", reject);
        child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr, ms: Date.now() - start }));
        child.stdin.on("error", () => {}); // the program may end without reading it
        child.stdin.end(options.input ?? "");
    });
}

/** Where a native test runs. */
export type Place = "CPU" | "Vulkan0";

export const places: readonly Place[] = vulkanLibrary === undefined ? ["CPU"] : ["CPU", "Vulkan0"];

/** Runs one native test and returns its output; throws with the output when it fails. */
export async function nativeTest(
    name: string,
    options: Record<string, string | number> = {},
    place: Place = "CPU"
): Promise<string> {
    const args = [name, "--libraries", libraries.core.cpuFolder, "--device", place];
    if (place !== "CPU") args.push("--backend", vulkanLibrary!);
    for (const [key, value] of Object.entries(options)) args.push(`--${key}`, String(value));
    const env = place === "CPU" ? process.env : vulkanEnvironment();
    const result = await run(built("rast-native-tests"), args, { env });
    if (result.code !== 0 || !/^ok\b/m.test(result.stdout)) {
        throw new Error(`${args.join(" ")}\nexit ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`);
    }
    return result.stdout;
}

/** A number that a native test printed after `label`. */
export function figure(output: string, label: string): number {
    const found = new RegExp(`${label} ([-+.\\de]+)`).exec(output);
    if (found === null) throw new Error(`no "${label}" in: ${output}`);
    return Number(found[1]);
}
