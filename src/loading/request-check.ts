import { requestCheck } from "../engine/request-check.js";
import { defaultMaxDraft } from "../engine/speculation-options.js";
import { resolveTrio } from "../trio/trio.js";
import { resolveLoadOptions, type LoadOptions } from "./load-options.js";

/**
 * A check of requests to the engine that some options would load.
 * @throws ERR_INVALID_OPTION for options of the load; ERR_UNKNOWN_TRIO, ERR_TRIO_FILE and their kin for the trio
 * @returns throws what is wrong with a request
 */
export async function requestCheckFor(options: LoadOptions): Promise<(request: unknown) => Promise<void>> {
    const resolved = resolveLoadOptions(options);
    const trio = resolved.trio === undefined ? undefined : await resolveTrio(resolved.trio);
    const ownPairs = resolved.expert === undefined ? resolved.pairs.length : 1;
    return requestCheck({
        pairs: trio?.pairs.length ?? ownPairs,
        maxDraft: resolved.speculation.maxDraft ?? defaultMaxDraft
    });
}
