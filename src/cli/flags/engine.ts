// Everything that an engine is loaded with: what a command that loads one takes as it is.
import type { LoadOptions } from "../../loading/load-options.js";
import { readFlags, type Typed } from "../flag.js";
import { isolationFlags } from "./isolation.js";
import { chooseModels, modelFlags, strengthFlags } from "./models.js";
import { drawingFlags, placementFlags, placementOf, readSpeculation } from "./placement.js";

export const engineFlags = {
    ...modelFlags,
    ...strengthFlags,
    ...placementFlags,
    ...drawingFlags,
    ...isolationFlags
};

/** Options of `loadRast` from what was typed. @throws ERR_INVALID_OPTION */
export async function readEngineFlags(typed: Typed): Promise<LoadOptions> {
    const placement = readFlags(placementFlags, typed);
    const shared = Object.entries(placement).filter(([name]) => !name.includes("."));
    return {
        ...(await chooseModels(readFlags(modelFlags, typed), {
            base: placementOf("base", placement),
            expert: placementOf("expert", placement),
            antiexpert: placementOf("antiexpert", placement)
        })),
        ...readFlags({ ...strengthFlags, sampler: drawingFlags.sampler, ...isolationFlags }, typed),
        ...readSpeculation(typed),
        ...(Object.fromEntries(shared) as Omit<typeof placement, `${string}.${string}`>)
    };
}
