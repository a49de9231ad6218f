// Where the addon of this platform lies: built here, packed with this package, or in a package of the platform's own.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RastError } from "../errors.js";
import { packageRoot, packageVersion, unpackedPath } from "../package-root.js";
import { adviceToAdd, adviceToBuild, installerOf, isMusl, isZipped } from "./installation.js";
import { findPackages, type FoundPackage } from "./llama-packages.js";

/** The platforms that a release has a package for. */
export const releasedPlatforms: readonly string[] = [
    "linux-x64",
    "linux-arm64",
    "win32-x64",
    "win32-arm64",
    "darwin-arm64",
    "darwin-x64"
];

/** This platform as packages are named for it, e.g. "linux-x64"; with musl for glibc "linux-x64-musl". */
export function platformName(
    system: { readonly platform: string; readonly arch: string } = process,
    hasMusl: () => boolean = isMusl
): string {
    return `${system.platform}-${system.arch}${system.platform === "linux" && hasMusl() ? "-musl" : ""}`;
}

/** What is looked at; replaced in tests. */
export interface Surroundings {
    readonly root: string;
    readonly version: string;
    readonly platform: string;
    readonly exists: (path: string) => boolean;
    readonly packages: (name: string) => readonly FoundPackage[];
}

const here = (): Surroundings => ({
    root: packageRoot(),
    version: packageVersion(),
    platform: platformName(),
    exists: existsSync,
    packages: findPackages
});

/**
 * The addon's file: of the first of these places that has one, a build made here, `prebuilds` of this package, the platform's
 * package in this package's own version.
 * @throws ERR_ADDON_MISSING that names what is missing and what brings it
 */
export function addonFile({ root, version, platform, exists, packages }: Surroundings = here()): string {
    const name = `@rast-llama/${platform}`;
    const found = packages(name);
    const fitting = found.find((one) => one.version === version && !isZipped(one.folder));
    const places = [
        join(root, "build", "Release", "rast.node"),
        join(root, "prebuilds", platform, "rast.node"),
        ...(fitting === undefined ? [] : [join(fitting.folder, "rast.node")])
    ].map(unpackedPath);
    const file = places.find(exists);
    if (file !== undefined) return file;

    const installer = installerOf(root);
    const build = adviceToBuild(installer);
    const details = { places, package: name };
    if (!releasedPlatforms.includes(platform)) {
        throw new RastError("ERR_ADDON_MISSING", `There is no addon for ${platform}. ${build}`, { details });
    }
    throw new RastError(
        "ERR_ADDON_MISSING",
        `There is no addon for ${platform}: ${stateOf(name, version, found, fitting)}. ` +
            `${adviceToAdd(installer, name, version)} ${orBuild(build)}`,
        { details }
    );
}

function stateOf(
    name: string,
    version: string,
    found: readonly FoundPackage[],
    fitting: FoundPackage | undefined
): string {
    if (fitting !== undefined) return `${name} has lost its file rast.node`;
    const other = found.find((one) => one.version !== version);
    if (other !== undefined) return `${name} is there in version ${other.version}; this package needs ${version}`;
    if (found.length > 0) return `${name} is in a ZIP archive, from which nothing can be loaded (unplug it)`;
    return `${name} is not installed`;
}

const orBuild = (advice: string): string => `Or ${advice.charAt(0).toLowerCase()}${advice.slice(1)}`;
