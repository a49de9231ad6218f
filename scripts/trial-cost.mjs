// What trying an unknown model in a child process costs, and what a load costs once it is known:
//   node scripts/trial-cost.mjs [FILE.gguf ...]
// Without files: the demo's base under another name.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(fileURLToPath(import.meta.url), "..", "..");
const { loadRast } = await import("../dist/index.js");
const folder = mkdtempSync(join(tmpdir(), "rast-trial-cost-"));

async function seconds(base, tryModels) {
    const start = performance.now();
    await (await loadRast({ base, tryModels, contextSize: 512, speculation: "off" })).dispose();
    return (performance.now() - start) / 1000;
}

function otherDemo() {
    const bytes = readFileSync(join(root, "models", "demo", "demo-base.gguf"));
    const path = join(folder, "other.gguf");
    bytes[bytes.length - 5] ^= 1;
    writeFileSync(path, bytes);
    return path;
}

const files = process.argv.length > 2 ? process.argv.slice(2) : [otherDemo()];
try {
    console.log(
        "| file | MiB | load, not tried (s) | with the trial (s) | known (s) |\n| --- | ---: | ---: | ---: | ---: |"
    );
    for (const [index, file] of files.entries()) {
        process.env.RAST_CACHE = join(folder, String(index));
        await seconds(file, false); // pages, and llama.cpp's libraries
        const times = [await seconds(file, false), await seconds(file, true), await seconds(file, true)];
        const mib = Math.round(statSync(file).size / 2 ** 20);
        console.log(`| ${file.replace(/.*[\\/]/, "")} | ${mib} | ${times.map((t) => t.toFixed(2)).join(" | ")} |`);
    }
} finally {
    rmSync(folder, { recursive: true, force: true });
}
