// Puts the sources, and what they take from ../chat, into dist. rast-llama stays a package beside it: its addon, llama.cpp's
// libraries and the scripts of its child processes are files.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { onePage } from "../chat/one-page.js";

const here = dirname(fileURLToPath(import.meta.url));
/** @satisfies {import("esbuild").BuildOptions} */
const common = { absWorkingDir: here, bundle: true, target: "node20", logLevel: /** @type {const} */ ("warning") };
const outside = ["electron", "rast-llama"];

await Promise.all([
    build({
        ...common,
        entryPoints: ["src/main.ts", "src/engine.ts"],
        outdir: "dist",
        platform: "node",
        format: "esm",
        external: outside
    }),
    // A sandboxed preload script is one file, and CommonJS.
    build({
        ...common,
        entryPoints: ["src/preload.ts"],
        outfile: "dist/preload.cjs",
        platform: "node",
        format: "cjs",
        external: outside
    })
]);
const renderer = await build({
    ...common,
    entryPoints: ["src/renderer.ts"],
    platform: "browser",
    format: "esm",
    write: false
});
mkdirSync(join(here, "dist"), { recursive: true });
writeFileSync(join(here, "dist", "index.html"), onePage(renderer.outputFiles[0]?.text ?? ""));
