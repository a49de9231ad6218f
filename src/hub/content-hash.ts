import { createHash } from "node:crypto";
import type { HubFileFacts } from "./hub.js";

const pieceBytes = 1_048_576;

/** Something to read pieces of. */
interface Readable {
    readonly size: number;
    read(position: number, length: number): Promise<Buffer>;
}

/** What a file's content comes to, and what it should. */
export interface HashVerdict {
    /** "sha256", "git" for git's own, or "none" where the hub says neither. */
    readonly by: "sha256" | "git" | "none";
    readonly expected: string;
    readonly found: string;
}

/**
 * Hashes a file as the hub does, a piece at a time, so that nothing else has to wait for long.
 * @throws the signal's reason
 */
export async function hashContent(
    file: Readable,
    { sha256, gitSha1 }: Pick<HubFileFacts, "sha256" | "gitSha1">,
    signal: AbortSignal | undefined,
    onProgress: (bytes: number) => void
): Promise<HashVerdict> {
    const by = sha256 !== undefined ? "sha256" : gitSha1 !== undefined ? "git" : "none";
    if (by === "none") return { by, expected: "", found: "" };
    const hash = createHash(by === "sha256" ? "sha256" : "sha1");
    if (by === "git") hash.update(`blob ${file.size}\0`);
    for (let at = 0; at < file.size;) {
        signal?.throwIfAborted();
        const piece = await file.read(at, pieceBytes);
        if (piece.length === 0) break;
        hash.update(piece);
        at += piece.length;
        onProgress(at);
    }
    return { by, expected: (sha256 ?? gitSha1)!, found: hash.digest("hex") };
}
