import { existsSync, readdirSync } from "node:fs";
import { basename, isAbsolute, join, resolve } from "node:path";
import { RastError } from "../errors.js";
import { llamaPackages, packageRoot } from "../package-root.js";
import type { NativeBackendOutcome, NativeLibraryPaths } from "./addon-types.js";
import { explain } from "./driver-advice.js";
import { adviceToAdd, installerOf, isMusl, isZipped, type Installer } from "./installation.js";
import { findPackages, localBuild, packageFolder as installedPackage, type LocalBuild } from "./llama-packages.js";
import { llamaRelease } from "./llama-release.js";

/** The kinds of backend that can be asked for with the environment variable RAST_BACKEND. */
export const backendKinds = ["cpu", "cuda", "vulkan", "metal"] as const;
/**
 * A kind of backend.
 * @useDeclaredType
 */
export type BackendKind = (typeof backendKinds)[number];

/** A GPU backend that was looked at, and what came of it. */
export interface BackendAttempt {
    /** What was looked for. */
    readonly kind: BackendKind;
    /** The package or folder it was looked for in. */
    readonly source: string;
    /** What came of it. */
    readonly outcome: "used" | "no device" | "not loaded" | "not installed" | "not asked for";
    /** One sentence. */
    readonly reason: string;
    /** Libraries of the system that are missing, where that is the reason. */
    readonly missing?: readonly string[] | undefined;
    /** What to install or do, in sentences, where that is known. */
    readonly install?: string | undefined;
}

/** Which backend runs, and why. */
export interface BackendChoice {
    /** The one in use. */
    readonly backend: BackendKind;
    /** One sentence. */
    readonly reason: string;
    /** All that were looked at, in order. */
    readonly attempts: readonly BackendAttempt[];
}

/** A library of a GPU backend that may be loaded beside the CPU's. */
export interface BackendCandidate {
    readonly kind: BackendKind;
    readonly source: string;
    /** Absolute path of the library; undefined when the package is not installed. */
    readonly path: string | undefined;
}

/** What was found on disk. */
export interface FoundLibraries {
    readonly core: Omit<NativeLibraryPaths, "backends" | "cpu" | "patienceMs">;
    /** In order of preference. */
    readonly candidates: readonly BackendCandidate[];
    /** What came of a build that node-llama-cpp made here. */
    readonly localBuild?: BackendAttempt;
}

/** What one process found, for the next with the same environment. */
export interface KnownLibraries {
    readonly found: FoundLibraries;
    /** The best CPU library; "" where it is not known. */
    readonly cpu: string;
    /** What came to nothing and need not be tried again. */
    readonly vain: readonly { readonly attempt: BackendAttempt; readonly outcome: NativeBackendOutcome }[];
}

/** Where a platform package keeps its builds, a folder for each, or undefined when it is not installed. */
export type PackageFolder = (name: string) => Promise<string | undefined>;

interface Platform {
    /** node-llama-cpp's name of the platform without a GPU, e.g. "linux-x64". */
    readonly name: string;
    readonly gpus: readonly { readonly kind: BackendKind; readonly suffixes: readonly string[] }[];
    readonly library: (name: string) => RegExp;
}

function platformOf(platform: string, arch: string): Platform {
    const cuda = { kind: "cuda", suffixes: ["-cuda", "-cuda-ext"] } as const;
    const vulkan = { kind: "vulkan", suffixes: ["-vulkan"] } as const;
    if (platform === "darwin") {
        return {
            name: arch === "arm64" ? "mac-arm64-metal" : "mac-x64",
            // Metal lies in the plain package
            gpus: arch === "arm64" ? [{ kind: "metal", suffixes: [""] }] : [],
            library: (name) => new RegExp(`^lib${name}(\\.[\\w.-]+)?\\.dylib$`)
        };
    }
    if (platform === "win32") {
        return {
            name: `win-${arch}`,
            gpus: arch === "x64" ? [cuda, vulkan] : [],
            library: (name) => new RegExp(`^(lib)?${name}(\\.[\\w.-]+)?\\.dll$`)
        };
    }
    return {
        name: `linux-${arch === "arm" ? "armv7l" : arch}`,
        gpus: arch === "x64" ? [cuda, vulkan] : arch === "arm64" ? [vulkan] : [],
        library: (name) => new RegExp(`^lib${name}(\\.[\\w.-]+)?\\.so$`)
    };
}

function list(folder: string): string[] {
    try {
        return readdirSync(folder);
    } catch {
        return [];
    }
}

function fileIn(folder: string, pattern: RegExp): string | undefined {
    const name = list(folder).find((entry) => pattern.test(entry));
    return name === undefined ? undefined : join(folder, name);
}

