// A CUDA toolkit out of NVIDIA's Python packages: the compiler, the headers and the libraries that a backend is linked to.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Misuse, lastWords, run, say } from "../gpu-check/running.mjs";

/** The packages, each at a version of CUDA 13.0: drivers of its first release run what it makes. */
export const packages = [
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-cuda-cccl==13.0.85",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cublas==13.0.2.14"
];

/**
 * Installs the packages into a folder of their own, unless they are there.
 * @param {string} folder to make
 * @returns {Promise<string>} the toolkit's folder
 * @throws Misuse without pip, or without these packages for this platform
 */
export async function toolkitIn(folder) {
    const toolkit = join(folder, "nvidia", "cu13");
    const stamp = join(folder, "packages.txt");
    const wanted = `${packages.join("\n")}\n`;
    if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return toolkit;
    say("fetching the CUDA toolkit's packages (530 MB)");
    rmSync(folder, { recursive: true, force: true });
    const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"];
    const result = await run("python3", [...args, "--no-deps", "--target", folder, ...packages]);
    if (result.code !== 0) throw new Misuse(`the CUDA toolkit cannot be installed by pip: ${lastWords(result)}`);
    writeFileSync(stamp, wanted);
    return toolkit;
}
