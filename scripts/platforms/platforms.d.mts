/** What linking for a platform must have come to. */
export interface Linked {
    readonly format: "ELF" | "PE" | "MACHO";
    /** As LIEF names it. */
    readonly machine: string;
    /** All that may be needed. */
    readonly libraries: readonly RegExp[];
    /** The newest version of each family of symbols. */
    readonly versions?: Readonly<Record<string, string>>;
    readonly minimumSystem?: string;
    readonly signed?: boolean;
}

/** One that a release has an addon for. */
export interface Platform {
    /** Of its folder in prebuilds and of its package. */
    readonly name: string;
    /** As package.json says it; so are cpu and libc. */
    readonly os: string;
    readonly cpu: string;
    readonly libc?: "glibc" | "musl";
    /** What Zig compiles for. */
    readonly target: string;
    /** CMake's words. */
    readonly system: string;
    readonly processor: string;
    readonly linked: Linked;
}

/** What is built for a platform and goes into its package. */
export interface Artifact {
    readonly file: string;
    /** Of CMake. */
    readonly target: string;
    /** Where CMake leaves it, in the folder of the build. */
    readonly built: string;
    /** All that it may export. */
    readonly exports: readonly string[];
    /** What the program around it has. */
    readonly imports: readonly string[];
    /** More would be a mistake. */
    readonly maximumBytes: number;
}

export const platforms: readonly Platform[];
export function artifactsOf(platform?: Platform): readonly Artifact[];
/** Names of the functions of Node-API up to a level. */
export function nodeApiOf(level: number): string[];
/** @throws when no platform has that name */
export function platformNamed(name: string): Platform;
