import type { Artifact, Linked } from "./platforms.mjs";

/** What files say of themselves, by LIEF. */
export function factsOf(...files: readonly string[]): readonly unknown[];
/**
 * What is wrong with a library, a line each.
 * @param facts what it says of itself
 * @param ofMusl what musl exports
 */
export function linkFaults(
    file: string,
    linked: Linked,
    artifact: Pick<Artifact, "exports" | "imports" | "maximumBytes">,
    facts?: readonly unknown[],
    ofMusl?: () => ReadonlySet<string>
): string[];
/** Below 0 when a comes before b. */
export function compareVersions(a: string, b: string): number;
