// Headers of model files that are not here: the first bytes of a file, as many as it takes.
import { basename } from "node:path";
import { RastError } from "../errors.js";
import type { Hub } from "../hub/hub.js";
import { parseHubPath, type HubFile } from "../hub/hub-path.js";
import type { NativeAddon, NativeDistantFile, NativeModelFacts } from "../native/addon-types.js";

/** Tokenizers take most of a header: 6 MB of Qwen's, 8 MB of Llama 3's, 20 MB of Gemma's. */
const firstBytes = 8 * 1_048_576;
const mostBytes = 128 * 1_048_576;
const mostParts = 64;

/**
 * What a model on a hub says of itself, read over ranges: some megabytes of each of its parts.
 * @param source "hf:owner/repository/file.gguf"
 * @throws ERR_INVALID_ARGUMENT for what is no such file, ERR_MODEL_INVALID, ERR_NOT_GGUF, ERR_HUB_UNREACHABLE, ERR_HUB_ACCESS,
 *     ERR_HUB_NOT_FOUND, ERR_HUB_ANSWER
 */
export async function distantFacts(
    addon: Pick<NativeAddon, "inspectHeaders">,
    hub: Pick<Hub, "facts" | "bytes">,
    source: string,
    signal?: AbortSignal
): Promise<NativeModelFacts> {
    const first = parseHubPath(source);
    if (first.path === "") {
        throw new RastError(
            "ERR_INVALID_ARGUMENT",
            `Expected the file of a model, hf:owner/repository/file.gguf, received ${source}.`
        );
    }
    const start = await headerOf(addon, hub, first, signal);
    const names = start.facts.files.slice(1, mostParts);
    if (start.facts.files.length === 1) return start.facts;
    const others: NativeDistantFile[] = [];
    for (const name of names) {
        const path = first.path.slice(0, first.path.length - basename(first.path).length) + basename(name);
        others.push(await partOf(hub, { ...first, path }, firstBytes, signal));
    }
    const all = await addon.inspectHeaders([start.part, ...others]);
    if (all === null) throw tooLong(first);
    return all;
}

async function headerOf(
    addon: Pick<NativeAddon, "inspectHeaders">,
    hub: Pick<Hub, "facts" | "bytes">,
    file: HubFile,
    signal: AbortSignal | undefined
): Promise<{ readonly facts: NativeModelFacts; readonly part: NativeDistantFile }> {
    const said = await hub.facts(file, signal);
    let start = Buffer.alloc(0);
    for (let wanted = firstBytes; ; wanted *= 4) {
        const end = Math.min(wanted, mostBytes, said.bytes);
        start = Buffer.concat([start, await hub.bytes(said, { start: start.length, end }, signal)]);
        const part = { name: file.path, start, fileBytes: said.bytes };
        const facts = await addon.inspectHeaders([part]);
        if (facts !== null) return { facts, part };
        if (end === said.bytes || end >= mostBytes) throw tooLong(file);
    }
}

async function partOf(
    hub: Pick<Hub, "facts" | "bytes">,
    file: HubFile,
    bytes: number,
    signal: AbortSignal | undefined
): Promise<NativeDistantFile> {
    const said = await hub.facts(file, signal);
    const start = await hub.bytes(said, { start: 0, end: Math.min(bytes, said.bytes) }, signal);
    return { name: file.path, start, fileBytes: said.bytes };
}

function tooLong({ repository, path }: HubFile): RastError {
    return new RastError(
        "ERR_MODEL_INVALID",
        `The header of ${path} in ${repository} is damaged, or longer than any model's.`,
        {
            details: { repository, path }
        }
    );
}
