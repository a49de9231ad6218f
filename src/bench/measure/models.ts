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
            const { quantization, parameterCount, vocabularySize } = info;
            const { fileBytes, name } = await addon.inspectModel(info.path);
            return {
                role: index === 0 ? "base" : index % 2 === 1 ? "expert" : "antiexpert",
                pair: index === 0 ? 0 : (index - 1) >> 1,
                file: basename(info.path),
                fileBytes,
                name: name === "" ? null : name,
                description: descriptionOf(info),
                quantization,
                parameterCount,
                vocabularySize
            };
        })
    );
}

/**
 * What kind of model it is. llama.cpp knows sizes of published models alone, "?B" of others, and says "(guessed)" where a file does
 * not name its quantization: then it is put together from what the file holds.
 */
export function descriptionOf(
    info: Pick<ModelInfo, "description" | "architecture" | "quantization" | "parameterCount">
): string {
    const { description, architecture, quantization, parameterCount } = info;
    if (!/\?B|\(guessed\)/.test(description)) return description;
    const [count, unit] = parameterCount >= 1e9 ? [parameterCount / 1e9, "B"] : [parameterCount / 1e6, "M"];
    const kind = quantization ?? / (\S+)$/.exec(description.replace("(guessed) ", ""))?.[1] ?? "";
    return `${architecture} ${count.toPrecision(3)}${unit} ${kind}`.trim();
}
