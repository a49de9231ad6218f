import type { Platform } from "./platforms/platforms.mjs";

/** Those that llama.cpp's libraries come for: with musl there are none to load. */
export const released: readonly Platform[];
/**
 * Lays out the packages of a release.
 * @returns the packages' folders, in the order in which they are to be published
 */
export function layOut(folder: string, chosen?: readonly Platform[]): readonly string[];
/** Packages that the compiled files of a folder import and package.json does not bring. */
export function undeclaredImports(
    folder: string,
    manifest: Readonly<Record<"dependencies" | "optionalDependencies", Readonly<Record<string, string>>>>
): readonly string[];
