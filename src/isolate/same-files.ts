// Whether an engine that is started anew would be the one that it was.
import { shortenMiddle } from "../checks.js";
import { RastError } from "../errors.js";
import type { NativeEngineConfig, NativeEngineInfo } from "../native/addon-types.js";
import type { EngineProcess } from "./engine-process.js";

/**
 * Proves by fingerprints that models and adapters are those that the engine was loaded with: a file that was replaced meanwhile would
 * be other text under the same name.
 * @throws ERR_MODEL_LOAD naming the file; what a file that is missing or damaged gives
 */
export async function assertSameFiles(process: EngineProcess, config: NativeEngineConfig): Promise<void> {
    const models = [config.base, ...config.pairs.flatMap(({ expert, antiexpert }) => [expert, antiexpert])];
    const checks = new Map<string, () => Promise<void>>();
    for (const { path, fingerprint, adapters } of models) {
        checks.set(path, async () => {
            if ((await process.call("inspectModel", path)).fingerprint !== fingerprint) throw replaced("model", path);
        });
        for (const adapter of adapters) {
            checks.set(JSON.stringify([adapter.path, path]), async () => {
                const now = await process.call("inspectAdapter", adapter.path, path);
                if (now.fingerprint !== adapter.fingerprint) throw replaced("adapter", adapter.path);
            });
        }
    }
    const outcomes = await Promise.allSettled([...checks.values()].map((check) => check()));
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
}

function replaced(what: string, path: string): RastError {
    return changed(`the ${what} ${shortenMiddle(path)} has been replaced`, { path });
}

/**
 * Prompts, limits and templates were made for the engine as it was first loaded.
 * @throws ERR_MODEL_LOAD
 */
export function assertSameEngine(now: NativeEngineInfo, before: NativeEngineInfo): void {
    const facts = (info: NativeEngineInfo): readonly unknown[] => [
        info.vocabularySize,
        info.drawableTokens,
        info.contextSize,
        info.bosToken,
        info.eosToken,
        info.addBos,
        info.chatTemplate,
        info.pairs.length
    ];
    const [old, young] = [facts(before), facts(now)];
    if (old.every((fact, index) => fact === young[index])) return;
    throw changed("vocabulary, context or chat template are others", {});
}

function changed(how: string, details: Readonly<Record<string, unknown>>): RastError {
    const message = `The model files are not those that the engine was loaded with: ${how}. Dispose of it and load it again.`;
    return new RastError("ERR_MODEL_LOAD", message, { details });
}
