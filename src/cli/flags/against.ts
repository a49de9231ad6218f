// Further models that are held against the first.
import type { LoadOptions } from "../../loading/load-options.js";
import { expandHome, repeatableFlag, under } from "../flag.js";

export const againstFlags = under("Models", {
    against: repeatableFlag(
        "--against <name|file>",
        "further models: a trio, or a GGUF file in place of the base; repeatable",
        (texts) => texts.map(expandHome)
    )
});

/** Whether an `--against` names a file in place of the base. */
export function isModelFile(against: string): boolean {
    return /\.gguf$/i.test(against);
}

/** The models of an `--against`: another trio, or the same models with another base. All else is as it was. */
export function modelsAgainst(first: LoadOptions, against: string): LoadOptions {
    if (isModelFile(against)) {
        const placed = typeof first.base === "object" ? first.base : {};
        return { ...first, base: { ...placed, path: against } };
    }
    const models: LoadOptions = { ...first, trio: against };
    delete models.pairs;
    for (const role of ["base", "expert", "antiexpert"] as const) {
        const given = models[role];
        delete models[role];
        // Where a role runs holds for every trio, which file it is does not.
        if (typeof given !== "object") continue;
        const { device, gpuLayers } = given;
        if (device === undefined && gpuLayers === undefined) continue;
        models[role] = {
            ...(device === undefined ? {} : { device }),
            ...(gpuLayers === undefined ? {} : { gpuLayers })
        };
    }
    return models;
}

/** What models are called in tables: the trio, or the base's file. */
export function nameOfModels({ trio, base }: LoadOptions): string {
    const path = typeof base === "string" ? base : base?.path;
    const file = path === undefined ? undefined : path.split(/[\\/]/).at(-1);
    return trio === undefined ? (file ?? "models") : file === undefined ? trio : `${trio} with ${file}`;
}
