import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RastError } from "./errors.js";

/** The folder of this package, wherever compiled or source files lie below it. */
export function packageRoot(): string {
    for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
        if (existsSync(join(folder, "package.json"))) return folder;
        if (folder === dirname(folder)) throw new RastError("ERR_INTERNAL", "The package has no package.json.");
    }
}

/**
 * Where a file of this package can be opened by the system: packagers put what is not to be read from an archive beside
 * it, below "NAME.asar.unpacked". The path itself where there is no such file.
 */
export function unpackedPath(path: string): string {
    const unpacked = path.replace(/\.asar(?=[\\/])/, ".asar.unpacked");
    return existsSync(unpacked) ? unpacked : path;
}

/** Version of this package, e.g. "0.1.0". */
export function packageVersion(): string {
    return manifest().version;
}

/** The version that this package asks for of one it depends on. */
export function dependencyVersion(name: string): string {
    return manifest().dependencies[name] ?? "";
}

function manifest(): { readonly version: string; readonly dependencies: Readonly<Record<string, string>> } {
    return JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as ReturnType<typeof manifest>;
}
