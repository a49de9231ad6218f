// The chat page: one file that scripts/build-page.mjs makes of `page`, and the policy that it is served with.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RastError } from "../errors.js";
import { packageRoot, unpackedPath } from "../package-root.js";

/** What `/` answers with. */
export interface ChatPage {
    /** The whole page: it asks for nothing else but the server's own endpoints. */
    readonly html: string;
    /** Value of the header Content-Security-Policy. */
    readonly csp: string;
}

/** Where the build lies. */
export function chatPageFile(): string {
    return unpackedPath(join(packageRoot(), "dist", "page", "index.html"));
}

/**
 * Reads the page, once for a server.
 * @throws ERR_FILE_NOT_FOUND where this installation has no build of it, ERR_INTERNAL for a build that is none
 */
export async function readChatPage(file: string = chatPageFile()): Promise<ChatPage> {
    const html = await readFile(file, "utf8").catch((error: unknown) => {
        throw new RastError("ERR_FILE_NOT_FOUND", `The chat page is missing from this installation: ${file}`, {
            details: { path: file },
            cause: error
        });
    });
    return { html, csp: policyOf(html) };
}

/**
 * The strictest policy that a page with one script and one style sheet works under: both are named by their hashes, nothing else
 * runs or is loaded, no text becomes markup (trusted types, where a browser has them), nobody frames it.
 * @throws ERR_INTERNAL unless it has one of each
 */
export function policyOf(html: string): string {
    const [script, style] = (["script", "style"] as const).map((tag) => {
        const found = [...html.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, "g"))];
        if (found.length !== 1) {
            throw new RastError("ERR_INTERNAL", `The chat page has ${found.length} elements ${tag}, expected one.`);
        }
        return `'sha256-${createHash("sha256").update(found[0]![1]!).digest("base64")}'`;
    });
    return [
        "default-src 'none'",
        `script-src ${script}`,
        `style-src ${style}`,
        "font-src data:",
        "img-src data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'"
    ].join("; ");
}
