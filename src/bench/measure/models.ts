// The models of an engine, as a record names them.
import { basename } from "node:path";
import type { Rast } from "../../engine/engine.js";
import type { ModelInfo } from "../../engine/info.js";
import type { NativeAddon } from "../../native/addon-types.js";
import type { BenchModel } from "../record/schema.js";

/** The base, then expert and antiexpert of every pair. */
export function modelInfos({ info }: Rast): readonly ModelInfo[] {
    return [info.base, ...info.pairs.flatMap(({ expert, antiexpert }) => [expert, antiexpert])];
}

/** The same for the record, in the same order. */
export async function describeModels(rast: Rast, addon: NativeAddon): Promise<BenchModel[]> {
    return Promise.all(
        modelInfos(rast).map(async (info, index): Promise<BenchModel> => {
            const { description, quantization, parameterCount, vocabularySize } = info;
            return {
                role: index === 0 ? "base" : index % 2 === 1 ? "expert" : "antiexpert",
                pair: index === 0 ? 0 : (index - 1) >> 1,
                file: basename(info.path),
                fileBytes: (await addon.inspectModel(info.path)).fileBytes,
                description,
                quantization,
                parameterCount,
                vocabularySize
            };
        })
    );
}