// A package holds one folder per build; a variant for other drivers keeps its libraries in "fallback".
function libraryFolders(binsFolder: string): string[] {
    return list(binsFolder)
        .map((name) => join(binsFolder, name))
        .flatMap((folder) => [folder, join(folder, "fallback")]);
}

function coreIn(folder: string, platform: Platform): FoundLibraries["core"] | undefined {
    const find = (name: string): string | undefined => fileIn(folder, platform.library(name));
    const ggmlBase = find("ggml-base");
    const ggml = find("ggml");
    const llama = find("llama");
    if (ggmlBase === undefined || ggml === undefined || llama === undefined) return undefined;
    return { ggmlBase, ggml, llama, cpuFolder: folder };
}

// All libraries from one folder, as a build of llama.cpp with loadable backends leaves them.
function librariesIn(folder: string, platform: Platform, name: string): FoundLibraries {
    const core = coreIn(folder, platform);
    if (core === undefined) {
        const names = ["ggml-base", "ggml", "llama"];
        const missing = names.filter((name) => fileIn(folder, platform.library(name)) === undefined);
        const lacks = missing.map((name) => `lib${name}`).join(", ");
        throw new RastError(
            "ERR_LIBRARIES",
            `${name} ${folder}, which ${existsSync(folder) ? `lacks ${lacks}` : "does not exist"}.`,
            { details: { folder, missing } }
        );
    }
    const kinds = ["cuda", "vulkan", "metal"] as const;
    return {
        core,
        candidates: kinds.map((kind) => ({
            kind,
            source: folder,
            path: fileIn(folder, platform.library(`ggml-${kind}`))
        }))
    };
}

/**
 * Finds llama.cpp's libraries.
 * @param override a folder that holds all of them (the environment variable RAST_LIBRARIES)
 * @param ownBuild what node-llama-cpp built here; the environment variable RAST_LOCAL_BUILD=0 leaves it out
 * @throws ERR_LIBRARIES when there are none for this platform
 */
export async function findLibraries(
    packageFolder: PackageFolder = installedPackage,
    override: string | undefined = process.env["RAST_LIBRARIES"],
    system: { platform: string; arch: string } = process,
    ownBuild: LocalBuild | undefined = process.env["RAST_LOCAL_BUILD"] === "0" ? undefined : localBuild()
): Promise<FoundLibraries> {
    const platform = platformOf(system.platform, system.arch);
    if (override !== undefined && override !== "") {
        return librariesIn(resolve(override), platform, "RAST_LIBRARIES names");
    }
    const packaged = await librariesOfPackages(packageFolder, platform);
    if (ownBuild === undefined) return packaged ?? notInstalled(platform, system);

    const { folder, release, gpu } = ownBuild;
    const attempt = { kind: gpu === false ? "cpu" : gpu, source: folder } as const;
    const what = `a build by node-llama-cpp of llama.cpp ${release}`;
    if (release !== llamaRelease) {
        const reason = `${what}; the addon was made for ${llamaRelease}`;
        return { ...(packaged ?? notInstalled(platform, system)), localBuild: { ...attempt, outcome: "not loaded", reason } };
    }
    if (packaged !== undefined && !isWanted(ownBuild, packaged)) {
        const reason = `${what}; RAST_BACKEND or the packages' GPU libraries come before it`;
        return { ...packaged, localBuild: { ...attempt, outcome: "not asked for", reason } };
    }
    const own = librariesIn(folder, platform, "node-llama-cpp's last build is");
    return { ...own, localBuild: { ...attempt, outcome: "used", reason: what } };
}

// One for a GPU was made because its owner wanted that; one for the CPU must not take the GPU away.
function isWanted({ gpu }: LocalBuild, { candidates }: FoundLibraries): boolean {
    const wanted = wantedBackend();
    if (gpu !== false) return wanted === "auto" || wanted === gpu;
    return wanted === "cpu" || (wanted === "auto" && candidates.every(({ path }) => path === undefined));
}

async function librariesOfPackages(
    packageFolder: PackageFolder,
    platform: Platform
): Promise<FoundLibraries | undefined> {
    const candidates: BackendCandidate[] = [];
    let core: FoundLibraries["core"] | undefined;
    const plain = await packageFolder(`@node-llama-cpp/${platform.name}`);
    if (plain !== undefined) core = firstOf(libraryFolders(plain), (folder) => coreIn(folder, platform));
    for (const gpu of platform.gpus) {
        for (const suffix of gpu.suffixes) {
            const name = `@node-llama-cpp/${platform.name}${suffix}`;
            const folder = await packageFolder(name);
            const folders = folder === undefined ? [] : libraryFolders(folder);
            core ??= firstOf(folders, (one) => coreIn(one, platform));
            const path = firstOf(folders, (one) => fileIn(one, platform.library(`ggml-${gpu.kind}`)));
            candidates.push({ kind: gpu.kind, source: name, path });
        }
    }
    return core === undefined ? undefined : { core, candidates };
}

