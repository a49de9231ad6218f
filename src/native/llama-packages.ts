// Where the packages with builds of llama.cpp lie, and what node-llama-cpp built itself.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { llamaPackages, packageRoot, unpackedPath } from "../package-root.js";
import { isZipped } from "./installation.js";

/** A package that was found. */
export interface FoundPackage {
    /** Its folder. */
    readonly folder: string;
    readonly version: string;
}

/** Yarn's interface to its own layout, where it is in force. */
interface PlugAndPlay {
    resolveToUnqualified(request: string, issuer: string, options?: object): string | null;
}

function plugAndPlay(): PlugAndPlay | undefined {
    if (process.versions["pnp"] === undefined) return undefined;
    return createRequire(import.meta.url)("pnpapi") as PlugAndPlay;
}

/** The folder of a package as a module in another folder would find it, by its name in node_modules above or by Yarn. */
function folderFrom(folder: string, name: string): string | undefined {
    try {
        const found = plugAndPlay()?.resolveToUnqualified(name, `${folder}/`, { considerBuiltins: false });
        if (typeof found === "string") return found;
    } catch {
        // not among what that package asks for
    }
    const require = createRequire(join(folder, "index.js"));
    const places = (require.resolve.paths(name) ?? []).map((place) => join(place, name));
    return places.find((place) => existsSync(join(place, "package.json"))) ?? folderOfEntry(require, name);
}

// Deno keeps packages in folders of its own, which only its resolver knows.
function folderOfEntry(require: NodeJS.Require, name: string): string | undefined {
    try {
        const folder = dirname(dirname(require.resolve(name)));
        return existsSync(join(folder, "package.json")) ? folder : undefined;
    } catch {
        return undefined;
    }
}

/** Whose packages are looked at, in order: this package's, node-llama-cpp's, those of the program that runs. */
function askers(): string[] {
    const root = packageRoot();
    const nodeLlamaCpp = folderFrom(root, "node-llama-cpp");
    const program = process.argv[1];
    return [
        root,
        ...(nodeLlamaCpp === undefined ? [] : [nodeLlamaCpp]),
        // pnpm may keep packages in a store that is not below the program's folder
        ...(program === undefined ? [] : [dirname(program)])
    ];
}

/** Everywhere that a package is found, whatever its version, the nearest first. */
export function findPackages(name: string): FoundPackage[] {
    const folders = askers().flatMap((asker) => folderFrom(asker, name) ?? []);
    return [...new Set(folders)].flatMap((folder) => {
        try {
            const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as FoundPackage;
            return [{ folder, version }];
        } catch {
            return [];
        }
    });
}

/**
 * Where a package of llama.cpp's builds keeps them, one folder for each, or undefined when it is not there in the version
 * that the addon was made for.
 */
export async function packageFolder(name: string): Promise<string | undefined> {
    const wanted = llamaPackages()[name];
    const found = findPackages(name).find(({ folder, version }) => version === wanted && !isZipped(folder));
    return found === undefined ? undefined : unpackedPath(join(found.folder, "bins"));
}

/** What `npx node-llama-cpp source build` left behind. */
export interface LocalBuild {
    /** Of its libraries. */
    readonly folder: string;
    /** Of llama.cpp, e.g. "v0.5.0". */
    readonly release: string;
    /** false = the CPU alone. */
    readonly gpu: "cuda" | "vulkan" | "metal" | false;
}

/** The last build that node-llama-cpp made on this machine and that was finished, as it keeps them. Never throws. */
export function localBuild(nodeLlamaCpp = folderFrom(packageRoot(), "node-llama-cpp")): LocalBuild | undefined {
    if (nodeLlamaCpp === undefined) return undefined;
    try {
        const llama = unpackedPath(join(nodeLlamaCpp, "llama"));
        const read = (...path: string[]): unknown => JSON.parse(readFileSync(join(llama, ...path), "utf8"));
        const { folderName } = read("lastBuild.json") as { folderName: string };
        if (!existsSync(join(llama, "localBuilds", folderName, "buildDone.status"))) return undefined;
        const { buildOptions } = read("localBuilds", folderName, "Release", "_nlcBuildMetadata.json") as {
            buildOptions: { gpu: LocalBuild["gpu"]; llamaCpp: { release: string } };
        };
        const folder = join(llama, "localBuilds", folderName, "Release");
        return { folder, release: buildOptions.llamaCpp.release, gpu: buildOptions.gpu };
    } catch {
        return undefined;
    }
}
