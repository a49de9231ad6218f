// Which files of a repository a checkpoint is: its tensors, and what says how they are meant.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { isObject } from "../checks.js";
import { RastError } from "../errors.js";
import type { Hub, OnWait } from "../hub/hub.js";
import { hubPathText, type HubRepository } from "../hub/hub-path.js";

const indexName = "model.safetensors.index.json";
const singleName = "model.safetensors";
/** With these a checkpoint is compared with a graft's template. */
const companions: ReadonlySet<string> = new Set(["config.json", "tokenizer.json", "tokenizer_config.json"]);
const mostShards = 10_000;

/**
 * Files of a checkpoint at a hub.
 * @param onWait told of every wait
 * @returns paths in the repository
 * @throws ERR_HUB_NOT_FOUND where there is none; as `Hub.list`
 */
export async function checkpointFiles(
    hub: Hub,
    repository: HubRepository,
    signal: AbortSignal,
    onWait?: OnWait
): Promise<string[]> {
    const listed = (await hub.list(repository, signal, onWait)).map(({ path }) => path);
    const besides = listed.filter((path) => companions.has(path));
    if (listed.includes(indexName)) {
        const shards = shardsOf(await hub.text({ ...repository, path: indexName }, signal, onWait));
        const lacking = shards?.find((shard) => !listed.includes(shard));
        if (shards !== undefined && lacking === undefined) return [...besides, indexName, ...shards];
        throw nothing(repository, lacking === undefined ? `${indexName} is not valid` : `${lacking} is missing`);
    }
    if (listed.includes(singleName)) return [...besides, singleName];
    throw nothing(repository, `it has neither ${indexName} nor ${singleName}`);
}

/** Whether a folder holds a whole checkpoint. Never throws. */
export async function checkpointIn(folder: string): Promise<boolean> {
    const names = await readdir(folder).catch(() => [] as string[]);
    if (!names.includes("config.json")) return false;
    if (!names.includes(indexName)) return names.includes(singleName) && isFile(join(folder, singleName));
    const shards = shardsOf(await readFile(join(folder, indexName), "utf8").catch(() => ""));
    if (shards === undefined) return false;
    return (await Promise.all(shards.map((shard) => isFile(join(folder, shard))))).every(Boolean);
}

// Names alone: files of theirs go into the checkpoint's folder.
function shardsOf(index: string): string[] | undefined {
    try {
        const content: unknown = JSON.parse(index);
        const map = isObject(content) ? content["weight_map"] : undefined;
        if (!isObject(map)) return undefined;
        const shards = [...new Set(Object.values(map))];
        const fit = shards.every((shard) => typeof shard === "string" && /^[\w.-]+\.safetensors$/.test(shard));
        return fit && shards.length > 0 && shards.length <= mostShards ? (shards as string[]) : undefined;
    } catch {
        return undefined;
    }
}

function nothing(repository: HubRepository, why: string): RastError {
    const name = hubPathText({ ...repository, path: "" });
    return new RastError("ERR_HUB_NOT_FOUND", `${name} is no checkpoint of safetensors: ${why}.`, {
        details: { repository: repository.repository }
    });
}

async function isFile(path: string): Promise<boolean> {
    return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
