import { isPathSegment, quote } from "../checks.js";
import { RastError } from "../errors.js";

/** A repository of a hub, at a revision. */
export interface HubRepository {
    /** "owner/name". */
    readonly repository: string;
    /** A branch, a tag or a commit. */
    readonly revision: string;
}

/** A file, or a folder, in it. */
export interface HubFile extends HubRepository {
    /** Below the repository, between slashes. */
    readonly path: string;
}

const pattern = /^hf:([\w.-]+\/[\w.-]+)(?:\/([^#?]+))?(?:#([^?]+))?$/;

/**
 * Reads "hf:owner/name/path/of/file.gguf" or "hf:owner/name", either with "#revision" behind it.
 * @returns path "" for a whole repository
 * @throws ERR_INVALID_ARGUMENT
 */
export function parseHubPath(text: string): HubFile {
    const match = pattern.exec(text);
    const path = match?.[2] ?? "";
    // What is downloaded goes to a file of this name below a folder.
    const parts = match === null ? [] : [match[1]!, ...(path === "" ? [] : [path]), match[3] ?? "main"];
    if (match === null || !parts.every(isRelativePath)) {
        throw new RastError(
            "ERR_INVALID_ARGUMENT",
            `Expected hf:owner/repository/file.gguf, received ${quote(text)}.`,
            { details: { source: text } }
        );
    }
    return { repository: match[1]!, path, revision: match[3] ?? "main" };
}

/** Whether every segment between slashes is a name. */
export function isRelativePath(path: string): boolean {
    return path.split("/").every(isPathSegment);
}

/** The way back: "hf:owner/name/file.gguf". */
export function hubPathText({ repository, path, revision }: HubFile): string {
    return `hf:${repository}${path === "" ? "" : `/${path}`}${revision === "main" ? "" : `#${revision}`}`;
}
