import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RastError } from "./errors.js";

declare const __webpack_require__: unknown;

interface Manifest {
    readonly name?: string;
    readonly version: string;
    readonly optionalDependencies: Readonly<Record<string, string>>;
}

let known: { readonly root: string; readonly manifest: Manifest } | undefined;

/**
 * The folder of this package, wherever compiled or source files lie below it.
 * @throws ERR_BUNDLED where this file has become part of another package
 */
export function packageRoot(): string {
    // webpack leaves paths of the machine that it runs on, where all may seem well
    if (typeof __webpack_require__ !== "undefined") throw bundled("webpack");
    return (known ??= findPackage(import.meta.url)).root;
}

/** @param module URL of this file; what bundlers leave of it may be anything */
export function findPackage(module: unknown): NonNullable<typeof known> {
    if (typeof module !== "string" || !module.startsWith("file:")) throw bundled(String(module));
    for (let folder = dirname(fileURLToPath(module)); ; folder = dirname(folder)) {
        const file = join(folder, "package.json");
        if (existsSync(file)) {
            const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
            if (manifest.name !== "rast-llama") throw bundled(folder);
            return { root: folder, manifest };
        }
        if (folder === dirname(folder)) throw bundled(fileURLToPath(module));
    }
}

function bundled(place: string): RastError {
    return new RastError(
        "ERR_BUNDLED",
        "rast-llama has become part of a bundle, and its addon, libraries and child processes are not beside it any more. " +
            'Keep it out: esbuild --external:rast-llama; webpack externals: { "rast-llama": "node-commonjs rast-llama" }; ' +
            'Vite build.rollupOptions.external: ["rast-llama"].',
        { details: { place } }
    );
}

/**
 * Where a file of this package can be opened by the system: packagers put what is not to be read from an archive beside
 * it, below "NAME.asar.unpacked". The path itself where there is no such file.
 */
export function unpackedPath(path: string): string {
    // A folder may have such a name, too.
    for (const { index } of path.matchAll(/\.asar(?=[\\/])/g)) {
        const end = index + ".asar".length;
        const unpacked = `${path.slice(0, end)}.unpacked${path.slice(end)}`;
        if (existsSync(unpacked)) return unpacked;
    }
    return path;
}

/** Version of this package, e.g. "0.1.0". */
export function packageVersion(): string {
    return manifest().version;
}

/** Packages with builds of llama.cpp, for all platforms, and the version of each that the addon was made for. */
export function llamaPackages(): Readonly<Record<string, string>> {
    const { optionalDependencies } = manifest();
    return Object.fromEntries(
        Object.entries(optionalDependencies).filter(([name]) => name.startsWith("@node-llama-cpp/"))
    );
}

function manifest(): Manifest {
    packageRoot();
    return known!.manifest;
}
