// The index of a sharded checkpoint: which file has which tensor.
import { shortenMiddle } from "../checks.js";
import { JsonProblem, readBoundedJson, type JsonValue } from "./bounded-json.js";
import { safetensorsError } from "./header.js";
import { Slices } from "./slices.js";

const mostFiles = 4096;

/**
 * The names of an index by their file's name, which is one of the index's own folder.
 * @throws ERR_SAFETENSORS naming the file, and the tensor where it is one
 */
export async function readIndex(json: Uint8Array, file: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const value = await readBoundedJson(json).catch((error: unknown) => {
        if (!(error instanceof JsonProblem)) throw error;
        throw safetensorsError(file, `the index is damaged: ${error.message}`, undefined, error);
    });
    const weights = value instanceof Map ? (value as ReadonlyMap<string, JsonValue>).get("weight_map") : undefined;
    if (!(weights instanceof Map)) throw safetensorsError(file, "the index has no weight_map");
    const out = new Map<string, Set<string>>();
    const slices = new Slices();
    for (const [tensor, shard] of weights as ReadonlyMap<string, JsonValue>) {
        if (typeof shard !== "string") throw safetensorsError(file, "the index names no file", tensor);
        if (!isPlainName(shard)) {
            const what = `the index names ${JSON.stringify(shortenMiddle(shard))}, which is no file of its folder in safetensors format`;
            throw safetensorsError(file, what, tensor);
        }
        const names = out.get(shard) ?? new Set();
        out.set(shard, names.add(tensor));
        if (out.size > mostFiles) throw safetensorsError(file, `the index names more than ${mostFiles} files`);
        if (slices.over()) await slices.next();
    }
    if (out.size === 0) throw safetensorsError(file, "the index names no tensors");
    return out;
}

// Neither a way out of the folder nor a device of Windows.
function isPlainName(name: string): boolean {
    return (
        /^(?!\.)[^/\\:\u0000-\u001f]{1,240}\.safetensors$/.test(name) && !/^(con|prn|aux|nul|com\d|lpt\d)\./i.test(name)
    );
}
