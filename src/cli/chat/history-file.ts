// What was typed in earlier chats, in the folder of settings: a line of JSON for each message.
import { appendFile, chmod, readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "../../machine/make-folder.js";
import { writeWholeFile } from "../../machine/output-file.js";

const mostEntries = 1000;
const mostBytes = 1_048_576;
/** Longer messages are not kept: nobody looks for them by the arrow keys. */
const longestEntry = 10_000;

/** A history that never fails: what cannot be read is empty, what cannot be written is left out. */
export class HistoryFile {
    readonly #path: string | undefined;
    #last = "";

    /** @param path undefined: nothing is read or kept */
    constructor(path: string | undefined) {
        this.#path = path;
    }

    /** The oldest first. A file that has grown too long is shortened. */
    async read(): Promise<string[]> {
        if (this.#path === undefined) return [];
        const facts = await stat(this.#path).catch(() => undefined);
        if (facts?.isFile() !== true || facts.size > 16 * mostBytes) return [];
        const text = await readFile(this.#path, "utf8").catch(() => "");
        const all = text.split("\n").flatMap(readEntry);
        const kept = all.slice(-mostEntries);
        while (kept.length > 0 && sizeOf(kept) > mostBytes) kept.splice(0, Math.ceil(kept.length / 10));
        this.#last = kept.at(-1) ?? "";
        // Not at every start: a tenth more may wait.
        if (all.length > 1.1 * mostEntries || facts.size > 1.1 * mostBytes) await this.#rewrite(kept);
        return kept;
    }

    /** Keeps a message, unless it is the last once more. */
    async add(message: string): Promise<void> {
        if (this.#path === undefined || message === this.#last || message.length > longestEntry) return;
        this.#last = message;
        try {
            await makeFolder(dirname(this.#path));
            // What was asked is nobody else's.
            await appendFile(this.#path, `${JSON.stringify(message)}\n`, { mode: 0o600 });
        } catch {
            // a folder that cannot be written to is no reason to end a chat
        }
    }

    async #rewrite(entries: readonly string[]): Promise<void> {
        try {
            await writeWholeFile(this.#path!, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
            await chmod(this.#path!, 0o600);
        } catch {
            // as it is, then
        }
    }
}

function readEntry(line: string): string[] {
    try {
        const entry: unknown = JSON.parse(line);
        return typeof entry === "string" && entry !== "" ? [entry] : [];
    } catch {
        return [];
    }
}

function sizeOf(entries: readonly string[]): number {
    return entries.reduce((sum, entry) => sum + entry.length + 3, 0);
}
