import { readFileSync } from "node:fs";
import { absentImports } from "./pe-imports.js";

/** What keeps a library from being loaded. */
export interface MissingLibrary {
    /** The library that is not there, e.g. "libvulkan.so.1"; undefined where the system does not name it. */
    readonly name: string | undefined;
    /** What brings it, in one sentence; undefined where that is not known. */
    readonly install: string | undefined;
}

const remedies: readonly (readonly [RegExp, string])[] = [
    [/^(?:libcuda\.|nvcuda)/i, "Install NVIDIA's driver for the card."],
    [
        /^(?:lib)?(?:cudart|cublas|nvrtc)/i,
        "Install the CUDA toolkit, of the version in the library's name (its runtime and cuBLAS alone will do)."
    ],
    [
        /^(?:libvulkan|vulkan-1)/i,
        "Install the Vulkan loader (Debian, Ubuntu: libvulkan1; Fedora: vulkan-loader; Windows: the card's driver)."
    ],
    [/^(?:vcruntime|msvcp|vcomp)/i, "Install Microsoft's Visual C++ Redistributable."],
    [/^libgomp/i, "Install GCC's OpenMP library (Debian, Ubuntu: libgomp1; Fedora: libgomp)."]
];

/**
 * Asks the system why a library did not load. Windows does not say which one is missing: there the libraries that it imports
 * are looked for.
 * @param load what loads it and throws the system's words
 */
export function missingLibrary(
    path: string,
    load: (path: string) => void = (file) => process.dlopen({ exports: {} }, file),
    platform: NodeJS.Platform = process.platform
): MissingLibrary {
    let words = "";
    try {
        load(path);
    } catch (error) {
        words = error instanceof Error ? error.message : String(error);
    }
    if (words !== "" && platform === "win32") return named(absentImportsOf(path)[0]);
    return missingIn(words);
}

// llama.cpp's own are open already, wherever they lie.
function absentImportsOf(path: string): string[] {
    try {
        return absentImports(path, readFileSync(path)).filter((name) => !/^(?:lib)?(?:ggml|llama)\b/i.test(name));
    } catch {
        return []; // no file that can be read, or none of Windows
    }
}

/** The library that a message of the system's loader lacks. */
export function missingIn(words: string): MissingLibrary {
    // glibc; musl; macOS
    const patterns = [
        /(?:^|\s)([^\s:]+): cannot open shared object file/,
        /Error loading shared library ([^\s:]+):/,
        /Library not loaded: (\S+)/
    ];
    const found = patterns.map((pattern) => pattern.exec(words)?.[1]).find((name) => name !== undefined);
    return named(found?.replace(/^.*[\\/]/, ""));
}

/** What brings a library, in one sentence; undefined where that is not known. */
export function remedyFor(name: string): string | undefined {
    return remedies.find(([pattern]) => pattern.test(name))?.[1];
}

function named(name: string | undefined): MissingLibrary {
    return { name, install: name === undefined ? undefined : remedyFor(name) };
}
