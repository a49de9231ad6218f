// Which models these are, by their content: what a record must not mix.
import { basename } from "node:path";
import { inspectAdapters } from "../loading/adapters.js";
import { resolveLoadOptions, type LoadOptions } from "../loading/load-options.js";
import { allModels, combineModels, describeRole, type ModelChoice } from "../loading/model-set.js";
import { checkModelFile } from "../models/files.js";
import type { NativeModelFacts } from "../native/addon-types.js";
import { loadNative } from "../native/binding.js";
import { resolveTrio } from "../trio/trio.js";
import type { RecordedModel } from "./record/schema.js";

/** Models of one load, and how large they are. */
export interface Identified {
    readonly models: readonly (RecordedModel & { readonly kind: "base" | "expert" | "antiexpert" })[];
    /** Of all files of weights. */
    readonly bytes: number;
}

/** @param what the only model is, for messages @throws what `loadRast` says of models that cannot be used */
export async function identify(options: LoadOptions, what?: string): Promise<Identified> {
    const resolved = resolveLoadOptions(options);
    const trio = resolved.trio === undefined ? undefined : await resolveTrio(resolved.trio);
    const set = combineModels(resolved, trio);
    const { addon } = await loadNative();
    const facts = new Map<string, NativeModelFacts>();
    for (const model of allModels(set)) {
        if (facts.has(model.path)) continue;
        await checkModelFile(model.path, {
            what: what ?? describeRole(model),
            details: { role: model.role, pair: model.pair }
        });
        facts.set(model.path, await addon.inspectModel(model.path));
    }
    const adapters = await inspectAdapters(addon, set, facts);
    const several = set.pairs.length > 1;
    const one = (model: ModelChoice): Identified["models"][number] => ({
        role: several && model.role !== "base" ? `${model.role} ${model.pair}` : model.role,
        kind: model.role,
        file: basename(model.path),
        fingerprint: facts.get(model.path)!.fingerprint,
        adapters: (adapters.get(model) ?? []).map(({ path, scale, facts: { fingerprint } }) => ({
            file: basename(path),
            sha256: fingerprint,
            scale
        }))
    });
    return {
        models: allModels(set).map(one),
        bytes: [...facts.values()].reduce((sum, { fileBytes }) => sum + fileBytes, 0)
    };
}
