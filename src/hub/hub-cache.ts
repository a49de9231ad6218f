import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { hubHome } from "./hub-settings.js";
import type { HubFile, HubRepository } from "./hub-path.js";

type Environment = Readonly<NodeJS.ProcessEnv>;

/**
 * Where Hugging Face's own programs have a file of the hub, whole: they rename a download when it is.
 * @returns undefined where it is not there; never throws
 */
export async function inHubCache(file: HubFile, env: Environment = process.env): Promise<string | undefined> {
    const folder = await snapshotInHubCache(file, env);
    if (folder === undefined) return undefined;
    const path = join(folder, ...file.path.split("/"));
    return (await isFile(path)) ? path : undefined;
}

/** The folder in which they have files of a repository at its revision. @returns undefined where there is none */
export async function snapshotInHubCache(
    { repository, revision }: HubRepository,
    env: Environment = process.env
): Promise<string | undefined> {
    const set = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
    const cache = set("HF_HUB_CACHE") ?? set("HUGGINGFACE_HUB_CACHE") ?? join(hubHome(env), "hub");
    const folder = join(cache, `models--${repository.replaceAll("/", "--")}`);
    const named = /^[0-9a-f]{40}$/.test(revision)
        ? revision
        : await readFile(join(folder, "refs", ...revision.split("/")), "utf8").catch(() => "");
    const commit = named.trim();
    if (!/^[0-9a-f]{40}$/.test(commit)) return undefined;
    const snapshot = join(folder, "snapshots", commit);
    return (await stat(snapshot).catch(() => undefined))?.isDirectory() === true ? snapshot : undefined;
}

async function isFile(path: string): Promise<boolean> {
    const facts = await stat(path).catch(() => undefined);
    return facts !== undefined && facts.isFile() && facts.size > 0;
}