/** Why there are no libraries, and what brings them in the way this package was installed. */
function notInstalled(platform: Platform, { platform: os, arch }: { platform: string; arch: string }): never {
    const name = `@node-llama-cpp/${platform.name}`;
    const wanted = llamaPackages()[name];
    const details = { package: name };
    const orOwn = `Build llama.cpp ${llamaRelease} as shared libraries, and name their folder in RAST_LIBRARIES.`;
    const isKnown = wanted !== undefined && ["linux", "darwin", "win32"].includes(os);
    if (!isKnown || (os === "linux" && isMusl())) {
        const why = isKnown ? "a Linux with musl instead of glibc" : `${os}-${arch}`;
        throw new RastError("ERR_LIBRARIES", `There is no package with llama.cpp for ${why}. ${orOwn}`, { details });
    }
    const advice = adviceToAdd(installerOf(packageRoot()), name, wanted);
    const found = findPackages(name);
    const zipped = found.find(({ folder }) => isZipped(folder));
    const other = found.find(({ version }) => version !== wanted);
    const state =
        zipped !== undefined
            ? `is in a ZIP archive, from which nothing can be loaded: set dependenciesMeta["${name}"].unplugged`
            : other !== undefined
              ? `is there in version ${other.version}; this package needs ${wanted}`
              : `is not installed${whyMissing(installerOf(packageRoot()))}`;
    throw new RastError("ERR_LIBRARIES", `llama.cpp's libraries are missing: ${name} ${state}. ${advice}`, { details });
}

/**
 * What explains that none of this platform's packages is there, in words that follow "is not installed".
 * @param isFound whether a package is installed
 */
export function whyMissing(
    installer: Installer,
    isFound: (name: string) => boolean = (name) => findPackages(name).length > 0
): string {
    const others = Object.keys(llamaPackages()).filter(isFound);
    if (others.length > 0) return `, and ${others[0]!} is: node_modules was made on another platform`;
    const leavingOut: Partial<Record<Installer, string>> = {
        npm: "--omit=optional",
        "npm -g": "--omit=optional",
        checkout: "--omit=optional",
        pnpm: "--no-optional",
        yarn: "--ignore-optional",
        bun: "--omit=optional"
    };
    const flag = leavingOut[installer];
    return flag === undefined ? "" : `, nor any other optional package, as with ${flag}`;
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
    for (const item of items) {
        const found = find(item);
        if (found !== undefined) return found;
    }
    return undefined;
}

/**
 * What RAST_BACKEND asks for.
 * @throws ERR_INVALID_OPTION for a word it does not know
 */
export function wantedBackend(value: string | undefined = process.env["RAST_BACKEND"]): BackendKind | "auto" {
    if (value === undefined || value === "" || value === "auto") return "auto";
    const kind = backendKinds.find((one) => one === value.toLowerCase());
    if (kind === undefined) {
        throw new RastError(
            "ERR_INVALID_OPTION",
            `Expected auto, ${backendKinds.join(", ")} for RAST_BACKEND, received "${value}".`,
            { details: { option: "RAST_BACKEND", value } }
        );
    }
    return kind;
}

/** Splits candidates into those to load and those not asked for. */
export function candidatesFor(
    wanted: BackendKind | "auto",
    candidates: readonly BackendCandidate[]
): { readonly load: readonly BackendCandidate[]; readonly attempts: readonly BackendAttempt[] } {
    const load: BackendCandidate[] = [];
    const attempts: BackendAttempt[] = [];
    for (const candidate of candidates) {
        const { kind, source, path } = candidate;
        if (wanted !== "auto" && wanted !== kind) {
            const reason = `RAST_BACKEND asks for ${wanted}`;
            attempts.push({ kind, source, outcome: "not asked for", reason });
        } else if (path === undefined) {
            const reason = isAbsolute(source)
                ? `${source} holds no libggml-${kind}`
                : `${source} is not installed`;
            attempts.push({ kind, source, outcome: "not installed", reason });
        } else {
            load.push(candidate);
        }
    }
    return { load, attempts };
}

/** What loading one candidate came to, in words. */
export function attemptOf({ kind, source }: BackendCandidate, outcome: NativeBackendOutcome): BackendAttempt {
    const { path, loaded, devices } = outcome;
    if (!loaded || devices === 0) return { kind, source, ...explain(kind, outcome) };
    const reason = `${basename(path)} loaded and found ${devices} ${devices === 1 ? "device" : "devices"}`;
    return { kind, source, outcome: "used", reason };
}
