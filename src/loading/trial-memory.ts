import { isObject } from "../checks.js";
import { CacheFiles } from "../machine/cache-files.js";

/** What a trial of a model came to, where it says something about the model. */
export type TrialResult =
    | { readonly outcome: "fine" }
    /** llama.cpp ended the process: by which signal or code, and its last words. */
    | { readonly outcome: "died"; readonly how: string; readonly words: string };

const recordVersion = 1;

/** Remembers trials over processes, and in this one where there is no folder. */
export class TrialMemory {
    readonly #files: CacheFiles;
    readonly #salt: string;
    readonly #known = new Map<string, TrialResult>();

    /**
     * @param folder made when something is written; undefined = this process alone remembers
     * @param versions of all that the result depends on beside the model
     */
    constructor(folder: string | undefined, versions: readonly string[]) {
        this.#files = new CacheFiles(folder);
        this.#salt = JSON.stringify(versions);
    }

    /** @param fingerprint of the model */
    async recall(fingerprint: string): Promise<TrialResult | undefined> {
        return this.#known.get(fingerprint) ?? parse(await this.#files.read(this.#key(fingerprint)), fingerprint);
    }

    async remember(fingerprint: string, result: TrialResult): Promise<void> {
        this.#known.set(fingerprint, result);
        await this.#files.write(this.#key(fingerprint), { version: recordVersion, fingerprint, ...result });
    }

    #key(fingerprint: string): string {
        return `${fingerprint} ${this.#salt}`;
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
