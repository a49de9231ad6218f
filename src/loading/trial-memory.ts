import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isObject } from "../checks.js";

/** What a trial of a model came to, where it says something about the model. */
export type TrialResult =
    | { readonly outcome: "fine" }
    /** llama.cpp ended the process: by which signal or code, and its last words. */
    | { readonly outcome: "died"; readonly how: string; readonly words: string };

const recordVersion = 1;
const mostBytes = 65_536;

/**
 * Remembers trials over processes: a small file for each, so that several may write at once. A file that cannot be read,
 * or is damaged, is as good as none; one that cannot be written is not missed.
 */
export class TrialMemory {
    readonly #folder: string;
    readonly #salt: string;
    readonly #known = new Map<string, TrialResult>();

    /**
     * @param folder made when something is written
     * @param versions of all that the result depends on beside the model
     */
    constructor(folder: string, versions: readonly string[]) {
        this.#folder = folder;
        this.#salt = JSON.stringify(versions);
    }

    /** @param fingerprint of the model */
    async recall(fingerprint: string): Promise<TrialResult | undefined> {
        const known = this.#known.get(fingerprint);
        if (known !== undefined) return known;
        const path = this.#path(fingerprint);
        try {
            const facts = await stat(path);
            if (!facts.isFile() || facts.size > mostBytes) return undefined;
            return parse(JSON.parse(await readFile(path, "utf8")), fingerprint);
        } catch {
            return undefined;
        }
    }

    async remember(fingerprint: string, result: TrialResult): Promise<void> {
        this.#known.set(fingerprint, result);
        const path = this.#path(fingerprint);
        const unfinished = `${path}.${randomUUID()}`;
        try {
            await mkdir(this.#folder, { recursive: true });
            await writeFile(unfinished, JSON.stringify({ version: recordVersion, fingerprint, ...result }), {
                flag: "wx"
            });
            await rename(unfinished, path);
        } catch {
            await rm(unfinished, { force: true }).catch(() => {});
        }
    }

    #path(fingerprint: string): string {
        const name = createHash("sha256").update(`${fingerprint} ${this.#salt}`).digest("hex");
        return join(this.#folder, `${name}.json`);
    }
}

function parse(value: unknown, fingerprint: string): TrialResult | undefined {
    if (!isObject(value) || value["version"] !== recordVersion || value["fingerprint"] !== fingerprint)
        return undefined;
    if (value["outcome"] === "fine") return { outcome: "fine" };
    const { how, words } = value;
    if (value["outcome"] !== "died" || typeof how !== "string" || typeof words !== "string") return undefined;
    return { outcome: "died", how, words };
}
